/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a hook at a system call's end to what the call was.
 *
 * Owns: where each architecture keeps number, arguments and result, which of them each kind of
 * hook has at hand, and the order of the checks, the cheapest first.
 * Never: keeps state between a call's entry and its end.
 */
#ifndef FDTRACE_SYS_EXIT_BPF_H
#define FDTRACE_SYS_EXIT_BPF_H

#include "cost.bpf.h"
#include "fd_calls.bpf.h"
#include "owner_made.bpf.h"
#include "process.bpf.h"
#include "unseen.bpf.h"

/* What the classic tracepoint hands over (events/raw_syscalls/sys_exit/format). */
struct sys_exit_args {
	u64 common;
	s64 id;
	s64 ret;
};

/* One program each: what on_call and on_far_call go on with. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} whole_call SEC(".maps"), whole_far_call SEC(".maps");

#if defined(__TARGET_ARCH_x86)
/* A global function: verified by itself, see fill_thread(). */
__attribute__((noinline)) int is_compat(void)
{
	return CURRENT(thread_info.status) & TS_COMPAT;
}

/* Of numbers of calls of the x32 ABI, which are else those of 64-bit calls, as far as known. */
#define X32_BIT (1u << 30)

/* READ(from, field): a plain load or a helper, as the pointer is. */
#define READ_CALL(call, from, READ)                               \
	({                                                        \
		(call)->nr = (u32)READ(from, orig_ax) & ~X32_BIT; \
		(call)->args[0] = READ(from, di);                 \
		(call)->args[1] = READ(from, si);                 \
		(call)->args[2] = READ(from, dx);                 \
		(call)->args[3] = READ(from, r10);                \
		(call)->args[4] = READ(from, r8);                 \
		(call)->args[5] = READ(from, r9);                 \
	})

#define READ_COMPAT(call, from, READ)                  \
	({                                             \
		(call)->args[0] = (u32)READ(from, bx); \
		(call)->args[1] = (u32)READ(from, cx); \
		(call)->args[2] = (u32)READ(from, dx); \
		(call)->args[3] = (u32)READ(from, si); \
		(call)->args[4] = (u32)READ(from, di); \
		(call)->args[5] = (u32)READ(from, bp); \
	})

#define NR_COMPAT_SOCKETCALL 102

/* Whether this would concern descriptors if it was a 32-bit call. */
static __always_inline bool concerns_compat(const struct sys_exit *call)
{
	u32 nr = call->nr;

	if (nr >= SYSCALLS_KNOWN)
		return false;
	barrier_var(nr);
	nr = compat_calls[nr & (SYSCALLS_KNOWN - 1)];
	return nr & COMPAT_CONCERNS || (nr && call->ret == -EBADF);
}

/* A call of sockets whose arguments lie in memory; of those that make some, or address them. */
static __noinline bool from_socketcall(struct sys_exit *call)
{
	u32 args[4] = {};

	if (call->ret < 0 || !read_user(args, sizeof(args), call->args[1]))
		return false;
	switch (call->args[0]) {
	case 1:
		call->nr = NR_SOCKET;
		break;
	case 2:
		call->nr = NR_BIND;
		break;
	case 3:
		call->nr = NR_CONNECT;
		break;
	case 4:
		call->nr = NR_LISTEN;
		break;
	case 5:
		call->nr = NR_ACCEPT;
		break;
	case 8:
		call->nr = NR_SOCKETPAIR;
		break;
	case 18:
		call->nr = NR_ACCEPT4;
		break;
	default:
		return false;
	}
	for (u32 i = 0; i < 4; i++)
		call->args[i] = args[i];
	return true;
}

/* A 32-bit call, its arguments read, as the 64-bit one that it is. False: of no interest. */
static __always_inline bool from_compat(struct sys_exit *call)
{
	u32 nr = call->nr;

	call->compat = true;
	if (nr == NR_COMPAT_SOCKETCALL)
		return from_socketcall(call);
	barrier_var(nr);
	nr = compat_calls[nr & (SYSCALLS_KNOWN - 1)] & COMPAT_NATIVE;
	call->nr = nr - 1;
	return nr && call->nr < SYSCALLS_KNOWN && classify(call);
}
#elif defined(__TARGET_ARCH_arm64)
#define TIF_32BIT 22

/* A global function: verified by itself, see fill_thread(). */
__attribute__((noinline)) int is_compat(void)
{
	return !!(CURRENT(thread_info.flags) & (1ul << TIF_32BIT));
}

#define READ_CALL(call, from, READ)                    \
	({                                             \
		(call)->nr = READ(from, syscallno);    \
		(call)->args[0] = READ(from, orig_x0); \
		(call)->args[1] = READ(from, regs[1]); \
		(call)->args[2] = READ(from, regs[2]); \
		(call)->args[3] = READ(from, regs[3]); \
		(call)->args[4] = READ(from, regs[4]); \
		(call)->args[5] = READ(from, regs[5]); \
	})

#define READ_COMPAT(call, from, READ) ((void)(from))

/* AArch32's close(), dup2(), dup3() and close_range(): which is all that is known of its calls. */
static __always_inline bool concerns_compat(const struct sys_exit *call)
{
	return call->nr == 6 || call->nr == 63 || call->nr == 358 || call->nr == 436;
}

