/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/uring.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/io_uring.h>

#include "base/mem.h"

/* Both rings and one entry of each kind are far from filling a page of any size. */
#define RING_BYTES 4096

struct mapped {
	char *rings;
	struct io_uring_sqe *entries;
};

static void *map(int ring, uint64_t offset)
{
	return mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring, offset);
}

static int submit(int ring, const struct io_uring_params *params, const struct mapped *m, int fd)
{
	uint32_t *tail = (void *)(m->rings + params->sq_off.tail);
	uint32_t *array = (void *)(m->rings + params->sq_off.array);
	const struct io_uring_cqe *done = (void *)(m->rings + params->cq_off.cqes);

	m->entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd};
	array[0] = 0;
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	return __atomic_load_n(&done->res, __ATOMIC_ACQUIRE);
}

int uring_close(int fd)
{
	struct io_uring_params params = {0};
	_cleanup_close_ int ring = syscall(SYS_io_uring_setup, 1, &params);
	struct mapped m;
	int err;

	if (ring < 0)
		return -errno;
	m.rings = map(ring, IORING_OFF_SQ_RING);
	m.entries = map(ring, IORING_OFF_SQES);
	if (m.rings == MAP_FAILED || m.entries == MAP_FAILED)
		err = -errno;
	else if (!(params.features & IORING_FEAT_SINGLE_MMAP))
		err = -ENOSYS; /* before Linux 5.4 */
	else
		err = submit(ring, &params, &m, fd);
	if (m.rings != MAP_FAILED)
		munmap(m.rings, RING_BYTES);
	if (m.entries != MAP_FAILED)
		munmap(m.entries, RING_BYTES);
	return err;
}
