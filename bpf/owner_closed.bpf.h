/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners at a close of their number: who has it still, who has let go of it, who is at work.
 *
 * Owns: what goes up with a close (struct record_claim), and that what has let go is forgotten.
 * Never: decides whose close it was.
 */
#ifndef FDTRACE_OWNER_CLOSED_BPF_H
#define FDTRACE_OWNER_CLOSED_BPF_H

#include "native.bpf.h"
#include "owner.bpf.h"
#include "watched.bpf.h"

/* Words on the stack from a close() on among which its return address lies. */
#define RETURN_WORDS 16
/* Functions of one file of the C library lie no further apart. */
#define NEAR	     4096
/* Words in which the frames lie of a method and of what it calls to make its system call. */
#define NEAR_WORDS   64
/* Words looked through for an owner's address where a register did not show it. */
#define STACK_WORDS  512
#define STACK_STEP   32
#define STACK_PIECES 8

static __always_inline bool is_in(const struct code_range *code, u64 address)
{
	return address - code->start - 1 < code->size; /* a return address lies behind its call */
}

/*
 * Whether this object, which lies beside another, holds the bytes that a call was given: bytes, a
 * bytearray (Include/cpython/bytearrayobject.h: ob_start) or a memoryview
 * (Include/memoryobject.h: view.buf). A global function: verified by itself.
 */
__attribute__((noinline)) int holds_buffer(u64 object)
{
	const struct py_layout *layout;
	struct walk *w = this_walk();
	u64 start = 0;

	if (!w || !is_address(object))
		return 0;
	layout = bpf_map_lookup_elem(&layouts, &w->layout);
	if (!layout)
		return 0;
	if (object + layout->bytes_data == w->look.buffer)
		return 1;
	if (read_user(&start, sizeof(start), object + layout->ob_type + 32) &&
	    start == w->look.buffer)
		return 1;
	return read_user(&start, sizeof(start), object + layout->ob_type + 48) &&
	       start == w->look.buffer;
}

/*
 * A few words of the stack in the walk's window: is the object's address among them, or an address
 * in a finalizer? A global function: verified once, however often it is called.
 */
__attribute__((noinline)) int look_through_words(u32 from, u32 words)
{
	struct walk *w = this_walk();

	if (!w)
		return 0;
	for (u32 i = 0; i < STACK_STEP; i++) {
		u32 at = (from + i) & (STACK_WORDS - 1);
		u64 word = *(u64 *)(w->window + 8 * at);

		if (at >= words)
			break;
		if (word == w->look.claim.object) {
			w->look.found |= CLAIM_AT_HAND;
			/* Arguments lie side by side. */
			if (w->look.buffer && holds_buffer(*(u64 *)(w->window + 8 * at + 8)))
				w->look.found |= CLAIM_RECEIVER;
		}
		for (u32 code = CODE_FINALIZE_IO; code <= CODE_FINALIZE_FREED; code++)
			if (is_in(&w->known.python.code[code], word))
				w->look.found |= CLAIM_FINALIZING;
	}
	return 0;
}

/*
 * Some more of the stack into the walk's window, and through it. 0: that was the last. A global
 * function: verified by itself.
 */
__attribute__((noinline)) int look_through_piece(u64 from, u64 end)
{
	struct walk *w = this_walk();
	u64 bytes = end - from;

	if (!w)
		return 0;
	if (bytes > STACK_WORDS * sizeof(u64))
		bytes = STACK_WORDS * sizeof(u64);
	if (!read_user(w->window, bytes, from)) {
		/* It may end there, where its end is not known. */
		bytes = PAGE - (from & (PAGE - 1));
		if (bytes > STACK_WORDS * sizeof(u64) || !read_user(w->window, bytes, from))
			return 0;
	}
	for (u32 at = 0; at < STACK_WORDS; at += STACK_STEP)
		if (at < bytes / sizeof(u64))
			look_through_words(at, bytes / sizeof(u64));
	return 1;
}

/*
 * Whether the object of this CPU's look is at work in this thread: its address lies on the stack;
 * and whether a finalizer runs: enum claim_flag. Looked through is what lies above the innermost
 * Python frame, where that shows. What is left of earlier calls may lie there, too: so only of an
 * object that had the number, and has let go of it, at the end of a close of that number. A global
 * function: verified by itself.
 */
