/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * io_uring with the bare system calls: one request at a time.
 *
 * Owns: one ring. Never: a second request before the first is complete.
 */
#ifndef FDTRACE_SIM_URING_H
#define FDTRACE_SIM_URING_H

#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sim.h"

struct uring {
	int fd;
	unsigned int enter; /* flags of io_uring_enter() besides */
	struct io_uring_params params;
	char *rings;
	struct io_uring_sqe *sqes;
};

/* Of the ring that fd is, whose params are known. */
static inline void uring_map(struct uring *u)
{
	u->rings = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd, IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd, IORING_OFF_SQES);
	if (u->rings == MAP_FAILED || u->sqes == MAP_FAILED)
		err(1, "mmap");
}

static inline void uring_open(struct uring *u)
{
	memset(u, 0, sizeof(*u));
	u->fd = syscall(SYS_io_uring_setup, 4, &u->params);
	if (u->fd < 0)
		skip("io_uring_setup is not allowed here");
	uring_map(u);
}

/* The result of one request. */
static inline int uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	unsigned int *tail = (void *)(u->rings + u->params.sq_off.tail);
	unsigned int *array = (void *)(u->rings + u->params.sq_off.array);
	unsigned int *head = (void *)(u->rings + u->params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(u->rings + u->params.cq_off.cqes);
	unsigned int slot = *tail & 3, done;
	int result;

	u->sqes[slot] = *sqe;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS | u->enter, NULL, 0) !=
	    1)
		err(1, "io_uring_enter");
	done = *head;
	result = cqes[done & 7].res;
	__atomic_store_n(head, done + 1, __ATOMIC_RELEASE);
	return result;
}

static inline int uring_openat(struct uring *u, const char *path)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT,
		.fd = -100, /* AT_FDCWD */
		.addr = (unsigned long)path,
	};

	return uring_do(u, &sqe);
}

static inline int uring_close(struct uring *u, int fd)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_CLOSE, .fd = fd};

	return uring_do(u, &sqe);
}

#endif
