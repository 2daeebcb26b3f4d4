/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/locate.h"

#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
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
static char *look_up(const char *command)
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
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
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

static void each_match(const char *pattern, python_locate_fn fn, void *arg)
{
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		fn(arg, found.gl_pathv[i]);
	globfree(&found);
}

static void program_and_neighbours(const char *file, python_locate_fn fn, void *arg)
{
	_cleanup_free_ char *copy = strdup(file);
	char pattern[PATH_MAX];

	fn(arg, file);
	if (!copy)
		return;
	snprintf(pattern, sizeof(pattern), "%s/../lib/libpython3*.so.1.0", dirname(copy));
	each_match(pattern, fn, arg);
}

void python_locate(const char *command, python_locate_fn fn, void *arg)
{
	_cleanup_free_ char *file = look_up(command);
	char line[SCRIPT_LINE_MAX];
	const char *interpreter;

	if (!file)
		return;
	interpreter = script_interpreter(file, line);
	if (interpreter) {
		_cleanup_free_ char *real = look_up(interpreter);

		if (real)
			program_and_neighbours(real, fn, arg);
	} else {
		program_and_neighbours(file, fn, arg);
	}
}

void python_locate_libraries(python_locate_fn fn, void *arg)
{
	each_match("/usr/lib/*/libpython3*.so.1.0", fn, arg);
	each_match("/usr/local/lib/libpython3*.so.1.0", fn, arg);
}

/* Those with descriptor owners, where they are not part of the Python itself. */
static const char *const modules[] = {"_socket", "select"};

bool python_is_module(int fd)
{
	char path[PATH_MAX];
	const char *slash;

	if (file_path(fd, path))
		return false;
	slash = strrchr(path, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(modules); i++) {
		size_t size = strlen(modules[i]);

		if (!strncmp(slash + 1, modules[i], size) && slash[1 + size] == '.')
			return true;
	}
	return false;
}

/* Of a libpython in DIR: DIR/python3.N/lib-dynload, of a free-threaded one DIR/python3.Nt/…; of
 * DIR/bin/python3: DIR/lib/… */
void python_locate_modules(int python, unsigned int version, python_locate_fn fn, void *arg)
{
	static const char *const places[] = {"", "/../lib"};
	char path[PATH_MAX], pattern[PATH_MAX + 64];
	const char *folder;

	if (file_path(python, path))
		return;
	folder = dirname(path);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		for (size_t j = 0; j < ARRAY_SIZE(modules); j++) {
			snprintf(pattern, sizeof(pattern), "%s%s/python3.%u*/lib-dynload/%s.*.so",
				 folder, places[i], version & 0xff, modules[j]);
			each_match(pattern, fn, arg);
		}
}
