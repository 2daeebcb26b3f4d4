/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns a number: Python's own objects, read in the process's memory.
 *
 * A live FileIO, socket or epoll object whose fd field holds a number claims it, and all three put
 * -1 there before their own close(2). So an owner is met twice, at calls that are hooked anyway:
 * as it is made (owner_made.bpf.h), and at a close of its number (owner_closed.bpf.h).
 *
 * A claim that is read is true at that moment, however its address was come by: a register that
 * holds something else costs a miss, never a false owner. Types are known by the names of their
 * bases, so that no address from the program's file is needed.
 *
 * Owns: the numbers that are claimed, by program; which types are owners; how an object is read.
 * Never: judges; sets a breakpoint; trusts what it reads.
 */
#ifndef FDTRACE_OWNER_BPF_H
#define FDTRACE_OWNER_BPF_H

#include "walk.bpf.h"

/* From tp_name to tp_dealloc. */
#define NAME_TO_DEALLOC 24
/* Steps from a type to its bases. */
#define BASES_MAX	8
#define TYPE_SIZE_MAX	8192
/* A type that was no owner is looked at again after so long. */
#define TYPE_AGAIN_NS	1000000000ull

/* The beginning of an owner, as builds with the GIL have it; of FileIO up to its __dict__. */
struct owner_object {
	u64 references; /* below 2^31, in the low half; 3.14 keeps flags above */
	u64 type;
	s32 fd;
	u8 bits;
	u8 finalizing;
	u16 unused;
	u64 unused2[2];
	u64 dict;
};

/* The header of free-threaded builds: the references of one thread, and those of all others. */
struct free_object_head {
	u64 tid;
	u32 flags;
	u32 local;
	s64 shared; /* two bits below are flags */
	u64 type;
};

_Static_assert(__builtin_offsetof(struct owner_object, fd) == OBJECT_HEAD &&
		       sizeof(struct free_object_head) == OBJECT_HEAD_FREE,
	       "sizeof(PyObject)");

struct type_buffer {
	struct record_owner_type record;
	char name[RECORD_TYPE_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct type_buffer);
} type_buffers SEC(".maps");

static __always_inline bool is_address(u64 value)
{
	return value >= 65536 && !(value >> 56) && !(value & 7);
}

/* What lies behind the fd may not be there: an epoll object is smaller. */
static __always_inline bool read_behind_head(struct owner_object *o, u64 address)
{
	const u32 size = sizeof(*o) - __builtin_offsetof(struct owner_object, type);

	if (read_user(&o->type, size, address))
		return true;
	o->dict = 0;
	return read_user(&o->type, 16, address);
}

static __noinline bool read_object(const struct owner_layout *layout, u64 address,
				   struct owner_object *o)
{
	struct free_object_head head;
	s64 count;

	if (layout->fd[OWNER_FILEIO] == OBJECT_HEAD) {
		if (read_user(o, sizeof(*o), address))
			return true;
		return read_user(&o->references, sizeof(o->references), address) &&
		       read_behind_head(o, address + 8);
	}
	if (!read_user(&head, 24, address) || !read_behind_head(o, address + 24))
		return false;
	count = head.local + (head.shared >> 2);
	o->references = count > 0 && !(count >> 31) ? count : 0;
	return true;
}

static __always_inline bool is_alive(const struct owner_object *o)
{
	u32 count = o->references;

	return count && !(count >> 31);
}

/*
 * Which owner a type is, or derives from: enum owner_type; -1: no type is there. at: the offsets of
 * tp_name and, 16 bits above, of tp_base. A global function: verified by itself.
 */