static __always_inline bool from_compat(struct sys_exit *call)
{
	if (concerns_compat(call)) {
		count_compat();
		tell_unseen(CURRENT(files), UNSEEN_COMPAT);
	}
	return false;
}
#endif

#define LOAD(pointer, field) ((pointer)->field)

static __always_inline const struct target *current_target(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&targets, &tgid);
}

/* Whether an owner may show at its end: enum owner_call. */
static __always_inline u8 shows_owner(const struct sys_exit *call)
{
	u8 kind = by_number(owner_call_of_nr, call->nr);

	if (!kind || call->ret == -EBADF)
		return OWNER_CALL_NONE;
	if (kind == OWNER_CALL_USE || kind == OWNER_CALL_MESSAGE)
		return sockets_late ? OWNER_CALL_USE : OWNER_CALL_NONE;
	if (kind == OWNER_CALL_IO)
		return OWNER_CALL_NONE;
	if (call->ret < 0 || (kind == OWNER_CALL_FSTATAT && !(call->args[3] & AT_EMPTY_PATH)))
		return OWNER_CALL_NONE;
	return kind;
}

/* Little more than a look at the numbers. */
static __always_inline bool concerns_fds(const struct sys_exit *call)
{
	return (call->nr < SYSCALLS_KNOWN &&
		(classify(call) || maps_code(call) || shows_owner(call) || may_be_watched(call))) ||
	       (concerns_compat(call) && is_compat());
}

/* Since 6.10; since 6.15 global functions may be called behind it. The user side tries. */
#ifndef PLAIN
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
#else
static __always_inline void bpf_preempt_disable(void)
{
}
static __always_inline void bpf_preempt_enable(void)
{
}
#endif
const volatile bool may_hold_cpu;

/*
 * Where hooks can be preempted (tracepoints of system calls since 6.13), a program that is in the
 * midst of its work keeps that of other tasks from running: so it is not to be interrupted.
 */
static __always_inline void hold_cpu(void)
{
	if (may_hold_cpu)
		bpf_preempt_disable();
}

static __always_inline void release_cpu(void)
{
	if (may_hold_cpu)
		bpf_preempt_enable();
}

/* The number that the owner has, or takes. */
static __always_inline s32 owners_fd(const struct sys_exit *call, u8 kind)
{
	return kind == OWNER_CALL_SOCKET || kind == OWNER_CALL_EPOLL ? call->ret : call->args[0];
}

/*
 * Finds the object that this call makes an owner, and remembers it. While another of our programs
 * works in this CPU's buffers nothing is done: that owner is found later or not at all, but no
 * record is lost.
 */
static __always_inline void look_for_owner(const struct sys_exit *call, const struct target *target,
					   struct pt_regs *regs, u8 kind)
{
	struct cpu_counts *c = cpu_counts();
	struct walk *w = this_walk();

	if (!c || !w || c->busy || target->vfork)
		return;
	c->busy = 1;
	if (save_registers())
		owner_seen(target, regs, kind, owners_fd(call, kind));
	c->busy = 0;
}

/*
 * A call of a traced process, which concerns descriptors. regs: as the call left them.
 */
static __always_inline void handle_call(const struct sys_exit *call, const struct target *target,
					struct pt_regs *regs)
{
	u8 id = classify(call), owner = shows_owner(call);

	if (!id && may_be_watched(call))
		id = watched_call(call->args[0]);
	hold_cpu();
	cost_begin();
	if (id && take_buffers()) {
		if (id == CALL_ADDRESSED)
			report_address(call);
		else
			report_call(call, id, target, regs);
		leave_buffers();
	}
	if (!call->compat && !id && maps_code(call))
		file_mapped(call, target->program, bpf_get_current_pid_tgid() >> 32);
	/* Behind the record of the call that made the number. */
	if (!call->compat && owner)
		look_for_owner(call, target, regs, owner);
	cost_end(target);
	release_cpu();
}

/* For hooks that are given the registers of the system call, as a pointer that can be read
 * directly. */
static __always_inline int call_returned(struct pt_regs *regs, s64 ret)
{
	const struct target *target;
	struct sys_exit call = {.ret = ret};

	READ_CALL(&call, regs, LOAD);
	if (!concerns_fds(&call))
		return 0;
	target = current_target();
	if (!target)
		return 0;
	if (is_compat()) {
		READ_COMPAT(&call, regs, BPF_CORE_READ);
		if (!from_compat(&call))
			return 0;
	}
	handle_call(&call, target, regs);
	return 0;
}

static __always_inline bool concerns_target(struct pt_regs *regs, s64 ret)
{
	struct sys_exit call = {.ret = ret};

	READ_CALL(&call, regs, LOAD);
	return concerns_fds(&call) && current_target();
}

/*
 * For hooks that are given the result alone, which is in call. The registers cost helper calls, so
 * first it is asked whether the process is traced.
 */
static __always_inline int far_call_returned(struct sys_exit *call)
{
	const struct target *target = current_target();
	struct pt_regs *regs;

	if (!target)
		return 0;
	regs = entry_regs();
	READ_CALL(call, regs, BPF_CORE_READ);
	if (concerns_fds(call))
		handle_call(call, target, regs);
	return 0;
}

#endif
