/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Reading /proc: what a running process has open, has mapped, and who its children are.
 *
 * Owns: the access to /proc/PID, bounded. A process whose first thread has ended is read through
 * another of its threads: /proc/PID/fd and /proc/PID/maps are empty then, though it lives on.
 *
 * Never: trusts that a process stays the same between two calls; blocks on a process's file.
 */
#ifndef FDTRACE_PROCESS_PROC_H
#define FDTRACE_PROCESS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/parse.h"

/* More than so many descriptors or mappings: -E2BIG, after the callbacks for those before. */
#define PROC_FDS_MAX	  (1 << 20)
#define PROC_MAPPINGS_MAX (1 << 18)
#define PROC_MOUNTS_MAX	  4096 /* later ones are left out */

/*
 * Callbacks. Their text arguments are lent, and hostile. Anything but 0 ends the walk and is
 * what the walk returns; the walks return -ESRCH for a process that is not there, -EINTR where they
 * are to be given up (base/heed.h).
 */
typedef int (*proc_fd_fn)(void *arg, int32_t fd, const char *link, bool cloexec);
typedef int (*proc_mapping_fn)(void *arg, const struct proc_mapping *mapping);
typedef int (*proc_mount_fn)(void *arg, const struct proc_mount *mount);
typedef int (*proc_child_fn)(void *arg, pid_t pid);

/* Is there a process (not a thread, not a zombie) of this number? */
bool proc_exists(pid_t pid);

/*
 * Start time, CLOCK_BOOTTIME nanoseconds, rounded down to a clock tick (10 ms). 0, or -ESRCH. A
 * process keeps it over exec.
 */
int proc_start_ns(pid_t pid, uint64_t *ret_ns);

/* Is the process pid, living or zombie, the one that started then? start_ns may be exact. */
bool proc_same_process(pid_t pid, uint64_t start_ns);

/*
 * Each open descriptor, except one that is closed during the walk, with what its link leads to;
 * NULL: that cannot be read. 0 or negative errno: then the walk was not complete.
 */
int proc_each_fd(pid_t pid, proc_fd_fn fn, void *arg);

/*
 * All threads of the process use one table of descriptors: kcmp(2). True where that cannot be
 * asked.
 */
bool proc_is_one_table(pid_t pid);

/*
 * FDSize: no number from it on has been in use since the last exec; and how many threads it has. 0,
 * or negative errno.
 */
int proc_fd_size(pid_t pid, uint32_t *ret_size, uint32_t *ret_threads);

/* Each mapping of a file that is readable and executable, by address. 0 or negative errno. */
int proc_each_exec_mapping(pid_t pid, proc_mapping_fn fn, void *arg);

/* Each mapping of data (proc_parse_data_mapping), by address. 0 or negative errno. */
int proc_each_data_mapping(pid_t pid, proc_mapping_fn fn, void *arg);

/*
 * Each mount of our own that is seen below our root, the first PROC_MOUNTS_MAX. 0; what fn
 * returned, if not 0; or negative errno.
 */
int proc_each_mount(proc_mount_fn fn, void *arg);

/*
 * Opens the mapped file for reading; regular files only. By the mapping itself where that is
 * allowed (CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE), which finds deleted files too; else by its
 * path in the process's root, if device and inode show that it is that file. The descriptor, or
 * negative errno: -ESTALE: the path leads to another file.
 */
int proc_open_mapping(pid_t pid, const struct proc_mapping *mapping);

/* Each living process whose parent is pid. 0 or negative errno. */
int proc_each_child(pid_t pid, proc_child_fn fn, void *arg);

/*
 * The same of its children's children, and so on, parents first; not of those for which fn returns
 * PROC_CHILDLESS. However many generations there are.
 */
#define PROC_CHILDLESS 1
int proc_each_descendant(pid_t pid, proc_child_fn fn, void *arg);

/* Each living process that /proc shows, the kernel's own too. 0 or negative errno. */
int proc_each_process(proc_child_fn fn, void *arg);

/* It runs a program: it is none of the kernel's own threads, and no zombie. */
bool proc_is_program(pid_t pid);

/* Its parent, 0: none, or it is gone. */
pid_t proc_parent(pid_t pid);

/*
 * A file of /proc/PID as text: at most size - 1 bytes and a NUL. The bytes read, or negative
 * errno. size is at least 1.
 */
ssize_t proc_read(pid_t pid, const char *name, char *buf, size_t size);

/* The target of a link of /proc/PID; as proc_read(). -ENAMETOOLONG: it does not fit. */
ssize_t proc_read_link(pid_t pid, const char *name, char *buf, size_t size);

/*
 * The thread to read /proc/PID through: pid itself, or if its first thread has ended, one that
 * lives. -ESRCH: none does.
 */
pid_t proc_living_thread(pid_t pid);

#endif
