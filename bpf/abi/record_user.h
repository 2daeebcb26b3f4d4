/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The records that the user side alone makes (record.h: RECORD_OWN and on): what it learned of a
 * process from elsewhere than the ring, and when, so that a recording tells all by itself.
 *
 * Owns: their byte layout, under the rules of record.h. Never: in the ring.
 */
#ifndef FDTRACE_RECORD_USER_H
#define FDTRACE_RECORD_USER_H

#include "abi/record.h"

/* Which facts a record_process holds. */
enum process_fact {
	PROCESS_COMM = 1,
	PROCESS_EXE = 2,
	PROCESS_STATUS = 4, /* ns_pid */
	PROCESS_CGROUP = 8, /* cgroup, container id; each may be empty: none */
	PROCESS_ROOT = 16,  /* same_root: a process that ends has none any more */
};

/* Whether a record_process brings a process under trace. */
enum process_since {
	PROCESS_KNOWN = 0,	 /* no: facts of one that is traced already */
	PROCESS_FROM_START = 1,	 /* before its first instruction */
	PROCESS_FROM_ATTACH = 2, /* running: a snapshot follows */
};

/* What /proc says of a process; header's time: when it was read. */
struct record_process {
	struct record_header h;
	__u64 start_ns; /* CLOCK_BOOTTIME, in whole clock ticks */
	__u32 ns_pid;	/* in the innermost pid namespace */
	__u8 since;	/* enum process_since */
	__u8 facts;	/* enum process_fact */
	__u8 same_root; /* 1: it has fdtrace's own mount namespace and root */
	__u8 unused;
	char comm[16];
	__u16 exe_size;
	__u16 cgroup_size;
	__u16 container_size;
	__u16 unused2;
	char data[]; /* executable, cgroup, container id; no NUL */
};

/* The runtime found in a process: "CPython 3.11.2". */
struct record_runtime {
	struct record_header h;
	__u16 name_size;
	__u16 unused[3];
	char name[];
};

/*
 * A descriptor that /proc showed open. link: what /proc/PID/fd/N leads to. Behind that, not
 * aligned, up to the end of the record: a struct record_socket, if it is a socket of which more is
 * known.
 */
struct record_open_fd {
	struct record_header h;
	__s32 fd;
	__u16 link_size; /* 0: not readable */
	__u8 cloexec;
	__u8 ring_flags; /* should it be an io_uring: RING_TOLD */
	char link[];
};

/* All open descriptors have been sent; header's time: when the last was read. */
struct record_snapshot {
	struct record_header h;
	__u32 max_fds; /* FDSize of /proc/PID/status; 0: not known */
	__u32 threads; /* that the process has; 0: not recorded */
};

/* A source line of the process, as a report showed it. data: file name, line. */
struct record_source {
	struct record_header h;
	__u32 line; /* from 1 */
	__u16 file_size;
	__u16 text_size; /* 0: not readable */
	char data[];
};

/* Where the unwinding of a native stack ended. */
enum native_end {
	NATIVE_COMPLETE = 0, /* at the thread's first function */
	NATIVE_FRAMES = 1,   /* RECORD_NATIVES_MAX frames: more lie outside */
	NATIVE_STACK = 2,    /* where the copy of the stack ends, or is not readable */
	NATIVE_NO_MODULE =
		3,	   /* an address in no file that is known: code made at run time, or gone */
	NATIVE_NO_CFI = 4, /* code whose file does not say how to unwind it */
	NATIVE_BROKEN = 5, /* unwind information or a stack that makes no sense */
	NATIVE_FAILED = 6, /* the unwinding itself failed: no frames */
};

struct record_native_frame {
	__u64 address; /* as the module's file counts; module 0: in the process */
	__u32 symbol;  /* text at this offset: the function that the address lies in; 0: no name */
	__u32 module;  /* text: the base name of the file; 0: in no known one */
};

/* The frames of a RECORD_NATIVE, innermost first. text: names, each with a NUL, "" first. */
struct record_native_stack {
	struct record_header h;
	__u64 hash;
	__u32 nr;
	__u16 cpu;
	__u16 depth;
	__u32 text_size;
	__u8 end; /* enum native_end */
	__u8 unused[3];
	struct record_native_frame frames[];
};

/*
 * A session ends. data: the loss counters (u64, by cause), then sentences, each with a NUL; one
 * more than are counted: the hooks that were attached ("tp_btf/sys_exit").
 */
struct record_end {
	struct record_header h;
	__u64 compat_calls; /* of 32-bit programs, not decoded */
	__u16 causes;	    /* loss counters that follow */
	__u16 unseen;	    /* sentences that follow: what the hooks could not see */
	__u32 unseen_size;  /* bytes of them, and of the hooks */
	__u8 data[];
};

#endif
