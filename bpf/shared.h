/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The maps' keys and values, shared by both sides of this build. Not part of a recording.
 */
#ifndef FDTRACE_SHARED_H
#define FDTRACE_SHARED_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "record.h"

#define SYSCALLS_KNOWN 512

/* Whose native stacks are taken. */
enum native_calls {
	NATIVES_NONE = 0,
	NATIVES_BAD = 1, /* of calls that fail with EBADF */
	NATIVES_ALL = 2, /* of all calls that a report may show */
};

struct target {
	__u64 program;	    /* CLOCK_BOOTTIME at fork, exec or attach: with the pid, one program */
	__u32 vfork;	    /* 1: runs in its parent's memory until it execs */
	__u32 leader_ended; /* 1: so has what the user side tied to the first thread */
	__u64 parent_program; /* the one it was forked from, whose objects it has too; 0: none */
	__u32 parent_tgid;
	__u32 alone; /* 1: probes of its own watch its descriptor owners, not everybody's */
};

/* A number of a program, as its Python objects have it. */
struct held_key {
	__u64 program;
	__u32 tgid;
	__s32 fd;
};

/* The object that has taken it. */
struct held_by {
	__u64 object;
	__u64 type; /* ob_type: another object at its address has another, or another number */
	__u64 since_ns;
	__u16 fd_at;
	__u16 unused[3];
};

/* A call of tp_init: its thread, and where its return address lies on the stack. */
struct init_key {
	__u64 frame;
	__u32 tid;
	__u32 unused;
};

/* What was learned of a program holds for no other, though pid and addresses come again. */
struct program_key {
	__u64 program;
	__u32 tgid;
	__u32 unused;
};

/* The superblock and inode that an open file has in the kernel: not always what stat says. */
struct file_key {
	__u64 device; /* s_dev */
	__u64 inode;
};

/* How a code object is told from another that had its address before. */
enum code_identity {
	IDENTITY_CONTENT = 0, /* by what it holds: sampled at every frame */
	IDENTITY_FREED = 1,   /* by the frees that a probe on its destructor counts */
};

struct python_process {
	__u64 runtime;	 /* address of _PyRuntime in the process */
	__u64 code_type; /* of PyCode_Type */
	__u64 epoch;	 /* raised when identity changes: ids of stacks are new then */
	struct file_key file;
	__u32 layout;	/* index into layouts */
	__u32 identity; /* enum code_identity */
	__u32 tss_key;	/* 1 + the key of the thread state, once it has proved right; 0: not yet */
	__u32 unused;
};

enum file_known {
	FILE_NOTHING = 0, /* it is no Python, and holds none of its descriptor owners */
	FILE_PYTHON = 1,  /* it is a Python with this layout */
	FILE_OWNERS = 2,  /* a module with descriptor owners: each program that maps it counts */
};

struct python_file {
	__u64 runtime; /* as in the file's symbol table */
	__u64 code_type;
	__u64 text_vaddr;
	__u64 text_offset;
	__u32 layout;
	__u16 known; /* enum file_known */
	__u16 fixed; /* 1: ET_EXEC, no load bias */
};

struct code_key {
	__u64 code;
	__u64 sample; /* IDENTITY_CONTENT: hash of its content */
	__u64 program;
	__u32 tgid;
	__u32 resend;
};

struct cpu_counts {
	__u64 seq; /* of the next record */
	__u64 lost[LOSS_CAUSES];
	__u64 ident;  /* of the next code object sent from this CPU */
	__u64 native; /* of the last native stack sent from this CPU */
	__u64 compat; /* calls of 32-bit programs, which are not decoded */
	__u64 busy;   /* 1: a program works in this CPU's buffers */
};

#endif
