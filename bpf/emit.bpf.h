/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records into the ring.
 *
 * Owns: headers, sequence numbers, loss counters, and when the reader is woken.
 * Never: looks into a record's body.
 */
#ifndef FDTRACE_EMIT_BPF_H
#define FDTRACE_EMIT_BPF_H

#include "pid.bpf.h"

/*
 * A field of the current task. Where the kernel hands out a typed pointer (5.11 on), reading
 * through it costs a load and not a call.
 */
#define CURRENT(field)                                                                           \
	({                                                                                       \
		__typeof__(((struct task_struct *)0)->field) _value;                             \
		if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) \
			_value = bpf_get_current_task_btf()->field;                              \
		else                                                                             \
			_value = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(),     \
					       field);                                           \
		_value;                                                                          \
	})

static __always_inline struct cpu_counts *cpu_counts(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

static __always_inline void count_loss(enum loss_cause cause)
{
	struct cpu_counts *c = cpu_counts();

	if (c)
		c->lost[cause]++;
}

/* A call of a 32-bit program: its numbers and arguments mean something else. */
static __always_inline void count_compat(void)
{
	struct cpu_counts *c = cpu_counts();

	if (c)
		c->compat++;
}

/*
 * A CPU's buffers are one program's at a time. Most hooks can be preempted: then that of another
 * task must leave them alone, and what it would have reported is lost, and counted.
 */
static __always_inline bool take_buffers(void)
{
	struct cpu_counts *c = cpu_counts();

	if (!c)
		return false;
	if (c->busy) {
		c->seq++;
		c->lost[LOSS_CALL]++;
		__sync_fetch_and_add(&lost_records, 1);
		return false;
	}
	c->busy = 1;
	return true;
}

static __always_inline void leave_buffers(void)
{
	struct cpu_counts *c = cpu_counts();

	if (c)
		c->busy = 0;
}

/* A number is drawn for every record tried: a record that is lost leaves a jump. */
static __always_inline void fill_header(struct record_header *h, u16 type, u32 size, u64 pid_tgid)
{
	struct cpu_counts *c = cpu_counts();

	h->size = size;
	h->type = type;
	h->cpu = bpf_get_smp_processor_id();
	h->seq = c ? c->seq++ : 0;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->tgid = pid_tgid >> 32;
	h->tid = (u32)pid_tgid;
}

/*
 * The jump in a CPU's sequence shows only with its next record, which may be long in coming: what
 * other CPUs report meanwhile must not be taken for the whole. False: no room for this, either.
 */
static __always_inline bool tell_losses(void)
{
	u64 lost = lost_records;
	struct record_header *r;

	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return false;
	r->size = sizeof(*r);
	r->type = RECORD_LOST;
	r->cpu = RECORD_NO_CPU;
	r->seq = lost;
	r->time_ns = bpf_ktime_get_boot_ns();
	r->tgid = r->tid = 0;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	told_records = lost;
	return true;
}

static __always_inline bool is_dropped(const struct record_header *h)
{
	return drop_every && h->seq % drop_every == 0;
}

/* Whether it is time to wake the reader. Of small records one in eight asks how much waits. */
static __always_inline bool reader_due(const struct record_header *h, u32 size)
{
	if (size < 512 && h->seq % 8)
		return false;
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= wake_bytes;
}

/*
 * 0, or negative: the ring is full, which is counted under cause. most: of size; the verifier of
 * older kernels (5.10) knows it no more once size has been kept on the stack, unless it sees it
 * just before the use.
 */
static __always_inline long emit_bounded(void *record, u32 size, u32 most, enum loss_cause cause,
					 bool urgent)
{
	u64 flags = BPF_RB_NO_WAKEUP;
	long err = -1;

	/* No record after a loss comes before the word of it. */
	if (is_dropped(record) || (lost_records != told_records && !tell_losses()))
		goto lost;
	if (urgent || reader_due(record, size))
		flags = BPF_RB_FORCE_WAKEUP;
	if (most != ~0u) {
		barrier_var(size);
		if (size > most)
			size = most;
	}
	err = bpf_ringbuf_output(&ring, record, size, flags);
	if (!err)
		return 0;
lost:
	__sync_fetch_and_add(&lost_records, 1);
	count_loss(cause);
	return err;
}

static __always_inline long emit(void *record, u32 size, enum loss_cause cause, bool urgent)
{
	return emit_bounded(record, size, ~0u, cause, urgent);
}

#endif
