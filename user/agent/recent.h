/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The last findings, as JSON, for who asks the agent for them.
 *
 * Owns: so many lines, at most; older ones go. Never: grows beyond RECENT_BYTES.
 */
#ifndef FDTRACE_AGENT_RECENT_H
#define FDTRACE_AGENT_RECENT_H

#include <stdio.h>

#include "report/report.h"

#define RECENT_LINES 100
#define RECENT_BYTES (2u << 20)

struct recent;

/* *ret_sink is the caller's, and must go before the rest. 0 or -ENOMEM. */
int recent_new(const struct json_options *options, struct recent **ret_recent,
	       struct sink **ret_sink);
void recent_free(struct recent *recent);

/* An array of them, oldest first. */
void recent_print(struct recent *recent, FILE *out);

#endif
