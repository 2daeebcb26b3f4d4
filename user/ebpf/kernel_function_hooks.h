/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Hooks on the kernel's inner functions, beside any rung of the ladder: what no system call's end
 * shows. fd_install() for the descriptors that no call returns, the function by which io_uring
 * takes a descriptor out of its table, and the one by which close() does: whether it found one.
 *
 * Owns: which of them can be had on this kernel, and how, and what others pay for it. Where one
 * cannot, nothing is wrong: what it would show is learned of later, or left in doubt.
 * Never: fails a rung.
 */
#ifndef FDTRACE_EBPF_KERNEL_FUNCTION_HOOKS_H
#define FDTRACE_EBPF_KERNEL_FUNCTION_HOOKS_H

#include <stdbool.h>

#include "abi/record.h"

struct bpf_link;
struct btf;
struct fdtrace_bpf;

enum inner {
	INNER_INSTALL,
	INNER_REMOVE,
	INNER_CLOSE,
	INNERS,
};

enum inner_hook {
	INNER_UNSEEN,
	INNER_FEXIT,
	INNER_KPROBE,
	INNER_HOOKS,
};

/* What a kernel has. */
struct inner_functions {
	/*
	 * The functions' names; NULL: there is none of use. To remove: file_close_fd_locked() since
	 * Linux 6.7, __close_fd_get_file() since 5.19, both called with the table's lock held.
	 * Before 5.12 io_uring's workers belong to no process, so those see nothing of them.
	 * To close: file_close_fd() since 6.7, close_fd() since 5.11, __close_fd() before; only the
	 * first returns what it has found.
	 */
	const char *of[INNERS];
	/* Whether a program loads that is to be run when fd_install() returns: 0, or -errno. */
	int fexit_err;
};

/*
 * Of the kernel of this BTF. fexit_err: -ENOENT: it does not know fd_install(); -EPERM: it may
 * refuse all such programs.
 */
void inner_find(const struct btf *btf, struct inner_functions *ret);

/*
 * How each will be hooked; alike: what the rung uses (if that does not work, neither does the
 * rung). Before the object is loaded: of its programs for them, only those will be.
 */
void inner_choose(struct fdtrace_bpf *bpf, const struct inner_functions *functions,
		  enum inner_hook alike, enum inner_hook ret[INNERS]);

/* NULL: it is not to be had. */
struct bpf_link *inner_attach(const struct fdtrace_bpf *bpf,
			      const struct inner_functions *functions, enum inner which,
			      enum inner_hook how);

/* Its program's descriptor, lent; -1: none. */
int inner_program(const struct fdtrace_bpf *bpf, const struct inner_functions *functions,
		  enum inner which, enum inner_hook how);

/*
 * What the kernel side may say of a close that failed, if its hook has kept nothing of it. One that
 * looks before the close keeps what may return EBADF; one that sees what was found, what was not.
 * skips: the kernel skips programs of functions' ends where it preempts them.
 */
enum table_state inner_table(const struct inner_functions *functions, enum inner_hook how,
			     bool skips);

/* A phrase: what is paid, and where; NULL: nothing. */
const char *inner_cost(enum inner which, enum inner_hook how);

#endif
