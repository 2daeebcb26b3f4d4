/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records into the ring.
 *
 * Owns: headers, sequence numbers, loss counters, and when the reader is woken.
 * Never: looks into a record's body.
 */
#ifndef FDTRACE_EMIT_BPF_H
#define FDTRACE_EMIT_BPF_H

#include "maps.bpf.h"

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

/* 0, or negative: the ring is full, which is counted under cause. */
static __always_inline long emit(void *record, u32 size, enum loss_cause cause, bool urgent)
{
	u64 flags = BPF_RB_NO_WAKEUP;
	long err;

	if (urgent || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	err = bpf_ringbuf_output(&ring, record, size, flags);
	if (err)
		count_loss(cause);
	return err;
}

#endif
