/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Takes from this process what it can do.
 *
 * Owns: which limits and system calls the helper of sandbox.h is left with.
 */
#ifndef FDTRACE_SANDBOX_CONFINE_H
#define FDTRACE_SANDBOX_CONFINE_H

#include <stdint.h>

/* The address sanitizer's shadow is larger than any limit of memory. */
#define CONFINED_MEMORY 1
#if defined(__SANITIZE_ADDRESS__)
#undef CONFINED_MEMORY
#define CONFINED_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef CONFINED_MEMORY
#define CONFINED_MEMORY 0
#endif
#endif

/* No descriptor but socket, which becomes CONFINED_SOCKET, and /dev/null as 0, 1 and 2. */
#define CONFINED_SOCKET 3
int confine_descriptors(int socket);

/* No capability, none to be had by exec either; no core file; ends with its parent. */
int confine_privileges(void);

/*
 * memory: bytes beyond what is mapped already. From here on a system call that is not on
 * memory, the socket or a descriptor that came through it ends the process.
 */
int confine_calls(uint64_t memory);

#endif
