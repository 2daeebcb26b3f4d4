/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers whose reads and writes are looked at: those that an object claims which is stale, or that
 * one keeps.
 *
 * A watch begins at the close that makes an object stale, or at the call that opens a number which
 * another object keeps (kept.bpf.h). It ends when there is no such object any more, after
 * WATCH_LOOKS looks, or with the program.
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
/*
 * Objects that may keep a number are many in some healthy programs, and it is not known of any that
 * it is wrong: looks at them, and at calls on their numbers, are so many at once, and then one in
 * so many ns.
 */
#define KEPT_BURST     256
#define KEPT_EACH_NS   2000000ull

static __always_inline void begin_watch(const struct target *target, const struct claimed_key *key,
					const struct watched_number *fresh)
{
	struct target *counted = (struct target *)target;
	u32 fd = key->fd;

	if (bpf_map_update_elem(&watched, key, fresh, BPF_NOEXIST))
		return;
	barrier_var(fd);
	watched_bits[fd & (WATCHED_BITS - 1)] = 1;
	__sync_fetch_and_add(&counted->watches, 1);
	__sync_fetch_and_add(&watching, 1);
}

/* An object that is stale claims it. */
static __always_inline void watch_number(const struct target *target, const struct claimed_key *key)
{
	struct watched_number fresh = {.stale = 1}, *watch;

	if (key->fd < WATCH_FD_FIRST)
		return;
	watch = bpf_map_lookup_elem(&watched, key);
	if (watch)
		watch->stale = 1;
	else
		begin_watch(target, key, &fresh);
}

/* The object keeps it. */
static __always_inline void watch_kept(const struct target *target, const struct claimed_key *key,
				       u64 keeper)
{
	struct watched_number fresh = {.keeper = keeper}, *watch;

	watch = bpf_map_lookup_elem(&watched, key);
	if (watch)
		watch->keeper = keeper;
	else
		begin_watch(target, key, &fresh);
}

static __always_inline void forget_keeper(const struct claimed_key *key)
{
	struct watched_number *watch = bpf_map_lookup_elem(&watched, key);

	if (watch)
		watch->keeper = 0;
}

/* The object that is known to keep the number; 0: none. */
static __always_inline u64 keeper_of(const struct claimed_key *key)
{
	const struct watched_number *watch = bpf_map_lookup_elem(&watched, key);

	return watch ? watch->keeper : 0;
}

static __always_inline void end_watch(const struct target *target, const struct claimed_key *key)
{
	struct target *counted = (struct target *)target;

	if (bpf_map_delete_elem(&watched, key))
		return;
	__sync_fetch_and_add(&counted->watches, -1);
	__sync_fetch_and_add(&watching, -1);
}

/* No object claims it any more that is stale. */
static __always_inline void end_stale(const struct target *target, const struct claimed_key *key)
{
	struct watched_number *watch = bpf_map_lookup_elem(&watched, key);

	if (watch && watch->keeper)
		watch->stale = 0;
	else
		end_watch(target, key);
}

/* The program is over. Its entries are forgotten by and by. */
static __always_inline void forget_watches(struct target *target)
{
	__sync_fetch_and_add(&watching, -target->watches);
	target->watches = 0;
}

/* An object that may keep a number, or a call on it, is to be looked at. */
static __always_inline bool may_look(const struct target *target)
{
	u64 now = bpf_ktime_get_boot_ns(), next = target->kept_ns;

	if (next + KEPT_BURST * KEPT_EACH_NS < now)
		next = now - KEPT_BURST * KEPT_EACH_NS;
	if (next > now)
		return false;
	((struct target *)target)->kept_ns = next + KEPT_EACH_NS;
	return true;
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
	if (!watch || (!watch->stale && !may_look(target)))
		return 0;
	if (++watch->looks < WATCH_LOOKS)
		return CALL_TRANSFERRED;
	end_watch(target, &key);
	return 0;
}

#endif
