/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Python stack of the calling thread, walked at the call.
 *
 * Owns: thread state, frame chain, and the hash that becomes a stack's id.
 * Layouts are data (py_layout.h); every read is of exactly what is there, and a read that fails
 * leaves the frames before it and says where.
 *
 * Never: decodes a name or a line: the bytes go up as they are. Trusts nothing that it reads:
 * the process may have forged all of it.
 */
#ifndef FDTRACE_PYTHON_BPF_H
#define FDTRACE_PYTHON_BPF_H

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
	u64 code; /* argument and result of sample_code */
	u64 code_sample;
	u8 window[2 * WINDOW_BACK + FIELD_MASK + 8];
	u8 sample[SAMPLE_TEXT + 8];
	/* Ids found in stacks_sent by this CPU, each mixed with stacks_forgotten. */
	u64 recent[RECENT_STACKS];
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

/* The thread pointer, from which libc's thread-specific data hangs. */
static __always_inline u64 thread_pointer(void)
{
#if defined(__TARGET_ARCH_x86)
	return CURRENT(thread.fsbase);
#elif defined(__TARGET_ARCH_arm64)
	return CURRENT(thread.uw.tp_value);
#endif
}

/*
 * pthread_getspecific() of glibc on x86-64: struct pthread has 32 slots of {sequence, value}
 * at 0x310, and pointers to further blocks of 32 behind them (nptl/descr.h).
 */
static __always_inline u64 thread_specific(u64 tp, u32 key)
{
	u64 slots, value;

	if (key < 32)
		slots = tp + 0x310;
	else if (!read_user(&slots, sizeof(slots), tp + 0x510 + 8ull * (key / 32)) || !slots)
		return 0;
	if (!read_user(&value, sizeof(value), slots + 16ull * (key % 32) + 8))
		return 0;
	return value;
}

/* What the walk needs of a PyThreadState. */
struct thread_view {
	u64 interp;
	u64 frame; /* frame, cframe or current_frame */
};

/* One read of all up to the last field costs less than one for each. */
static __always_inline bool read_thread(struct walk *w, const struct py_layout *layout, u64 state,
					u64 tp, struct thread_view *view)
{
	u32 last = layout->tstate_thread_id & 255;

	if (!read_user(w->window, last + 8, state))
		return false;
	view->interp = *(u64 *)(w->window + (layout->tstate_interp & FIELD_MASK));
	view->frame = *(u64 *)(w->window + (layout->tstate_frame & FIELD_MASK));
	return *(u64 *)(w->window + last) == tp;
}

/*
 * The thread state of this thread. The runtime's key holds it also while the GIL is released;
 * it counts only if it names this very thread, which also proves the key that is remembered.
 */
static __always_inline bool find_thread(struct walk *w, struct python_process *python,
					const struct py_layout *layout, struct thread_view *view)
{
	struct {
		s32 initialized;
		u32 key;
	} tss = {};
	u64 tp = thread_pointer(), state;

	if (python->tss_key) {
		state = thread_specific(tp, python->tss_key - 1);
		if (state && read_thread(w, layout, state, tp, view))
			return true;
	}
	if (!read_user(&tss, sizeof(tss), python->runtime + layout->runtime_tss) ||
	    tss.initialized != 1 || tss.key >= 1024)
		return false;
	state = thread_specific(tp, tss.key);
	if (!state || !read_thread(w, layout, state, tp, view))
		return false;
	python->tss_key = tss.key + 1;
	return true;
}

/*
 * Before 3.12 the key shows the outer interpreter even when the thread runs in another one:
 * with more than one interpreter the frames may be those of the wrong one.
 */
static __always_inline bool many_interpreters(const struct python_process *python,
					      const struct py_layout *layout, u64 interp)
{
	u64 newest = 0;

	if (layout->version >= 0x030c)
		return false;
	read_user(&newest, sizeof(newest), python->runtime + layout->runtime_interp);
	return newest != interp;
}

static __always_inline u64 first_frame(const struct py_layout *layout, u64 frame)
{
	u64 cframe = frame;

	if (!frame || layout->frames != PY_FRAMES_CFRAME)
		return frame;
	frame = 0;
	read_user(&frame, sizeof(frame), cframe + layout->cframe_current);
	return frame;
}

/* Makes sure that the whole frame is in the window. Interpreter frames of one thread lie side
 * by side, so one read brings several; a window never begins before the frame's own page. */