__attribute__((noinline)) int classify_type(u64 type, u32 at)
{
	struct walk *w = this_walk();
	u64 *name, *fields;

	if (!w)
		return -1;
	name = w->type.name;
	fields = w->type.fields;
	for (int i = 0; i < BASES_MAX; i++) {
		name[1] = 0;
		if (!read_user(fields, sizeof(w->type.fields), type + (at & 0xffff)) ||
		    fields[1] < OBJECT_HEAD || fields[1] > TYPE_SIZE_MAX ||
		    bpf_probe_read_user_str(name, sizeof(w->type.name), (const void *)fields[0]) <=
			    0)
			return -1;
		/* "_io.FileIO", "_socket.socket", "select.epoll", each with its NUL */
		if (name[0] == 0x656c69462e6f695full && (name[1] & 0xffffff) == 0x4f49)
			return OWNER_FILEIO;
		if (name[0] == 0x2e74656b636f735full && (name[1] << 8) == 0x74656b636f7300ull) {
			read_user(&w->type.code, sizeof(w->type.code),
				  type + (at & 0xffff) + NAME_TO_DEALLOC);
			return OWNER_SOCKET;
		}
		if (name[0] == 0x652e7463656c6573ull && (name[1] & 0xffffffffffull) == 0x6c6c6f70)
			return OWNER_EPOLL;
		if (!read_user(&type, sizeof(type), type + (at >> 16)))
			return -1;
		if (!type)
			return OWNER_NONE;
	}
	return OWNER_NONE;
}

/* Its name goes up before the first record that speaks of it. False: it found no room. */
static __noinline bool send_type(const struct owner_layout *layout, u64 type, u8 kind)
{
	struct type_buffer *buf;
	u64 name = 0;
	u32 zero = 0, bytes = 0;
	long size;

	buf = bpf_map_lookup_elem(&type_buffers, &zero);
	if (!buf)
		return false;
	buf->record.type = type;
	buf->record.kind = kind;
	if (type) {
		read_user(&name, sizeof(name), type + layout->type_name);
		size = bpf_probe_read_user_str(buf->name, sizeof(buf->name), (const void *)name);
		bytes = size > 0 ? (u32)(size - 1) & (RECORD_TYPE_NAME_MAX - 1) : 0;
	}
	buf->record.name_size = bytes;
	fill_header(&buf->record.h, RECORD_OWNER_TYPE, sizeof(buf->record) + bytes,
		    bpf_get_current_pid_tgid());
	/* Its module is read in the process, which may end soon: at once. */
	return !emit_bounded(buf, sizeof(buf->record) + bytes, sizeof(*buf), LOSS_CALL, true);
}

static __always_inline const struct owner_layout *owner_layout_at(u32 index)
{
	const struct owner_layout *layout = bpf_map_lookup_elem(&owner_layouts, &index);

	return layout && layout->version ? layout : NULL;
}

/* Of the type that this CPU looked up last: enum owner_type; OWNER_NONE: it is another one. */
static __always_inline u32 latest_type(const struct type_look *t, u64 program, u32 tgid, u64 type)
{
	return t->key.type == type && t->key.program == program && t->key.tgid == tgid &&
			       t->forgotten == *(volatile u64 *)&types_forgotten
		       ? t->kind
		       : OWNER_NONE;
}

static __always_inline const struct owner_type_known *look_up_type(struct type_look *t, u64 program,
								   u32 tgid, u64 type)
{
	const struct owner_type_known *known;

	t->key.program = program;
	t->key.type = type;
	t->key.tgid = tgid;
	t->forgotten = *(volatile u64 *)&types_forgotten;
	known = bpf_map_lookup_elem(&owner_types, &t->key);
	t->kind = known ? known->kind : OWNER_NONE;
	return known;
}

/*
 * Which owner a type of the program is; one that is new goes into the CPU's look, for whoever asked
 * to send it. A global function: verified by itself.
 */
__attribute__((noinline)) int owner_type(u64 program, u32 tgid, u64 type, u32 layout_index)
{
	const struct owner_type_known *known;
	const struct owner_layout *layout;
	struct walk *w = this_walk();
	int kind;

	if (!w)
		return OWNER_NONE;
	kind = latest_type(&w->type, program, tgid, type);
	if (kind != OWNER_NONE)
		return kind;
	known = look_up_type(&w->type, program, tgid, type);
	if (known && (known->kind || bpf_ktime_get_boot_ns() - known->checked_ns < TYPE_AGAIN_NS))
		return known->kind;
	layout = owner_layout_at(layout_index);
	if (!layout || !is_address(type))
		return OWNER_NONE;
	kind = classify_type(type, layout->type_name | (u32)layout->type_base << 16);
	/* Of two that are new at once the second is new again the next time. */
	if (kind < 0 || (kind != OWNER_NONE && w->look.new_type))
		return kind < 0 ? OWNER_NONE : kind;
	w->type.known.checked_ns = bpf_ktime_get_boot_ns();
	w->type.known.kind = kind;
	bpf_map_update_elem(&owner_types, &w->type.key, &w->type.known, BPF_ANY);
	if (kind != OWNER_NONE) {
		w->look.new_type = type;
		w->look.new_kind = kind;
	}
	return kind;
}

