/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The records: the one contract between the kernel side and the user side.
 *
 * Owns: the byte layout of everything that travels through the ring buffer and, with
 * record_user.h, of everything a recording holds. Fixed width, header first, append-only: a field
 * or a value is never moved, renumbered or reused. The user side asserts the sizes.
 *
 * Never: judges. A record says what happened, once, in the order in which the calls
 * returned, with what could only be had at that moment.
 */
#ifndef FDTRACE_RECORD_H
#define FDTRACE_RECORD_H

#include <asm-generic/errno-base.h>
#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "abi/calls.h"
#include "abi/socket.h"

#define RECORD_VERSION 3

/* Longest path or name that a call record carries, bytes (PATH_MAX). */
#define RECORD_NAME_MAX	     4096
/* Bytes of file name and of qualified name that a code record carries. */
#define RECORD_CODE_FILE_MAX 8192
#define RECORD_CODE_NAME_MAX 2048
/* Bytes of line table in one record; longer tables follow in RECORD_CODE_TABLE. */
#define RECORD_TABLE_CHUNK   8192
/* Frames in one stack record. */
#define RECORD_FRAMES_MAX    512
/* Bytes of a thread's stack that a native record carries. */
#define RECORD_STACK_MAX     32768
/* Bytes of the names of a mapped file. */
#define RECORD_NAMES_MAX     1024
/* Groups of a thread that a record of its rights carries. */
#define RECORD_GROUPS_MAX    256
/* Frames that are made of it. */
#define RECORD_NATIVES_MAX   256
/* Registers by their DWARF numbers: up to where x86-64 has the return address, AArch64 the pc. */
#define RECORD_REGS	     33

enum record_type {
	RECORD_CALL = 1,
	RECORD_STACK = 2,
	RECORD_CODE = 3,
	RECORD_CODE_TABLE = 4,
	RECORD_FORK = 5,
	RECORD_EXEC = 6,
	RECORD_EXIT = 7,
	RECORD_MAP = 8,
	RECORD_LOST = 9, /* its header alone, no CPU: records before it found no room; seq: how many
			    in all by then, 0: not known. From either side */
	RECORD_OWNER = 10, /* only in older recordings */
	RECORD_OWNER_TYPE = 11,
	RECORD_NATIVE = 16,
	RECORD_MODULE = 17,
	RECORD_RIGHTS = 18,
	RECORD_UNSEEN = 19,  /* from either side */
	RECORD_STARTED = 20, /* its header alone: a process that is not traced runs another program;
				if that is asked for. No session gets it */

	/*
	 * From here on the user side's own: what it learned elsewhere and when it looked, so
	 * that records alone tell all (record_user.h). Never in the ring.
	 */
	RECORD_OWN = 64,
	RECORD_PROCESS = 64,
	RECORD_RUNTIME = 65,
	RECORD_OPEN_FD = 66,
	RECORD_SNAPSHOT = 67,
	RECORD_FORGET = 68, /* its header alone: the process was added in vain */
	RECORD_TICK = 69,   /* its header alone: time has come so far, CLOCK_BOOTTIME */
	RECORD_SOURCE = 70,
	RECORD_END = 71,
	RECORD_CUT = 72, /* its header alone: a recording has reached its size limit */
	RECORD_NATIVE_STACK = 80,
};

/* In place of the CPU: a record without a sequence number, as are all of the user side's own. */
#define RECORD_NO_CPU	0xffff
/* No time in a record is beyond it (146 years of uptime). */
#define RECORD_TIME_MAX (1ull << 62)

struct record_header {
	__u32 size; /* the whole record, bytes */
	__u16 type; /* enum record_type */
	__u16 cpu;
	__u64 seq;     /* per CPU; counts records tried, so a jump is a loss */
	__u64 time_ns; /* CLOCK_BOOTTIME, when the probe ran */
	__u32 tgid;    /* both in fdtrace's own pid namespace */
	__u32 tid;
};

