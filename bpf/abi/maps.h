/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The maps' keys and values, shared by both sides of this build. Not part of a recording.
 */
#ifndef FDTRACE_MAPS_H
#define FDTRACE_MAPS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "abi/owner_layout.h"
#include "abi/record.h"

#define SYSCALLS_KNOWN 512

/* Of a 32-bit call: 1 + the number of the 64-bit call that it is; 0: none. */
#define COMPAT_NATIVE	0x7fff
/* It makes, moves or ends descriptors, not only with EBADF. */
#define COMPAT_CONCERNS 0x8000

struct target {
	__u64 program; /* CLOCK_BOOTTIME at fork, exec or attach: with the pid, one program */
	__u64 parent_program; /* the one it was forked from, whose objects it has too; 0: none */
	__u32 parent_tgid;
	__u32 vfork;	    /* 1: runs in its parent's memory until it execs */
	__u32 leader_ended; /* 1: so has what the user side tied to the first thread */
	__u32 watches;	    /* its numbers that are watched: struct watched_number */
	__u64 cost_ns;	    /* what hooks have cost it, CPU time: cost.bpf.h */
	__u64 kept_ns;	    /* objects that may keep a number are looked at: not before then */
};

/* A number of a program, as its Python objects have it. */
struct claimed_key {
	__u64 program;
	__u32 tgid;
	__s32 fd;
};

/* An object that claims it. */
struct claim {
	__u64 object; /* 0: this place is free */
	__u64 type;   /* ob_type: another object at its address has another, or another number */
	__u64 since_ns;
	__u64 table; /* address of the files_struct that the number is of; 0: not known, any */
	__u8 kind;   /* enum owner_type */
	__u8 flags;  /* enum claim_flag */
	__u16 unused;
	__u32 unused2;
};

/* The latest first. */
struct claims {
	struct claim of[RECORD_CLAIMS_MAX];
	__u32 looks;	/* OWNER_CALL_USE: how often an owner was looked for in vain */
	__u32 left_out; /* 1: more claimed the number than find room here */
	__u32 lent; /* 1: since its last close an object has had it that does not close it (closefd)
		     */
	__u32 unused;
};

/*
 * A number that an object claims which is stale, or keeps: its reads and writes there go to
 * somebody else's descriptor, and are looked at.
 */
struct watched_number {
	__u64 keeper; /* address of an object that keeps it (kept.bpf.h); 0: none is known */
	__u32 looks;  /* so far */
	__u32 stale;  /* 1: an object claims it that is stale */
};

/* A type in a program. */
struct owner_type_key {
	__u64 program;
	__u64 type;
	__u32 tgid;
	__u32 unused;
};

struct owner_type_known {
	__u64 checked_ns; /* OWNER_NONE: when; a type that is freed may have another in its place */
	__u32 kind;	  /* enum owner_type, itself or by one of its bases */
	__u32 unused;
};

/* A place in a program from which fstat() is called. */
struct owner_place_key {
	__u64 program;
	__u64 address;
	__u32 tgid;
	__u32 unused;
};

struct owner_place {
	__u32 found;
	__u32 missed;
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

/*
 * A file as it was at one moment. Who gets its inode later, or writes to it, makes another of it:
 * the time of the last change is the kernel's alone to set.
 */
struct file_version {
	struct file_key file;
	__u64 changed_ns; /* ctime, CLOCK_REALTIME */
	__u64 size;
};

/* In owner_finding.vain: so many calls are told of once; an owner has shown. */
#define VAIN_MAX   16
#define VAIN_SHOWN 255

/* How owners are found in a program. Written by its calls, in no order: a hint and no more. */
struct owner_finding {
	__u32 found; /* by fstat() */
	__u32 missed;
	__u32 deep;		/* 1: the stack is searched, too; 2: in vain, which has been told */
	__u8 vain[OWNER_TYPES]; /* of sockets and epoll objects: calls that showed none so far */
};

/* How a code object is told from another that had its address before. */
enum code_identity {
	IDENTITY_CONTENT = 0, /* by what it holds: sampled at every frame */
	IDENTITY_FREED = 1,   /* by the frees that a probe in its process counts */
};

struct python_process {
	__u64 runtime;	 /* address of _PyRuntime in the process */
	__u64 code_type; /* of PyCode_Type */
	__u64 epoch;	 /* raised when identity changes: ids of stacks are new then */
	__u32 layout;	 /* index into layouts */
	__u32 tss_key;	 /* 1 + the key of the thread state, once it has proved right; 0: not yet */
	__u32 identity;	 /* enum code_identity */
	__u32 moved;	 /* 1: a thread ran a state that names another one: no name is enough */
	struct code_range code[OWNER_CODES];
	struct owner_finding finding;
};

enum file_known {
	FILE_NOTHING = 0, /* it is no Python */
	FILE_PYTHON = 1,  /* it is a Python with this layout */
};

struct python_file {
	__u64 runtime; /* as in the file's symbol table */
	__u64 code_type;
	__u64 text_vaddr;
	__u64 text_offset;
	__u32 layout;
	__u16 known; /* enum file_known */
	__u16 fixed; /* 1: ET_EXEC, no load bias */
	struct code_range code[OWNER_CODES];
};

struct code_key {
	__u64 code;
	__u64 program;
	__u32 tgid;
	__u32 resend;
};

/* What a code object leads to; version: no other one ever gets it (3.12 on), 0: it has none. */
struct code_parts {
	__u64 filename, name, table;
	__u32 firstlineno;
	__u32 version;
};

/* The code object that was sent last of those that had this address. */
struct code_sent {
	__u64 ident;
	__u64 sample; /* tells it from another one: hash of its parts and of what they hold */
	struct code_parts parts;
};

/* One thread of a traced process (on_each_task). */
struct task_table {
	__u64 table; /* address of its files_struct */
	__u32 users; /* tasks that have this table */
	__u32 tgid;
	__u32 tid;
	__u32 ring; /* 1: it has or had an io_uring whose closes are not told */
};

/* A socket that a traced process has open (on_each_file). */
struct open_socket {
	__u32 tgid;
	__s32 fd;
	struct record_socket socket;
};

struct cpu_counts {
	__u64 seq; /* of the next record */
	__u64 lost[LOSS_CAUSES];
	__u64 ident;  /* of the next code object sent from this CPU */
	__u64 native; /* of the last native stack sent from this CPU */
	__u64 compat; /* 32-bit calls that are not decoded */
	__u64 busy;   /* 1: a program works in this CPU's buffers */
	/* So many calls go by until one is timed; CLOCK_MONOTONIC, when that one began. */
	__u64 cost_gap, cost_ns;
};

#endif
