/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * First sight: a stack, and each code object in it, goes up once.
 *
 * Owns: what has been sent, and the copies of names and line tables. Marked as sent only once it is
 * in the ring: what the ring had no room for is tried again at the next call of that stack.
 *
 * Never: decodes: text and tables go up as they lie in memory, bounded.
 */
#ifndef FDTRACE_SEND_ONCE_BPF_H
#define FDTRACE_SEND_ONCE_BPF_H

#include "python.bpf.h"
#include "rights.bpf.h"

/* Of co_flags (Include/cpython/code.h), and CO_FAST_CELL (Include/internal/pycore_code.h). */
#define CO_VARARGS     4
#define CO_VARKEYWORDS 8
#define LOCAL_IS_CELL  0x40

/* Longer line tables than this many pieces are cut. */
#define TABLE_CHUNKS_MAX 64
/* Frames whose code objects are sent by one call: the verifier follows each step of a loop. */
#define CODES_STEP	 32

struct code_buffer {
	struct record_code record;
	u8 data[RECORD_CODE_FILE_MAX + RECORD_CODE_NAME_MAX + RECORD_TABLE_CHUNK +
		sizeof(struct record_first_local)];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct code_buffer);
} code_buffers SEC(".maps");

struct text {
	u32 bytes; /* copied */
	u32 chars; /* in the whole text */
	u8 width;  /* 0: not readable */
	u8 ascii;
};

/* Copies a str's characters, as they lie there, up to max bytes. */
static __always_inline struct text copy_text(u8 *to, u32 max, const struct py_layout *layout,
					     u64 from)
{
	struct text text = {};
	u64 length = 0, bytes;
	u32 state = 0;

	if (!read_user(&length, sizeof(length), from + layout->str_length) ||
	    !read_user(&state, sizeof(state), from + layout->str_state) ||
	    !((state >> layout->str_compact_bit) & 1))
		return text;
	text.ascii = (state >> layout->str_ascii_bit) & 1;
	text.width = (state >> layout->str_kind_shift) & layout->str_kind_mask;
	text.chars = length > 0xffffffff ? 0xffffffff : length;
	bytes = (u64)text.chars * text.width;
	if (bytes > max)
		bytes = max;
	if (!bytes ||
	    !read_user(to, bytes, from + (text.ascii ? layout->str_ascii : layout->str_data))) {
		text.width = bytes ? 0 : text.width;
		return text;
	}
	text.bytes = bytes;
	return text;
}

/*
 * One more piece of the long line table in this CPU's walk, or word that it is not resident. 0 when
 * it is in the ring and there may be more. Verified by
 * itself, as is what calls it: all frames of a chain of calls have 512 bytes together (up to Linux
 * 6.12), and those that lead to send_frame_code() need them.
 */
__attribute__((noinline)) int send_table_piece(u32 offset)
{
	struct record_code_table *r;
	struct walk *w = this_walk();
	u32 zero = 0, bytes;

	r = bpf_map_lookup_elem(&code_buffers, &zero);
	if (!r || !w || w->rest.total <= offset)
		return -1;
	bytes = w->rest.total - offset;
	if (bytes > RECORD_TABLE_CHUNK)
		bytes = RECORD_TABLE_CHUNK;
	if (!read_user(r->data, bytes, w->rest.data + offset)) {
		w->rest.total = 0;
		bytes = 0;
	}
	fill_header(&r->h, RECORD_CODE_TABLE, sizeof(*r) + bytes, bpf_get_current_pid_tgid());
	r->code = w->rest.code;
	r->ident = w->rest.ident;
	r->offset = offset;
	r->bytes = bytes;
	return emit(r, sizeof(*r) + bytes, LOSS_CODE, false);
}

/* The rest of a line table that did not fit into the code record. */
__attribute__((noinline)) int send_table_rest(void)
{
	for (u32 i = 1; i < TABLE_CHUNKS_MAX; i++)
		if (send_table_piece(i * RECORD_TABLE_CHUNK))
			break;
	return 0;
}