static __always_inline u32 look_through_stack(struct walk *w, u64 sp, u64 end)
{
	if (end <= sp || end - sp > STACK_PIECES * STACK_WORDS * sizeof(u64))
		end = sp + STACK_WORDS * sizeof(u64);
	w->look.found = 0;
	for (u32 i = 0; i < STACK_PIECES; i++, sp += STACK_WORDS * sizeof(u64))
		if (sp >= end || !look_through_piece(sp, end))
			break;
	return w->look.found;
}

static __always_inline bool is_near(u64 a, u64 b)
{
	return a - b + NEAR < 2 * NEAR;
}

/*
 * A close that was not made by an object that is known: by os.close()? Where the return address of
 * close() lies depends on the C library, and on whether there are threads (x86_64):
 *   glibc up to 2.40  just there; or behind three words of close()'s own
 *   glibc from 2.41   close() calls __syscall_cancel(), and that a function beside it (and that
 *		       one another); their frames come first
 *   musl		       close() calls __syscall_cp(), alike
 */
static __noinline u8 closing_point(const struct code_range *os_close, u64 ip, u64 sp)
{
	u64 words[RETURN_WORDS];

	if (!os_close->size || !read_user(words, sizeof(words), sp))
		return 0;
	if (is_in(os_close, words[0]) || is_in(os_close, words[3]))
		return OWNER_OS_CLOSE;
	if (!is_near(words[3], ip) && !is_near(words[6], words[0]))
		return OWNER_ELSEWHERE;
	for (u32 i = 8; i < RETURN_WORDS; i++)
		if (is_in(os_close, words[i]))
			return OWNER_OS_CLOSE;
	return OWNER_ELSEWHERE;
}

/* Where NEAR_WORDS end, or the innermost Python frame's part of the stack begins. */
static __always_inline u64 nearest_end(const struct walk *w)
{
	u64 end = w->sp + NEAR_WORDS * sizeof(u64);

	return w->entry > w->sp && w->entry < end ? w->entry : end;
}

/* How far is_at_work() searches the stack. */
enum search {
	SEARCH_REGISTERS, /* not at all */
	SEARCH_STACK,
	SEARCH_NEAR, /* NEAR_WORDS alone */
};

/*
 * Whether the object of this CPU's look is at work in this thread: enum claim_flag. search: enum
 * search; of a close, if it is not to be expected that it is the object's own. A global function:
 * verified by itself.
 */
__attribute__((noinline)) int is_at_work(u32 search)
{
	struct walk *w = this_walk();
	u32 found = 0;

	if (!w)
		return 0;
	for (u32 i = 0; i < SAVED_REGS; i++)
		if (w->look.saved[i] == w->look.claim.object)
			found = CLAIM_AT_HAND;
	if (search == SEARCH_REGISTERS)
		return found;
	return found |
	       look_through_stack(w, w->sp, search == SEARCH_NEAR ? nearest_end(w) : w->entry);
}

/* What tell_each() returns beside how many claims are told of. */
#define TELL_MORE     256 /* more is to be known of the call */
#define TELL_LEFT_OUT 512
#define TELL_NOTHING  1024 /* nothing is known of the number */
#define TELL_POINT    2048 /* who made the close is to be known, and no more */

/* What a call is told of one claim. Returns what more is to be known. */
static __always_inline u32 tell_claim(struct walk *w, struct claim *claim, s32 fd, bool missed,
				      bool alone, struct record_claim *ret)
{
	bool doubt = missed || !alone || claim->flags & CLAIM_STALE;
	u32 found, state;

	w->look.claim = *claim;
	found = look_at_claim(fd);
	state = found & 255;
	found = found >> 8 |
		is_at_work(doubt && state == OWNER_LET_GO ? SEARCH_STACK : SEARCH_REGISTERS);
	ret->object = w->look.claim.object;
	ret->type = w->look.claim.type;
	ret->since_ns = w->look.claim.since_ns;
	ret->kind = w->look.claim.kind;
	ret->state = state;
	ret->flags = w->look.claim.flags | found;
	if (state == OWNER_LET_GO || state == OWNER_GONE)
		claim->object = 0;
	else if (!missed)
		claim->flags |= CLAIM_STALE; /* one that cannot be read just now as well */
	if (state == OWNER_HOLDS || ret->flags & CLAIM_STALE)
		return TELL_MORE;
	/* A socket object may have been detached before, and os.close() have closed its number. */
	return state == OWNER_LET_GO && claim->kind == OWNER_SOCKET && !(found & CLAIM_AT_HAND)
		       ? TELL_POINT
		       : 0;
}

