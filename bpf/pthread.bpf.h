/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calling thread as its C library knows it.
 *
 * Owns: the thread pointer; what pthread_self() returns, by which Python names its threads; and
 * pthread_getspecific() of glibc (nptl/descr.h: struct pthread).
 * Never: knows whether it is glibc. What is read so is proved by what it leads to.
 */
#ifndef FDTRACE_PTHREAD_BPF_H
#define FDTRACE_PTHREAD_BPF_H

#include "walk.bpf.h"

#if defined(__TARGET_ARCH_x86)
/* Where struct pthread has the values of its first keys; the thread pointer points to its dtv. */
#define PTHREAD_SPECIFIC 0x310
#define DTV_AT		 8

static __always_inline u64 thread_pointer(void)
{
	return CURRENT(thread.fsbase);
}

/* struct pthread begins where the thread pointer points to. */
static __always_inline u64 thread_self(void)
{
	return thread_pointer();
}

static __always_inline bool is_self(u64 thread_id, u64 self)
{
	return thread_id == self;
}

static __always_inline bool keys_known(u64 self)
{
	return true;
}
#elif defined(__TARGET_ARCH_arm64)
#define PTHREAD_TID	 0xd0
#define PTHREAD_SPECIFIC 0x110
#define DTV_AT		 0
/* struct pthread lies below the thread pointer by its size, which not even all glibcs share. */
#define PTHREAD_MAX	 4096

/*
 * 0: not known. A program sets the register itself, and the kernel takes notice when it next runs
 * something else there (arch/arm64/kernel/process.c: tls_thread_switch()).
 */
static __always_inline u64 thread_pointer(void)
{
	return CURRENT(thread.uw.tp_value);
}

/* Read by a helper: newer kernels would not take what is loaded from there for a number. */
static __noinline u64 told_tid(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (u64)BPF_CORE_READ(task, clear_child_tid);
}

/*
 * But glibc tells the kernel where in its struct pthread a thread's end is to be noted. Where that
 * is nowhere near (in a child of vfork(), in other C libraries), the thread pointer, above it.
 */
static __noinline u64 thread_self(void)
{
	u64 self = told_tid() - PTHREAD_TID, tp = thread_pointer();

	return tp && tp - self > PTHREAD_MAX ? tp : self;
}

/* No stack is so small that there were two threads within these bytes. */
static __always_inline bool is_self(u64 thread_id, u64 self)
{
	return self - thread_id < PTHREAD_MAX;
}

static __noinline bool keys_known(u64 self)
{
	return self == told_tid() - PTHREAD_TID;
}
#endif

/* Of a thread-local: it can't be read. No thread state is there. */
#define NOT_THERE 1

/*
 * Of the thread with this struct pthread. Slots of {sequence, value} lie in blocks of 32, the first
 * in struct pthread; behind it pointers to all blocks.
 */
static __always_inline u64 specific_of(u64 thread, u32 key)
{
	u64 slots = thread + PTHREAD_SPECIFIC, value;

	if (key >= 32 &&
	    (!read_user(&slots, sizeof(slots), slots + 0x200 + 8ull * (key / 32)) || !slots))
		return 0;
	if (!read_user(&value, sizeof(value), slots + 16ull * (key % 32) + 8))
		return 0;
	return value;
}

static __always_inline u64 thread_specific(u64 self, u32 key)
{
	return keys_known(self) ? specific_of(self, key) : NOT_THERE;
}

#endif
