/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/syscalls.h"
#include "fdtrace.skel.h"
#include "ebpf/uring.h"
#include "abi/record.h"
#include "security/packet.h"
#include "abi/maps.h"

#define CALLS_MAX 16
/* A kernel whose tracepoints can be preempted may skip a run, seldom. */
#define ATTEMPTS  3

/* A call that was made, or seen. */
struct made_call {
	enum call_shape shape;
	int32_t fd, fd2;
	int64_t ret;
	uint16_t call; /* of one that was seen, as is the next */
	enum table_state table;
};

struct list {
	struct made_call calls[CALLS_MAX];
	size_t count;
};

static void add_made_call(struct list *list, enum call_shape shape, int32_t fd, int32_t fd2,
			  int64_t ret)
{
	if (list->count < CALLS_MAX)
		list->calls[list->count++] = (struct made_call){
			.shape = shape,
			.fd = fd,
			.fd2 = fd2,
			.ret = ret < 0 ? -errno : ret,
		};
}

/*
 * The calls, and what each of them must look like. Every shape that a closing goes through is
 * there, and a close and a use that fail.
 */
static int make_calls(struct list *made)
{
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC), copy, ret;

	if (file < 0)
		return -errno;
	add_made_call(made, SHAPE_OPEN, AT_FDCWD, -1, file);
	copy = dup(file);
	add_made_call(made, SHAPE_DUP, file, -1, copy);
	ret = dup3(file, copy, O_CLOEXEC);
	add_made_call(made, SHAPE_DUP_ONTO, file, copy, ret);
	ret = syscall(SYS_close_range, copy, copy, 0);
	if (!ret) {
		add_made_call(made, SHAPE_CLOSE_RANGE, copy, copy, ret);
	} else { /* before Linux 5.9 */
		ret = close(copy);
		add_made_call(made, SHAPE_CLOSE, copy, -1, ret);
	}
	ret = close(file);
	add_made_call(made, SHAPE_CLOSE, file, -1, ret);
	ret = close(file);
	add_made_call(made, SHAPE_CLOSE, file, -1, ret);
	ret = lseek(file, 0, SEEK_CUR);
	add_made_call(made, SHAPE_OTHER, file, -1, ret);
	return 0;
}

/* Not by a call of its own. */
static int remove_one(struct list *made)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	add_made_call(made, SHAPE_CLOSE, fd, -1, 0);
	err = uring_close(fd);
	if (err)
		close(fd);
	return err;
}

/* And a close in vain. */
static int miss_one(struct list *made)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	close(fd);
	ret = close(fd);
	add_made_call(made, SHAPE_CLOSE, fd, -1, ret);
	return 0;
}

/* Over a socket, from ourselves. */
static int receive_one(struct list *made)
{
	int pair[2], fd = -1;
	char byte = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	if (!packet_send(pair[0], &byte, sizeof(byte), pair[0], MSG_DONTWAIT))
		packet_receive(pair[1], &byte, sizeof(byte), &fd);
	if (fd >= 0) {
		add_made_call(made, SHAPE_MAKE, -1, -1, fd);
		close(fd);
	}
	close(pair[0]);
	close(pair[1]);
	return fd < 0 ? -ENODATA : 0;
}

static int on_seen_call(void *context, void *data, size_t size)
{
	const struct record_call *call = data;
	struct list *seen = context;

	if (size >= sizeof(*call) && call->h.type == RECORD_CALL && seen->count < CALLS_MAX)
		seen->calls[seen->count++] = (struct made_call){
			.shape = call_shape(call->call),
			.fd = call->fd,
			.fd2 = call->fd2,
			.ret = call->ret,
			.call = call->call,
			.table = record_call_table(call),
		};
	return 0;
}

static int read_ring(struct fdtrace_bpf *bpf, struct list *seen)
{
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(bpf->maps.ring), on_seen_call, seen, NULL);
	int n;

	if (!ring)
		return -errno;
	n = ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return n < 0 ? n : 0;
}

static int make_and_read(struct fdtrace_bpf *bpf, int (*make)(struct list *), struct list *made,
			 struct list *seen)
{
	struct target target = {.program = clock_boot_ns()};
	uint32_t tgid = getpid();
	int err, err2;

