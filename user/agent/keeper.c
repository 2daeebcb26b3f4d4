/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/keeper.h"

#include <time.h>

#include "base/clock.h"

/* To look for what has changed costs something. */
#define STEP_NS UINT64_C(100000000)

static void load_one(void *arg, const struct known_record *record)
{
	/* What cannot be is left out, and what there is no memory for: it will be new. */
	known_load(arg, record);
}

int keeper_load(const struct keeper *keeper)
{
	return spool_load_bugs(keeper->spool, load_one, keeper->known);
}

/* Whether all has been handed over. */
static bool save(struct keeper *keeper, uint64_t now_ns, bool all)
{
	struct known_record record;

	while (spool_takes_bug(keeper->spool)) {
		if (!known_take_unsaved(keeper->known, now_ns, all, &record))
			return true;
		spool_keep_bug(keeper->spool, &record);
	}
	return false;
}

void keeper_step(struct keeper *keeper, uint64_t now_ns)
{
	if (now_ns - keeper->saved_ns < STEP_NS)
		return;
	keeper->saved_ns = now_ns;
	save(keeper, now_ns, false);
}

void keeper_finish(struct keeper *keeper, uint64_t wait_ns)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	uint64_t until_ns = clock_boot_ns() + wait_ns, now_ns;

	do {
		now_ns = clock_boot_ns();
		if (save(keeper, now_ns, true))
			return;
		nanosleep(&moment, NULL);
	} while (now_ns < until_ns);
}