/*
 * The shape of a call: what it does to the table, whatever its name.
 *   CLOSE        ends fd
 *   CLOSE_RANGE  ends fd..fd2 (both inclusive, as unsigned); flags: CLOSE_RANGE_*; arg:
 *		  RANGE_MADE_TOLD
 *   OPEN         ret is new; name is the path as the program gave it; flags: O_*;
 *                fd is the directory descriptor where the call takes one, else -1
 *   MAKE         ret is new; flags and arg as its row in calls.h says
 *   PAIR         fd and fd2 are both new
 *   DUP          ret is a copy of fd
 *   DUP_ONTO     fd2 becomes a copy of fd; what fd2 was is ended
 *   SET_FD       fd's close-on-exec flag becomes flags & FD_CLOEXEC
 *   UNSHARE      the calling thread leaves its table for a copy (flags: CLONE_*)
 *   OTHER        uses fd (and fd2, -1: none) and failed with EBADF; arg: the command of fcntl and
 *                ioctl, the flags of newfstatat and statx (0 in older recordings, but fcntl's)
 *   ADDRESS      gave the socket fd an address or a peer; name: struct record_socket. No stack
 *   TRANSFER     moved ret bytes through fd, which an object claims that is stale, and at work;
 *		  point: whose code made the call
 *
 * Of a MAKE that makes a socket, name is a struct record_socket, too, if it could be read.
 */
enum call_shape {
	SHAPE_CLOSE = 1,
	SHAPE_CLOSE_RANGE,
	SHAPE_OPEN,
	SHAPE_MAKE,
	SHAPE_PAIR,
	SHAPE_DUP,
	SHAPE_DUP_ONTO,
	SHAPE_SET_FD,
	SHAPE_UNSHARE,
	SHAPE_OTHER,
	SHAPE_ADDRESS,
	SHAPE_TRANSFER,
};

/* Which call it was: calls.h has them. */
enum call_id {
#define CALL(ID, number, ...) CALL_##ID = number,
#define PART		      CALL
#define USE(...)
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};

/* Of an io_uring. */
enum ring_flag {
	RING_TOLD = 1,	  /* what it closes is told (CALL_REMOVED) */
	RING_WATCHED = 2, /* once it may close something, that is told (RECORD_UNSEEN) */
};

/* In a CALL_INSTALLED's arg, beside S_IFMT: nothing but this call can have made it (no io_uring).
 */
#define INSTALLED_BY_CALL 1

/* In a close_range's arg: what others than calls that return it make in the table is told, too. */
#define RANGE_MADE_TOLD 1

/* What is known of the Python frames of a call. */
enum python_status {
	PYTHON_NONE = 0,      /* the process is not known to run a Python that we can walk */
	PYTHON_COMPLETE = 1,  /* every frame */
	PYTHON_CUT = 2,	      /* the innermost RECORD_FRAMES_MAX or fewer; more lie outside */
	PYTHON_FAULT = 3,     /* memory was not readable: the frames before that point */
	PYTHON_NO_THREAD = 4, /* this thread runs no Python: no thread state is its own */
	PYTHON_NO_FRAMES = 5, /* a Python thread with no frame: start-up or shutdown */
	PYTHON_AMBIGUOUS = 6, /* the frames may be those of another interpreter or thread */
	PYTHON_PARENT = 7,    /* a vfork child, still in its parent's memory and stack */
	PYTHON_UNSOUND = 8,   /* user side: what lies there is not as this version lays it out */
	PYTHON_UNFOUND = 9,   /* too many thread states to look through for this thread's own */
	PYTHON_MOVED = 10,    /* threads run states that others made: which one this runs, if any */
};

/* Of which calls native stacks are taken; in no record. */
enum native_calls {
	NATIVES_NONE = 0,
	NATIVES_BAD =
		1, /* of calls that fail with EBADF, and of closes by C code behind an object */
	NATIVES_ALL = 2, /* of all calls that a report may show */
};

/* Whether a call's registers and stack were taken. */
enum native_taken {
	NATIVE_NOT_ASKED = 0, /* not asked for, of this call */
	NATIVE_TAKEN = 1,     /* their number stands behind the name */
	NATIVE_LIMITED = 2,   /* too many new ones at once: not taken */
	NATIVE_UNREADABLE = 3,
};

