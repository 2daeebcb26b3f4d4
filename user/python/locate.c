/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/locate.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/mem.h"

/* As the kernel's BINPRM_BUF_SIZE: no "#!" line is longer. */
#define SCRIPT_LINE_MAX 256

/* Any other file is better not opened: that of a device may begin something. */
static bool is_program(const char *file)
{
	struct stat st;

	return !stat(file, &st) && S_ISREG(st.st_mode) && !access(file, X_OK);
}

/* The file that a shell would run, or NULL. The caller frees it. */
static char *look_up_command(const char *command)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *dirs = strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *next = dirs, *dir;

	if (strchr(command, '/'))
		return is_program(command) ? realpath(command, NULL) : NULL;
	while (dirs && (dir = strsep(&next, ":"))) {
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%s/%s", *dir ? dir : ".", command);
		if (is_program(file))
			return realpath(file, NULL);
	}
	return NULL;
}

/* The command behind "#! /usr/bin/env python3" or "#! /usr/bin/python3": into line. */
static const char *script_interpreter(const char *file, char line[SCRIPT_LINE_MAX])
{
	_cleanup_close_ int fd = file_open_regular(file);
	ssize_t n = fd >= 0 ? read(fd, line, SCRIPT_LINE_MAX - 1) : -1;
	char *next, *word;

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return NULL;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &next);
	if (!word || strcmp(basename(word), "env"))
		return word;
	do
		word = strtok_r(NULL, " \t", &next);
	while (word && (word[0] == '-' || strchr(word, '=')));
	return word;
}

static void libraries_in(const char *folder, python_locate_fn fn, void *arg)
{
	folder_each(folder, "libpython3", ".so.1.0", fn, arg);
}

static void program_and_neighbours(const char *file, python_locate_fn fn, void *arg)
{
	_cleanup_free_ char *copy = strdup(file);
	char folder[PATH_MAX];

	fn(arg, file);
	if (copy &&
	    snprintf(folder, sizeof(folder), "%s/../lib", dirname(copy)) < (int)sizeof(folder))
		libraries_in(folder, fn, arg);
}

void python_locate(const char *command, python_locate_fn fn, void *arg)
{
	_cleanup_free_ char *file = look_up_command(command);
	char line[SCRIPT_LINE_MAX];
	const char *interpreter;

	if (!file)
		return;
	interpreter = script_interpreter(file, line);
	if (interpreter) {
		_cleanup_free_ char *real = look_up_command(interpreter);

		if (real)
			program_and_neighbours(real, fn, arg);
	} else {
		program_and_neighbours(file, fn, arg);
	}
}

struct receiver {
	python_locate_fn fn;
	void *arg;
};

static void libraries_of_architecture(void *arg, const char *folder)
{
	const struct receiver *receiver = arg;

	libraries_in(folder, receiver->fn, receiver->arg);
}

void python_locate_libraries(python_locate_fn fn, void *arg)
{
	struct receiver receiver = {fn, arg};

	folder_each("/usr/lib", "", "-linux-gnu", libraries_of_architecture, &receiver);
	folder_each("/usr/lib", "", "-linux-musl", libraries_of_architecture, &receiver);
	libraries_in("/usr/local/lib", fn, arg);
}
