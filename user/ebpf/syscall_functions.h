/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The functions of the running kernel that carry out the system calls on descriptors.
 *
 * Owns: how a system call's function is named, and which ones this kernel's BTF has.
 */
#ifndef FDTRACE_EBPF_SYSCALL_FUNCTIONS_H
#define FDTRACE_EBPF_SYSCALL_FUNCTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/syscalls.h"

#if defined(__x86_64__)
#define FUNCTION_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define FUNCTION_PREFIX "__arm64_sys_"
#endif
#define FUNCTION_CLOSE FUNCTION_PREFIX "close"

struct function {
	char name[48];
	uint16_t nr; /* of the system call */
	uint32_t btf_id;
	uint32_t type; /* BTF id of its prototype */
};

/*
 * All are of one prototype, or of one other: that of a call without arguments, which BTF also shows
 * of functions that a kernel may be built without.
 */
struct functions {
	struct function of[SYSCALLS_MAX]; /* close first */
	size_t count;
	const struct function *far; /* the first of the other prototype; NULL: there is none */
};

/* What the running kernel has. 0; -ENOENT: not even close; other negative errno: no BTF. */
int functions_find(struct functions *ret);

#endif