static __always_inline bool load_frame(struct walk *w, const struct py_layout *layout)
{
	u32 size = layout->frame_size;
	u64 back;

	if (w->next >= w->window_start && w->next - w->window_start + size <= w->window_size)
		return true;
	back = 0;
	if (layout->frames != PY_FRAMES_OBJECT) {
		back = w->next & 4095;
		if (back > WINDOW_BACK)
			back = WINDOW_BACK;
	}
	w->window_start = w->next - back;
	w->window_size = 0;
	size += back;
	if (size > sizeof(w->window))
		size = sizeof(w->window);
	if (!read_user(w->window, size, w->window_start))
		return false;
	w->window_size = size;
	return true;
}

static __always_inline u64 window_u64(const struct walk *w, u32 at, u16 field)
{
	return *(u64 *)(w->window + (at & WINDOW_MASK) + (field & FIELD_MASK));
}

static __always_inline u8 window_u8(const struct walk *w, u32 at, u16 field)
{
	return *(w->window + (at & WINDOW_MASK) + (field & FIELD_MASK));
}

/* Mixes a text's length, hash and first bytes. What can't be read mixes as nothing. */
static __always_inline u64 mix_text(u64 hash, struct walk *w, const struct py_layout *layout,
				    u64 text)
{
	u64 head[3] = {}; /* length, cached hash, state */
	u32 size;

	read_user(head, sizeof(head), text + layout->str_length);
	hash = mix(hash, head[0]);
	size = head[0] < SAMPLE_TEXT ? (u32)head[0] : SAMPLE_TEXT;
	if ((head[2] >> layout->str_ascii_bit) & 1)
		text += layout->str_ascii;
	else
		text += layout->str_data;
	__builtin_memset(w->sample, 0, 8);
	if (!size || !read_user(w->sample, size, text))
		return hash;
	for (u32 i = 0; i < SAMPLE_TEXT / 8; i++) {
		if (8 * i >= size)
			break;
		u64 word = *(u64 *)(w->sample + 8 * i);

		if (size - 8 * i < 8) /* the rest of the word is of an earlier text */
			word &= (1ull << (8 * (size - 8 * i))) - 1;
		hash = mix(hash, word);
	}
	return hash;
}

static __always_inline u64 mix_table(u64 hash, const struct py_layout *layout, u64 table)
{
	u64 words[6] = {};
	u64 size = 0;

	read_user(&size, sizeof(size), table + layout->bytes_size);
	hash = mix(hash, size);
	if (size >= sizeof(words))
		read_user(words, sizeof(words), table + layout->bytes_data);
	else
		read_user(words, size & 63, table + layout->bytes_data);
	for (u32 i = 0; i < 6; i++)
		hash = mix(hash, words[i]);
	return hash;
}

/*
 * What tells the code object at w->code from another one that was there before: from 3.12 on
 * its version, which no other code object ever gets; before, its content. Into w->code_sample.
 * A global function: verified by itself.
 */
__attribute__((noinline)) int sample_code(void)
{
	u64 at[4] = {}; /* filename, name, [qualname,] table: neighbours in every version */
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u32 word = 0;
	u64 hash;

	if (!w)
		return -1;
	w->code_sample = 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return -1;
	if (layout->code_version != LAYOUT_NONE &&
	    read_user(&word, sizeof(word), w->code + layout->code_version) && word) {
		w->code_sample = word;
		return 0;
	}
	read_user(at, sizeof(at), w->code + layout->code_filename);
	read_user(&word, sizeof(word), w->code + layout->code_firstlineno);
	hash = mix(mix(mix(mix(word, at[0]), at[1]), at[2]), at[3]);
	hash = mix_text(hash, w, layout, at[0]);
	hash = mix_text(hash, w, layout, at[1]);
	if (layout->code_table - layout->code_filename == 24)
		hash = mix_table(mix_text(hash, w, layout, at[2]), layout, at[3]);
	else
		hash = mix_table(hash, layout, at[2]);
	w->code_sample = hash | (1ull << 63); /* never taken for a version */
	return 0;
}

static __always_inline void push_frame(struct walk *w, const struct py_layout *layout, u32 at)
{
	u64 code = window_u64(w, at, layout->frame_code) & ~(u64)layout->code_tag_mask;
	u64 lasti = window_u64(w, at, layout->frame_lasti);
	u32 depth = w->stack.depth;
	struct record_frame *f;

	if (depth >= RECORD_FRAMES_MAX)
		return;
	barrier_var(depth); /* see emit_bounded() */
	f = &w->frames[depth & (RECORD_FRAMES_MAX - 1)];
	if (layout->code_adaptive != LAYOUT_NONE)
		f->lasti = lasti - (code + layout->code_adaptive);
	else
		f->lasti = (s32)lasti * layout->lasti_scale;
	f->code = code;
	f->ident = 0;
	if (w->identity == IDENTITY_CONTENT) {
		w->code = code;
		sample_code();
		f->ident = w->code_sample;
	}
	f->owner = layout->frame_owner != LAYOUT_NONE ? window_u8(w, at, layout->frame_owner) : 0;
	f->entry = layout->frame_entry != LAYOUT_NONE ? window_u8(w, at, layout->frame_entry)
						      : layout->frames == PY_FRAMES_OBJECT;
	f->unused = 0;
	/* Each by itself: versions are small, and a sum with an address is soon that of others. */
	w->hash = mix(mix(mix(w->hash, code), f->ident), (u32)f->lasti | (u64)f->entry << 32);
	w->stack.depth = depth + 1;
}

