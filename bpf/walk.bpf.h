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
#define WINDOW_BACK   2048
#define WINDOW_MASK   (2 * WINDOW_BACK - 1)
/* No field that we read lies further inside a frame. */
#define FIELD_MASK    127
#define WALK_STEP     16
/* Bytes of a text that tell one code object from another. */
#define SAMPLE_TEXT   256
/* A look into memory of the CPU's own costs a fraction of one into a hash map. */
#define RECENT_STACKS 256

/* What this CPU found last in pythons: most calls in a row are of one program. */
struct known_python {
	u64 program;
	u64 changed; /* pythons_changed, before it was looked up */
	u32 tgid;
	u32 found;
	struct python_process python;
};

/* Thread states looked through at once, and how often: 4,096 at most. */
#define SEARCH_STEP  16
#define SEARCH_STEPS 256

/* Through the lists of interpreters and of their threads. */
struct thread_search {
	u64 next_interp, interp, thread;
	u64 self;
	u64 own_interp; /* the one that the key showed */
	u64 frame, cframe;
	u32 matches;
	u8 found;
	u8 doubtful;
	u16 unused;
};

/* What the walk needs of a PyThreadState. */
struct thread_view {
	u64 interp;
	u64 frame; /* frame, cframe or current_frame */
};

/* What of a code object's line table did not fit into its record. total 0: nothing. */
struct table_rest {
	u64 code, ident;
	u64 data; /* address of the whole table */
	u32 total;
	u32 unused;
};

struct walk {
	struct known_python known;
	u64 next; /* the frame to read */
	u64 hash;
	u64 window_start;
	u32 window_size;
	u32 layout;
	u32 identity;
	u32 resend;
	u64 program;
	u64 code_type;
	u64 code; /* argument and result of sample_code */
	u64 code_sample;
	u8 window[2 * WINDOW_BACK + FIELD_MASK + 8];
	u8 sample[SAMPLE_TEXT + 8];
	/* Ids found in stacks_sent by this CPU, each mixed with stacks_forgotten. */
	u64 recent[RECENT_STACKS];
	struct thread_view view;
	struct thread_search search;
	struct table_rest rest;
	u64 group_info; /* the thread's, in the kernel */
	struct record_rights rights;
	u32 groups[RECORD_GROUPS_MAX];
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

static __always_inline bool read_user(void *to, u32 size, u64 from)
{
	return bpf_probe_read_user(to, size, (const void *)from) == 0;
}

static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

#endif
