/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who makes the calls of kernel_model.h: objects and activations of functions, each with the
 * numbers that it believes to be its own; and the frames that the kernel side would tell of them.
 *
 * An object opens a number, or is given one by whoever has it; it may close either any time, also
 * when it is over. When an object is gone, another lies at its address, perhaps of the same class;
 * so is a frame's address used again, perhaps from the same line.
 *
 * Owns: which generations a call may mean (kcall.believed): that is what is true. Drawn from the
 * seed and the step's place, so that scripts stay what they were. Never: knows a verdict.
 */
#ifndef FDTRACE_TESTS_MODEL_HOLDERS_H
#define FDTRACE_TESTS_MODEL_HOLDERS_H

#include "model_owners.h"

#define OBJECT_PLACES 3 /* addresses of a process that objects lie at */
#define FRAME_PLACES  2 /* of a thread, that frames of functions lie at */

static inline uint64_t bit(int gen)
{
	return gen > 0 ? 1ull << gen : 0;
}

/* Somebody new at this place, who knows of no number. */
static inline int new_person(struct model *m, const struct person *as)
{
	m->persons[m->npersons] = *as;
	m->persons[m->npersons].origin = m->npersons;
	memset(m->persons[m->npersons].believes, 0, sizeof(as->believes));
	return (int)m->npersons++;
}

static inline int find_person(const struct model *m, const struct person *at)
{
	for (unsigned int i = m->npersons; i-- > 0;)
		if (m->persons[i].id == at->id && m->persons[i].frame == at->frame &&
		    m->persons[i].place == at->place)
			return (int)i;
	return -1;
}

/* One of those who believe that they have the number, mostly. */
static inline int find_believer(const struct model *m, const struct kcall *call, int fd)
{
	unsigned int skip = chance(m, call, 11) % 3;
	int found = -1;

	for (unsigned int i = 0; i < m->npersons; i++) {
		const struct person *p = &m->persons[i];

		if (p->gone || p->id != (p->frame ? call->tid : call->tgid) || !p->believes[fd])
			continue;
		found = (int)i;
		if (!skip--)
			break;
	}
	return found;
}

/* In the midst of a call: an object does not go while a method of it runs. */
static inline bool is_at_work(const struct model *m, const struct kcall *call, int person)
{
	for (unsigned int i = 0; i < m->ncalls; i++)
		if (&m->calls[i] != call && m->calls[i].person == person && !m->calls[i].emit)
			return true;
	return false;
}

static inline int draw_person(struct model *m, const struct kcall *call)
{
	bool frame = chance(m, call, 12) % 3 == 0;
	struct person at = {
		.frame = frame,
		.id = frame ? call->tid : call->tgid,
		.place = chance(m, call, 13) % (frame ? FRAME_PLACES : OBJECT_PLACES),
		.kind = chance(m, call, 14) % 4 ? 0 : 1,
		.line = chance(m, call, 15) % 4 ? 0 : 1,
	};
	int found = find_person(m, &at);

	if (found >= 0 && (chance(m, call, 16) % 4 || is_at_work(m, call, found)))
		return found;
	if (m->npersons == PERSONS)
		return -1;
	if (found >= 0)
		m->persons[found].gone = true;
	return new_person(m, &at);
}

static inline struct caller_frame base_frame(const struct kcall *call)
{
	return (struct caller_frame){
		.code = 0x100,
		.outer = 1,
		.address = 0x10000u * call->tid,
	};
}

/* The frames of a call that this one makes; now and then a function helps it with the number. */
static inline void describe(const struct model *m, struct kcall *call, const struct person *p)
{
	bool opens = call->step->op != OP_CLOSE && call->step->op != OP_USE;
	unsigned int function = opens ? 0 : 1 + chance(m, call, 17) % 2;
	bool helped = chance(m, call, 18) % 6 == 0;
	struct caller *caller = &call->caller;

	if (helped)
		caller->frames[caller->count++] = (struct caller_frame){
			.code = 0x200 + (opens ? 0 : 1),
			.outer = 3,
			.address = 0x10000u * call->tid + 0x800,
			.local = 0x9000 + (unsigned int)call->step->a,
			.kind = LOCAL_PLAIN,
		};
	caller->frames[caller->count++] = (struct caller_frame){
		.code = p->frame ? 0x300u + p->kind : 0x400 + 16u * p->kind + function,
		.outer = p->frame ? 10u + p->line : 20 + chance(m, call, 19) % 3,
		.address = 0x10000u * call->tid + 0x1000 + 0x100u * p->place,
		.local = p->frame ? 0 : 0x7f0000001000u + 0x1000u * p->place,
		.type = p->frame ? 0 : 0x7f0000009000u + 0x1000u * p->kind,
		.kind = p->frame ? LOCAL_UNKNOWN : LOCAL_OBJECT,
	};
	caller->frames[caller->count++] = base_frame(call);
}