/* Behind a search, not in the midst of it: the stack has no room for that. */
static __always_inline void send_new_type(struct walk *w, u64 program, u32 tgid)
{
	struct owner_type_key key = {.program = program, .type = w->look.new_type, .tgid = tgid};
	const struct owner_layout *layout = owner_layout_at(w->look.layout);

	if (!key.type)
		return;
	w->look.new_type = 0;
	if (layout && !send_type(layout, key.type, w->look.new_kind)) {
		bpf_map_delete_elem(&owner_types, &key);
		__sync_fetch_and_add(&types_forgotten, 1);
	}
}

static __always_inline u64 stack_pointer(struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, sp);
}

static __always_inline u64 user_pc(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, ip);
#else
	return BPF_CORE_READ(regs, pc);
#endif
}

/* How many objects claim the number. */
static __always_inline u32 count_claims(const struct claims *claims)
{
	u32 count = 0;

	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++)
		count += !!claims->of[i].object;
	return count;
}

/* A forked child has its parent's objects, with the numbers that they had then. */
static __noinline struct claims *inherit_claims(const struct target *target, u32 layout, u32 tgid,
						s32 fd)
{
	struct claimed_key key = {
		.program = target->parent_program, .tgid = target->parent_tgid, .fd = fd};
	const struct claims *parents = bpf_map_lookup_elem(&claimed, &key);
	u64 table = (u64)CURRENT(files);
	struct claims *copy;

	if (!parents)
		return NULL;
	key.program = target->program;
	key.tgid = tgid;
	bpf_map_update_elem(&claimed, &key, parents, BPF_NOEXIST);
	copy = bpf_map_lookup_elem(&claimed, &key);
	if (!copy)
		return NULL;
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++) {
		struct claim *claim = &copy->of[i];

		if (claim->since_ns >= target->program)
			claim->object = 0;
		claim->flags |= CLAIM_PARENTS;
		claim->table = table;
		if (claim->object)
			owner_type(target->program, tgid, claim->type, layout);
	}
	return copy;
}

/* What the program's objects claim, of a forked child also its parent's; NULL: nothing known. */
static __always_inline struct claims *find_claims(const struct target *target, u32 layout, u32 tgid,
						  s32 fd)
{
	struct claimed_key key = {.program = target->program, .tgid = tgid, .fd = fd};
	struct claims *claims = bpf_map_lookup_elem(&claimed, &key);

	if (claims || !target->parent_program)
		return claims;
	return inherit_claims(target, layout, tgid, fd);
}

/*
 * Whether the object of this CPU's look has the number still: enum owner_state, and 8 bits above
 * what there is to enum claim_flag. A global function: verified by itself.
 */
__attribute__((noinline)) int look_at_claim(s32 fd)
{
	const struct owner_layout *layout;
	struct owner_object o;
	struct walk *w = this_walk();

	if (!w)
		return OWNER_UNKNOWN;
	layout = owner_layout_at(w->look.layout);
	if (!layout || !read_object(layout, w->look.claim.object, &o))
		return OWNER_UNKNOWN;
	if (o.type != w->look.claim.type)
		return OWNER_GONE;
	if (o.fd == fd)
		return is_alive(&o) ? OWNER_HOLDS : OWNER_GONE;
	if (o.fd != -1)
		return OWNER_GONE;
	/* epoll's tp_dealloc closes when nobody refers to it any more. */
	if ((w->look.claim.kind == OWNER_FILEIO && o.finalizing) || !(u32)o.references)
		return OWNER_LET_GO | CLAIM_FINALIZING << 8;
	return OWNER_LET_GO;
}

#endif
