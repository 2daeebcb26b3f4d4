/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where reports go, and in which form, by the options.
 *
 * Owns: the file of -o, and what is printed and not yet taken. Never: formats a report.
 */
#ifndef FDTRACE_CLI_OUTPUTS_H
#define FDTRACE_CLI_OUTPUTS_H

#include "cli/options.h"
#include "base/writer.h"
#include "source/source.h"
#include "session/sink.h"

struct outputs {
	struct output output;
	int fd;		  /* of -o; -1: standard output or error */
	const char *path; /* likewise, lent; NULL */
};

/* Nothing is open yet. */
#define OUTPUTS_NONE ((struct outputs){.fd = -1})

/*
 * Opens the output, and makes its sink, which is the caller's to add to a session. source: for
 * source lines, lent; NULL: none. Returns an exit status; what failed has been said.
 */
int outputs_open(struct outputs *outputs, const struct options *options,
		 struct source_reader *source, struct sink **ret_sink);
void outputs_close(struct outputs *outputs);

/* Whether the summary is wanted too. */
bool outputs_summary(const struct options *options);

/*
 * Says why the session failed with err, and returns the exit status. goes_on: a COMMAND runs, which
 * is not traced any more.
 */
int outputs_failed(const struct outputs *outputs, int err, bool goes_on);

#endif
