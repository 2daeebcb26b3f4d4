/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace replay FILE`: a session fed from a recording instead of the kernel.
 *
 * Owns: what becomes of a recording that is not whole. Never: needs root, a kernel or a clock.
 */
#ifndef FDTRACE_CLI_REPLAY_H
#define FDTRACE_CLI_REPLAY_H

#include "cli/options.h"
#include "source/source_record.h"
#include "session/session.h"

/* Returns the exit status. */
int replay_run(const struct options *options);

/* One record: a source line, or the session's. As session_record(), but none is too foolish. */
int replay_record(struct session *session, struct source_player *sources,
		  const struct record_header *record);

#endif
