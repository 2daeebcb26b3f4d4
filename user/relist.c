/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "relist.h"

#include <errno.h>

#include "learned.h"
#include "process/facts.h"

#define ROUND_NS 1000000000ull
/* Processes looked at in one go. */
#define AT_ONCE	 16

void relist_init(struct relist *relist, struct probe *probe, const struct session *session,
		 record_fn feed, void *arg)
{
	*relist = (struct relist){.probe = probe, .session = session, .feed = feed, .arg = arg};
}

int relist_tell(struct relist *relist, uint64_t now_ns)
{
	struct record_header record;
	uint64_t lost = probe_lost(relist->probe);

	if (!lost)
		return 0;
	record_own(&record, RECORD_LOST, sizeof(record), 0, now_ns);
	record.seq = lost;
	return relist->feed(relist->arg, &record);
}

static bool may_begin(const struct relist *relist, uint64_t gaps, uint64_t now_ns)
{
	return gaps != relist->gaps && (!relist->begun_ns || now_ns - relist->begun_ns >= ROUND_NS);
}

/* The next process, 0: none for now. */
static pid_t next_process(struct relist *relist, uint64_t now_ns)
{
	uint64_t gaps = session_gaps(relist->session);

	if (!relist->running) {
		if (!may_begin(relist, gaps, now_ns))
			return 0;
		relist->gaps = gaps;
		relist->begun_ns = now_ns;
		relist->at = 0;
	}
	relist->at = probe_next_target(relist->probe, relist->at);
	relist->running = relist->at != 0;
	return relist->at;
}

/*
 * Its fork or exec may be among what was lost: who it is, first. One that has gone meanwhile is
 * left alone: its exit will be recorded.
 */
static int look_at(const struct relist *relist, pid_t pid)
{
	bool known = session_has_process(relist->session, pid);
	int err = learned_process(relist->feed, relist->arg, pid,
				  known ? PROCESS_KNOWN : PROCESS_FROM_ATTACH);

	if (!err)
		err = facts_list(pid, probe_ring_flags(relist->probe), relist->feed, relist->arg);
	return err == -ENOMEM ? err : 0;
}

int relist_look(struct relist *relist, uint64_t now_ns)
{
	for (int i = 0; i < AT_ONCE; i++) {
		pid_t pid = next_process(relist, now_ns);
		int err = pid ? look_at(relist, pid) : 0;

		if (!pid || err)
			return err;
	}
	return 0;
}