/*
 * Where some sockets are not seen as they are made, one that is not known may have made the close,
 * and what has the number still may be a third, made at the address of the one that was known.
 */
static __always_inline void doubt_sockets(struct walk *w)
{
	const struct owner_layout *layout = owner_layout_at(w->look.layout);
	struct claims *claims;

	if (!layout || !layout->sockets_late)
		return;
	claims = bpf_map_lookup_elem(&claimed, &w->key);
	if (!claims)
		return;
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++)
		if (claims->of[i].kind == OWNER_SOCKET && claims->of[i].flags & CLAIM_STALE)
			claims->of[i].flags |= CLAIM_LATE;
}

/*
 * The same of all claims of the number that are of this table, into the CPU's walk. missed: the
 * call failed. A global function: verified by itself.
 */
__attribute__((noinline)) int tell_each(s32 fd, u32 missed, u64 table)
{
	struct walk *w = this_walk();
	struct claims *claims;
	u32 all, count = 0, told;

	if (!w)
		return 0;
	claims = bpf_map_lookup_elem(&claimed, &w->key);
	if (!claims)
		return TELL_NOTHING;
	if (!missed)
		claims->lent = 0;
	all = count_claims(claims);
	/* Most numbers of most programs nobody claims, or nobody any more. */
	if (!all && !missed)
		return 0;
	told = claims->left_out ? TELL_LEFT_OUT : 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++) {
		struct claim *claim = &claims->of[i];

		/* A thread may have left the table for one of its own. */
		if (!claim->object || (claim->table && claim->table != table) ||
		    count >= RECORD_CLAIMS_MAX)
			continue;
		told |= tell_claim(w, claim, fd, missed, all <= 1, &w->told[count]);
		count++;
	}
	return told | count;
}

/* dup2() and dup3() put something else into a number: who has that has it still. */
static __always_inline bool replaces(const struct record_call *r)
{
	return (r->call == CALL_DUP2 || r->call == CALL_DUP3) && r->ret >= 0;
}

/*
 * At the end of a close, or of a call that failed for its number is closed: what the objects that
 * claim the number look like. ret: room for RECORD_CLAIMS_MAX; returns how many there are. A
 * function of its own: what it keeps on the stack is not there while others walk a stack.
 */
static __noinline u32 tell_claims(struct record_call *r, struct record_claim *ret,
				  const struct target *target, struct pt_regs *regs)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, count, told;
	bool missed = record_call_missed(r), more = missed && r->call == CALL_CLOSE;
	bool replaced = replaces(r);
	s32 fd = replaced ? r->fd2 : r->fd;
	const struct python_process *python;
	struct walk *w = this_walk();

	if (!w)
		return 0;
	python = find_known(w, target->program, tgid);
	if (!python || !owner_layout_at(python->layout))
		return 0;
	w->key.program = target->program;
	w->key.tgid = tgid;
	w->key.fd = fd;
	w->look.layout = python->layout;
	w->look.buffer = 0;
	told = tell_each(fd, missed || replaced, r->table);
	if (told & TELL_NOTHING && target->parent_program) {
		w->look.new_type = 0;
		if (inherit_claims(target, python->layout, tgid, fd))
			told = tell_each(fd, missed || replaced, r->table);
		send_new_type(w, target->program, tgid);
	}
	if (!missed && !replaced && told & TELL_MORE)
		watch_number(target, &w->key);
	count = told & 255;
	if (!count && !(told & TELL_LEFT_OUT) && !more)
		return 0;
	if (told & TELL_LEFT_OUT) {
		if (!count)
			__builtin_memset(&w->told[count++], 0, sizeof(w->told[0]));
		w->told[0].flags |= CLAIM_MORE;
	}
	barrier_var(count); /* see emit_bounded() */
	if (count > RECORD_CLAIMS_MAX)
		return 0;
	ret[0] = w->told[0]; /* most often the only one */
	if (count > 1)
		bpf_probe_read_kernel(ret + 1, (count - 1) * sizeof(*ret), &w->told[1]);
	if (more || told & (TELL_MORE | TELL_POINT))
		r->point = closing_point(&python->code[CODE_OS_CLOSE], user_pc(regs), w->sp);
	if (r->point == OWNER_ELSEWHERE)
		doubt_sockets(w);
	return count;
}

#endif
