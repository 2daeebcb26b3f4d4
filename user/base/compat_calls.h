/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The 32-bit system calls that concern descriptors: of 32-bit programs, and of 64-bit ones by
 * int $0x80.
 *
 * Owns: which 64-bit calls they are, by the rows of abi/calls.h: those whose descriptors stand in
 * other arguments there are left out (fanotify_mark, the old mmap). Of AArch32 there is none.
 */
#ifndef FDTRACE_BASE_COMPAT_CALLS_H
#define FDTRACE_BASE_COMPAT_CALLS_H

#include "base/syscalls.h"

/* The one whose arguments lie in memory: accept(), socket() and others in one; 0: there is none. */
#if defined(__x86_64__)
#define COMPAT_SOCKETCALL 102
#else
#define COMPAT_SOCKETCALL 0
#endif

/* The number of the 64-bit call of the same arguments; -1: none, or it has no descriptors. */
int syscall_of_compat(unsigned int nr);

#endif