/* Names of one code object into the record; returns the bytes of data used. */
static __always_inline u32 fill_names(struct code_buffer *buf, const struct py_layout *layout,
				      u64 code)
{
	struct record_code *r = &buf->record;
	u64 filename = 0, name = 0;
	struct text text;
	u32 used;

	read_user(&filename, sizeof(filename), code + layout->code_filename);
	read_user(&name, sizeof(name), code + layout->code_name);
	text = copy_text(buf->data, RECORD_CODE_FILE_MAX, layout, filename);
	r->file_bytes = used = text.bytes;
	r->file_chars = text.chars;
	r->file_width = text.width;
	r->name_ascii = text.ascii << 1;
	if (used > RECORD_CODE_FILE_MAX)
		used = RECORD_CODE_FILE_MAX;
	text = copy_text(buf->data + used, RECORD_CODE_NAME_MAX, layout, name);
	r->name_bytes = text.bytes;
	r->name_chars = text.chars;
	r->name_width = text.width;
	r->name_ascii |= text.ascii;
	return used + text.bytes;
}

/* Whether what a frame says to be its code object is one; what can't be read has no names either.
 */
static __always_inline bool is_code(const struct walk *w, const struct py_layout *layout, u64 code)
{
	u64 type = 0;

	return !read_user(&type, sizeof(type), code + layout->ob_type) || type == w->code_type;
}

/* Something else lies there: no byte of it goes up. */
static __always_inline long send_no_code(struct code_buffer *buf, u64 pid_tgid)
{
	struct record_code *r = &buf->record;

	r->no_code = r->table_missing = 1;
	r->firstlineno = 0;
	r->file_bytes = r->file_chars = r->name_bytes = r->name_chars = 0;
	r->table_bytes = r->table_total = 0;
	r->file_width = r->name_width = r->name_ascii = 0;
	fill_header(&r->h, RECORD_CODE, sizeof(*r), pid_tgid);
	return emit(r, sizeof(*r), LOSS_CODE, false);
}

/* 1: the first local variable lies in a cell, as CPython says from 3.11 on. */
static __always_inline u8 is_cell(const struct py_layout *layout, u64 code)
{
	u64 kinds = 0;
	u8 kind = 0;

	if (layout->code_kinds == LAYOUT_NONE ||
	    !read_user(&kinds, sizeof(kinds), code + layout->code_kinds) ||
	    !read_user(&kind, sizeof(kind), kinds + layout->bytes_data))
		return 0;
	return (kind & LOCAL_IS_CELL) != 0;
}

static __always_inline void read_local_type(struct record_first_local *local,
					    const struct py_layout *layout, u64 frame)
{
	u64 object = 0, name = 0;

	if (!read_user(&object, sizeof(object), frame + layout->frame_local))
		return;
	object &= ~(u64)layout->code_tag_mask;
	if (!object || !read_user(&local->type, sizeof(local->type), object + layout->ob_type))
		return;
	read_user(&local->type_flags, sizeof(local->type_flags), local->type + layout->type_flags);
	/* Behind the head of an object of variable size. */
	if (read_user(&name, sizeof(name), local->type + layout->ob_type + 16))
		bpf_probe_read_user_str(local->type_name, sizeof(local->type_name),
					(const void *)name);
}

static __always_inline bool read_arguments(struct record_first_local *local,
					   const struct py_layout *layout, u64 code)
{
	u32 plain = 0, keywords = 0, flags = 0;

	if (!read_user(&plain, sizeof(plain), code + layout->code_arguments) ||
	    !read_user(&keywords, sizeof(keywords), code + layout->code_keywords) ||
	    !read_user(&flags, sizeof(flags), code + layout->code_flags))
		return false;
	local->code_flags = flags;
	local->arguments = plain + keywords + !!(flags & CO_VARARGS) + !!(flags & CO_VARKEYWORDS);
	return true;
}

/*
 * What frame i's first local variable is, into w->local. 1: done; 0: the code object is not
 * readable. What is no argument may be anything: it is not looked at. A global function: verified
 * by itself.
 */
