/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The command line of `fdtrace agent`.
 *
 * Owns: parsing it, --help. Never: reads a configuration.
 */
#ifndef FDTRACE_AGENT_ARGUMENTS_H
#define FDTRACE_AGENT_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define ARGUMENTS_SETTINGS_MAX 64

struct arguments {
	const char *config; /* --config; NULL: SETTINGS_FILE of settings.h */
	const char *settings[ARGUMENTS_SETTINGS_MAX]; /* --set, in order */
	size_t setting_count;
	bool check;   /* --check-config */
	bool print;   /* --print-config */
	bool verbose; /* -v */
};

/*
 * argv[0] is "agent". 0: go on. 1: all is said (--help): exit with EXIT_OK. Negative: the error is
 * on stderr: exit with EXIT_USAGE.
 */
int arguments_parse(int argc, char **argv, struct arguments *ret);

#endif
