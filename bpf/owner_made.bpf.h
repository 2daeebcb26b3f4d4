/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners as they are made.
 *
 * An owner is live across the system call that its constructor makes (fstat, socket, getsockname,
 * epoll_create1), so the compiler keeps it in a register that a call must preserve, or on the
 * stack; and the C library's wrappers of these calls touch none of these registers.
 *
 * Owns: where a program shows its owners, and what it costs to look. Never: sees the closes.
 */
#ifndef FDTRACE_OWNER_MADE_BPF_H
#define FDTRACE_OWNER_MADE_BPF_H

#include "owner.bpf.h"

#define AT_EMPTY_PATH 0x1000

/* Words looked through for an owner that is being made, where registers never show it. */
#define MAKER_WORDS  64
/* fstat() calls of a program without an owner in a register, before its stack is searched. */
#define MISSES_MAX   64
/* After so many calls from one place without an owner, only one in MISSES_MAX is looked at there.
 */
#define PLACE_MISSES 16
/* Looks for an owner of a number at calls that use it. */
#define LOOKS_MAX    6

/*
 * Whether the object that this CPU looks for lies there: then it is in the look's claim; object 0:
 * one that does not close its number. A global function: verified once, however often it is called.
 */
__attribute__((noinline)) int is_owner(u64 address)
{
	const struct owner_layout *layout;
	struct walk *w = this_walk();
	struct owner_look *look;
	struct owner_object o;

	if (!w || !is_address(address))
		return 0;
	look = &w->look;
	layout = owner_layout_at(look->layout);
	if (!layout || !read_object(layout, address, &o) || o.fd != look->has || !is_alive(&o) ||
	    owner_type(look->program, look->tgid, o.type, look->layout) != look->only)
		return 0;
	look->claim.object = address;
	look->claim.type = o.type;
	look->claim.kind = look->only;
	look->claim.flags = 0;
	if (look->only != OWNER_FILEIO)
		return 1;
	if (!(o.bits & layout->closefd_mask))
		look->claim.object = 0;
	if (o.dict)
		look->claim.flags = CLAIM_LATE;
	return 1;
}

/* The register in which one was found last comes first. */
static __always_inline bool search_saved(struct owner_look *s, u8 *hint)
{
	for (u32 i = 0; i < SAVED_REGS; i++)
		if (i != *hint && is_owner(s->saved[i])) {
			*hint = i;
			return true;
		}
	return false;
}

static __always_inline bool search_hint(struct owner_look *s, const u8 *hint)
{
	u32 at = *hint;

	if (at >= SAVED_REGS)
		return false;
	barrier_var(at);
	return at < SAVED_REGS && is_owner(s->saved[at]);
}

/*
 * Whether a look beyond the hint is worth its price: os.fstat() and its like call from places where
 * no owner ever is. Tried again now and then, for where the C library's wrapper has a frame of its
 * own this is no place.
 */
static __noinline bool is_worth_it(const struct owner_look *s, u64 sp, struct owner_place **ret)
{
	struct owner_place_key key = {.program = s->program, .tgid = s->tgid};
	struct owner_place fresh = {};

	if (!read_user(&key.address, sizeof(key.address), sp))
		return true;
	*ret = bpf_map_lookup_elem(&owner_places, &key);
	if (!*ret) {
		bpf_map_update_elem(&owner_places, &key, &fresh, BPF_NOEXIST);
		*ret = bpf_map_lookup_elem(&owner_places, &key);
	}
	if (!*ret || (*ret)->found || (*ret)->missed < PLACE_MISSES)
		return true;
	(*ret)->missed++;
	return (*ret)->missed % MISSES_MAX == 0;
}

/* The words of the stack, where a build keeps its objects there (-O0). Leaves the walk's window. */
static __noinline bool search_stack_words(struct walk *w, u64 sp)
{
	if (!read_user(w->window, MAKER_WORDS * sizeof(u64), sp))
		return false;
	for (u32 i = 0; i < MAKER_WORDS; i++)
		if (is_owner(*(u64 *)(w->window + 8 * i)))
			return true;
	return false;
}

/* Owners show in no register of this program: from now on its stack is searched; or in vain. */
static __noinline void search_deeper(struct owner_finding *finding, u32 layout_index)
{
	const struct owner_layout *layout = owner_layout_at(layout_index);

	finding->missed = 0;
	if (layout && finding->deep < 2 && ++finding->deep == 2)
		send_type(layout, 0, OWNER_NONE);
}

