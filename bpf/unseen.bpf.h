/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What opens and closes a table's numbers without a call of a traced process that a hook sees:
 * processes that share the table and are not traced, and io_uring.
 *
 * Owns: saying so (struct record_unseen), and which tasks have which table, for the user side to
 * ask. Never: says that a table is wholly seen: the user side concludes that.
 */
#ifndef FDTRACE_UNSEEN_BPF_H
#define FDTRACE_UNSEEN_BPF_H

#include "emit.bpf.h"

#define IORING_OP_CLOSE 19 /* uapi/linux/io_uring.h */

/* enum ring_flag, of what hooks have proved to see. */
__u32 ring_flags;
/*
 * The argument of io_uring's tracepoint that says what is to be done: until Linux 5.19 the opcode
 * itself. 0: argument 0 is the request, struct io_kiocb.
 */
const volatile __u32 ring_opcode_at;

static __always_inline bool has_ring(void)
{
	return bpf_core_field_exists(((struct task_struct *)0)->io_uring) && CURRENT(io_uring);
}

/* Of the current thread, in record_call.still_open's higher bits. */
static __always_inline u8 table_alone(void)
{
	u32 users;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		users = bpf_get_current_task_btf()->files->count.counter;
	else
		users = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), files,
				      count.counter);
	return (users == 1 ? CALL_ALONE : 0) | (!ring_flags && has_ring() ? CALL_RING : 0);
}

/* From now on, in a table of the current thread, or of its child's. */
static __always_inline void tell_unseen(struct files_struct *table, enum unseen_way way)
{
	struct record_unseen r = {};

	r.table = (u64)table;
	r.ways = way;
	fill_header(&r.h, RECORD_UNSEEN, sizeof(r), bpf_get_current_pid_tgid());
	emit(&r, sizeof(r), LOSS_PROCESS, true);
}

static __always_inline bool submits_close(const struct bpf_raw_tracepoint_args *ctx)
{
	const struct io_kiocb *request;

	switch (ring_opcode_at) {
	case 0:
		request = (void *)ctx->args[0];
		return BPF_CORE_READ(request, opcode) == IORING_OP_CLOSE;
	case 1:
		return (u8)ctx->args[1] == IORING_OP_CLOSE;
	case 2:
		return (u8)ctx->args[2] == IORING_OP_CLOSE;
	case 3:
		return (u8)ctx->args[3] == IORING_OP_CLOSE;
	}
	return true;
}

/*
 * Something is handed to an io_uring by the thread, or the kernel's own for it, in whose table it
 * will be done, however the ring has come to it: before that is done, now or later.
 */
static __always_inline void ring_submitted(const struct bpf_raw_tracepoint_args *ctx)
{
	u32 tgid;

	if (ring_flags & RING_TOLD || !submits_close(ctx))
		return;
	tgid = bpf_get_current_pid_tgid() >> 32;
	if (bpf_map_lookup_elem(&targets, &tgid))
		tell_unseen(CURRENT(files), UNSEEN_RING);
}

/* One task of all: a thread of a traced process tells which table it has. */
static __always_inline void look_at_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task_table t = {};

	if (!task)
		return;
	t.tgid = tgid_of(task);
	if (!bpf_map_lookup_elem(&targets, &t.tgid))
		return;
	t.table = (u64)BPF_CORE_READ(task, files);
	if (!t.table)
		return;
	t.tid = tid_of(task);
	t.users = BPF_CORE_READ(task, files, count.counter);
	if (!(ring_flags & RING_TOLD) && bpf_core_field_exists(task->io_uring))
		t.ring = BPF_CORE_READ(task, io_uring) != NULL;
	bpf_seq_write(ctx->meta->seq, &t, sizeof(t));
}

#endif
