/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The capabilities of the calling thread, as capabilities(7) has them.
 *
 * Owns: reading and setting them. By system call alone: nothing here allocates or takes a lock, so
 * that a child may use it before it execs, and none of it is of a thread other than the caller.
 * Never: decides which are kept.
 */
#ifndef FDTRACE_SECURITY_CAPABILITIES_H
#define FDTRACE_SECURITY_CAPABILITIES_H

#include <linux/capability.h>
#include <stdint.h>

/* linux/capability.h, which older systems lack */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

/* The bit of CAP_... in what is below. */
#define CAPABILITY(number) (UINT64_C(1) << (number))

struct capabilities {
	uint64_t effective;
	uint64_t permitted;
};

/* 0, or negative errno with *ret all zero. */
int capabilities_get(struct capabilities *ret);

/* From now on these and no other, and none that is inheritable. 0 or negative errno. */
int capabilities_set(uint64_t effective, uint64_t permitted);

/* None is ambient any more: what an exec hands on by itself. 0 or negative errno. */
int capabilities_clear_ambient(void);

/*
 * Of what an exec could bring, keep is left. Only who has CAP_SETPCAP can give up the rest; to
 * others it matters little.
 */
void capabilities_drop_bounding(uint64_t keep);

#endif
