/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "relist.h"

#define ROUND_NS 1000000000ull

static bool may_begin(const struct relist *relist, uint64_t gaps, uint64_t now_ns)
{
	return gaps != relist->gaps && (!relist->begun_ns || now_ns - relist->begun_ns >= ROUND_NS);
}

pid_t relist_next(struct relist *relist, const struct probe *probe, uint64_t gaps, uint64_t now_ns)
{
	if (!relist->running) {
		if (!may_begin(relist, gaps, now_ns))
			return 0;
		*relist = (struct relist){.gaps = gaps, .begun_ns = now_ns, .running = true};
	}
	relist->at = probe_next_target(probe, relist->at);
	relist->running = relist->at != 0;
	return relist->at;
}