/* Counts whether an owner showed, as long as none has. What has come of it this CPU knows, too. */
static __noinline void note_search(struct walk *w, bool found)
{
	struct python_process *python;

	if (w->known.python.finding.found)
		return;
	python = find_program(w->look.program, w->look.tgid);
	if (!python)
		return;
	if (found)
		python->finding.found = 1;
	else if (!python->finding.found && ++python->finding.missed >= MISSES_MAX)
		search_deeper(&python->finding, w->look.layout);
	w->known.python.finding = python->finding;
}

/* FileIO.__init__ calls fstat(), and so does much else. */
static __noinline bool search_file(struct walk *w, struct pt_regs *regs)
{
	const struct owner_finding *finding = &w->known.python.finding;
	u8 *hint = &w->known.place[OWNER_CALL_FSTAT];
	struct owner_place *place = NULL;
	bool found = search_hint(&w->look, hint);
	u64 sp;

	if (found) {
		note_search(w, true);
		return true;
	}
	sp = stack_pointer(regs);
	/* As long as nothing has shown anywhere, each look tells how this program is built. */
	if ((finding->found || finding->deep == 2) && !is_worth_it(&w->look, sp, &place))
		return false;
	found = search_saved(&w->look, hint);
	if (!found && finding->deep == 1)
		found = search_stack_words(w, sp);
	note_search(w, found);
	if (place && found)
		place->found = 1;
	else if (place)
		place->missed++;
	return found;
}

/*
 * Counts calls that make sockets or epoll objects, as long as none has shown an owner of this kind:
 * C code makes such calls, too, or the program keeps its objects where nobody looks (-O0).
 */
static __noinline bool note_maker(struct walk *w, bool found)
{
	const struct owner_layout *layout = owner_layout_at(w->look.layout);
	u32 kind = w->look.only & (OWNER_TYPES - 1);
	struct python_process *python;
	u8 *vain;

	if (w->known.python.finding.vain[kind] >= VAIN_MAX)
		return found;
	python = find_program(w->look.program, w->look.tgid);
	if (!python || !layout)
		return found;
	vain = &python->finding.vain[kind];
	if (found)
		*vain = VAIN_SHOWN;
	else if (*vain < VAIN_MAX && ++*vain == VAIN_MAX)
		send_type(layout, 0, kind);
	w->known.python.finding = python->finding;
	return found;
}

static __always_inline bool search_registers(struct owner_look *s, u8 *hint)
{
	return search_hint(s, hint) || search_saved(s, hint);
}

/* socket(fileno=) has -1 in it still; getsockname() of an object shows one that may be known. */
static __always_inline bool search_socket(struct owner_look *s, u8 *hint, s32 fd)
{
	s->has = -1;
	if (search_registers(s, hint))
		return true;
	s->has = fd;
	if (!search_saved(s, hint) && !search_hint(s, hint))
		return false;
	s->claim.flags |= CLAIM_LATE;
	return true;
}

/* Whether a claim of before stays: its object has the number still. */
static __always_inline bool stays(struct walk *w, const struct claim *claim, s32 fd)
{
	if (!claim->object)
		return false;
	w->look.claim = *claim;
	return (look_at_claim(fd) & 255) == OWNER_HOLDS;
}

/*
 * One more object, that of the CPU's look, claims the number; of those that did before, who still
 * does stays. An object that claims it already stays as it is, unless it is being made just now:
 * its claim may be older than what the number is now. A global function: verified by itself.
 */
__attribute__((noinline)) int add_claim(s32 fd)
{
	struct claimed_key key = {.fd = fd};
	struct claims *claims;
	struct walk *w = this_walk();
	u32 count = 1;

	if (!w)
		return 0;
	key.program = w->look.program;
	key.tgid = w->look.tgid;
	claims = bpf_map_lookup_elem(&claimed, &key);
	if (!claims)
		return 0;
	w->fresh.of[0] = w->look.claim;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++) {
		struct claim *claim = &claims->of[i];

		if (claim->object == w->fresh.of[0].object && claim->type == w->fresh.of[0].type) {
			if (w->fresh.of[0].flags & CLAIM_LATE)
				return 0;
			continue; /* dead, and made anew at its address */
		}
		if (!stays(w, claim, fd))
			continue;
		if (count < RECORD_CLAIMS_MAX)
			w->fresh.of[count++] = *claim;
		else
			claims->left_out = 1;
	}
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < RECORD_CLAIMS_MAX; i++) {
		if (i < count)
			claims->of[i] = w->fresh.of[i];
		else
			claims->of[i].object = 0;
	}
	return 0;
}