	err = bpf_map__update_elem(bpf->maps.targets, &tgid, sizeof(tgid), &target, sizeof(target),
				   BPF_ANY);
	if (err)
		return err;
	err = make(made);
	err2 = bpf_map__delete_elem(bpf->maps.targets, &tgid, sizeof(tgid), 0);
	if (!err)
		err = err2;
	err2 = read_ring(bpf, seen);
	return err ? err : err2;
}

static const char *shape_name(enum call_shape shape)
{
	static const char *const names[] = {
		[SHAPE_CLOSE] = "close",   [SHAPE_CLOSE_RANGE] = "close_range",
		[SHAPE_OPEN] = "open",	   [SHAPE_DUP] = "dup",
		[SHAPE_DUP_ONTO] = "dup3", [SHAPE_OTHER] = "lseek on a closed descriptor",
	};

	return shape < ARRAY_SIZE(names) && names[shape] ? names[shape] : "call";
}

/* Once we have had an io_uring, what any call of ours installs is told besides. */
static void drop_installed(struct list *seen)
{
	size_t kept = 0;

	for (size_t i = 0; i < seen->count; i++)
		if (seen->calls[i].call != CALL_INSTALLED)
			seen->calls[kept++] = seen->calls[i];
	seen->count = kept;
}

static int compare_calls(const struct list *made, const struct list *seen, char *why, size_t size)
{
	for (size_t i = 0; i < made->count; i++) {
		const struct made_call *m = &made->calls[i], *s = &seen->calls[i];

		if (i < seen->count && m->shape == s->shape && m->fd == s->fd && m->fd2 == s->fd2 &&
		    m->ret == s->ret)
			continue;
		if (!seen->count)
			snprintf(why, size, "attached, but saw none of fdtrace's own calls");
		else
			snprintf(why, size,
				 "attached, but did not see fdtrace's own %s%s as it was",
				 m->ret < 0 && m->shape == SHAPE_CLOSE ? "failing " : "",
				 shape_name(m->shape));
		return -ENODATA;
	}
	return 0;
}

int selftest_run(struct fdtrace_bpf *bpf, char *why, size_t size)
{
	int err = -ENODATA;

	for (int i = 0; err == -ENODATA && i < ATTEMPTS; i++) {
		struct list made = {0}, seen = {0};

		err = make_and_read(bpf, make_calls, &made, &seen);
		drop_installed(&seen);
		if (err)
			snprintf(why, size, "cannot be tested: %s", strerror(-err));
		else
			err = compare_calls(&made, &seen, why, size);
	}
	return err;
}

/* Whether what make does is seen, told by such a record. */
static bool sees(struct fdtrace_bpf *bpf, int (*make)(struct list *), enum call_id call,
		 enum table_state table)
{
	struct list made = {0}, seen = {0};

	if (make_and_read(bpf, make, &made, &seen))
		return false;
	for (size_t i = 0; i < seen.count; i++)
		if (seen.calls[i].call == call && seen.calls[i].table == table &&
		    seen.calls[i].fd == made.calls[0].fd && seen.calls[i].ret == made.calls[0].ret)
			return true;
	return false;
}

bool selftest_sees_installed(struct fdtrace_bpf *bpf)
{
	return sees(bpf, receive_one, CALL_INSTALLED, TABLE_UNKNOWN);
}

bool selftest_sees_removed(struct fdtrace_bpf *bpf)
{
	return sees(bpf, remove_one, CALL_REMOVED, TABLE_UNKNOWN);
}

bool selftest_sees_missed(struct fdtrace_bpf *bpf)
{
	return sees(bpf, miss_one, CALL_CLOSE, TABLE_MISSED);
}

/* Of a session's first record the sequence is 0, and nothing has been lost before it. */
int selftest_end(struct fdtrace_bpf *bpf)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct cpu_counts *none = cpus > 0 ? calloc(cpus, sizeof(*none)) : NULL;
	uint32_t zero = 0;

	if (!none)
		return -ENOMEM;
	bpf->bss->lost_records = bpf->bss->told_records = 0;
	return bpf_map__update_elem(bpf->maps.counts, &zero, sizeof(zero), none,
				    cpus * sizeof(*none), BPF_ANY);
}