/* One system call that made, moved, ended or missed a descriptor. */
struct record_call {
	struct record_header h;
	__u64 table;	/* address of the task's files_struct */
	__u64 enter_ns; /* when the call was entered, with point: no earlier than; 0: not known */
	__u64 stack_id; /* 0: none. Its RECORD_STACK came earlier in the ring */
	__s64 ret;	/* what the call returned: >= 0, or -errno */
	__s32 fd;	/* see enum call_shape; -1: none */
	__s32 fd2;
	__u32 flags;
	__u32 arg;
	__u16 call;	 /* enum call_id */
	__u16 nr;	 /* the architecture's system call number */
	__u16 name_size; /* bytes of name, no NUL; more than given if unreadable: 0 */
	__u8 python;	 /* enum python_status */
	__u8 name_cut;	 /* 1: the name was longer or not readable to its end */
	__u64 thread_ns; /* when the thread was born, CLOCK_BOOTTIME; 0: not known */
	__u8 still_open; /* with EBADF: bit 0: fd, bit 1: fd2 is open when the call returns; close:
			    bits 2 and 3: record_call_table(); of any call: CALL_ALONE, CALL_RING */
	__u8 owner;  /* of a close, a dup2 or dup3 (fd2), a close_range of one number, a TRANSFER:
			record_call_claims(); in older recordings enum owner_state */
	__u8 native; /* enum native_taken */
	__u8 point;  /* OWNER_OS_CLOSE, OWNER_ELSEWHERE: whether os.close() made the call; 0: not
			known. Older recordings: enum owner_point, entered at enter_ns */
	__u32 owner_low; /* older recordings, OWNER_HOLDS: the low half of the object's address */
	char name[];	 /* then, not aligned: struct record_claim, as many as record_call_claims();
			    with NATIVE_TAKEN, a __u64: record_native_id() */
};

/* In record_call.still_open: of the thread's table, and of the thread, as the call returned. */
#define CALL_ALONE  16 /* no other thread of any process has this table */
#define CALL_RING   32 /* it has or had an io_uring, whose closes nobody watches */
/* In record_call.still_open: a struct record_caller stands behind all else. */
#define CALL_CALLER 64
/*
 * In record_call.still_open, of a TRANSFER: the object whose method makes it has the number among
 * its attributes, and had so before the number was opened anew; no variable of the method has it.
 */
#define CALL_KEPT   128

/* Frames of a call whose address is told, and those whose first local is. */
#define RECORD_CALLER_FRAMES 4
#define RECORD_CALLER_LOCALS 2

/* Behind a call, not aligned: its innermost Python frames, innermost first. 0: none. */
struct record_caller {
	__u64 frames[RECORD_CALLER_FRAMES]; /* addresses */
	__u64 locals[RECORD_CALLER_LOCALS]; /* the first local variable: an object's address; what
					       is no argument is whatever lies there */
};

/* Objects that a close may tell of. */
#define RECORD_CLAIMS_MAX 6

/* How many objects are told of that claimed the number; in older recordings none. */
static inline unsigned int record_call_claims(const struct record_call *call)
{
	return call->owner >> 4;
}

/*
 * Of a close() that returned EBADF: what it found in the table. A file system's flush (FUSE, NFS)
 * may return that, too, of a number that was open, and is free then.
 */
enum table_state {
	TABLE_UNKNOWN = 0,
	TABLE_MISSED = 1,   /* nothing, or what cannot return it */
	TABLE_HELD = 2,	    /* the number was open: EBADF is a file system's */
	TABLE_MAY_HOLD = 3, /* the one or the other */
};

static inline enum table_state record_call_table(const struct record_call *call)
{
	return (enum table_state)(call->still_open >> 2 & 3);
}

/* Whether it failed by a descriptor that it was given. */
static inline int record_call_missed(const struct record_call *call)
{
	return call->ret == -EBADF && record_call_table(call) != TABLE_HELD;
}

/* What a close found of the Python object that had taken the number. */
enum owner_state {
	OWNER_UNKNOWN = 0, /* none is known, or it could not be looked at */
	OWNER_HOLDS = 1,   /* it lives, and still has this number as its own */
	OWNER_LET_GO = 2,  /* it has no number any more (older recordings: or it is gone) */
	OWNER_GONE = 3,	   /* its memory is something else's, or holds another number */
};

/* The types of objects that own a descriptor. */
enum owner_type {
	OWNER_NONE = 0,	  /* a function that belongs to no object */
	OWNER_FILEIO = 1, /* _io.FileIO */
	OWNER_SOCKET = 2, /* _socket.socket */
	OWNER_EPOLL = 3,  /* select.epoll */
	OWNER_TYPES = 4,
};

