/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the kernel in miniature (kernel_model.h) has done, as the records that fdtrace would get.
 *
 * A test's header: cmocka.h comes first. Never: knows what is true of a finding.
 */
#ifndef FDTRACE_TESTS_MODEL_FEED_H
#define FDTRACE_TESTS_MODEL_FEED_H

#include "fd/lifecycle.h"
#include "kernel_model.h"
#include "model_script.h"

#define RING_FD 40

struct trial {
	struct model model;
	struct fd_world *world;
	bool lost;	  /* since the last record that arrived */
	bool unknown;	  /* a loss after which not every call can be told */
	uint64_t loss;	  /* when the last loss happened; 0: none */
	uint64_t loss_ns; /* the latest stamp of a record that was lost */
	uint64_t listed;  /* the end of the last list */
	struct slot list[NUMBERS];
	unsigned int findings, facts, expected, owned, proven;
	struct fd_counts counts; /* at the end */
	char wrong[256];	 /* empty: nothing */
};

/* Records */

static uint16_t call_of(enum op op)
{
	static const uint16_t calls[OPS] = {
		[OP_OPEN] = CALL_OPENAT,
		[OP_PAIR] = CALL_PIPE2,
		[OP_DUP] = CALL_DUP,
		[OP_DUP_ONTO] = CALL_DUP2,
		[OP_CLOSE] = CALL_CLOSE,
		[OP_CLOSE_RANGE] = CALL_CLOSE_RANGE,
		[OP_CLOSE_RANGE_UNSHARE] = CALL_CLOSE_RANGE,
		[OP_USE] = CALL_OTHER,
		[OP_RECEIVE] = CALL_INSTALLED,
		[OP_CLOSE_HIDDEN] = CALL_REMOVED,
		[OP_UNSHARE] = CALL_UNSHARE,
	};

	return calls[op];
}

static struct record_header header_of(const struct kcall *call, size_t size)
{
	return (struct record_header){
		.size = size,
		.time_ns = call->stamp,
		.tgid = call->tgid,
		.tid = call->tid,
	};
}

static struct record_claim claim_of(const struct told *told)
{
	return (struct record_claim){
		.object = 0x7f0000000000u + 0x1000u * (unsigned int)told->object,
		.since_ns = told->since,
		.kind = OWNER_FILEIO,
		.state = told->holds ? OWNER_HOLDS : OWNER_LET_GO,
		.flags = told->flags,
	};
}

static void feed_call(struct trial *t, const struct kcall *call)
{
	const struct script *script = t->model.script;
	const struct step *step = call->step;
	bool midst = step->op == OP_RECEIVE || step->op == OP_CLOSE_HIDDEN;
	uint64_t whole[(sizeof(struct record_call) + TOLD_MAX * sizeof(struct record_claim)) / 8];
	struct record_call *told = (struct record_call *)whole;
	struct record_call r = {
		.h = header_of(call, sizeof(r)),
		.table = call->address,
		.stack_id = call->id,
		.ret = call->ret,
		.fd = call->fd,
		.fd2 = call->fd2,
		.call = call_of(step->op),
		.nr = midst ? 0 : UINT16_MAX, /* of another call than any */
		.still_open = call->still_open | (call->shared ? 0 : CALL_ALONE),
	};

	if (script->enters == ENTERS_ALL || (script->enters == ENTERS_SOME && !step->no_enter))
		r.enter_ns = midst ? 0 : call->enter;
	if (script->births)
		r.thread_ns = call->born;
	if (step->op == OP_OPEN)
		r.fd = -100; /* AT_FDCWD */
	if (step->op == OP_UNSHARE)
		r.flags = CLONE_FILES;
	else if (step->op == OP_CLOSE_RANGE_UNSHARE)
		r.flags = 1 << 1;
	else if (step->cloexec)
		r.flags = 02000000; /* O_CLOEXEC */
	if (step->op == OP_DUP || step->op == OP_DUP_ONTO || step->op == OP_CLOSE_RANGE)
		r.flags = 0;
	if (call->tells_point && call->os_close)
		r.point = OWNER_OS_CLOSE;
	else if (call->tells_point && script->holders && step->op == OP_CLOSE)
		r.point = OWNER_ELSEWHERE;
	r.owner = (uint8_t)(call->ntold << 4);
	r.h.size += call->ntold * sizeof(struct record_claim);
	*told = r;
	for (unsigned int i = 0; i < call->ntold; i++) {
		struct record_claim claim = claim_of(&call->told[i]);

		memcpy(told->name + i * sizeof(claim), &claim, sizeof(claim));
	}
	fd_call(t->world, told, call->caller.count ? &call->caller : NULL);
}

