/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Python stack of the calling thread, walked at the call.
 *
 * Owns: the frame chain, and the hash that becomes a stack's id.
 * Layouts are data (py_layout.h); every read is of exactly what is there, and a read that fails
 * leaves the frames before it and says where.
 *
 * Never: decodes a name or a line: the bytes go up as they are. Trusts nothing that it reads:
 * the process may have forged all of it.
 */
#ifndef FDTRACE_PYTHON_BPF_H
#define FDTRACE_PYTHON_BPF_H

#include "thread.bpf.h"

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

/* Where a copy of a code object's bytecode begins; 0: not to be read. */
static __noinline u64 copied_bytecode(u64 copies_at, u32 number)
{
	u64 copies = 0, count = 0, start = 0;

	if (!read_user(&copies, sizeof(copies), copies_at) ||
	    !read_user(&count, sizeof(count), copies) || number >= count ||
	    !read_user(&start, sizeof(start), copies + 8 + 8ull * number))
		return 0;
	return start;
}

/*
 * Where the bytecode of a frame begins: in its code object, or in a free-threaded build in the
 * copy that its thread runs; number 0 is the one in the object.
 */
static __always_inline u64 bytecode(const struct walk *w, const struct py_layout *layout, u32 at,
				    u64 code)
{
	u32 number = 0;

	if (layout->frame_tlbc != LAYOUT_NONE)
		number = (u32)window_u64(w, at, layout->frame_tlbc);
	return number ? copied_bytecode(code + layout->code_tlbc, number)
		      : code + layout->code_adaptive;
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
		f->lasti = lasti - bytecode(w, layout, at, code);
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
		if (!load_frame(w, layout)) {
			w->stack.python = PYTHON_FAULT;
			w->stack.fault_address = w->next;
			return 0;
		}
		at = w->next - w->window_start;
		if (!layout->shim_owner ||
		    window_u8(w, at, layout->frame_owner) < layout->shim_owner) {
			if (w->stack.depth >= RECORD_FRAMES_MAX) {
				w->stack.python = PYTHON_CUT;
				return 0;
			}
			push_frame(w, layout, at);
		} else {
			mark_entry(w);
		}
		w->next = window_u64(w, at, layout->frame_back);
	}
	return 1;
}

static __always_inline struct python_process *find_program(u64 program, u32 tgid)
{
	struct program_key key = {.program = program, .tgid = tgid};

	return bpf_map_lookup_elem(&pythons, &key);
}

/* A function of its own for its stack, as thread_by_key(). */
static __noinline void look_up_known(struct known_python *known, u64 program, u32 tgid, u64 changed)
{
	const struct python_process *python = find_program(program, tgid);

	known->program = program;
	known->tgid = tgid;
	known->changed = changed;
	known->found = python != NULL;
	if (python)
		known->python = *python;
}

/* As find_program(), a copy, from memory where nothing has changed. */
static __always_inline struct python_process *find_known(struct walk *w, u64 program, u32 tgid)
{
	struct known_python *known = &w->known;
	u64 changed = *(volatile u64 *)&pythons_changed;

	if (known->program != program || known->tgid != tgid || known->changed != changed)
		look_up_known(known, program, tgid, changed);
	return known->found ? &known->python : NULL;
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
	enum python_status found;

	if (!w)
		return PYTHON_NONE;
	w->stack.depth = 0;
	python = find_known(w, program, tgid);
	if (!python)
		return PYTHON_NONE;
	w->stack.fault_address = 0;
	w->layout = python->layout;
	w->identity = by_content ? IDENTITY_CONTENT : python->identity;
	w->program = program;
	w->code_type = python->code_type;
	w->resend = resend;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout || !layout->version)
		return PYTHON_NONE;
	found = find_frames(w, python, layout);
	if (found != PYTHON_COMPLETE && found != PYTHON_AMBIGUOUS)
		return found;
	w->stack.python = PYTHON_COMPLETE;
	w->window_size = 0;
	w->window_start = 0;
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
		else
			w->stack.python = found;
	}
	return w->stack.python;
}

#endif
