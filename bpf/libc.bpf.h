/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which C library a thread has, by what its thread pointer leads to; and pthread_getspecific() of
 * musl.
 *
 * Never: is trusted. A thread state that is found so counts only if it names this very thread.
 */
#ifndef FDTRACE_LIBC_BPF_H
#define FDTRACE_LIBC_BPF_H

#include "walk.bpf.h"

#if defined(__TARGET_ARCH_x86)
/*
 * glibc has a pointer to the struct itself, and then whether there are threads
 * (sysdeps/x86_64/nptl/tls.h: tcbhead_t); musl, in the same places, the thread before and the one
 * behind in a ring of them (src/internal/pthread_impl.h), which are itself only where it is alone.
 */
static __always_inline bool is_glibc(u64 tp)
{
	u64 words[2] = {};

	return !read_user(words, sizeof(words), tp + 16) || (words[0] == tp && words[1] != tp);
}

/* musl since 1.2.0: struct pthread has a pointer to the values of all keys. */
static __always_inline u64 musl_specific(u64 tp, u32 key)
{
	u64 values = 0, value = 0;

	if (!read_user(&values, sizeof(values), tp + 128) ||
	    !read_user(&value, sizeof(value), values + 8ull * key))
		return 0;
	return value;
}
#else
static __always_inline bool is_glibc(u64 tp)
{
	return true;
}

static __always_inline u64 musl_specific(u64 tp, u32 key)
{
	return 0;
}
#endif

#endif