enum claim_flag {
	CLAIM_AT_HAND = 1,    /* its address lies in the registers or on the stack of the thread */
	CLAIM_FINALIZING = 2, /* it, or what is around it, is being finalized in this thread */
	CLAIM_STALE = 4,      /* it claimed the number still after an earlier close of it */
	CLAIM_LATE = 8,	      /* first seen with the number, not as it was made */
	CLAIM_BEFORE = 16,    /* made before fdtrace attached: found in the process's memory */
	CLAIM_PARENTS = 32,   /* a copy of the parent's object, by fork */
	CLAIM_MORE = 64,      /* more claimed it than are kept; object 0: no more than that */
	CLAIM_RECEIVER = 128, /* of a TRANSFER: the method was called on it, and given the bytes */
};

/*
 * What a close found of a Python object that claims the number, or did: an object's own close puts
 * -1 in the number's place first (Modules/_io/fileio.c: internal_close, Modules/socketmodule.c:
 * sock_close, Modules/selectmodule.c: pyepoll_internal_close). The latest to claim it comes first.
 */
struct record_claim {
	__u64 object;	/* its address */
	__u64 type;	/* address of its type, which a RECORD_OWNER_TYPE names */
	__u64 since_ns; /* when it was first seen to have the number, or to be about to take it */
	__u8 kind;	/* enum owner_type */
	__u8 state;	/* enum owner_state */
	__u8 flags;	/* enum claim_flag */
	__u8 unused[5];
};

/* First sight of a type whose objects own descriptors, in one program. */
struct record_owner_type {
	struct record_header h;
	__u64 type; /* its address; 0: none showed in this program, of the kind; OWNER_NONE: of any
		     */
	__u8 kind;  /* enum owner_type */
	__u8 unused;
	__u16 name_size;
	__u32 unused2;
	char name[]; /* tp_name, which of a Python class lacks the module; then with it. No NUL */
};

/* Bytes of a type's name in a record. */
#define RECORD_TYPE_NAME_MAX 128

/*
 * Older recordings have these, of probes at the owners' functions. The first argument of each is
 * the object, but of NEW and FROMFD, which return it.
 */
enum owner_point {
	OWNER_INIT = 1,	 /* tp_init: entry for the object, return for its number */
	OWNER_NEW,	 /* tp_new: return */
	OWNER_FROMFD,	 /* the class method fromfd: return */
	OWNER_CLOSE,	 /* the method close: entry */
	OWNER_DETACH,	 /* the method detach: entry */
	OWNER_FINALIZE,	 /* tp_finalize, which closes: entry */
	OWNER_DEALLOC,	 /* tp_dealloc, which closes: entry */
	OWNER_OS_CLOSE,	 /* os.close, of OWNER_NONE: entry */
	OWNER_WARN,	 /* FileIO's method _dealloc_warn, which its finalizers call: entry */
	OWNER_ELSEWHERE, /* in a record_call: it was not made by os.close() */
	OWNER_OS_IO,	 /* in a record_call: by os.read() or os.write() */
	OWNER_FILE_IO,	 /* by a method of FileIO */
	OWNER_SOCKET_IO, /* by code of the module that socket objects are of */
	OWNER_POINTS,
};

enum owner_flag {
	OWNER_CLOSES = 1,     /* the object closes its number (FileIO: closefd) */
	OWNER_FINALIZING = 2, /* FileIO: the object itself is being finalized */
};

/*
 * A Python object has taken a number (INIT, NEW, FROMFD), or is about to give it up; or a function
 * that tells who makes this thread's next close was entered (WARN; OS_CLOSE in older recordings).
 */
struct record_owner {
	struct record_header h;
	__u64 table;  /* address of the task's files_struct */
	__u64 object; /* its address; 0: none */
	__s32 fd;     /* as the object has it at that moment; -1: none */
	__u8 type;    /* enum owner_type */
	__u8 point;   /* enum owner_point */
	__u8 flags;   /* enum owner_flag */
	__u8 unused;
};

/* A native stack's number in the records of its calls. */
static inline __u64 record_native_id(__u16 cpu, __u32 nr)
{
	return (__u64)cpu << 32 | nr;
}

