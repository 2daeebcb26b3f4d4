/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns a number: what Python's own objects say.
 *
 * Owns: the points where an object takes a number or gives it up, each a record; and, for the next
 * close of that number, which object has it: whether that object lives and has the number still
 * can be told at the call alone. CPython's own closes first put -1 in its place
 * (Modules/_io/fileio.c: internal_close, socketmodule.c: sock_close, selectmodule.c:
 * pyepoll_internal_close), so an object that still has the number did not make the close.
 *
 * Never: judges. The objects are the program's memory: nothing in them is trusted beyond that.
 */
#ifndef FDTRACE_OWNER_BPF_H
#define FDTRACE_OWNER_BPF_H

#include "python.bpf.h"

/* What a call puts on the stack, bytes. */
#if defined(__TARGET_ARCH_x86)
#define RETURN_ADDRESS_SIZE 8
#else
#define RETURN_ADDRESS_SIZE 0
#endif

/* Every object begins so in builds with the GIL; 3.14 keeps flags above the count. */
struct object_head {
	u32 refcount;
	u32 flags;
	u64 type;
};

/* And so in free-threaded ones: the references of one thread, and those of all others. */
struct free_object_head {
	u64 tid;
	u32 flags;
	u32 local;
	s64 shared; /* two bits below are flags */
	u64 type;
};

_Static_assert(sizeof(struct object_head) == OBJECT_HEAD &&
		       sizeof(struct free_object_head) == OBJECT_HEAD_FREE,
	       "sizeof(PyObject)");

/* A point that was reached. */
struct reached {
	const struct owner_layout *layout;
	u64 program;
	u64 object;
	u32 tgid;
	u8 type;
	u8 point;
	u16 fd_at;
};

static __always_inline bool reach(struct reached *at, u64 cookie, u64 object)
{
	const struct python_process *python;
	u32 type = (cookie >> 8) & (OWNER_TYPES - 1), layout;
	const struct target *target;

	barrier_var(type);
	type &= OWNER_TYPES - 1; /* the compiler has seen the bound, the verifier must, too */
	at->tgid = bpf_get_current_pid_tgid() >> 32;
	target = bpf_map_lookup_elem(&targets, &at->tgid);
	if (!target || (target->alone && (cookie & OWNER_EVERYWHERE)))
		return false;
	at->program = target->program;
	python = find_program(at->program, at->tgid);
	if (!python)
		return false;
	layout = python->layout;
	at->layout = bpf_map_lookup_elem(&owner_layouts, &layout);
	at->object = object;
	at->type = type;
	at->point = cookie;
	if (!at->layout || !at->layout->version)
		return false;
	at->fd_at = at->layout->fd[type];
	return true;
}

static __always_inline u8 owner_flags(const struct reached *at)
{
	u8 bits = 0, finalizing = 0;

	if (at->type != OWNER_FILEIO)
		return OWNER_CLOSES;
	read_user(&bits, sizeof(bits), at->object + at->layout->closefd_at);
	read_user(&finalizing, sizeof(finalizing), at->object + at->layout->finalizing_at);
	return (bits & at->layout->closefd_mask ? OWNER_CLOSES : 0) |
	       (finalizing ? OWNER_FINALIZING : 0);
}

static __always_inline void tell_point(const struct reached *at, s32 fd, u8 flags)
{
	struct record_owner r = {};

	r.table = (u64)CURRENT(files);
	r.object = at->object;
	r.fd = fd;
	r.type = at->type;
	r.point = at->point;
	r.flags = flags;
	fill_header(&r.h, RECORD_OWNER, sizeof(r), bpf_get_current_pid_tgid());
	emit(&r, sizeof(r), LOSS_CALL, false);
}

static __always_inline s32 object_fd(const struct reached *at)
{
	s32 fd = -1;

	if (!at->object || !read_user(&fd, sizeof(fd), at->object + at->fd_at))
		return -1;
	return fd;
}

/* The object has the number now. */
static __always_inline void take_number(const struct reached *at)
{
	struct held_key key = {.program = at->program, .tgid = at->tgid};
	struct held_by by = {.object = at->object, .fd_at = at->fd_at};
	u8 flags;

	key.fd = object_fd(at);
	if (key.fd < 0)
		return;
	flags = owner_flags(at);
	if (!(flags & OWNER_CLOSES))
		return;
	by.since_ns = bpf_ktime_get_boot_ns();
	/* ob_type ends the header. */
	read_user(&by.type, sizeof(by.type), at->object + at->fd_at - sizeof(by.type));
	bpf_map_update_elem(&held, &key, &by, BPF_ANY);
	tell_point(at, key.fd, flags);
}

