/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/resync.h"

#include <errno.h>

#include "tracer/synthesize.h"
#include "process/facts.h"
#include "process/proc.h"
#include "tracer/open_fds.h"
#include "tracer/table_sharers.h"

#define ROUND_NS 1000000000ull
/* Processes looked at in one go. */
#define AT_ONCE	 16

void resync_init(struct resync *resync, struct ebpf *ebpf, const struct session *session,
		 record_fn feed, record_fn ended, void *arg)
{
	*resync = (struct resync){
		.ebpf = ebpf, .session = session, .feed = feed, .ended = ended, .arg = arg};
	lost_exits_init(&resync->lost_exits, ebpf, session, ended, arg);
}

void resync_free(struct resync *resync)
{
	lost_exits_free(&resync->lost_exits);
}

int resync_report(struct resync *resync, uint64_t now_ns)
{
	struct record_header record;
	uint64_t lost = ebpf_lost(resync->ebpf);

	if (!lost)
		return 0;
	record_own(&record, RECORD_LOST, sizeof(record), 0, now_ns);
	record.seq = lost;
	return resync->feed(resync->arg, &record);
}

static bool may_begin(const struct resync *resync, uint64_t gaps, uint64_t now_ns)
{
	return gaps != resync->gaps && (!resync->begun_ns || now_ns - resync->begun_ns >= ROUND_NS);
}

/* The next process, 0: none for now. */
static pid_t next_process(struct resync *resync, uint64_t now_ns)
{
	uint64_t gaps = session_gaps(resync->session);

	if (!resync->running) {
		if (!may_begin(resync, gaps, now_ns))
			return 0;
		resync->gaps = gaps;
		resync->begun_ns = now_ns;
		resync->at = 0;
	}
	resync->at = ebpf_next_target(resync->ebpf, resync->at);
	resync->running = resync->at != 0;
	return resync->at;
}

/* Another process has its number by now. */
static bool is_another(const struct resync *resync, pid_t pid)
{
	uint64_t start_ns;

	return !proc_start_ns(pid, &start_ns) &&
	       !session_process_started(resync->session, pid, start_ns);
}

/*
 * Its fork or exec may be among what was lost: who it is, first. One that has gone meanwhile is
 * left alone: its exit will be recorded.
 */
static int look_at(const struct resync *resync, pid_t pid, uint64_t now_ns)
{
	bool known = session_has_process(resync->session, pid);
	int err;

	if (known && is_another(resync, pid)) {
		err = lost_exits_end(&resync->lost_exits, pid, now_ns);
		if (err)
			return err;
		known = false;
	}
	err = synthesize_process(resync->feed, resync->arg, pid,
				 known ? PROCESS_KNOWN : PROCESS_FROM_ATTACH);

	if (!err)
		err = table_sharers_look(resync->ebpf, pid, resync->feed, resync->arg);
	if (!err)
		err = open_fds_list(resync->ebpf, pid, facts_list, resync->feed, resync->arg);
	return err == -ENOMEM ? err : 0;
}

int resync_look(struct resync *resync, uint64_t now_ns, bool more)
{
	for (int i = 0; i < AT_ONCE; i++) {
		pid_t pid = next_process(resync, now_ns);
		int err = pid ? look_at(resync, pid, now_ns) : 0;

		if (err)
			return err;
		if (!pid)
			break;
	}
	return lost_exits_look(&resync->lost_exits, now_ns, more);
}