/* A shim (3.12 on) lies where an evaluation loop began: at the frame before it. */
static __always_inline void mark_entry(struct walk *w)
{
	u32 last = w->stack.depth - 1;
	struct record_frame *f;

	if (last >= RECORD_FRAMES_MAX)
		return;
	barrier_var(last);
	f = &w->frames[last & (RECORD_FRAMES_MAX - 1)];
	if (f->entry)
		return;
	f->entry = 1;
	w->hash = mix(w->hash, 1);
}

/*
 * Up to WALK_STEP frames further. Returns 1 while there is more to walk. A global function:
 * verified once, however often the loop calls it.
 */
__attribute__((noinline)) int walk_frames(void)
{
	struct walk *w = this_walk();
	const struct py_layout *layout;

	if (!w)
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	for (u32 i = 0; i < WALK_STEP; i++) {
		u32 at;

		if (!w->next)
			return 0;
		if (w->stack.depth >= RECORD_FRAMES_MAX) {
			w->stack.python = PYTHON_CUT;
			return 0;
		}
		if (!load_frame(w, layout)) {
			w->stack.python = PYTHON_FAULT;
			w->stack.fault_address = w->next;
			return 0;
		}
		at = w->next - w->window_start;
		if (!layout->shim_owner ||
		    window_u8(w, at, layout->frame_owner) < layout->shim_owner)
			push_frame(w, layout, at);
		else
			mark_entry(w);
		w->next = window_u64(w, at, layout->frame_back);
	}
	return 1;
}

static __always_inline struct python_process *find_program(u64 program, u32 tgid)
{
	struct program_key key = {.program = program, .tgid = tgid};

	return bpf_map_lookup_elem(&pythons, &key);
}

/* As find_program(), a copy, from memory where nothing has changed. */
static __always_inline struct python_process *find_known(struct walk *w, u64 program, u32 tgid)
{
	struct known_python *known = &w->known;
	const struct python_process *python;
	u64 changed = *(volatile u64 *)&pythons_changed;

	if (known->program == program && known->tgid == tgid && known->changed == changed)
		return known->found ? &known->python : NULL;
	python = find_program(program, tgid);
	known->program = program;
	known->tgid = tgid;
	known->changed = changed;
	known->found = python != NULL;
	if (!python)
		return NULL;
	known->python = *python;
	return &known->python;
}

/*
 * Walks the calling thread into this CPU's walk. Returns its enum python_status; a program that
 * is not known to be a Python has PYTHON_NONE. by_content: frees are not watched any more. A
 * global function: verified by itself.
 */
__attribute__((noinline)) int walk_thread(u64 program, u32 by_content)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct python_process *python;
	const struct py_layout *layout;
	struct walk *w = this_walk();
	struct thread_view thread;

	if (!w)
		return PYTHON_NONE;
	w->stack.depth = 0;
	python = find_known(w, program, tgid);
	if (!python)
		return PYTHON_NONE;
	w->stack.fault_address = 0;
	w->stack.python = PYTHON_COMPLETE;
	w->window_size = 0;
	w->window_start = 0;
	w->layout = python->layout;
	w->identity = by_content ? IDENTITY_CONTENT : python->identity;
	w->program = program;
	w->resend = resend;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout || !layout->version)
		return PYTHON_NONE;
	if (!find_thread(w, python, layout, &thread))
		return PYTHON_NO_THREAD;
	w->next = first_frame(layout, thread.frame);
	w->hash = mix(mix(((u64)tgid << 32) | w->resend, program),
		      python->epoch + epochs[tgid % EPOCHS]);
	/* Shims are walked but not kept, so the loop is longer than the frames it yields. */
	for (u32 i = 0; i < 2 * RECORD_FRAMES_MAX / WALK_STEP; i++)
		if (!walk_frames())
			break;
	if (w->stack.python == PYTHON_COMPLETE) {
		if (w->next) /* nothing but shims: a cycle of them */
			w->stack.python = PYTHON_CUT;
		else if (!w->stack.depth)
			w->stack.python = PYTHON_NO_FRAMES;
		else if (many_interpreters(python, layout, thread.interp))
			w->stack.python = PYTHON_AMBIGUOUS;
	}
	return w->stack.python;
}

#endif
