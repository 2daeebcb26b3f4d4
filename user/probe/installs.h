/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The hook on fd_install(), beside any rung of the ladder: descriptors that no system call returns.
 *
 * Owns: how it can be had on this kernel, and what others pay for it. Where it cannot, nothing is
 * wrong: such descriptors are learned of later.
 * Never: fails a rung.
 */
#ifndef FDTRACE_PROBE_INSTALLS_H
#define FDTRACE_PROBE_INSTALLS_H

#include <stdbool.h>

struct bpf_link;
struct btf;
struct fdtrace_bpf;

enum installs {
	INSTALLS_UNSEEN,
	INSTALLS_FEXIT,
	INSTALLS_KPROBE,
};

/*
 * Whether the kernel, of this BTF, loads a program that does nothing, to be run when fd_install()
 * returns. 0 or negative errno: -ENOENT: it does not know the function; -EPERM: it may refuse all
 * such.
 */
int installs_try_fexit(const struct btf *btf);

/*
 * What this kernel offers; alike: what the rung uses (if that does not work, neither does the
 * rung); fexit: installs_try_fexit() is 0. Before the object is loaded: of its programs for it,
 * that one alone will be.
 */
enum installs installs_choose(struct fdtrace_bpf *bpf, enum installs alike, bool fexit);

/* NULL: it is not to be had. */
struct bpf_link *installs_attach(const struct fdtrace_bpf *bpf, enum installs how);

/* Its program's descriptor, lent; -1: none. */
int installs_program(const struct fdtrace_bpf *bpf, enum installs how);

/* A phrase: what is paid in each call that makes a descriptor; NULL: nothing. */
const char *installs_cost(enum installs how);

#endif