/* One Python frame. */
/* record_frame.owner: made by code that Nuitka compiled; lasti is its line as a traceback has it.
 */
#define FRAME_COMPILED 255

struct record_frame {
	__u64 code;  /* address of the code object */
	__u64 ident; /* with the address: one code object, though addresses are reused */
	__s32 lasti; /* bytes from the start of the bytecode to the instruction */
	__u8 owner;  /* 3.11+: enum _frameowner of that version, else 0 */
	__u8 entry;  /* 1: an evaluation loop began here */
	__u16 unused;
};

/* First sight of a stack in a process: innermost frame first. */
struct record_stack {
	struct record_header h;
	__u64 stack_id;
	__u64 fault_address; /* with PYTHON_FAULT: what could not be read */
	__u16 depth;	     /* frames that follow */
	__u8 python;	     /* enum python_status */
	__u8 unused[5];
	struct record_frame frames[];
};

/*
 * First sight of a native stack: the registers of the thread as the call leaves them, and what its
 * stack holds from the stack pointer on. The user side makes a RECORD_NATIVE_STACK of it; what the
 * stack held goes no further: in a recording regs are 0, and no stack follows.
 */
struct record_native {
	struct record_header h;
	__u64 hash; /* of all that unwinding rests on */
	__u64 sp;   /* address of stack[0] */
	__u32 nr;   /* of this CPU's, from 1 */
	__u16 cpu;
	__u8 whole; /* 1: up to the end of the thread's stack */
	__u8 unused;
	__u32 bytes; /* of stack */
	__u32 unused2;
	__u64 regs[RECORD_REGS];
	__u8 stack[];
};

/*
 * With native stacks: an executable mapping of a file. names: its path within its file system, from
 * the file's own name on outwards, each with a NUL; to open it by, if it is gone from the process
 * before anybody could look. device and inode tell whether that is it.
 */
struct record_module {
	struct record_header h;
	__u64 device; /* as in record_map */
	__u64 inode;
	__u64 start;
	__u64 length; /* bytes; 0: not known */
	__u64 offset; /* in the file, bytes */
	__u32 exec;   /* 1: the file that exec started; start: of its code, offset not set */
	__u32 names_size;
	char names[];
};

/* Capabilities by which a file can be read: 1 << CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH. */
#define RIGHTS_CAPABILITIES (1u << 1 | 1u << 2)

/*
 * Of the thread whose call had this stack: as whom it opens files. Users and groups as the initial
 * user namespace numbers them. In a recording nothing follows the header but zeros: what the lines
 * of files are that may be shown, it says itself.
 */
struct record_rights {
	struct record_header h;
	__u64 stack_id;
	__u32 uid;
	__u32 gid;
	__u32 capabilities; /* of RIGHTS_CAPABILITIES; none outside of the initial user namespace */
	__u32 group_count;  /* that it has; of more than RECORD_GROUPS_MAX the first follow */
	__u8 own_root;	    /* 1: it has fdtrace's own mount namespace and root; 0: not known */
	__u8 unused[7];
	__u32 groups[];
};

/* First sight of a code object. data: file name, qualified name, line table. */
struct record_code {
	struct record_header h;
	__u64 code;
	__u64 ident;
	__s32 firstlineno;
	__s32 firsttraceable; /* 3.11+: bytes; the first instruction after the prologue; else 0 */
	__u32 file_bytes;     /* in data; text of file_width bytes a character, host order */
	__u32 file_chars;     /* how long the text is, characters */
	__u32 name_bytes;
	__u32 name_chars;
	__u32 table_bytes; /* in data */
	__u32 table_total; /* whole line table, bytes; the rest in RECORD_CODE_TABLE */
	__u16 version;	   /* 0x030b: CPython 3.11 */
	__u8 file_width;   /* 1, 2, 4; 0: not readable */
	__u8 name_width;
	__u8 name_ascii;    /* bit 0: name, bit 1: file, are pure ASCII */
	__u8 table_missing; /* 1: not readable */
	__u8 no_code;	    /* 1: no code object is there; nothing else is filled in */
	__u8 first_local;   /* 1: a struct record_first_local stands behind data */
	__u8 data[];
};

