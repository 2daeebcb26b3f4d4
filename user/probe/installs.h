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

struct bpf_link;
struct fdtrace_bpf;

enum installs {
	INSTALLS_UNSEEN,
	INSTALLS_FEXIT,
	INSTALLS_KPROBE,
};

/*
 * What this kernel offers, by trying; alike: what the rung uses, which is taken without trying (if
 * it does not work, neither does the rung). Before the object is loaded: of its programs for it,
 * that one alone will be.
 */
enum installs installs_choose(struct fdtrace_bpf *bpf, enum installs alike);

/* NULL: it is not to be had. */
struct bpf_link *installs_attach(const struct fdtrace_bpf *bpf, enum installs how);

/* Its program's descriptor, lent; -1: none. */
int installs_program(const struct fdtrace_bpf *bpf, enum installs how);

/* A phrase: what is paid in each call that makes a descriptor; NULL: nothing. */
const char *installs_cost(enum installs how);

#endif
