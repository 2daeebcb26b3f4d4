/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Probes at the entry of functions of traced programs' own: where they free code objects.
 *
 * Owns: these probes, each in one process alone.
 * Never: probes a return, for that changes what is on the program's stack; or all who run a file.
 */
#ifndef FDTRACE_EBPF_UPROBES_H
#define FDTRACE_EBPF_UPROBES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_link;
struct bpf_program;

struct uprobe {
	struct bpf_link *link;
	pid_t pid;
};

struct uprobes {
	struct uprobe *all;
	size_t count;
};

/* Probes a file (fd, lent) at an offset, in this process. 0 or negative errno. */
int uprobes_add(struct uprobes *uprobes, const struct bpf_program *program, pid_t pid, int fd,
		uint64_t offset);

/* Lets those of a process go, and returns when they are gone: a tenth of a second for each. */
void uprobes_remove(struct uprobes *uprobes, pid_t pid);

/* The descriptors of all, lent, and how many; there is room for count. */
size_t uprobes_links(const struct uprobes *uprobes, int *ret_fds);

/* Lets all go; that takes a tenth of a second for each, unless others share it (release.h). */
void uprobes_release(struct uprobes *uprobes);

#endif
