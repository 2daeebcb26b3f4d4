/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The helper process that reads source lines with the rights of whoever named their file.
 *
 * Owns: its life, and what is asked and answered: nothing leaves it but single lines. Never:
 * believed: an answer is as hostile as the file.
 */
#ifndef FDTRACE_SOURCE_HELPER_H
#define FDTRACE_SOURCE_HELPER_H

#include <limits.h>
#include <sys/types.h>

#include "source/lines.h"

/* What one line is asked for by. The root directory goes beside it. */
struct source_question {
	uint32_t id;
	uint32_t line;
	/* Of two questions that agree in all from here on the second may be answered from memory.
	 */
	uint32_t pid;
	uint32_t round;
	uint64_t start_ns;
	struct source_rights rights;
	char file[PATH_MAX];
};

struct source_answer {
	uint32_t id;   /* of the question; 0: the helper is ready, or not: error */
	int32_t error; /* negative errno */
	uint32_t size; /* of text; 0: nothing may be shown */
	char text[SOURCE_LINE_MAX];
};

/* Starts it. 0: it is ready; *ret_fd, the caller's, is where it is asked. Negative errno. */
int source_helper_start(pid_t *ret_pid, int *ret_fd);

#endif
