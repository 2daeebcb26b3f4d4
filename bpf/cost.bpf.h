/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hooks cost the traced processes, in CPU time.
 *
 * Owns: the measure. One call in about sixteen is timed, at a distance that differs so that no
 * regular program is always met in the same of its calls, and counts for all of them.
 * Never: is asked for by fdtrace(8) itself: there it is compiled away.
 */
#ifndef FDTRACE_COST_BPF_H
#define FDTRACE_COST_BPF_H

#include "emit.bpf.h"

const volatile bool count_costs;

/* Between two that are timed: 8 to 23 others. So one counts for 16.5. */
#define COST_GAP_MIN	8
#define COST_GAP_SPREAD 16
#define COST_CALLS	33 /* of two that are timed */
/* What is not timed of each: the way to here and back, and a part of the timing. */
#define COST_OTHER_NS	200
/* In one that takes longer another task has run meanwhile, or the kernel has. */
#define COST_MOST_NS	100000

static __always_inline void cost_begin(void)
{
	struct cpu_counts *c;

	if (!count_costs)
		return;
	c = cpu_counts();
	if (!c)
		return;
	if (c->cost_gap) {
		c->cost_gap--;
		return;
	}
	c->cost_ns = bpf_ktime_get_ns();
	c->cost_gap = COST_GAP_MIN + ((c->cost_ns >> 3) & (COST_GAP_SPREAD - 1));
}

/* Several threads add at once, in no order: one may be lost. */
static __always_inline void cost_end(const struct target *target)
{
	struct cpu_counts *c;
	u64 took;

	if (!count_costs)
		return;
	c = cpu_counts();
	if (!c || !c->cost_ns)
		return;
	took = bpf_ktime_get_ns() - c->cost_ns;
	c->cost_ns = 0;
	if (took > COST_MOST_NS)
		took = COST_MOST_NS;
	((struct target *)target)->cost_ns += (took + COST_OTHER_NS) * COST_CALLS / 2;
}

#endif
