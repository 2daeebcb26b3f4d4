/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Exit codes of every front end, as in the man pages' EXIT STATUS. Pure data. */
#ifndef FDTRACE_BASE_EXIT_CODE_H
#define FDTRACE_BASE_EXIT_CODE_H

/* A COMMAND's own status passes through. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,       /* something failed while tracing */
	EXIT_USAGE = 2,	       /* the command line, or a configuration */
	EXIT_PRIVILEGE = 3,    /* not root, lockdown, a capability is missing */
	EXIT_KERNEL = 4,       /* this kernel lacks what fdtrace needs */
	EXIT_NO_PROCESS = 5,   /* no such process, or it went away before tracing began */
	EXIT_OUTPUT = 6,       /* the output could not be written */
	EXIT_CANNOT_RUN = 126, /* COMMAND was found but cannot be executed */
	EXIT_NOT_FOUND = 127,  /* COMMAND was not found */
	EXIT_SIGNALED = 128,   /* + signal number that ended COMMAND */
};

#endif
