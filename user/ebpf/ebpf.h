/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The kernel side, from here: load, attach, targets, ring buffer, counters.
 *
 * Owns: every libbpf object. Says in one line what this kernel or this user lacks.
 * Never: looks into a record; logs (libbpf's own log is passed on only when asked for).
 */
#ifndef FDTRACE_EBPF_EBPF_H
#define FDTRACE_EBPF_EBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/maps.h"
#include "abi/owner_layout.h"
#include "abi/py_layout.h"
#include "abi/record.h"
#include "ebpf/ebpf_options.h"

struct ebpf;

/* libbpf's log goes to standard error, or nowhere. For the whole program. */
void ebpf_log(bool verbose);

/* Loads and attaches. 0, or negative errno with *error filled in. */
int ebpf_open(const struct ebpf_options *options, struct ebpf **ret_ebpf, struct ebpf_error *error);

/* Detaches, lets the kernel side go. */
void ebpf_close(struct ebpf *ebpf);

/* Stops new records; those in the ring can still be consumed. */
void ebpf_detach(struct ebpf *ebpf);

/*
 * The process is traced from now on. program, CLOCK_BOOTTIME, names the one that it runs now, until
 * it execs. 0 or negative errno: -EEXIST: it is already (followed from its parent), under a name of
 * its own; -E2BIG: too many processes.
 */
int ebpf_add_target(struct ebpf *ebpf, pid_t pid, uint64_t program);
void ebpf_remove_target(struct ebpf *ebpf, pid_t pid);

/* Whether any process is still traced. */
bool ebpf_has_targets(const struct ebpf *ebpf);

/* The traced process after this one, in no order; 0: the first one, or no more. */
pid_t ebpf_next_target(const struct ebpf *ebpf, pid_t pid);

/* What hooks have cost a traced process so far, CPU nanoseconds (ebpf_options.costs); *ret_program:
 * since when, as ebpf_program(). False: it is not traced. */
bool ebpf_cost(const struct ebpf *ebpf, pid_t pid, uint64_t *ret_program, uint64_t *ret_ns);

/* The program that a traced process runs now: when it forked, exec'd or was added. 0: not traced.
 */
uint64_t ebpf_program(const struct ebpf *ebpf, pid_t pid);

/* How a build of Python is read; each is copied to the kernel side once. */
struct ebpf_layout {
	const struct py_layout *python;
	const struct owner_layout *owners; /* NULL: not known */
};

/*
 * This program of the process is a Python of this layout; python: the addresses in the process
 * (runtime, code_type, code), all else zero. Holds until the program ends, and for a program that
 * is not traced until it is forgotten.
 */
int ebpf_set_python(struct ebpf *ebpf, pid_t pid, uint64_t program,
		    const struct ebpf_layout *layout, const struct python_process *python);
void ebpf_forget_python(struct ebpf *ebpf, pid_t pid, uint64_t program);
bool ebpf_has_python(const struct ebpf *ebpf, pid_t pid, uint64_t program);

/*
 * Whether a code object that was sent under ident is the last that the kernel side has seen at its
 * address, in a program that still runs. *ret_parts: what it led to; *ret_code_type: the address of
 * the process's PyCode_Type.
 */
bool ebpf_code_is_sent(const struct ebpf *ebpf, pid_t pid, uint64_t code, uint64_t ident,
		       struct code_parts *ret_parts, uint64_t *ret_code_type);

/*
 * From now on frees of code objects are watched in this process, which is cheaper than telling code
 * objects apart at every frame; not in its children, nor in what it execs. fd: the file of its
 * Python, lent, which has the destructor at this offset. Where it fails, nothing is lost but speed.
 * 0 or negative errno: -ESTALE: it runs no Python by now.
 */
int ebpf_watch_frees(struct ebpf *ebpf, pid_t pid, int fd, uint64_t offset);

/* No more, at once: it waits a tenth of a second until nothing of it is left in the process. */
void ebpf_unwatch_frees(struct ebpf *ebpf, pid_t pid);

/*
 * An object was found in the memory of a program: it has claimed the number since then at the
 * latest. What the kernel side knows of it already stays. 0 or negative errno.
 */
int ebpf_add_claim(struct ebpf *ebpf, pid_t pid, uint64_t program, int32_t fd,
		   const struct claim *claim);

/* How the kernel side names an open file of ours, as it is now. 0 or negative errno. */
int ebpf_identify_file(struct ebpf *ebpf, int fd, struct file_version *ret);

/* Whether an open file of ours is of this version still: then all that was read of it is of it. */
bool ebpf_file_is(struct ebpf *ebpf, int fd, const struct file_version *version);

/* The answer for an executable file; layout NULL: it holds no Python that can be walked. */
int ebpf_learn_file(struct ebpf *ebpf, const struct file_version *version,
		    const struct ebpf_layout *layout, struct python_file *file);

/*
 * The stack (a native one: of this hash) will be sent again at its next call. 0: so will all stacks
 * and code objects.
 */
void ebpf_forget_stack(struct ebpf *ebpf, uint64_t stack_id);

/* Readable when records wait. Lent. */
int ebpf_fd(const struct ebpf *ebpf);

/* So many records are consumed at once: a busy process must not keep the caller for ever. */
#define EBPF_BATCH 16384

/*
 * Hands waiting records to fn, in order; size is the record's. fn's negative result stops
 * and is returned. Else the number of records (EBPF_BATCH: more may wait), or negative errno.
 */
typedef int (*ebpf_record_fn)(void *arg, const struct record_header *record, size_t size);
int ebpf_consume(struct ebpf *ebpf, ebpf_record_fn fn, void *arg);

/*
 * How many records have been lost in all, if some have been since the last word of it: then this is
 * the word, and the kernel side will not put it into the ring. 0: none.
 */
uint64_t ebpf_lost(struct ebpf *ebpf);

/* Adds up the counters of all CPUs. */
void ebpf_losses(struct ebpf *ebpf, uint64_t lost[LOSS_CAUSES], uint64_t *ret_compat);

/* What the attached hooks cannot see: sentences, ended by NULL. Lent. */
const char *const *ebpf_unseen(struct ebpf *ebpf);

/* Whether the kernel has refused a kprobe for want of a privilege, without which less is seen. */
bool ebpf_kprobes_refused(const struct ebpf *ebpf);

/*
 * Calls fn with a struct task_table for each thread of traced processes: which table it has. 0,
 * fn's first result that is not 0, or negative errno: -EOPNOTSUPP: this kernel cannot tell.
 */
int ebpf_each_task(const struct ebpf *ebpf, int (*fn)(void *arg, const void *task), void *arg);

/* The same with a struct open_socket for each socket that the process has open now. */
int ebpf_each_socket(struct ebpf *ebpf, pid_t pid, int (*fn)(void *arg, const void *socket),
		     void *arg);

/* What the hooks tell of an io_uring: enum ring_flag. */
uint8_t ebpf_ring_flags(const struct ebpf *ebpf);

/* What is attached, for the first line: "tp_btf/sys_exit", "fexit on 148 calls". Lent. */
const char *ebpf_hook_kind(const struct ebpf *ebpf);

#endif