/* The object is about to give its number up. */
static __always_inline void give_number(const struct reached *at)
{
	struct held_key key = {.program = at->program, .tgid = at->tgid};
	const struct held_by *by;

	key.fd = object_fd(at);
	if (key.fd < 0)
		return;
	by = bpf_map_lookup_elem(&held, &key);
	if (by && by->object == at->object)
		bpf_map_delete_elem(&held, &key);
	tell_point(at, key.fd, owner_flags(at));
}

static __always_inline void enter_point(u32 tid, u8 point)
{
	u32 place = tid & (ENTERED - 1);
	u64 now = bpf_ktime_get_boot_ns();

	entered_ns[place] = now;
	entered_by[place] = now ^ ((u64)point << 56 | tid);
}

/* For this thread's call: through which point it came, and when that was. */
static __always_inline void leave_point(struct record_call *r, u32 tid)
{
	u32 place = tid & (ENTERED - 1);
	u64 time_ns = *(volatile u64 *)&entered_ns[place];
	u64 whose = *(volatile u64 *)&entered_by[place] ^ time_ns;

	if ((whose & ~0ull >> 8) != tid)
		return;
	entered_by[place] = entered_ns[place] = 0;
	r->point = whose >> 56;
	r->enter_ns = time_ns;
}

/* frame: the stack pointer at the entry, where the return address lies. */
static __always_inline void owner_entered(u64 cookie, u64 object, u64 frame)
{
	struct init_key key = {.frame = frame, .tid = (u32)bpf_get_current_pid_tgid()};
	struct reached at;

	enter_point(key.tid, cookie); /* whether it matters shows when the thread makes a call */
	if ((u8)cookie == OWNER_OS_CLOSE || !reach(&at, cookie, object))
		return;
	switch (at.point) {
	case OWNER_INIT:
		bpf_map_update_elem(&inits, &key, &object, BPF_ANY);
		break;
	case OWNER_WARN:
		tell_point(&at, object_fd(&at), owner_flags(&at));
		break;
	default:
		give_number(&at);
	}
}

static __always_inline void owner_returned(u64 cookie, u64 result, u64 frame)
{
	struct init_key key = {.frame = frame, .tid = (u32)bpf_get_current_pid_tgid()};
	struct reached at;

	if (!reach(&at, cookie, result))
		return;
	if (at.point == OWNER_INIT) {
		const u64 *object = bpf_map_lookup_elem(&inits, &key);

		at.object = object ? *object : 0;
		bpf_map_delete_elem(&inits, &key);
		if ((s32)result)
			return; /* it failed */
	}
	take_number(&at);
}

/* A forked child has its parent's objects, with the numbers that they had then. */
static __always_inline const struct held_by *find_holder(const struct target *target, u32 tgid,
							 s32 fd)
{
	struct held_key key = {.program = target->program, .tgid = tgid, .fd = fd};
	const struct held_by *by = bpf_map_lookup_elem(&held, &key);

	if (by || !target->parent_program)
		return by;
	key.program = target->parent_program;
	key.tgid = target->parent_tgid;
	by = bpf_map_lookup_elem(&held, &key);
	return by && by->since_ns < target->program ? by : NULL;
}

/* Whether the object is there, and of the type that it had. OWNER_HOLDS: so it is. */
static __always_inline int look_at_object(const struct held_by *by)
{
	struct object_head head;

	if (!read_user(&head, sizeof(head), by->object))
		return OWNER_UNKNOWN;
	return head.refcount && !(head.refcount >> 31) && head.type == by->type ? OWNER_HOLDS
										: OWNER_LET_GO;
}

static __always_inline int look_at_free_object(const struct held_by *by)
{
	struct free_object_head head;
	s64 count;

	if (!read_user(&head, sizeof(head), by->object))
		return OWNER_UNKNOWN;
	count = head.local + (head.shared >> 2);
	return count > 0 && !(count >> 31) && head.type == by->type ? OWNER_HOLDS : OWNER_LET_GO;
}

/*
 * What the object that owns a number looks like at the end of a close. A function of its own: what
 * it keeps on the stack is not there while others walk a stack.
 */
static __noinline int look_at_owner(const struct target *target, s32 fd, u32 *ret_low)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	const struct held_by *by = find_holder(target, tgid, fd);
	s32 has = -1;
	int state;

	if (!by || !read_user(&has, sizeof(has), by->object + by->fd_at))
		return OWNER_UNKNOWN;
	state = by->fd_at == OBJECT_HEAD ? look_at_object(by) : look_at_free_object(by);
	if (state != OWNER_HOLDS)
		return state;
	if (has != fd)
		return OWNER_LET_GO;
	*ret_low = by->object;
	return OWNER_HOLDS;
}

#endif
