/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Ownership of memory and of descriptors, made visible.
 *
 * Owns: the cleanup attributes, TAKE_FD/TAKE_PTR, and allocation that adds up.
 * Never: aborts, logs, or closes a negative descriptor.
 */
#ifndef FDTRACE_BASE_MEM_H
#define FDTRACE_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Frees or closes at the end of the scope; TAKE_* hands the value on instead. */
#define _cleanup_free_	 __attribute__((cleanup(mem_free_ptr)))
#define _cleanup_close_	 __attribute__((cleanup(mem_close_fd)))
#define _cleanup_fclose_ __attribute__((cleanup(mem_fclose_ptr)))

#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) _taken = (p); \
		(p) = NULL;                 \
		_taken;                     \
	})

#define TAKE_FD(fd)                \
	({                         \
		int _taken = (fd); \
		(fd) = -1;         \
		_taken;            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void mem_free_ptr(void *p);
void mem_close_fd(int *fd);
void mem_fclose_ptr(FILE **f);

/* Closes fd unless it is negative; errno is kept. Returns -1, to assign back. */
int close_fd(int fd);

/*
 * Room for count items in a list that grows: *list (list: the address of the pointer) has room for
 * *room of item_size bytes each, and where that is not enough for twice as many as are needed. 0 or
 * -ENOMEM: then the list is as it was.
 */
int mem_grow(void *list, size_t *room, size_t count, size_t item_size);

/* A copy of size bytes with a NUL behind them, or NULL. The caller frees it. */
char *mem_dup_text(const void *bytes, size_t size);

#endif
