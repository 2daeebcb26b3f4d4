/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Records written by hand, and the findings that come of them.
 *
 * Owns: a world with one process to begin with, a clock that each record moves by a
 * microsecond, and a copy of every finding. Used by test_lifecycle.c and test_verdict.c.
 */
#ifndef FDTRACE_TESTS_FD_STREAM_H
#define FDTRACE_TESTS_FD_STREAM_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "fd/lifecycle.h"

#pragma GCC diagnostic ignored "-Woverride-init"

#define PID    100u
#define CHILD  200u
#define TABLE  0xffff888000001000u
#define TABLE2 0xffff888000002000u
#define TABLE3 0xffff888000003000u

#define MS	  1000000ull
#define SETTLE_NS (200 * MS)

struct stream {
	struct fd_world *world;
	uint64_t now;
	struct finding *findings;
	char **paths; /* or sockets: what findings point to */
	size_t count;
	size_t room;
};

/* A call; what is not given is the first process's, in its table, with no descriptor. */
struct event {
	uint32_t tgid, tid;
	uint64_t table, enter_ns, thread_ns, stack;
	int64_t ret;
	int32_t fd, fd2;
	uint32_t flags, arg;
	uint16_t call, nr;
	uint8_t still_open, owner, point;
	uint32_t owner_low;
	const char *name;
	const struct record_socket *socket; /* in place of a name */
	const struct caller *caller;
	const struct record_claim *claims;
	unsigned int nclaims;
};

#define CALL(s, ...)                                   \
	stream_call(s, &(struct event){.tgid = PID,    \
				       .tid = PID,     \
				       .table = TABLE, \
				       .fd = -1,       \
				       .fd2 = -1,      \
				       __VA_ARGS__})

#define OPEN(s, number, ...)	  CALL(s, .call = CALL_OPENAT, .fd = -100, .ret = number, __VA_ARGS__)
#define CLOSE(s, number, ...)	  CALL(s, .call = CALL_CLOSE, .fd = number, __VA_ARGS__)
#define BAD_CLOSE(s, number, ...) CLOSE(s, number, .ret = -EBADF, __VA_ARGS__)
#define READ(s, number, ...) \
	CALL(s, .call = CALL_OTHER, .nr = 0xffff, .fd = number, .ret = -EBADF, __VA_ARGS__)

static inline void stream_take(void *arg, const struct finding *finding)
{
	struct stream *s = arg;

	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->findings = realloc(s->findings, s->room * sizeof(*s->findings));
		s->paths = realloc(s->paths, s->room * sizeof(*s->paths));
		assert_true(s->findings && s->paths);
	}
	s->paths[s->count] = what_path(&finding->what) ? strdup(finding->what.path) : NULL;
	s->findings[s->count] = *finding;
	s->findings[s->count].what.path = s->paths[s->count];
	if (what_socket(&finding->what)) {
		size_t size = record_socket_size(finding->what.socket->family);

		s->paths[s->count] = malloc(size);
		assert_non_null(s->paths[s->count]);
		memcpy(s->paths[s->count], finding->what.socket, size);
		s->findings[s->count].what.socket = (const void *)s->paths[s->count];
	}
	s->count++;
}

static inline void stream_begin_with(struct stream *s, const struct fd_limits *limits,
				     enum fd_since since)
{
	*s = (struct stream){.now = 1000 * MS};
	assert_int_equal(fd_world_new(limits, stream_take, s, &s->world), 0);
	assert_int_equal(fd_process_add(s->world, PID, TABLE, since), 0);
}

static inline void stream_begin(struct stream *s)
{
	stream_begin_with(s, NULL, FD_FROM_START);
}

/* Nothing that waits may be lost: all of it is decided. */
static inline size_t stream_settle(struct stream *s)
{
	fd_settle(s->world, UINT64_MAX);
	return s->count;
}

/* Forgets what was found so far. */
static inline void stream_forget(struct stream *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->paths[i]);
	s->count = 0;
}

static inline void stream_end(struct stream *s)
{
	stream_forget(s);
	free(s->paths);
	free(s->findings);
	fd_world_free(s->world);
}

