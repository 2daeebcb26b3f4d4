/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * `fdtrace replay FILE`: a session fed from a recording instead of the kernel.
 *
 * Owns: what is reported of a recording that is not whole. Never: needs root, a traced kernel or a
 * clock.
 */
#ifndef FDTRACE_CLI_REPLAY_H
#define FDTRACE_CLI_REPLAY_H

#include "cli/options.h"
#include "source/source_record.h"
#include "session/session.h"

/* Replays options->replay, reports errors to the user, and returns the exit status. */
int replay_run(const struct options *options);

/*
 * Hands on one record: source lines to `sources`, any other to the session. Returns as
 * session_record() does, but 0 for a record that makes no sense (-EINVAL, -ESRCH).
 */
int replay_record(struct session *session, struct source_player *sources,
		  const struct record_header *record);

#endif
