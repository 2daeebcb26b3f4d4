/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/resync.h"

#include <errno.h>

#include "tracer/synthesize.h"
#include "process/facts.h"
#include "process/proc.h"
#include "tracer/table_sharers.h"

#define ROUND_NS 1000000000ull
/* Processes looked at in one go. */
#define AT_ONCE	 16

void relist_init(struct relist *relist, struct probe *probe, const struct session *session,
		 record_fn feed, record_fn ended, void *arg)
{
	*relist = (struct relist){
		.probe = probe, .session = session, .feed = feed, .ended = ended, .arg = arg};
	sweep_init(&relist->sweep, probe, session, ended, arg);
}

void relist_free(struct relist *relist)
{
	sweep_free(&relist->sweep);
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

/* Another process has its number by now. */
static bool is_another(const struct relist *relist, pid_t pid)
{
	uint64_t start_ns;

	return !proc_start_ns(pid, &start_ns) &&
	       !session_process_started(relist->session, pid, start_ns);
}

/*
 * Its fork or exec may be among what was lost: who it is, first. One that has gone meanwhile is
 * left alone: its exit will be recorded.
 */
static int look_at(const struct relist *relist, pid_t pid, uint64_t now_ns)
{
	bool known = session_has_process(relist->session, pid);
	int err;

	if (known && is_another(relist, pid)) {
		err = sweep_end(&relist->sweep, pid, now_ns);
		if (err)
			return err;
		known = false;
	}
	err = learned_process(relist->feed, relist->arg, pid,
			      known ? PROCESS_KNOWN : PROCESS_FROM_ATTACH);

	if (!err)
		err = sharers_look(relist->probe, pid, relist->feed, relist->arg);
	if (!err)
		err = facts_list(pid, probe_ring_flags(relist->probe), relist->feed, relist->arg);
	return err == -ENOMEM ? err : 0;
}

int relist_look(struct relist *relist, uint64_t now_ns, bool more)
{
	for (int i = 0; i < AT_ONCE; i++) {
		pid_t pid = next_process(relist, now_ns);
		int err = pid ? look_at(relist, pid, now_ns) : 0;

		if (err)
			return err;
		if (!pid)
			break;
	}
	return sweep_look(&relist->sweep, now_ns, more);
}