static void feed_ring(struct trial *t)
{
	struct record_call r = {
		.h = {.size = sizeof(r), .time_ns = 1, .tgid = FIRST_PID, .tid = FIRST_PID},
		.table = FIRST_TABLE,
		.call = CALL_IO_URING_SETUP,
		.arg = t->model.script->removes ? RING_TOLD : 0,
		.ret = RING_FD,
		.fd = -1,
		.fd2 = -1,
	};

	fd_call(t->world, &r, NULL);
}

static void feed_fork(struct trial *t, const struct kcall *call)
{
	struct record_fork r = {
		.h = header_of(call, sizeof(r)),
		.parent_table = call->address,
		.child_table = call->child_address,
		.child_tgid = call->child,
		.child_tid = call->child,
		.users = call->shared ? FORK_TABLE_SHARED : FORK_TABLE_ALONE,
	};

	if (call->child)
		fd_fork(t->world, &r);
}

static void feed(struct trial *t, const struct kcall *call)
{
	struct record_exec exec = {.h = header_of(call, sizeof(exec)), .table = call->address};
	struct record_exit exit = {.h = header_of(call, sizeof(exit)), .table = call->address};

	switch (call->step->op) {
	case OP_FORK:
	case OP_FORK_SHARED:
		feed_fork(t, call);
		break;
	case OP_EXEC:
		fd_exec(t->world, &exec);
		break;
	case OP_EXIT:
		fd_exit(t->world, &exit);
		break;
	default:
		feed_call(t, call);
		break;
	}
}

static void on_drain(struct model *m)
{
	struct trial *t = m->arg;

	for (; m->drained < m->emitted; m->drained++) {
		const struct kcall *call = m->ring[m->drained];

		if (call->step->lost) {
			t->lost = true;
			t->loss = call->emit;
			if (t->loss_ns < call->stamp)
				t->loss_ns = call->stamp;
			t->unknown |= call->step->op >= OP_UNSHARE;
			continue;
		}
		/* Whoever tells of it does so when it has happened. */
		if (t->lost)
			fd_gap(t->world, call->stamp > t->loss_ns ? call->stamp : t->loss_ns);
		t->lost = false;
		feed(t, call);
	}
	/* The count of what was lost is read each time, too: nothing need come behind. */
	if (t->lost)
		fd_gap(t->world, m->now);
	t->lost = false;
	fd_settle(t->world, m->now);
}

static void on_attach(struct model *m, uint32_t tgid)
{
	struct trial *t = m->arg;

	fd_process_add(t->world, tgid, 0, FD_FROM_ATTACH);
	if (m->script->ring) {
		struct fd_what ring = {
			.path = "anon_inode:[io_uring]",
			.path_from_proc = true,
			.arg = m->script->removes ? RING_TOLD : 0,
		};

		fd_snapshot_fd(t->world, tgid, RING_FD, &ring, true);
	}
}

/* Those too that are gone. */
static uint32_t threads_ever(const struct model *m, uint32_t tgid)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < ACTORS; i++)
		count += m->actors[i].born && m->actors[i].tgid == tgid;
	return count;
}

/* What was read is told when all has been. */
static void on_list(struct model *m, uint32_t tgid, int fd, const struct slot *slot)
{
	struct trial *t = m->arg;

	t->list[fd] = *slot;
}

static void on_listed(struct model *m, uint32_t tgid)
{
	struct trial *t = m->arg;
	struct fd_what what = {.type = FD_FILE, .path = "/listed", .path_from_proc = true};

	for (int fd = 0; fd < NUMBERS; fd++)
		if (t->list[fd].open)
			fd_snapshot_fd(t->world, tgid, fd, &what, t->list[fd].cloexec);
	fd_snapshot_end(t->world, tgid, 64, threads_ever(m, tgid), m->now);
	t->unknown |= t->listed || !m->script->attach; /* what is listed may be later than a call */
	t->listed = m->now;
}

#endif
