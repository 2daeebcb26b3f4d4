/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The kernel side's object file, opened: one of two builds of the same programs.
 *
 * Owns: which. Never: loads it.
 */
#ifndef FDTRACE_EBPF_BPF_OBJECT_H
#define FDTRACE_EBPF_BPF_OBJECT_H

#include <stdbool.h>

struct fdtrace_bpf;

/*
 * hold_cpu: the build that calls bpf_preempt_disable() (Linux 6.10). The other does not name it:
 * to look for what the kernel lacks in its modules takes CAP_SYS_ADMIN, without which libbpf
 * before 1.3 gives up. NULL: errno says why. For fdtrace_bpf__destroy().
 */
struct fdtrace_bpf *object_open(bool hold_cpu);

#endif
