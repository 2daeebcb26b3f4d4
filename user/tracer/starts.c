/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/starts.h"

#include <errno.h>

#define ASKED_NS 1000000000ull

void starts_note(struct starts *starts, pid_t pid)
{
	if (starts->count == STARTS_MAX)
		starts->missed = true;
	else
		starts->pids[starts->count++] = pid;
}

/* To ask for what was lost takes some system calls: once in a second is enough. */
static bool starts_were_lost(struct starts *starts, struct ebpf *ebpf, uint64_t now_ns)
{
	uint64_t lost[LOSS_CAUSES], compat;

	if (now_ns - starts->asked_ns < ASKED_NS)
		return false;
	starts->asked_ns = now_ns;
	ebpf_losses(ebpf, lost, &compat);
	if (lost[LOSS_PROCESS] == starts->lost)
		return false;
	starts->lost = lost[LOSS_PROCESS];
	return true;
}

pid_t starts_next(struct starts *starts, struct ebpf *ebpf, uint64_t now_ns)
{
	if (starts_were_lost(starts, ebpf, now_ns) || starts->missed) {
		starts->missed = false;
		starts->count = starts->taken = 0;
		return -EOVERFLOW;
	}
	if (starts->taken < starts->count)
		return starts->pids[starts->taken++];
	starts->count = starts->taken = 0;
	return 0;
}
