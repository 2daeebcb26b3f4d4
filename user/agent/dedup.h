/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What stands between the trace and the agent's outputs: what of a finding was known before, and
 * how much is told in a minute.
 *
 * Owns: whose bug a finding is, what is known of those (known.h), the host's token bucket, and the
 * outputs behind it. An output asks for a permit before it tells a finding; all of them get the
 * same answer for the same finding. Never: drops a finding without counting it.
 */
#ifndef FDTRACE_AGENT_DEDUP_H
#define FDTRACE_AGENT_DEDUP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/known.h"
#include "base/attribute.h"
#include "session/sink.h"

#define DEDUP_SINKS_MAX 4

struct dedup_limits {
	struct known_limits known;
	uint64_t per_minute, burst; /* findings of the host that are told */
	/* Who the process of a finding is: lent until the next call. NULL: its program alone. */
	const struct attributes *(*resource)(void *arg, const struct finding_view *view);
	void *arg;
};

struct dedup;

/* *ret_sink is the caller's, and must go before the rest. 0 or -ENOMEM. */
int dedup_new(const struct dedup_limits *limits, struct dedup **ret_dedup, struct sink **ret_sink);
void dedup_free(struct dedup *dedup);

/* An output, which goes with *ret_sink. 0 or -ENOSPC: too many; then it stays the caller's. */
int dedup_add_sink(struct dedup *dedup, struct sink *sink);

/* For an output: whether the finding that it is just given may be told. dedup: struct dedup. */
bool dedup_permit(void *dedup);

/* What is known. Lent. */
struct known *dedup_known(struct dedup *dedup);

/*
 * Has the outputs tell what they have counted, each known_limits.again_ns, and what was suppressed,
 * at most once a minute. all: what was suppressed at once. now_ns: CLOCK_BOOTTIME. 0 or negative
 * errno.
 */
int dedup_step(struct dedup *dedup, uint64_t now_ns, bool all);

struct dedup_stats {
	uint64_t told[SEEN_STATES];
	uint64_t repeats;    /* findings that were counted with one told before */
	uint64_t suppressed; /* for too much was to be told */
};

void dedup_stats(const struct dedup *dedup, struct dedup_stats *ret);

#endif
