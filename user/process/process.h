/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is known of a process: who it is, since when, in which cgroup, running what.
 *
 * Owns: one struct process per traced process, filled from records alone (facts.h makes those
 * of what /proc says), so that a recording tells the same. Pure.
 *
 * Never: reads /proc. Texts are hostile: printers escape them.
 */
#ifndef FDTRACE_PROCESS_PROCESS_H
#define FDTRACE_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/record_user.h"

struct process {
	uint32_t pid;
	uint32_t ns_pid;   /* innermost pid namespace's number; 0: not known */
	uint64_t start_ns; /* CLOCK_BOOTTIME; 0: not known */
	char comm[16];
	char *exe;	    /* NULL: not known */
	char *cgroup;	    /* path in the unified (or else first) hierarchy; NULL */
	char *container_id; /* 64 hex digits; NULL */
	char *runtime;	    /* "CPython 3.11.2"; NULL: no Python that we can walk */
	uint64_t calls;	    /* calls of its, or of a thread's, that have been judged */
	bool exited;
	bool same_root; /* seen to have fdtrace's own mount namespace and root */
};

/* So many processes that have exited are remembered: the oldest is forgotten for the newest. */
#define PROCESS_EXITED_MAX 1024
/* So many that live: more than the kernel side follows. Of others, the number alone is known. */
#define PROCESS_LIVING_MAX 65536

struct process_table;

/* 0 or -ENOMEM. */
int process_table_new(struct process_table **ret_table);
void process_table_free(struct process_table *table);

/* Processes below are the table's; a pointer holds until the next call that changes the table. */

/* NULL: not known. */
struct process *process_find(const struct process_table *table, uint32_t pid);

/* The process started then, as far as is known: /proc counts in clock ticks. */
bool process_started(const struct process *process, uint64_t start_ns);

/*
 * What /proc said of a process. One that is known, lives and started then is filled anew, its
 * runtime kept; else it is a new one, unless the record is of a known process only. NULL, with
 * errno ESRCH: such a one is not in the table; ENOSPC: too many; ENOMEM.
 */
struct process *process_learned(struct process_table *table, const struct record_process *record);

/* The runtime that has been found in it. NULL: no such process in the table. */
struct process *process_runs(struct process_table *table, const struct record_runtime *record);

/*
 * The child: it has what its parent has (name, executable, runtime), and its own numbers. NULL,
 * with errno ENOSPC: too many; ENOMEM.
 */
struct process *process_forked(struct process_table *table, const struct record_fork *record);

/* Another program. Its runtime is not known again. NULL: no such process in the table. */
struct process *process_execed(struct process_table *table, const struct record_exec *record);

/* It has exited; what is known of it stays for a while. NULL: no such process in the table. */
struct process *process_exited(struct process_table *table, const struct record_exit *record);

/* It runs one of the usual shells, by its executable's name. */
bool process_is_shell(const struct process *process);

/* Those that have not exited, from the heap. How many; 0, with NULL: none, or no memory. */
size_t process_living(const struct process_table *table, pid_t **ret);

void process_remove(struct process_table *table, uint32_t pid);

#endif
