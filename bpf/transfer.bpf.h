/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads and writes that succeed on a number that is watched: is an object at work that is stale, or
 * that keeps the number?
 *
 * Owns: what goes up with such a call (struct record_claim): the objects that claim the number, and
 * what shows each of them at work; and whose code made the call.
 * Never: decides whose call it was; changes what is known of a claim.
 */
#ifndef FDTRACE_TRANSFER_BPF_H
#define FDTRACE_TRANSFER_BPF_H

#include "kept.bpf.h"
#include "owner_closed.bpf.h"
#include "watched.bpf.h"

/* The code of the module that socket objects are of lies no further from their tp_dealloc. */
#define MODULE_NEAR 32768

/*
 * Whose code this return address lies in: enum owner_point; 0: nobody's that is known. A global
 * function: verified once, however often it is called.
 */
__attribute__((noinline)) int point_of(u64 address)
{
	const struct code_range *code;
	struct walk *w = this_walk();

	if (!w)
		return 0;
	code = w->known.python.code;
	for (u32 at = CODE_OS_READ; at < OWNER_CODES; at++)
		if (is_in(&code[at], address))
			return at < CODE_FILE_READ     ? OWNER_OS_IO
			       : at < CODE_SOCKET_RECV ? OWNER_FILE_IO
						       : OWNER_SOCKET_IO;
	return 0;
}

/*
 * Whose code made the call: enum owner_point, 0: not known. That is the first on the stack of what
 * is known of this Python. socket: an address in the code of socket objects; 0: not known. A global
 * function: verified by itself.
 */
__attribute__((noinline)) int user_point(u64 socket)
{
	struct walk *w = this_walk();
	u32 words, point;

	if (!w)
		return 0;
	words = read_words_at(w, w->sp) / sizeof(u64);
	for (u32 i = 0; i < NEAR_WORDS; i++) {
		u64 word = *(u64 *)(w->window + 8 * i);

		if (i >= words)
			break;
		point = point_of(word);
		if (point)
			return point;
		if (socket && word - socket + MODULE_NEAR < 2 * MODULE_NEAR)
			return OWNER_SOCKET_IO;
	}
	return words ? OWNER_ELSEWHERE : 0;
}

/* What look_through_frame() looks for. */
enum frame_look {
	LOOK_BYTES, /* the object, or a method bound to it, just before the bytes: CLAIM_RECEIVER */
	LOOK_LAYER, /* its TLS layer: CLAIM_AT_HAND */
};

/* The u64 that lies so far behind an object's head; 0: there is none. */
static __always_inline u64 field_of(const struct py_layout *layout, u64 object, u32 at)
{
	u64 field = 0;

	if (is_address(object))
		read_user(&field, sizeof(field), object + layout->ob_type + 8 + at);
	return field;
}

/*
 * What one word of the innermost Python frame shows of the object of this CPU's look, and what lies
 * behind it: enum claim_flag. A method is a PyCFunctionObject, whose second field is m_self; a TLS
 * layer refers to its socket weakly (Modules/_ssl.c: PySSLSocket). A global function: verified
 * once, however often it is called.
 */
__attribute__((noinline)) int look_at_word(u64 word, u64 next, u64 after, u32 look)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	bool method;

	if (!w)
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	if (look == LOOK_LAYER)
		return field_of(layout, field_of(layout, word, 0), 0) == w->look.claim.object
			       ? CLAIM_AT_HAND
			       : 0;
	method = field_of(layout, word, 8) == w->look.claim.object;
	if (!method && word != w->look.claim.object)
		return 0;
	/* 3.13 on: a function without a receiver has NULL in its place. */
	return holds_buffer(method && !next ? after : next) ? CLAIM_RECEIVER : 0;
}

/*
 * What the innermost Python frame, its local variables and its value stack, shows of the object of
 * this CPU's look: enum claim_flag. look: enum frame_look. A global function: verified by itself.
 */
__attribute__((noinline)) int look_through_frame(u32 look)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u32 words, found = 0;

	if (!w || !w->stack.depth || !w->addresses[0])
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	words = read_words_at(w, w->addresses[0] + layout->frame_local) / sizeof(u64);
	for (u32 i = 0; i < FRAME_WORDS - 2; i++) {
		const u64 *at = (const u64 *)(w->window + 8 * i);

		if (i + 2 >= words)
			break;
		/* 3.14 on: what is on the value stack has tags below. */
		found |= look_at_word(at[0] & ~7ull, at[1] & ~7ull, at[2] & ~7ull, look);
	}
	return found;
}

/* In tell_each_user()'s result, beside how many are told of. */
#define USERS_STALE    256 /* one is stale */
#define USERS_AT_WORK  512 /* and at work */
#define USERS_LEFT_OUT 1024

/*
 * What shows the object of this CPU's look at work: enum claim_flag. A socket object that made the
 * call is near: what lies further may be left of earlier ones.
 */
