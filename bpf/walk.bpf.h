/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scratch memory of one walk, one for each CPU, and how a traced process is read.
 *
 * Owns: struct walk. Never: walks.
 */
#ifndef FDTRACE_WALK_BPF_H
#define FDTRACE_WALK_BPF_H

#include "emit.bpf.h"

/* A window begins with its frame's page at the latest: frames of one data stack lie together. */
#define WINDOW_BACK	 2048
#define WINDOW_MASK	 (2 * WINDOW_BACK - 1)
/* No field that we read lies further inside a frame. */
#define FIELD_MASK	 127
/* But the first local variable, which a frame object has behind all else. */
#define LOCAL_MASK	 511
#define WALK_STEP	 8
/* Of an object that a frame leads to, read at once: most of them whole. */
#define OBJECT_WINDOW	 256
#define OBJECT_MASK	 (OBJECT_WINDOW - 1)
/* So many bytes of a text or a table tell one code object from another. */
#define SAMPLE_MAX	 4096
/* The main interpreter lies in the runtime (3.11 on), others elsewhere. */
#define RUNTIME_SIZE_MAX (16 << 20)
/* A look into memory of the CPU's own costs a fraction of one into a hash map. */
#define RECENT_STACKS	 256

/* What this CPU found last in pythons: most calls in a row are of one program. */
struct known_python {
	u64 program;
	u64 changed; /* pythons_changed, before it was looked up */
	u32 tgid;
	u32 found;
	/* By enum owner_call: index of the saved register where this CPU found an owner last. */
	u8 place[8];
	struct python_process python;
};

/* Thread states looked through at once, and how often: 4,096 at most. */
#define SEARCH_STEP  8
#define SEARCH_STEPS 512

/* Frames of one state that are followed to where they lie on a C stack. */
#define PROBES_MAX 1024
/* States of other threads that may run in this one. */
#define OTHERS_MAX 16

/* Through the lists of interpreters and of their threads. */
struct thread_search {
	u64 next_interp, interp, thread;
	u64 self;
	u64 frame;	  /* the best so far; 0: none */
	u64 anchor;	  /* of it, on the C stack */
	u64 interp_found; /* whose it is */
	u64 loose;	  /* frames of a state of this thread's that has no anchor */
	u64 probe;	  /* 3.13 on: the frame to look at next, of this state; 0: none */
	u64 probed, probed_frame;
	u32 probes;
	u32 key; /* 1 + the key of the thread state; 0: not known */
	u32 matches;
	u8 probed_own;
	u8 found; /* a state names this thread */
	u8 doubtful;
	u8 listed; /* frames in others */
	u8 moved;  /* one of their states, at least, is not its own thread's */
	u8 unlisted;
	u8 shown;	 /* which of others */
	u8 others_state; /* the frames' state names another thread */
	/* Up to 3.9: frames that may run in this thread, whatever their state says; in this range.
	 */
	u64 others[OTHERS_MAX];
	u64 lowest, highest;
};

/* What the walk needs of a PyThreadState. */
struct thread_view {
	u64 state;
	u64 interp;
	u64 frame;  /* frame, cframe or current_frame */
	u64 anchor; /* of the innermost evaluation loop, on its C stack; 0: not known */
	bool own;   /* it names this very thread */
};

/* What of a code object's line table did not fit into its record. total 0: nothing. */
struct table_rest {
	u64 code, ident;
	u64 data; /* address of the whole table */
	u32 total;
	u32 unused;
};

/* Registers that a call preserves: the ABIs' callee-saved ones, in the order of struct pt_regs. */
#if defined(__TARGET_ARCH_x86)
#define SAVED_REGS  6 /* r15, r14, r13, r12, rbp, rbx */
#define SAVED_FIRST __builtin_preserve_field_info(((struct pt_regs *)0)->r15, BPF_FIELD_BYTE_OFFSET)
#elif defined(__TARGET_ARCH_arm64)
#define SAVED_REGS 10 /* x19 to x28 */
#define SAVED_FIRST                                                                          \
	(__builtin_preserve_field_info(((struct pt_regs *)0)->regs, BPF_FIELD_BYTE_OFFSET) + \
	 19 * sizeof(u64))
#endif

/* A type: its address, tp_flags and tp_basicsize. */
struct plain_type {
	u64 at;
	u64 flags;
	u64 size;
};

/*
 * A look for an owner, or at one. What functions that are verified by themselves hand to each other
 * lies here, and not on the stack, of which all in a chain of calls have 512 bytes together.
 */
