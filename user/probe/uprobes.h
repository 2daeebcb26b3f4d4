/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Probes at functions of the traced programs' own: where they free code objects, where Python's
 * objects take and give up descriptors.
 *
 * Owns: these probes, and how they are attached: those of one file by one or two links where the
 * kernel can (uprobe_multi, Linux 6.13 on: before 6.10 it took a process for its first thread),
 * else one by one; and letting them go without anybody having to wait for it. Never: knows which
 * files or processes are watched.
 */
#ifndef FDTRACE_PROBE_UPROBES_H
#define FDTRACE_PROBE_UPROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "python/owners.h"

struct fdtrace_bpf;
struct bpf_link;
struct bpf_program;

struct uprobes {
	struct bpf_link **links; /* one by one */
	size_t link_count;
	int *multis; /* links of many, descriptors */
	size_t multi_count;
};

/*
 * Before the object is loaded. owners: the probes at descriptor owners are wanted. Whether they can
 * be had: what tells their points apart came with Linux 5.15.
 */
bool uprobes_choose(struct fdtrace_bpf *bpf, bool owners);

/*
 * Probes a file (fd, lent) at an offset, in this process, which need not have mapped it yet, or in
 * every one (pid -1). 0 or negative errno.
 */
int uprobes_add(struct uprobes *uprobes, const struct bpf_program *program, pid_t pid, int fd,
		uint64_t offset);

/* The same at all points of a file's owners, or at none: half of them would be taken for all. */
int uprobes_add_owners(struct uprobes *uprobes, const struct fdtrace_bpf *bpf, pid_t pid, int fd,
		       const struct owner_probe *points, size_t count);

/* Lets all go: in the background, at last when this process has ended. */
void uprobes_release(struct uprobes *uprobes);

#endif