__attribute__((noinline)) int read_first_local(u32 i)
{
	struct walk *w = this_walk();
	const struct py_layout *layout;
	struct record_first_local *local;
	u64 code;

	if (!w || i >= RECORD_FRAMES_MAX)
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	code = w->frames[i].code;
	local = &w->local;
	__builtin_memset(local, 0, sizeof(*local));
	if (!read_arguments(local, layout, code))
		return 0;
	local->cell = is_cell(layout, code);
	if (local->arguments)
		read_local_type(local, layout, w->addresses[i]);
	return 1;
}

/* Of frame i, behind the record's data, so many bytes of it. Returns the bytes. */
static __always_inline u32 add_first_local(const struct walk *w, struct code_buffer *buf, u32 at,
					   u32 i)
{
	const u64 *from = (const u64 *)&w->local;
	u64 *to;

	if (!read_first_local(i))
		return 0;
	barrier_var(at); /* see emit_bounded() */
	if (at > sizeof(buf->data) - sizeof(w->local))
		return 0;
	to = (u64 *)(buf->data + at);
	for (u32 word = 0; word < sizeof(w->local) / sizeof(*to); word++)
		to[word] = from[word];
	buf->record.first_local = 1;
	return sizeof(w->local);
}

/* The code object of frame i. 0 when all of its first record is in the ring. */
static __always_inline long send_code(struct walk *w, const struct py_layout *layout, u32 i,
				      u64 ident, u64 pid_tgid)
{
	u64 code = w->frames[i & (RECORD_FRAMES_MAX - 1)].code;
	u32 zero = 0, used, bytes;
	u64 table = 0, size = 0;
	struct code_buffer *buf;
	struct record_code *r;
	long err;

	buf = bpf_map_lookup_elem(&code_buffers, &zero);
	if (!buf)
		return -1;
	r = &buf->record;
	r->code = code;
	r->ident = ident;
	r->version = layout->version;
	r->no_code = r->first_local = 0;
	r->firsttraceable = 0;
	if (!is_code(w, layout, code))
		return send_no_code(buf, pid_tgid);
	read_user(&r->firstlineno, sizeof(r->firstlineno), code + layout->code_firstlineno);
	if (layout->code_firsttraceable != LAYOUT_NONE) {
		read_user(&r->firsttraceable, sizeof(r->firsttraceable),
			  code + layout->code_firsttraceable);
		r->firsttraceable *= 2;
	}
	used = fill_names(buf, layout, code);
	if (used > RECORD_CODE_FILE_MAX + RECORD_CODE_NAME_MAX)
		used = RECORD_CODE_FILE_MAX + RECORD_CODE_NAME_MAX;

	read_user(&table, sizeof(table), code + layout->code_table);
	r->table_missing = !read_user(&size, sizeof(size), table + layout->bytes_size);
	table += layout->bytes_data;
	if (size > TABLE_CHUNKS_MAX * RECORD_TABLE_CHUNK)
		size = TABLE_CHUNKS_MAX * RECORD_TABLE_CHUNK;
	r->table_total = size;
	bytes = size > RECORD_TABLE_CHUNK ? RECORD_TABLE_CHUNK : size;
	if (bytes && !read_user(buf->data + used, bytes, table)) {
		r->table_missing = 1;
		bytes = 0;
	}
	r->table_bytes = bytes;
	used += bytes;
	used += add_first_local(w, buf, used, i);
	fill_header(&r->h, RECORD_CODE, sizeof(*r) + used, pid_tgid);
	err = emit_bounded(r, sizeof(*r) + used, sizeof(*buf), LOSS_CODE, false);
	if (!err && !r->table_missing && size > RECORD_TABLE_CHUNK) {
		w->rest.code = code;
		w->rest.ident = ident;
		w->rest.data = table;
		w->rest.total = size;
	}
	return err;
}

/*
 * Makes sure that frame i's code object has been sent, and puts its identity into the frame.
 * Returns 1 if the ring had no room for it. A global function: verified by itself.
 */
