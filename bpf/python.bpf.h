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
#include "walk.bpf.h"

/* Makes sure that the whole frame is in the window. Interpreter frames of one thread lie side
 * by side, so one read brings several; a window never begins before the frame's own page. size: of
 * what is wanted of it. */
static __always_inline bool load_frame(struct walk *w, const struct py_layout *layout, u32 size)
{
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

/*
 * The beginning of an object into the window: what follows it may be missing, but not on its own
 * page. One read costs the same whatever its size.
 */
static __always_inline void load_object(struct walk *w, u64 at)
{
	u32 rest = 4096 - (at & 4095);

	w->object_size = 0;
	if (read_user(w->object, OBJECT_WINDOW, at))
		w->object_size = OBJECT_WINDOW;
	else if (rest < OBJECT_WINDOW && read_user(w->object, rest, at))
		w->object_size = rest;
}

static __always_inline u64 object_u64(const struct walk *w, u16 field)
{
	return *(u64 *)(w->object + (field & OBJECT_MASK));
}

/* What a code object leads to. */
static __always_inline bool read_parts(struct walk *w, const struct py_layout *layout, u64 code,
				       struct code_parts *parts)
{
	load_object(w, code);
	parts->filename = object_u64(w, layout->code_filename);
	parts->name = object_u64(w, layout->code_name);
	parts->table = object_u64(w, layout->code_table);
	parts->firstlineno = object_u64(w, layout->code_firstlineno);
	return w->object_size > layout->code_table;
}

/* Mixes some bytes of the window into the sample. A global function: verified by itself. */
__attribute__((noinline)) int mix_window(u32 start, u32 size)
{
	struct walk *w = this_walk();
	const u8 *at;
	u32 whole;
	u64 hash;

	if (!w)
		return -1;
	at = w->object + (start & OBJECT_MASK);
	hash = w->sample_hash;
	for (whole = 0; whole < OBJECT_WINDOW && whole + 8 <= size; whole += 8)
		hash = mix(hash, *(u64 *)(at + whole));
	/* What lies behind is something else's. */
	if (whole < OBJECT_WINDOW && whole < size)
		hash = mix(hash, *(u64 *)(at + whole) & ((1ull << (8 * (size - whole))) - 1));
	w->sample_hash = hash;
	return 0;
}

/*
 * Bytes of the object that is in the window, from start on; what is not there, from memory. A
 * global function: verified by itself.
 */
__attribute__((noinline)) int mix_bytes(u64 at, u32 start, u64 size)
{
	struct walk *w = this_walk();
	u32 here;

	if (!w)
		return -1;
	here = w->object_size - start;
	if (here > size)
		here = size;
	mix_window(start, here);
	at += start + here;
	size -= here;
	for (u32 i = 0; i < SAMPLE_MAX / OBJECT_WINDOW; i++) {
		u32 piece = size < OBJECT_WINDOW ? size : OBJECT_WINDOW;

		if (!piece || !read_user(w->object, piece, at))
			break;
		mix_window(0, piece);
		at += piece;
		size -= piece;
	}
	return 0;
}

/*
 * A text's length and its hash, which CPython keeps once it has been asked for it, as of every
 * name; else its characters. What is not resident is told by its address alone.
 */
static __always_inline void mix_text(struct walk *w, const struct py_layout *layout, u64 text)
{
	u64 length, hash, start, kind;
	u32 state;

	load_object(w, text);
	length = object_u64(w, layout->str_length);
	hash = object_u64(w, layout->str_hash);
	state = object_u64(w, layout->str_state);
	start = ((state >> layout->str_ascii_bit) & 1 ? layout->str_ascii : layout->str_data) &
		OBJECT_MASK;
	if (w->object_size < start)
		return;
	w->sample_hash = mix(mix(w->sample_hash, length), hash);
	if (hash != -1ull)
		return;
	kind = (state >> layout->str_kind_shift) & layout->str_kind_mask;
	mix_bytes(text, start, length < SAMPLE_MAX ? length * kind : SAMPLE_MAX);
}

static __always_inline void mix_table(struct walk *w, const struct py_layout *layout, u64 table)
{
	u32 start = layout->bytes_data & OBJECT_MASK;
	u64 size;

	load_object(w, table);
	if (w->object_size < start)
		return;
	size = object_u64(w, layout->bytes_size);
	w->sample_hash = mix(w->sample_hash, size);
	mix_bytes(table, start, size);
}

/* 0 where the interpreter has made 2^32 code objects. */
static __always_inline bool read_version(const struct py_layout *layout, u64 code, u32 *ret)
{
	return layout->code_version != LAYOUT_NONE &&
	       read_user(ret, sizeof(*ret), code + layout->code_version) && *ret;
}

/*
 * What tells the code object at w->code from another one that was there before: from 3.12 on its
 * version, which no other code object of its interpreter ever gets; before, and where interpreters
 * come and go, all of it that a report shows. Into w->code_sample. Nothing that this thread has on
 * its stack is freed while it is in a call, so that the file name is read once for all frames of a
 * file in a row. A global function: verified by itself.
 */
__attribute__((noinline)) int sample_code(void)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	struct code_parts parts;

	if (!w)
		return -1;
	w->code_sample = 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return -1;
	if (w->main && read_version(layout, w->code, &parts.version)) {
		w->code_sample = parts.version;
		return 0;
	}
	if (!read_parts(w, layout, w->code, &parts))
		return -1;
	w->code_sample = mix(mix(mix(parts.firstlineno, parts.filename), parts.name), parts.table);
	if (parts.filename != w->text) {
		w->text = parts.filename;
		w->sample_hash = 0;
		mix_text(w, layout, parts.filename);
		w->text_hash = w->sample_hash;
	}
	w->sample_hash = mix(w->code_sample, w->text_hash);
	mix_text(w, layout, parts.name);
	mix_table(w, layout, parts.table);
	w->code_sample = w->sample_hash | 1ull << 63; /* never taken for a version */
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

/*
 * The line of a frame that code compiled by Nuitka has made, which keeps it in the frame object and
 * knows such a frame by the name of its type, too; 0: it is none. An own stack, see
 * thread_by_key().
 */
static __noinline s32 compiled_line(const struct py_layout *layout, u64 object)
{
	static const char compiled[] = "compiled_frame";
	char name[sizeof(compiled)] = {};
	u64 type = 0, name_at = 0;
	s32 line = 0;

	if (!read_user(&type, sizeof(type), object + layout->ob_type) ||
	    !read_user(&name_at, sizeof(name_at), type + layout->ob_type + 16) ||
	    !read_user(name, sizeof(name), name_at) ||
	    !read_user(&line, sizeof(line), object + layout->object_line))
		return 0;
	for (u32 i = 0; i < sizeof(compiled); i++)
		if (name[i] != compiled[i])
			return 0;
	return line > 0 ? line : 0;
}

/*
 * No instruction of such a frame runs: it seems to stand before its first one. In an interpreter's
 * frame that belongs to a frame object or a generator, none that runs stands there.
 */
static __always_inline void mark_compiled(const struct walk *w, const struct py_layout *layout,
					  u32 at, struct record_frame *f)
{
	u64 object = w->next;
	s32 line;

	if (layout->frames == PY_FRAMES_OBJECT) {
		if (f->lasti >= 0)
			return;
	} else {
		if ((u32)f->lasti > 2 || f->owner < 1 || f->owner > 2)
			return;
		object = window_u64(w, at, layout->frame_object);
	}
	line = compiled_line(layout, object);
	if (!line)
		return;
	f->lasti = line;
	f->owner = FRAME_COMPILED;
}

/* Who the frame's function was called on. It is no part of the stack: that is sent once. */
static __always_inline void keep_local(struct walk *w, const struct py_layout *layout, u32 at)
{
	u64 local = *(u64 *)(w->window + (at & WINDOW_MASK) + (layout->frame_local & LOCAL_MASK));

	w->locals[w->stack.depth & (RECORD_CALLER_LOCALS - 1)] =
		local & ~(u64)layout->code_tag_mask;
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
	if (w->identity == IDENTITY_CONTENT && code != w->code) {
		w->code = code;
		sample_code();
	}
	f->ident = w->code_sample;
	f->owner = layout->frame_owner != LAYOUT_NONE ? window_u8(w, at, layout->frame_owner) : 0;
	f->entry = layout->frame_entry != LAYOUT_NONE ? window_u8(w, at, layout->frame_entry)
						      : layout->frames == PY_FRAMES_OBJECT;
	f->unused = 0;
	w->addresses[depth & (RECORD_FRAMES_MAX - 1)] = w->next;
	mark_compiled(w, layout, at, f);
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

/* One frame further; locals: its first local variable is kept. False: there is no more to walk. */
static __always_inline bool walk_frame(struct walk *w, const struct py_layout *layout, bool locals)
{
	u32 at;

	if (!w->next)
		return false;
	/* A frame has room for one local variable at least. */
	if (!load_frame(w, layout, locals ? layout->frame_local + 8 : layout->frame_size)) {
		w->stack.python = PYTHON_FAULT;
		w->stack.fault_address = w->next;
		return false;
	}
	at = w->next - w->window_start;
	if (!layout->shim_owner || window_u8(w, at, layout->frame_owner) < layout->shim_owner) {
		if (w->stack.depth >= RECORD_FRAMES_MAX) {
			w->stack.python = PYTHON_CUT;
			return false;
		}
		if (locals)
			keep_local(w, layout, at);
		push_frame(w, layout, at);
	} else {
		if (!w->entry)
			w->entry = w->next; /* shims lie on the C stack */
		mark_entry(w);
	}
	w->next = window_u64(w, at, layout->frame_back);
	return true;
}

/*
 * Up to WALK_STEP frames further, and before the first of these the innermost ones, with their
 * locals; shims may stand among them. Returns 1 while there is more to walk. A global function:
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
	for (u32 i = 0; i < 2 * RECORD_CALLER_LOCALS && w->stack.depth < RECORD_CALLER_LOCALS; i++)
		if (!walk_frame(w, layout, true))
			return 0;
	for (u32 i = 0; i < WALK_STEP; i++)
		if (!walk_frame(w, layout, false))
			return 0;
	return 1;
}

/* A function of its own for its stack, as thread_by_key(). */
static __noinline void look_up_known(struct known_python *known, u64 program, u32 tgid, u64 changed)
{
	const struct python_process *python = find_program(program, tgid);

	if (known->program != program || known->tgid != tgid)
		__builtin_memset(known->place, 0, sizeof(known->place));
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

/* From w->next on. False: there is nothing to walk. */
static __always_inline bool walk_stack(struct walk *w, const struct python_process *python,
				       enum python_status found, u32 by_content)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	w->stack.depth = 0;
	w->main = w->view.interp - python->runtime < RUNTIME_SIZE_MAX;
	if (found != PYTHON_COMPLETE && found != PYTHON_AMBIGUOUS)
		return false;
	w->stack.python = PYTHON_COMPLETE;
	for (u32 i = 0; i < RECORD_CALLER_FRAMES; i++)
		w->addresses[i] = 0;
	for (u32 i = 0; i < RECORD_CALLER_LOCALS; i++)
		w->locals[i] = 0;
	w->window_size = 0;
	w->window_start = 0;
	w->code = w->text = w->code_sample = 0;
	w->hash = mix(mix(((u64)tgid << 32) | w->resend, w->program),
		      python->epoch +
			      (w->identity == IDENTITY_FREED ? epochs[tgid % EPOCHS] : by_content));
	/* Shims are walked but not kept, so the loop is longer than the frames it yields. */
	for (u32 i = 0; i < 2 * RECORD_FRAMES_MAX / WALK_STEP; i++)
		if (!walk_frames())
			break;
	return true;
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
	w->entry = 0;
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
	w->view.interp = 0;
	found = find_frames(w, python, layout);
	if (!walk_stack(w, python, found, by_content))
		return found;
	if (ran_elsewhere(w, layout)) {
		found = search_frames(w, python, layout);
		if (!walk_stack(w, python, found, by_content))
			return found;
	}
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
