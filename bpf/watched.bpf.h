/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers whose reads and writes are looked at: those that an object claims which is stale.
 *
 * A watch begins at the close that makes an object stale, and ends when no such object claims the
 * number any more, after WATCH_LOOKS looks, or with the program.
 *
 * Owns: which numbers are watched. Never: looks at an object.
 */
#ifndef FDTRACE_WATCHED_BPF_H
#define FDTRACE_WATCHED_BPF_H

#include "walk.bpf.h"

/* Calls on a number that are looked at. */
#define WATCH_LOOKS    256
/* Standard input, output and error: to give these numbers to another file is what many a program
 * does on purpose, and writes there through the object that has them.
 */
#define WATCH_FD_FIRST 3

static __always_inline void watch_number(const struct target *target, const struct claimed_key *key)
{
	struct target *counted = (struct target *)target;
	struct watched_number fresh = {};
	u32 fd = key->fd;

	if (key->fd < WATCH_FD_FIRST || bpf_map_update_elem(&watched, key, &fresh, BPF_NOEXIST))
		return;
	barrier_var(fd);
	watched_bits[fd & (WATCHED_BITS - 1)] = 1;
	__sync_fetch_and_add(&counted->watches, 1);
	__sync_fetch_and_add(&watching, 1);
}

static __always_inline void end_watch(const struct target *target, const struct claimed_key *key)
{
	struct target *counted = (struct target *)target;

	if (bpf_map_delete_elem(&watched, key))
		return;
	__sync_fetch_and_add(&counted->watches, -1);
	__sync_fetch_and_add(&watching, -1);
}

/* The program is over. Its entries are forgotten by and by. */
static __always_inline void forget_watches(struct target *target)
{
	__sync_fetch_and_add(&watching, -target->watches);
	target->watches = 0;
}

/*
 * What a call on this number is to be reported as: CALL_TRANSFERRED; 0: it is not looked at. A
 * global function: verified by itself.
 */
__attribute__((noinline)) int watched_call(s32 fd)
{
	struct claimed_key key = {.tgid = bpf_get_current_pid_tgid() >> 32, .fd = fd};
	const struct target *target = bpf_map_lookup_elem(&targets, &key.tgid);
	struct watched_number *watch;

	if (!target || !target->watches || target->vfork)
		return 0;
	key.program = target->program;
	watch = bpf_map_lookup_elem(&watched, &key);
	if (!watch)
		return 0;
	if (++watch->looks < WATCH_LOOKS)
		return CALL_TRANSFERRED;
	end_watch(target, &key);
	return 0;
}

#endif