__attribute__((noinline)) int send_frame_code(u32 i)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	const struct py_layout *layout;
	struct walk *w = this_walk();
	struct cpu_counts *c = cpu_counts();
	struct code_key key = {};
	struct record_frame *f;
	struct code_sent *known;

	if (!w || !c || i >= RECORD_FRAMES_MAX)
		return -1;
	w->rest.total = 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return -1;
	f = &w->frames[i];
	key.code = f->code;
	w->sent.sample = f->ident;
	key.program = w->program;
	key.tgid = pid_tgid >> 32;
	key.resend = w->resend;
	known = bpf_map_lookup_elem(&codes_sent, &key);
	if (known && known->sample == w->sent.sample) {
		f->ident = known->ident;
		return 0;
	}
	f->ident = w->sent.ident = ((u64)bpf_get_smp_processor_id() << 48) | ++c->ident;
	if (send_code(w, layout, i, w->sent.ident, pid_tgid))
		return 1;
	w->sent.parts.version = 0;
	read_parts(w, layout, key.code, &w->sent.parts);
	read_version(layout, key.code, &w->sent.parts.version);
	bpf_map_update_elem(&codes_sent, &key, &w->sent, BPF_ANY);
	return 0;
}

/* A code object is about to be freed: whatever gets its address next is another one. */
static __always_inline void code_freed(u64 code)
{
	struct code_key key = {.code = code, .tgid = bpf_get_current_pid_tgid() >> 32};
	const struct target *target = bpf_map_lookup_elem(&targets, &key.tgid);

	if (!target)
		return;
	key.program = target->program;
	key.resend = resend;
	__sync_fetch_and_add(&epochs[key.tgid % EPOCHS], 1);
	bpf_map_delete_elem(&codes_sent, &key);
}

/* Of some frames, up to depth. A global function: verified by itself. */
__attribute__((noinline)) int send_some_codes(u32 first, u32 depth)
{
	struct walk *w = this_walk();
	int failed = 0;

	if (!w)
		return 1;
	for (u32 i = 0; i < CODES_STEP && first + i < depth; i++) {
		failed += send_frame_code(first + i);
		if (w->rest.total)
			send_table_rest();
	}
	return failed;
}

/* Sends the code objects of the first depth frames. Returns how many are not in the ring. */
static __always_inline int send_codes(u32 depth)
{
	int failed = 0;

	for (u32 i = 0; i < RECORD_FRAMES_MAX && i < depth; i += CODES_STEP)
		failed += send_some_codes(i, depth);
	return failed;
}

/*
 * Gives the walked stack its id. Returns 1 if it has been sent already. A global function, aside
 * from send_stack(): what it keeps on the stack is not there while that sends.
 */
__attribute__((noinline)) int find_stack(void)
{
	struct walk *w = this_walk();
	u64 id, stamp, *recent;

	if (!w)
		return -1;
	id = take_rights(w, mix(w->hash, ((u64)w->stack.depth << 8) | w->stack.python)) | 1;
	w->stack.stack_id = id;
	stamp = mix(id, *(volatile u64 *)&stacks_forgotten);
	recent = &w->recent[stamp % RECENT_STACKS];
	if (*recent == stamp)
		return 1;
	if (!bpf_map_lookup_elem(&stacks_sent, &id))
		return 0;
	*recent = stamp;
	return 1;
}

/*
 * Sends the walked stack. What the ring had no room for is not marked as sent: the next call of
 * this stack tries again. A global function: verified by itself.
 */
__attribute__((noinline)) int send_stack(void)
{
	struct walk *w = this_walk();
	u32 depth, size, failed;
	u8 one = 1;

	if (!w)
		return -1;
	depth = w->stack.depth;
	if (depth > RECORD_FRAMES_MAX)
		return -1;
	failed = send_codes(depth);
	size = sizeof(w->stack) + depth * sizeof(struct record_frame);
	fill_header(&w->stack.h, RECORD_STACK, size, bpf_get_current_pid_tgid());
	if (!emit(&w->stack, size, LOSS_STACK, false) && !send_rights() && !failed)
		bpf_map_update_elem(&stacks_sent, &w->stack.stack_id, &one, BPF_ANY);
	return 0;
}

#endif