/* The number becomes known, with this claim. */
static __always_inline void begin_claims(struct walk *w, const struct claimed_key *key,
					 const struct claim *claim)
{
	__builtin_memset(&w->fresh, 0, sizeof(w->fresh));
	if (claim)
		w->fresh.of[0] = *claim;
	bpf_map_update_elem(&claimed, key, &w->fresh, BPF_ANY);
}

static __noinline int take_number(struct walk *w, const struct target *target, s32 fd)
{
	struct claimed_key key = {.program = w->look.program, .tgid = w->look.tgid, .fd = fd};
	struct claims *claims;

	if (!w->look.claim.object) {
		claims = bpf_map_lookup_elem(&claimed, &key);
		if (claims)
			claims->lent = 1;
		return 0;
	}
	w->look.claim.since_ns = bpf_ktime_get_boot_ns();
	w->look.claim.table = (u64)CURRENT(files);
	claims = find_claims(target, w->look.layout, w->look.tgid, fd);
	/* Of most nothing is known. */
	if (claims && count_claims(claims))
		return add_claim(fd);
	if (claims) {
		claims->of[0] = w->look.claim;
		return 0;
	}
	begin_claims(w, &key, &w->look.claim);
	return 0;
}

/* Whether it is worth to look for the owner of a number that is used: none is known, so far. */
static __noinline bool is_unknown(struct walk *w, s32 fd)
{
	struct claimed_key key = {.program = w->look.program, .tgid = w->look.tgid, .fd = fd};
	struct claims *claims = bpf_map_lookup_elem(&claimed, &key);

	if (!claims) {
		begin_claims(w, &key, NULL);
		return true;
	}
	if (claims->of[0].object || claims->looks >= LOOKS_MAX)
		return false;
	claims->looks++;
	return true;
}

static __always_inline bool search_owner(struct walk *w, u8 call, s32 fd, struct pt_regs *regs)
{
	const struct owner_layout *layout;
	struct owner_look *s = &w->look;
	u8 *places = w->known.place;

	s->has = fd;
	s->only = OWNER_SOCKET;
	switch (call) {
	case OWNER_CALL_FSTAT:
	case OWNER_CALL_FSTATAT:
		s->only = OWNER_FILEIO;
		return search_file(w, regs);
	case OWNER_CALL_SOCKET:
		s->has = -1;
		return note_maker(w, search_registers(s, &places[OWNER_CALL_SOCKET]));
	case OWNER_CALL_SOCKNAME:
		return note_maker(w, search_socket(s, &places[OWNER_CALL_SOCKNAME], fd));
	case OWNER_CALL_EPOLL:
		s->has = 0;
		s->only = OWNER_EPOLL;
		return note_maker(w, search_registers(s, &places[OWNER_CALL_EPOLL]));
	case OWNER_CALL_USE:
		layout = owner_layout_at(s->layout);
		if (!layout || !layout->sockets_late || !is_unknown(w, fd) ||
		    !search_registers(s, &places[OWNER_CALL_USE]))
			return false;
		s->claim.flags |= CLAIM_LATE;
		return true;
	}
	return false;
}

/* A call at whose end an owner shows. fd: the number that it has, or will have. */
static __noinline int owner_seen(const struct target *target, struct pt_regs *regs, u8 call, s32 fd)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	const struct python_process *python;
	struct walk *w = this_walk();

	if (!w || fd < 0)
		return 0;
	python = find_known(w, target->program, tgid);
	if (!python || !owner_layout_at(python->layout))
		return 0;
	w->look.program = target->program;
	w->look.tgid = tgid;
	w->look.layout = python->layout;
	w->look.new_type = 0;
	if (search_owner(w, call, fd, regs))
		take_number(w, target, fd);
	send_new_type(w, target->program, tgid);
	return 0;
}

#endif
