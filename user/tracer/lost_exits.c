/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/lost_exits.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

#define ROUND_NS 1000000000ull
/* The kernel side lets go of a process just before it writes the record. */
#define SLACK_NS 100000000ull

void lost_exits_init(struct lost_exits *lost_exits, const struct ebpf *ebpf,
		     const struct session *session, record_fn ended, void *arg)
{
	*lost_exits =
		(struct lost_exits){.ebpf = ebpf, .session = session, .ended = ended, .arg = arg};
}

void lost_exits_free(struct lost_exits *lost_exits)
{
	free(TAKE_PTR(lost_exits->gone));
}

static bool is_gone(const struct lost_exits *lost_exits, pid_t pid)
{
	return session_has_process(lost_exits->session, pid) &&
	       !ebpf_program(lost_exits->ebpf, pid);
}

/* Without memory, at the next loss. */
static void find_gone(struct lost_exits *lost_exits, uint64_t now_ns)
{
	size_t count = session_living(lost_exits->session, &lost_exits->gone);

	lost_exits->gaps = session_gaps(lost_exits->session);
	lost_exits->seen_ns = now_ns;
	lost_exits->count = 0;
	for (size_t i = 0; i < count; i++)
		if (is_gone(lost_exits, lost_exits->gone[i]))
			lost_exits->gone[lost_exits->count++] = lost_exits->gone[i];
	if (!lost_exits->count)
		free(TAKE_PTR(lost_exits->gone));
}

int lost_exits_end(const struct lost_exits *lost_exits, pid_t pid, uint64_t now_ns)
{
	struct record_exit record = {0};

	record_own(&record.h, RECORD_EXIT, sizeof(record), pid, now_ns);
	return lost_exits->ended(lost_exits->arg, &record.h);
}

static int let_go(struct lost_exits *lost_exits, uint64_t now_ns)
{
	_cleanup_free_ pid_t *gone = TAKE_PTR(lost_exits->gone);

	int err = 0;

	for (size_t i = 0; i < lost_exits->count && !err; i++)
		if (is_gone(lost_exits, gone[i]))
			err = lost_exits_end(lost_exits, gone[i], now_ns);
	return err;
}

int lost_exits_look(struct lost_exits *lost_exits, uint64_t now_ns, bool more)
{
	if (lost_exits->gone) {
		bool read = !more || session_arrived_ns(lost_exits->session) >=
					     lost_exits->seen_ns + SLACK_NS;

		return read && now_ns >= lost_exits->seen_ns + SLACK_NS ? let_go(lost_exits, now_ns)
									: 0;
	}
	if (lost_exits->gaps != session_gaps(lost_exits->session) &&
	    (!lost_exits->seen_ns || now_ns >= lost_exits->seen_ns + ROUND_NS))
		find_gone(lost_exits, now_ns);
	return 0;
}
