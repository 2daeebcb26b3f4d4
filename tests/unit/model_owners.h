/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Python objects that own numbers in kernel_model.h, and what the kernel side tells of them at a
 * close (bpf/owner_made.bpf.h, bpf/owner_closed.bpf.h).
 *
 * An object takes the number of an open, or of a use, after the call: as it is made, or seen late.
 * At its own close it lets go of the number first. It may also let go without a close.
 *
 * Owns: which object has which number, and which generation it took; what is kept of claims. What
 * an object does is drawn from the seed and the step's place, so that scripts stay what they were.
 * Never: knows a verdict.
 */
#ifndef FDTRACE_TESTS_MODEL_OWNERS_H
#define FDTRACE_TESTS_MODEL_OWNERS_H

#include "kernel_tables.h"

static inline uint64_t chance(const struct model *m, const struct kcall *call, unsigned int salt)
{
	uint64_t x = m->script->seed * 0x9e3779b97f4a7c15u +
		     (uint64_t)(call->step - m->script->steps) * 0xbf58476d1ce4e5b9u + salt;

	x ^= x >> 30;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline struct kept *kept_of(struct model *m, uint32_t tgid, int fd)
{
	return m->kept[(tgid - FIRST_PID) % OWNING][fd];
}

/* The latest first; of those before who still has the number stays. */
static inline void keep_claim(struct model *m, uint32_t tgid, int fd, struct kept claim)
{
	struct kept *kept = kept_of(m, tgid, fd), before[TOLD_MAX] = {claim};
	unsigned int count = 1;

	for (unsigned int i = 0; i < TOLD_MAX; i++)
		if (kept[i].object && count < TOLD_MAX && m->objects[kept[i].object - 1].has == fd)
			before[count++] = kept[i];
	memcpy(kept, before, sizeof(before));
}

static inline int find_holder(const struct model *m, uint32_t tgid, int fd, bool oldest)
{
	int found = 0;

	for (unsigned int i = 0; i < m->nobjects; i++)
		if (m->objects[i].tgid == tgid && m->objects[i].has == fd && (!oldest || !found))
			found = (int)i + 1;
	return found;
}

/* A close is entered: by an object, which lets go of the number; by os.close(); by C code. */
static inline void owners_enter(struct model *m, struct kcall *call)
{
	int holder;

	if (!m->script->owners)
		return;
	holder = find_holder(m, call->tgid, call->step->a, chance(m, call, 1) % 2);
	if (call->step->op == OP_USE && holder && chance(m, call, 2) % 8 == 0)
		m->objects[holder - 1].has = -1; /* detach() */
	if (call->step->op != OP_CLOSE)
		return;
	call->os_close = chance(m, call, 3) % 2;
	if (holder && chance(m, call, 4) % 3) {
		m->objects[holder - 1].has = -1;
		call->object = holder;
		call->os_close = false;
	}
}

/* Whose number a close ends, as it does. */
static inline void owners_effect(struct model *m, struct kcall *call)
{
	if (call->step->op != OP_CLOSE)
		return;
	call->ended = slot_of(m, call->table, call->step->a)->open
			      ? slot_of(m, call->table, call->step->a)->opened
			      : 0;
	call->behind = find_holder(m, call->tgid, call->step->a, false);
}

static inline void tell_of(struct model *m, struct kcall *call)
{
	struct kept *kept = kept_of(m, call->tgid, call->fd);

	for (unsigned int i = 0; i < TOLD_MAX; i++) {
		struct told *told = &call->told[call->ntold];
		int object = kept[i].object;

		if (!object)
			continue;
		*told = (struct told){object, kept[i].since, kept[i].flags, false};
		told->holds = m->objects[object - 1].has == call->fd;
		if (object == call->object)
			told->flags |= CLAIM_AT_HAND;
		call->tells_point |= told->holds || call->ret < 0 || kept[i].flags & CLAIM_STALE;
		if (!told->holds)
			kept[i].object = 0;
		else if (call->ret >= 0)
			kept[i].flags |= CLAIM_STALE;
		call->ntold++;
	}
	call->tells_point |= call->ret < 0;
}

/* A program is another one from now on, without any object. */
static inline void drop_objects(struct model *m, uint32_t tgid)
{
	for (unsigned int i = 0; i < m->nobjects; i++)
		if (m->objects[i].tgid == tgid)
			m->objects[i].has = -1;
	for (int fd = 0; fd < NUMBERS; fd++)
		memset(kept_of(m, tgid, fd), 0, TOLD_MAX * sizeof(struct kept));
}

static inline void owners_stamp(struct model *m, struct kcall *call)
{
	int fd = call->step->op == OP_OPEN ? (int)call->ret : call->fd;

	if (!m->script->owners || call->ret < -EBADF || (call->ret < 0 && call->ret != -EBADF))
		return;
	if (call->step->op == OP_CLOSE)
		tell_of(m, call);
	else if (call->step->op == OP_EXEC)
		drop_objects(m, call->tgid);
	else if ((call->step->op == OP_OPEN || call->step->op == OP_USE) && call->ret >= 0)
		call->takes = slot_of(m, call->table, fd)->open ? fd + 1 : 0;
	if (call->takes)
		call->taken = slot_of(m, call->table, fd)->opened;
}

/* Whoever had been given the number hands it on: only its opener may believe in it still. */
static inline void hand_on(struct model *m, int fd, int gen)
{
	int opener = gen ? m->calls[gen - 1].person : -1;
	unsigned int origin = opener < 0 ? PERSONS : m->persons[opener].origin;

	for (unsigned int i = 0; gen && i < m->npersons; i++)
		if (m->persons[i].origin != origin)
			m->persons[i].believes[fd] &= ~(1ull << gen);
}

static inline void owners_emit(struct model *m, struct kcall *call, bool traced)
{
	bool use = call->step->op == OP_USE;

	if (!m->script->owners || !call->takes || m->nobjects == STEPS ||
	    chance(m, call, 5) % (use ? 4 : 2))
		return;
	/* Closed and made anew while the call was on its way back: no hook can tell (LIMITS). */
	if (use && slot_of(m, call->table, call->takes - 1)->opened != call->taken)
		return;
	m->objects[m->nobjects++] =
		(struct owner_of){call->tgid, call->takes - 1, call->taken, call->table};
	hand_on(m, call->takes - 1, call->taken);
	if (traced && chance(m, call, 6) % 8)
		keep_claim(m, call->tgid, call->takes - 1,
			   (struct kept){(int)m->nobjects, m->now,
					 chance(m, call, 7) % 8 ? 0 : CLAIM_LATE});
}

/* What was made before is found in memory. */
static inline void owners_attach(struct model *m, uint32_t tgid)
{
	for (unsigned int i = 0; m->script->owners && i < m->nobjects; i++)
		if (m->objects[i].tgid == tgid && m->objects[i].has >= 0)
			keep_claim(m, tgid, m->objects[i].has,
				   (struct kept){(int)i + 1, m->now, CLAIM_BEFORE});
}

#endif