/* Bytes of the name of a first local's type. */
#define RECORD_LOCAL_TYPE_MAX 16

/*
 * Behind a code record's data, not aligned: what its first local variable is. The type is that of
 * the object that stood there as the code was first seen.
 */
struct record_first_local {
	__u64 type;	  /* its address; 0: there was no object, or it was not readable */
	__u32 type_flags; /* tp_flags of it, the lower half: Py_TPFLAGS_*_SUBCLASS (object.h) */
	__u32 arguments;  /* co_argcount + co_kwonlyargcount + 1 each for *args and **kwargs */
	__u32 code_flags; /* co_flags */
	__u8 cell;	  /* 1: it lies in a cell, for inner functions to reach */
	__u8 unused[3];
	char type_name[RECORD_LOCAL_TYPE_MAX]; /* tp_name's beginning, with NULs behind it */
};

struct record_code_table {
	struct record_header h;
	__u64 code;
	__u64 ident;
	__u32 offset; /* of data in the whole table */
	__u32 bytes;  /* 0: from here on it was not resident */
	__u8 data[];
};

/* Whether others used a table while it was copied. */
enum fork_table {
	FORK_TABLE_UNKNOWN = 0,
	FORK_TABLE_ALONE = 1, /* the thread that forked alone */
	FORK_TABLE_SHARED = 2,
};

/* A new process (no record for a thread). h is the parent. */
struct record_fork {
	struct record_header h;
	__u64 parent_table;
	__u64 child_table;    /* the same address: shared (CLONE_FILES) */
	__u64 child_start_ns; /* CLOCK_BOOTTIME */
	__u32 child_tgid;
	__u32 child_tid;
	__u8 vfork; /* 1: the child runs in its parent's memory until it execs */
	__u8 users; /* enum fork_table: of the parent's table */
	__u8 unused[6];
};

struct record_exec {
	struct record_header h;
	__u64 table;
	__u64 start_ns;
	__u64 cgroup;
	char comm[16];
	__u16 name_size;
	__u8 same_root; /* 1: it has fdtrace's own mount namespace and root; 0: not known */
	__u8 unused[5];
	char name[]; /* the path that was executed, no NUL */
};

/* How numbers of a table may be opened and closed without a record of it. */
enum unseen_way {
	UNSEEN_SHARER = 1, /* by a process that is not traced and shares the table */
	UNSEEN_RING = 2,   /* by an io_uring */
	UNSEEN_COMPAT = 4, /* by 32-bit calls that are not decoded */
	UNSEEN_WAYS = 7,
};

/* From here on a table is not wholly seen; or, with `all`, is, but for these ways. */
struct record_unseen {
	struct record_header h; /* whose call it was, or whose tables were looked at */
	__u64 table;
	__u32 ways; /* enum unseen_way */
	__u8 all;   /* 1: there are no other ways at this moment */
	__u8 unused[3];
};

/* The last thread of a process is gone. */
struct record_exit {
	struct record_header h;
	__u64 table;
	__u64 start_ns;
	__u64 cgroup;
	__s32 exit_code; /* as wait(2) gives it */
	char comm[16];
	__u32 unused;
};

/* An executable mapping of a file that is a Python, or that the kernel side knows nothing of. */
struct record_map {
	struct record_header h;
	__u64 device; /* kernel's s_dev: major << 20 | minor */
	__u64 inode;
	__u64 start; /* address of the mapping */
	__u64 length;
	__u64 offset; /* in the file, bytes */
	__u32 exec;   /* 1: this is the file that exec started, start and offset not set */
	__u32 known;  /* 1: known to be a Python, which the kernel side walks from here on */
	/* Since 0.2: the file's state at this moment. */
	__u64 changed_ns; /* ctime, CLOCK_REALTIME */
	__u64 file_size;  /* bytes */
};

/* Why a record did not reach the ring: index of the loss counters. */
enum loss_cause {
	LOSS_CALL = 0,	  /* ring full: a call */
	LOSS_STACK = 1,	  /* ring full: a stack */
	LOSS_CODE = 2,	  /* ring full: a code object */
	LOSS_PROCESS = 3, /* ring full: fork, exec, exit, map */
	LOSS_MAP = 4,	  /* a kernel map was full: a process is not followed */
	LOSS_CAUSES = 5,
};

#endif