/* The time of the record that was written last. */
static inline uint64_t stream_last(const struct stream *s)
{
	return s->now;
}

static inline int stream_call(struct stream *s, const struct event *e)
{
	const void *name = e->socket ? (const void *)e->socket : e->name;
	size_t size = e->socket ? record_socket_size(e->socket->family)
		      : e->name ? strlen(e->name)
				: 0;
	size_t claims = e->nclaims * sizeof(*e->claims);
	struct record_call *call = calloc(1, sizeof(*call) + size + claims);
	int err;

	assert_non_null(call);
	call->h.size = sizeof(*call) + size + claims;
	call->h.type = RECORD_CALL;
	call->h.time_ns = s->now += 1000;
	call->h.tgid = e->tgid;
	call->h.tid = e->tid;
	call->table = e->table;
	call->enter_ns = e->enter_ns;
	call->thread_ns = e->thread_ns;
	call->stack_id = e->stack;
	call->ret = e->ret;
	call->fd = e->fd;
	call->fd2 = e->fd2;
	call->flags = e->flags;
	call->arg = e->arg;
	call->call = e->call;
	call->nr = e->nr;
	call->still_open = e->still_open;
	call->owner = e->owner;
	call->point = e->point;
	call->owner_low = e->owner_low;
	call->name_size = size;
	if (size)
		memcpy(call->name, name, size);
	if (claims) {
		call->owner = (uint8_t)(e->nclaims << 4);
		memcpy(call->name + size, e->claims, claims);
	}
	err = fd_call(s->world, call, e->caller);
	free(call);
	return err;
}

static inline int stream_fork(struct stream *s, uint32_t child, uint64_t table, bool vfork)
{
	struct record_fork record = {
		.h = {.size = sizeof(record), .type = RECORD_FORK, .tgid = PID, .tid = PID},
		.parent_table = TABLE,
		.child_table = table,
		.child_tgid = child,
		.child_tid = child,
		.vfork = vfork,
	};

	record.h.time_ns = s->now += 1000;
	return fd_fork(s->world, &record);
}

static inline int stream_exec(struct stream *s, uint32_t tgid, uint64_t table)
{
	struct record_exec record = {
		.h = {.size = sizeof(record), .type = RECORD_EXEC, .tgid = tgid, .tid = tgid},
		.table = table,
	};

	record.h.time_ns = s->now += 1000;
	return fd_exec(s->world, &record);
}

static inline int stream_exit(struct stream *s, uint32_t tgid, uint64_t table)
{
	struct record_exit record = {
		.h = {.size = sizeof(record), .type = RECORD_EXIT, .tgid = tgid, .tid = tgid},
		.table = table,
	};

	record.h.time_ns = s->now += 1000;
	return fd_exit(s->world, &record);
}

static inline void stream_gap(struct stream *s)
{
	fd_gap(s->world, s->now += 1000);
}

static inline void stream_wait(struct stream *s, uint64_t ns)
{
	s->now += ns;
	fd_settle(s->world, s->now);
}

static inline void stream_list(struct stream *s, int32_t fd, const char *path, bool cloexec)
{
	struct fd_what what = {.type = FD_FILE, .path = path, .path_from_proc = true};

	assert_int_equal(fd_snapshot_fd(s->world, PID, fd, &what, cloexec), 0);
}

static inline void stream_listed(struct stream *s, uint32_t max_fds, uint64_t time_ns)
{
	assert_int_equal(fd_snapshot_end(s->world, PID, max_fds, 1, time_ns), 0);
}

static inline struct fd_counts stream_counts(const struct stream *s)
{
	struct fd_counts counts;

	fd_world_counts(s->world, &counts);
	return counts;
}

/* The only finding, after all is settled. */
static inline const struct finding *stream_only(struct stream *s, enum finding_kind kind,
						enum certainty certainty)
{
	assert_int_equal(stream_settle(s), 1);
	assert_int_equal(s->findings[0].kind, kind);
	assert_int_equal(s->findings[0].certainty, certainty);
	return &s->findings[0];
}

#endif