struct owner_look {
	u64 program;
	u64 saved[SAVED_REGS];
	struct claim claim; /* what is looked at, or has been found */
	u32 tgid;
	u32 layout;   /* index into owner_layouts */
	s32 has;      /* what the object has in its fd field */
	u32 only;     /* enum owner_type */
	u32 found;    /* enum claim_flag */
	u32 new_kind; /* enum owner_type, of new_type */
	u64 new_type; /* an owner's, whose name has not been sent yet; 0: none */
	u64 buffer; /* what the call was given to read into or write from; 0: it does not matter */
	struct plain_type plain; /* of an object that may keep a number */
};

/* A type that may be an owner's: what is read of it, and what is remembered. */
struct type_look {
	struct owner_type_key key; /* of the one that was looked at last ... */
	u32 kind;		   /* ... enum owner_type, if it is in owner_types; 0: not known */
	u32 unused;
	u64 forgotten; /* types_forgotten, before it was looked up */
	struct owner_type_known known;
	u64 code;      /* of a socket's base that was classified last: its tp_dealloc */
	u64 fields[2]; /* tp_name, tp_basicsize */
	u64 name[2];
};

struct walk {
	struct known_python known;
	u64 sp;	    /* the calling thread's stack pointer, of the call that is told */
	void *regs; /* its registers, in the kernel */
	u64 next;   /* the frame to read */
	u64 entry;  /* on the C stack, in the innermost evaluation loop; 0: not known */
	u64 hash;
	u64 window_start;
	u32 window_size;
	u32 layout;
	u32 resend;
	u64 program;
	u64 code_type;
	u64 code; /* argument and result of sample_code */
	u64 code_sample;
	u8 window[2 * WINDOW_BACK + LOCAL_MASK + 8];
	u32 identity; /* enum code_identity */
	u32 main;     /* 1: the thread runs in the main interpreter */
	u64 text;     /* the file name that was sampled last in this walk; 0: none */
	u64 text_hash;
	u64 sample_hash; /* of the texts and tables so far */
	u32 object_size; /* bytes in the window of objects */
	u8 object[2 * OBJECT_WINDOW] __attribute__((aligned(8)));
	/* Ids found in stacks_sent by this CPU, each mixed with stacks_forgotten. */
	u64 recent[RECENT_STACKS];
	struct thread_view view;
	struct thread_search search;
	struct owner_look look;
	struct type_look type;
	struct claimed_key key;			     /* of the number at hand */
	struct claims fresh;			     /* of a number that becomes known */
	struct record_claim told[RECORD_CLAIMS_MAX]; /* what a call is told of them */
	struct table_rest rest;
	u64 group_info; /* the thread's, in the kernel */
	struct record_rights rights;
	u32 groups[RECORD_GROUPS_MAX];
	struct code_sent sent;		 /* here, for the stack is short */
	struct record_first_local local; /* of a code object that is sent */
	u64 locals[RECORD_CALLER_LOCALS];
	u64 addresses[RECORD_FRAMES_MAX]; /* of the frames below */
	struct record_stack stack;
	struct record_frame frames[RECORD_FRAMES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

static __always_inline struct walk *this_walk(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

static __always_inline struct python_process *find_program(u64 program, u32 tgid)
{
	struct program_key key = {.program = program, .tgid = tgid};

	return bpf_map_lookup_elem(&pythons, &key);
}

static __always_inline bool read_user(void *to, u32 size, u64 from)
{
	return bpf_probe_read_user(to, size, (const void *)from) == 0;
}

static __always_inline bool read_saved(u64 saved[SAVED_REGS], const void *regs)
{
	return !bpf_probe_read_kernel(saved, SAVED_REGS * sizeof(u64), regs + SAVED_FIRST);
}

/* Bytes of a kernel stack (THREAD_SIZE): asked only of kernels before 5.15. */
#define KERNEL_STACK 16384

/* The registers that the calling program entered the kernel with. */
static __always_inline struct pt_regs *entry_regs(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return (void *)BPF_CORE_READ(task, stack) + KERNEL_STACK -
	       bpf_core_type_size(struct pt_regs);
}

/*
 * The registers that a call preserves, into this CPU's look. 0: they are not to be read. A global
 * function: verified by itself, and so is each register once, see fill_thread().
 */
__attribute__((noinline)) int save_registers(void)
{
	struct walk *w = this_walk();
	struct pt_regs *regs;
	u64 *saved;

	if (!w)
		return 0;
	saved = w->look.saved;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return read_saved(saved, entry_regs());
	regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
#if defined(__TARGET_ARCH_x86)
	saved[0] = regs->r15;
	saved[1] = regs->r14;
	saved[2] = regs->r13;
	saved[3] = regs->r12;
	saved[4] = regs->bp;
	saved[5] = regs->bx;
#elif defined(__TARGET_ARCH_arm64)
	for (u32 i = 0; i < SAVED_REGS; i++)
		saved[i] = regs->regs[19 + i];
#endif
	return 1;
}

static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

#endif
