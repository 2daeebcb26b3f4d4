/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Another process's memory, through /proc/PID/mem.
 *
 * Owns: opening and reading. Never: stops the process: what is read may change meanwhile. Never
 * writes.
 */
#ifndef FDTRACE_PROCESS_PEEK_H
#define FDTRACE_PROCESS_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A descriptor, the caller's, of the program that pid runs now: when the process execs or ends, it
 * reads no more. Or negative errno.
 */
int peek_open(pid_t pid);

/* All of size bytes at address into buf; pages that are not resident are brought in. */
bool peek_read(int fd, uint64_t address, void *buf, size_t size);

/* Text, as far as there is memory, size - 1 bytes at most, and a NUL; size is at least 1. */
void peek_text(int fd, uint64_t address, char *buf, size_t size);

#endif
