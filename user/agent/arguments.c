/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/arguments.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>

#include "agent/settings.h"

enum key { KEY_CHECK = 0x100, KEY_PRINT };

static const struct argp_option table[] = {
	{"config", 'c', "FILE", 0,
	 "The configuration, with the files conf.d/*.conf beside it (default: " SETTINGS_FILE ")",
	 0},
	{"set", 's', "SECTION.KEY=VALUE", 0, "One setting, before what the configuration says", 0},
	{"check-config", KEY_CHECK, NULL, 0, "Only say whether the configuration is right", 0},
	{"print-config", KEY_PRINT, NULL, 0, "Only print every setting, with what it is", 0},
	{"verbose", 'v', NULL, 0, "libbpf's log, too", 0},
	{"help", 'h', NULL, 0, "This list", -1},
	{0},
};

static error_t parse_argument(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'c':
		arguments->config = arg;
		return 0;
	case 's':
		if (arguments->setting_count == ARGUMENTS_SETTINGS_MAX) {
			fprintf(stderr, "fdtrace agent: more than %d times --set\n",
				ARGUMENTS_SETTINGS_MAX);
			return EINVAL;
		}
		arguments->settings[arguments->setting_count++] = arg;
		return 0;
	case KEY_CHECK:
		arguments->check = true;
		return 0;
	case KEY_PRINT:
		arguments->print = true;
		return 0;
	case 'v':
		arguments->verbose = true;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
		return ECANCELED;
	case ARGP_KEY_INIT:
		state->err_stream = NULL; /* its hint is said by us, for all errors alike */
		return 0;
	case ARGP_KEY_ARG:
		fprintf(stderr,
			"fdtrace agent: %s: it takes no argument; which processes it "
			"follows says scope.include\n",
			arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	static char name[] = "fdtrace agent";
	static const struct argp argp = {
		table,
		parse_argument,
		NULL,
		"Follows processes all day long and tells of the descriptors that they close twice, "
		"or take from somebody else.\vSIGHUP: read the configuration anew. SIGUSR1: open the "
		"files anew. SIGTERM: end. fdtrace-agent(8) has the settings.",
		NULL,
		NULL,
		NULL};
	int err;

	*ret = (struct arguments){0};
	argv[0] = name; /* what getopt's messages begin with */
	err = argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, ret);
	if (err == ECANCELED)
		return 1;
	if (!err)
		return 0;
	fprintf(stderr, "try fdtrace agent --help\n");
	return -EINVAL;
}
