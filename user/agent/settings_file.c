/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/settings_file.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "base/mem.h"

#define CONF_FILES 256 /* of conf.d, at most */

int settings_fail(struct settings_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* What inih hands around while it reads a file. */
struct reading {
	settings_fn fn;
	void *arg;
	struct settings_error *error;
	FILE *file;
	int line; /* read last */
	int failed_line;
	int err;
};

static int on_line_setting(void *user, const char *section, const char *name, const char *value)
{
	struct reading *reading = user;
	struct settings_error why;

	if (reading->err)
		return 1;
	reading->err = reading->fn(reading->arg, section, name, value, &why);
	if (!reading->err)
		return 1;
	reading->failed_line = reading->line;
	snprintf(reading->error->text, sizeof(reading->error->text), "%s", why.text);
	return 0;
}

/* inih would take what does not fit for a line of its own. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reading *reading = stream;
	char *line = fgets(buf, size, reading->file);

	if (!line)
		return NULL;
	reading->line++;
	if (strchr(line, '\n') || feof(reading->file) || reading->err)
		return line;
	reading->failed_line = reading->line;
	reading->err =
		settings_fail(reading->error, "the line is longer than %d characters", size - 2);
	return NULL;
}

int settings_file_read(const char *path, settings_fn fn, void *arg, struct settings_error *error)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct settings_error why;
	struct reading reading = {.fn = fn, .arg = arg, .error = &why, .file = file};
	int line;

	if (!file) {
		int err = -errno;

		settings_fail(error, "cannot read %s: %s", path, strerror(-err));
		return err;
	}
	line = ini_parse_stream(read_line, &reading, on_line_setting, &reading);
	if (ferror(file)) {
		settings_fail(error, "cannot read %s", path);
		return -EIO;
	}
	if (reading.err)
		settings_fail(error, "%s:%d: %s", path, reading.failed_line, why.text);
	else if (line)
		return settings_fail(error, "%s:%d: neither [SECTION] nor KEY = VALUE", path, line);
	return reading.err;
}

static int is_conf(const struct dirent *entry)
{
	return !fnmatch("*.conf", entry->d_name, FNM_PERIOD);
}

int settings_folder_read(const char *file, settings_fn fn, void *arg, struct settings_error *error)
{
	const char *slash = strrchr(file, '/');
	int length = slash ? slash - file + 1 : 0, count, err = 0;
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;

	if ((size_t)snprintf(folder, sizeof(folder), "%.*sconf.d", length, file) >= sizeof(folder))
		return 0;
	count = scandir(folder, &entries, is_conf, alphasort);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		err = -errno;
		settings_fail(error, "cannot read %s: %s", folder, strerror(-err));
		return err;
	}
	if (count > CONF_FILES)
		err = settings_fail(error, "%s has more than %d files", folder, CONF_FILES);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (!err)
			err = settings_file_read(path, fn, arg, error);
		free(entries[i]);
	}
	free(entries);
	return err;
}
