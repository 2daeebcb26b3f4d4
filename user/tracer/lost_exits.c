/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/lost_exits.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

#define ROUND_NS 1000000000ull
/* The kernel side lets go of a process just before it writes the record. */
#define SLACK_NS 100000000ull

void sweep_init(struct sweep *sweep, const struct probe *probe, const struct session *session,
		record_fn ended, void *arg)
{
	*sweep = (struct sweep){.probe = probe, .session = session, .ended = ended, .arg = arg};
}

void sweep_free(struct sweep *sweep)
{
	free(TAKE_PTR(sweep->gone));
}

static bool is_gone(const struct sweep *sweep, pid_t pid)
{
	return session_has_process(sweep->session, pid) && !probe_program(sweep->probe, pid);
}

/* Without memory, at the next loss. */
static void find_gone(struct sweep *sweep, uint64_t now_ns)
{
	size_t count = session_living(sweep->session, &sweep->gone);

	sweep->gaps = session_gaps(sweep->session);
	sweep->seen_ns = now_ns;
	sweep->count = 0;
	for (size_t i = 0; i < count; i++)
		if (is_gone(sweep, sweep->gone[i]))
			sweep->gone[sweep->count++] = sweep->gone[i];
	if (!sweep->count)
		free(TAKE_PTR(sweep->gone));
}

int sweep_end(const struct sweep *sweep, pid_t pid, uint64_t now_ns)
{
	struct record_exit record = {0};

	record_own(&record.h, RECORD_EXIT, sizeof(record), pid, now_ns);
	return sweep->ended(sweep->arg, &record.h);
}

static int let_go(struct sweep *sweep, uint64_t now_ns)
{
	_cleanup_free_ pid_t *gone = TAKE_PTR(sweep->gone);

	int err = 0;

	for (size_t i = 0; i < sweep->count && !err; i++)
		if (is_gone(sweep, gone[i]))
			err = sweep_end(sweep, gone[i], now_ns);
	return err;
}

int sweep_look(struct sweep *sweep, uint64_t now_ns, bool more)
{
	if (sweep->gone) {
		bool read =
			!more || session_arrived_ns(sweep->session) >= sweep->seen_ns + SLACK_NS;

		return read && now_ns >= sweep->seen_ns + SLACK_NS ? let_go(sweep, now_ns) : 0;
	}
	if (sweep->gaps != session_gaps(sweep->session) &&
	    (!sweep->seen_ns || now_ns >= sweep->seen_ns + ROUND_NS))
		find_gone(sweep, now_ns);
	return 0;
}
