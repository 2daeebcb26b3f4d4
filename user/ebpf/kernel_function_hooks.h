/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Hooks on the kernel's own functions, beside any kind of hook on system calls: what no system
 * call's end shows. fd_install() for the descriptors that no call returns, the function by which
 * io_uring takes a descriptor out of its table, and the one by which close() does: whether it found
 * one.
 *
 * Owns: which of them can be had on this kernel, and how, and what others pay for it. Where one
 * cannot, nothing is wrong: what it would show is learned of later, or left in doubt.
 * Never: fails a kind of hook.
 */
#ifndef FDTRACE_EBPF_KERNEL_FUNCTION_HOOKS_H
#define FDTRACE_EBPF_KERNEL_FUNCTION_HOOKS_H

#include <stdbool.h>

#include "abi/record.h"

struct bpf_link;
struct btf;
struct fdtrace_bpf;

enum kernel_function {
	KERNEL_FUNCTION_INSTALL,
	KERNEL_FUNCTION_REMOVE,
	KERNEL_FUNCTION_CLOSE,
	KERNEL_FUNCTIONS,
};

enum function_hook {
	FUNCTION_HOOK_UNSEEN,
	FUNCTION_HOOK_FEXIT,
	FUNCTION_HOOK_KPROBE,
	FUNCTION_HOOK_HOOKS,
};

/* What a kernel has. */
struct kernel_functions {
	/*
	 * The functions' names; NULL: there is none of use. To remove: file_close_fd_locked() since
	 * Linux 6.7, __close_fd_get_file() since 5.19, both called with the table's lock held.
	 * Before 5.12 io_uring's workers belong to no process, so those see nothing of them.
	 * To close: file_close_fd() since 6.7, close_fd() since 5.11, __close_fd() before; only the
	 * first returns what it has found.
	 */
	const char *of[KERNEL_FUNCTIONS];
	/* Whether a program loads that is to be run when fd_install() returns: 0, or -errno. */
	int fexit_err;
};

/*
 * Of the kernel of this BTF. fexit_err: -ENOENT: it does not know fd_install(); -EPERM: it may
 * refuse all such programs.
 */
void kernel_function_find(const struct btf *btf, struct kernel_functions *ret);

/*
 * How each will be hooked; alike: what the kind of hook uses (if that does not work, neither does
 * the kind of hook). Before the object is loaded: of its programs for them, only those will be.
 */
void kernel_function_choose(struct fdtrace_bpf *bpf, const struct kernel_functions *functions,
			    enum function_hook alike, enum function_hook ret[KERNEL_FUNCTIONS]);

/* NULL: it is not to be had. */
struct bpf_link *kernel_function_attach(const struct fdtrace_bpf *bpf,
					const struct kernel_functions *functions,
					enum kernel_function which, enum function_hook how);

/* Its program's descriptor, lent; -1: none. */
int kernel_function_program(const struct fdtrace_bpf *bpf, const struct kernel_functions *functions,
			    enum kernel_function which, enum function_hook how);

/*
 * What the kernel side may say of a close that failed, if its hook has kept nothing of it. One that
 * looks before the close keeps what may return EBADF; one that sees what was found, what was not.
 * skips: the kernel skips programs of functions' ends where it preempts them.
 */
enum table_state kernel_function_table(const struct kernel_functions *functions,
				       enum function_hook how, bool skips);

/* A phrase: what is paid, and where; NULL: nothing. */
const char *kernel_function_cost(enum kernel_function which, enum function_hook how);

#endif
