/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The texts of /proc/PID: status, stat, maps, mountinfo, cgroup, the links of fd/.
 *
 * Owns: their parsing; pure functions. A process chooses its name, its files' names and its
 * cgroup's, so every text is hostile: nothing is believed beyond what the kernel wrote itself.
 * Formats: Documentation/filesystems/proc.rst, fs/proc/{array,task_mmu,fd}.c, fs/proc_namespace.c.
 */
#ifndef FDTRACE_PROCESS_PARSE_H
#define FDTRACE_PROCESS_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fd/finding.h"

#define CONTAINER_ID_SIZE 65 /* 64 hex digits and a NUL */

#define PROC_HEAP "[heap]" /* what brk(2) moves the end of */

/* A mapping: an executable one of a file, where nothing else is said. */
struct proc_mapping {
	uint64_t start; /* addresses; end is the first beyond */
	uint64_t end;
	uint64_t offset; /* in the file, bytes */
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t inode;
	const char *path; /* as in maps, " (deleted)" included; lent; NULL: not known, none */
	int32_t tid;	  /* whose maps it was read from; 0: not known */
};

/* Where a directory of a file system is mounted. */
struct proc_mount {
	uint32_t dev_major; /* the file system's */
	uint32_t dev_minor;
	const char *root;  /* the directory, by its path from the file system's own root; lent */
	const char *point; /* where it is seen; lent */
};

/* What /proc/PID/status says. 0: not there. */
struct proc_status {
	uint32_t tgid;
	uint32_t ns_pid; /* innermost namespace's number */
	uint32_t fd_size;
	uint32_t threads;
};

/* What /proc/PID/stat says. */
struct proc_stat {
	char state; /* 'Z': zombie */
	uint32_t parent;
	uint64_t start_ticks; /* since boot, clock ticks */
};

void proc_parse_status(const char *text, struct proc_status *ret);

/* 0, or -EINVAL. */
int proc_parse_stat(const char *text, struct proc_stat *ret);

/*
 * One line of maps; a newline at its end is cut off. 0: an executable mapping of a file;
 * ret->path points into line. -ENOENT: another mapping. -EINVAL: no such line.
 */
int proc_parse_mapping(char *line, struct proc_mapping *ret);

/* One line of mountinfo. 0; ret's paths point into line, which is written to. -EINVAL: no such
 * line. */
int proc_parse_mount(char *line, struct proc_mount *ret);

/*
 * The same for the memory that a program keeps its data in. 0: a private mapping that is readable
 * and writable, of a file (it has an inode) or of none, but no main thread's stack; its path may
 * be PROC_HEAP or NULL. -ENOENT, -EINVAL: as above.
 */
int proc_parse_data_mapping(char *line, struct proc_mapping *ret);

/*
 * The path in the unified hierarchy, or else in the first that is there; NULL: none. Writes into
 * text and points into it, and so do the lines it leaves behind: parse only once.
 * ret_id: the container, from that path or else from another hierarchy's; "": in none.
 */
char *proc_parse_cgroup(char *text, char ret_id[CONTAINER_ID_SIZE]);

/*
 * The container id in a cgroup path: the innermost component that is 64 hex digits, a prefix up to
 * its last '-' or ':' and a ".scope" apart. Container engines' monitors (conmon) are in none.
 */
bool proc_parse_container(const char *path, char ret_id[CONTAINER_ID_SIZE]);

/* The target of /proc/PID/fd/N. May write into text; ret->path points into it. */
void proc_parse_fd_link(char *text, struct fd_what *ret);

/* fdinfo's flags line. 0, or -EINVAL: there is none. */
int proc_parse_fdinfo(const char *text, bool *ret_cloexec);

#endif