/* It has no such number: it is given one, the number's generation now or the last there was. */
static inline void adopt(struct model *m, const struct kcall *call, struct person *p, int fd)
{
	const struct slot *slot = slot_of(m, call->table, fd);

	p->believes[fd] |= bit(slot->open ? slot->opened : slot->past.opened);
}

/* What an object of C code has, or had to its end, it keeps: nobody else is given it. */
static inline bool is_kept(struct model *m, const struct kcall *call, int fd)
{
	const struct slot *slot = slot_of(m, call->table, fd);
	int gen = slot->open ? slot->opened : slot->past.opened;

	for (unsigned int i = 0; i < m->nobjects; i++)
		if (m->objects[i].gen == gen && (!slot->open || m->objects[i].has == fd))
			return true;
	return find_holder(m, call->tgid, fd, false);
}

/* The call that opens it has not come back, as its record is not there: nobody can have been given
 * it. */
static inline bool is_being_opened(struct model *m, const struct kcall *call, int fd)
{
	const struct slot *slot = slot_of(m, call->table, fd);
	int gen = slot->open ? slot->opened : slot->past.opened;

	return gen > 0 && !m->calls[gen - 1].emit;
}

/* A call is entered. */
static inline void holders_enter(struct model *m, struct kcall *call)
{
	bool looks = call->step->op == OP_CLOSE || call->step->op == OP_USE;
	int fd = call->step->a, person = -1;

	call->person = -1;
	if (!m->script->holders || call->step->op > OP_USE)
		return;
	if (looks && chance(m, call, 10) % 3)
		person = find_believer(m, call, fd);
	if (person < 0)
		person = draw_person(m, call);
	if (person < 0)
		return;
	call->person = person;
	describe(m, call, &m->persons[person]);
	if (!looks)
		return;
	if (!m->persons[person].believes[fd] && !call->object &&
	    (is_kept(m, call, fd) || is_being_opened(m, call, fd))) {
		call->person = -1;
		call->caller.count = 0;
		return;
	}
	if (!m->persons[person].believes[fd] && !call->object)
		adopt(m, call, &m->persons[person], fd);
	call->believed = m->persons[person].believes[fd];
	/* What an object of C code closes is that object's, whoever calls it. */
	if (call->object)
		call->believed = bit(m->objects[call->object - 1].gen);
}

/* It has opened what it believes in from now on. */
static inline void holders_open(struct model *m, const struct kcall *call, int fd)
{
	if (m->script->holders && call->person >= 0)
		m->persons[call->person].believes[fd] |= bit(call->id);
}

/* The child has all objects of its parent, and the frames of the thread that forked. */
static inline void holders_fork(struct model *m, const struct kcall *call, uint32_t tgid)
{
	unsigned int count = m->npersons;

	for (unsigned int i = 0; i < count && m->npersons < PERSONS; i++) {
		struct person p = m->persons[i];

		if (p.gone || p.id != (p.frame ? call->tid : call->tgid))
			continue;
		p.id = tgid;
		m->persons[m->npersons++] = p;
	}
}

static inline void holders_exec(struct model *m, const struct kcall *call)
{
	for (unsigned int i = 0; i < m->npersons; i++)
		m->persons[i].gone |=
			m->persons[i].id == (m->persons[i].frame ? call->tid : call->tgid);
	for (unsigned int i = 0; i < m->npersons; i++)
		if (m->persons[i].gone)
			m->persons[i].id = 0;
}

#endif
