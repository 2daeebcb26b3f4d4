/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Configuration files, in the INI format.
 *
 * Owns: reading them, in which line something is wrong, and how that is said. Never: knows a
 * setting.
 */
#ifndef FDTRACE_AGENT_SETTINGS_FILE_H
#define FDTRACE_AGENT_SETTINGS_FILE_H

#include "agent/settings.h"

/* Says what is wrong. -EINVAL. */
__attribute__((format(printf, 2, 3))) int settings_fail(struct settings_error *error,
							const char *format, ...);

/* 0; -EINVAL: it is wrong, and error tells why; -ENOMEM. Then no more is read. */
typedef int (*settings_fn)(void *arg, const char *section, const char *name, const char *value,
			   struct settings_error *error);

/* Calls fn for each setting. What fn returned, or negative errno: error tells, with the line. */
int settings_file_read(const char *path, settings_fn fn, void *arg, struct settings_error *error);

/* The same of the files of conf.d beside the file, in the order of their names. */
int settings_folder_read(const char *file, settings_fn fn, void *arg, struct settings_error *error);

#endif
