/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the cost of fdtrace's stacks is measured beside: the same hook with nothing in it but the
 * filter, and with bpf_get_stack.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define FRAMES_MAX	 128
/* uapi/linux/bpf.h */
#define BPF_F_USER_STACK (1ull << 8)

const volatile __u32 target;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[FRAMES_MAX]);
} stacks SEC(".maps");

__u64 calls, frames;

static __always_inline bool is_target(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_empty, struct pt_regs *regs, long ret)
{
	if (is_target())
		calls++;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_stack, struct pt_regs *regs, long ret)
{
	__u32 zero = 0;
	__u64 *stack;
	long size;

	if (!is_target())
		return 0;
	stack = bpf_map_lookup_elem(&stacks, &zero);
	if (!stack)
		return 0;
	size = bpf_get_stack(ctx, stack, FRAMES_MAX * sizeof(__u64), BPF_F_USER_STACK);
	calls++;
	if (size > 0)
		frames += size / sizeof(__u64);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