static __always_inline u32 shows_at_work(const struct walk *w, u32 point)
{
	if (point == OWNER_SOCKET_IO)
		return is_at_work(SEARCH_NEAR) | look_through_frame(LOOK_BYTES);
	if (point == OWNER_FILE_IO)
		return is_at_work(SEARCH_STACK) | look_through_frame(LOOK_BYTES);
	if (w->look.claim.kind == OWNER_SOCKET)
		return look_through_frame(LOOK_LAYER) & CLAIM_AT_HAND;
	return 0;
}

/*
 * All claims of the number that are true, into the CPU's walk. point: whose code made the call. A
 * global function: verified by itself.
 */
__attribute__((noinline)) int tell_each_user(s32 fd, u64 table, u32 point)
{
	struct walk *w = this_walk();
	u32 count = 0, told, found;
	struct claims *claims;

	if (!w)
		return 0;
	claims = bpf_map_lookup_elem(&claimed, &w->key);
	if (!claims)
		return 0;
	told = claims->left_out || claims->lent ? USERS_LEFT_OUT : 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++) {
		struct claim *claim = &claims->of[i];

		if (!claim->object || (claim->table && claim->table != table) ||
		    count >= RECORD_CLAIMS_MAX)
			continue;
		w->look.claim = *claim;
		if ((look_at_claim(fd) & 255) != OWNER_HOLDS)
			continue;
		found = shows_at_work(w, point) & (CLAIM_AT_HAND | CLAIM_RECEIVER);
		found |= w->look.claim.flags;
		w->told[count].object = w->look.claim.object;
		w->told[count].type = w->look.claim.type;
		w->told[count].since_ns = w->look.claim.since_ns;
		w->told[count].kind = w->look.claim.kind;
		w->told[count].state = OWNER_HOLDS;
		w->told[count].flags = found;
		count++;
		if (!(found & CLAIM_STALE))
			continue;
		told |= USERS_STALE;
		/* A file object's address may be left of an earlier call: that shows nothing. */
		if (!(found & CLAIM_RECEIVER) &&
		    !(found & CLAIM_AT_HAND && w->look.claim.kind == OWNER_SOCKET))
			continue;
		told |= USERS_AT_WORK;
	}
	return told | count;
}

/*
 * An address in the code of a stale socket object, of the last that claims the number; 0: none
 * does.
 */
static __always_inline u64 socket_code(struct walk *w)
{
	const struct owner_layout *layout = owner_layout_at(w->look.layout);
	const struct claims *claims = bpf_map_lookup_elem(&claimed, &w->key);
	u64 type = 0;

	/* Of a Python that has the module in it, the functions themselves are known. */
	if (!layout || !claims || w->known.python.code[CODE_SOCKET_SEND].size)
		return 0;
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++)
		if (claims->of[i].object && claims->of[i].kind == OWNER_SOCKET &&
		    claims->of[i].flags & CLAIM_STALE)
			type = claims->of[i].type;
	w->type.code = 0;
	if (type)
		classify_type(type, layout->type_name | (u32)layout->type_base << 16);
	return w->type.code;
}

/*
 * At the end of a call that moved bytes through a number that is watched, behind the walk: who of
 * those that claim it may have made it. ret: room for RECORD_CLAIMS_MAX; returns how many there
 * are, 0: nobody who is stale, or keeps the number, is at work. size: how many bytes were asked
 * for. A function of its own for its stack, as tell_claims().
 */
static __noinline u32 tell_users(struct record_call *r, struct record_claim *ret,
				 const struct target *target, u64 buffer, s32 size)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, count, told;
	const struct python_process *python;
	struct walk *w = this_walk();
	u64 keeper;

	if (!w)
		return 0;
	python = find_known(w, target->program, tgid);
	if (!python || !owner_layout_at(python->layout))
		return 0;
	w->key.program = target->program;
	w->key.tgid = tgid;
	w->key.fd = r->fd;
	w->look.layout = python->layout;
	w->look.buffer = buffer;
	r->point = user_point(socket_code(w));
	told = tell_each_user(r->fd, r->table, r->point);
	count = told & 255;
	keeper = keeper_of(&w->key);
	if (!(told & USERS_STALE))
		end_stale(target, &w->key);
	if (count && r->point == OWNER_OS_IO && is_keeper_at_work(w, keeper, r->fd, size)) {
		r->still_open |= CALL_KEPT;
		told |= USERS_AT_WORK;
	}
	if (!(told & USERS_AT_WORK))
		return 0;
	if (told & USERS_LEFT_OUT)
		w->told[0].flags |= CLAIM_MORE;
	barrier_var(count); /* see emit_bounded() */
	if (!count || count > RECORD_CLAIMS_MAX)
		return 0;
	bpf_probe_read_kernel(ret, count * sizeof(*ret), w->told);
	return count;
}

#endif
