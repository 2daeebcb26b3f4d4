/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A kernel's descriptor tables in miniature, for programs of several threads that race.
 *
 * A script says what each thread does, and how long each part of a call takes. A call is
 * entered, takes effect at one moment, is stamped (the time in its record), and is in the ring
 * some time later; then the thread goes on. An open reserves its number first and installs it
 * later, as in the kernel; fork copies the table some time before it is recorded. The reader
 * is one more actor: it empties the ring, attaches and lists descriptors when its turn comes.
 *
 * Owns: threads and time. Never: knows a verdict.
 */
#ifndef FDTRACE_TESTS_KERNEL_MODEL_H
#define FDTRACE_TESTS_KERNEL_MODEL_H

#include "kernel_tables.h"
#include "model_holders.h"

/* Threads */

static inline struct actor *unborn(struct model *m)
{
	for (unsigned int i = 0; i < ACTORS; i++)
		if (!m->actors[i].born)
			return &m->actors[i];
	return NULL;
}

static inline void next_call(struct model *m, unsigned int index);

static inline void be_born(struct model *m, unsigned int index, uint32_t tgid, unsigned int table)
{
	struct actor *actor = &m->actors[index];

	actor->born = actor->alive = true;
	actor->tid = m->next_pid++;
	actor->tgid = tgid ? tgid : actor->tid;
	actor->table = table;
	actor->birth = actor->when = m->now;
	next_call(m, index);
}

/* What cannot be done now is a pause. */
static inline bool can(const struct model *m, const struct actor *actor, uint8_t op)
{
	switch (op) {
	case OP_THREAD:
	case OP_FORK:
	case OP_FORK_SHARED:
		return !m->actors[ACTORS - 1].born && m->ntables < TABLES - 2;
	case OP_EXEC:
		return threads_of(m, actor->tgid) == 1 && m->ntables < TABLES - 2;
	case OP_UNSHARE:
	case OP_CLOSE_RANGE_UNSHARE:
		return m->ntables < TABLES - 2;
	case OP_PAUSE:
		return false;
	default:
		return true;
	}
}

/* The actor's next step begins some time after its last call. */
static inline void next_call(struct model *m, unsigned int index)
{
	struct actor *actor = &m->actors[index];
	const struct script *script = m->script;

	while (actor->next_step < script->count && script->steps[actor->next_step].actor != index)
		actor->next_step++;
	actor->phase = PHASE_ENTER;
	actor->when = FAR;
	if (actor->next_step < script->count)
		actor->when = m->now + script->steps[actor->next_step].delay[PART_BEFORE];
}

static inline void stamp(struct model *m, struct actor *actor, struct kcall *call)
{
	call->stamp = m->now;
	call->shared = m->tables[actor->table].users > 1;
	call->address = m->tables[actor->table].address;
	call->child_address = m->tables[call->child_table].address;
	if (m->script->owners && m->script->seed % 2 == 0)
		owners_stamp(m, call);
	if (call->ret == -EBADF && slot_of(m, actor->table, call->fd)->open)
		call->still_open = 1;
}

/* A call without a record: it made no difference that the kernel side reports, or is hidden. */
static inline bool has_record(const struct model *m, const struct kcall *call)
{
	switch (call->step->op) {
	case OP_RECEIVE:
		return m->script->installs && call->ret >= 0;
	case OP_CLOSE_HIDDEN:
		return m->script->removes && call->ret >= 0;
	case OP_THREAD:
		return false;
	case OP_USE:
		return call->ret == -EBADF;
	default:
		return call->ret >= 0 || call->ret == -EBADF;
	}
}

static inline void emit_call(struct model *m, struct actor *actor, struct kcall *call)
{
	call->emit = m->now;
	if (m->script->owners && m->script->seed % 2)
		owners_stamp(m, call);
	owners_emit(m, call, call->stamp >= m->traced_since && !actor->untraced);
	if (has_record(m, call) && call->stamp >= m->traced_since && !actor->untraced) {
		call->traced = true;
		m->ring[m->emitted++] = call;
	}
}

static inline void make_child(struct model *m, struct kcall *call)
{
	const struct actor *parent = &m->actors[call->actor];
	struct actor *child = unborn(m);
	bool thread = call->step->op == OP_THREAD;

	be_born(m, child - m->actors, thread ? parent->tgid : 0, call->child_table);
	child->birth = call->stamp - 1; /* copy_process() notes it before the fork is told */
	call->child = thread ? 0 : child->tgid;
	if (!thread)
		holders_fork(m, call, child->tgid);
	child->untraced = parent->untraced || (!thread && call->stamp < m->traced_since);
}

/* The record of a process's exit comes before its table goes; that of a thread does not come. */
static inline void die(struct model *m, struct actor *actor, struct kcall *call)
{
	if (threads_of(m, actor->tgid) == 1) {
		stamp(m, actor, call);
		emit_call(m, actor, call);
	}
	actor->alive = false;
	actor->when = FAR;
	leave_table(m, actor->table);
}

static inline void enter(struct model *m, unsigned int index)
{
	struct actor *actor = &m->actors[index];
	const struct step *step = &m->script->steps[actor->next_step++];
	struct kcall *call;

	if (!can(m, actor, step->op)) {
		next_call(m, index);
		return;
	}
	call = actor->call = &m->calls[m->ncalls++];
	*call = (struct kcall){.id = m->ncalls, .step = step, .actor = index, .fd = -1, .fd2 = -1};
	call->table = actor->table;
	call->tgid = actor->tgid;
	call->tid = actor->tid;
	call->born = actor->birth;
	call->enter = m->now;
	owners_enter(m, call);
	holders_enter(m, call);
	actor->phase = PHASE_EFFECT;
	actor->when = m->now + step->delay[PART_IN];
}

/* What the call has made is its maker's; exec leaves nobody. */
static inline void believe(struct model *m, const struct kcall *call)
{
	enum op op = call->step->op;

	if (op == OP_EXEC)
		holders_exec(m, call);
	if (call->ret < 0)
		return;
	if (op == OP_OPEN || ((op == OP_DUP || op == OP_DUP_ONTO) && call->ret != call->fd))
		holders_open(m, call, (int)call->ret);
	if (op == OP_PAIR) {
		holders_open(m, call, call->fd);
		holders_open(m, call, call->fd2);
	}
}

static inline void advance(struct model *m, unsigned int index)
{
	struct actor *actor = &m->actors[index];
	struct kcall *call = actor->call;
	enum op op = call->step->op;

	switch (actor->phase) {
	case PHASE_EFFECT:
		if (op == OP_EXIT) {
			die(m, actor, call);
			return;
		}
		owners_effect(m, call);
		effect(m, call);
		break;
	case PHASE_MIDDLE:
		if (op == OP_OPEN || op == OP_PAIR || op == OP_RECEIVE)
			install_reserved(m, call);
		believe(m, call);
		break;
	case PHASE_STAMP:
		stamp(m, actor, call);
		break;
	default:
		emit_call(m, actor, call);
		if (op == OP_THREAD || op == OP_FORK || op == OP_FORK_SHARED) {
			if (unborn(m))
				make_child(m, call);
			else
				leave_table(m, call->child_table);
		}
		next_call(m, index);
		return;
	}
	actor->when = m->now + call->step->delay[(unsigned int)actor->phase + 1];
	actor->phase++;
}

/* The first thread of a process: /proc/PID is its own. NULL: it has ended. */
static inline const struct actor *leader(const struct model *m, unsigned int index)
{
	for (unsigned int i = 0; i < ACTORS; i++) {
		const struct actor *actor = &m->actors[i];

		if (actor->alive && actor->tid == actor->tgid && !actor->untraced &&
		    actor->tgid == m->actors[index].tgid)
			return actor;
	}
	return NULL;
}

/* All threads of the process use its first thread's table. */
static inline bool is_in_one_table(const struct model *m, const struct actor *of)
{
	for (unsigned int i = 0; i < ACTORS; i++)
		if (m->actors[i].alive && m->actors[i].tgid == of->tgid &&
		    m->actors[i].table != of->table)
			return false;
	return true;
}

/* One number after the other, each at a time of its own; it ends early if the process does. */
static inline void list_on(struct model *m, const struct step *step, const struct actor *of)
{
	struct actor *reader = &m->actors[READER];

	if (of && m->listing < NUMBERS) {
		m->list(m, of->tgid, m->listing, slot_of(m, of->table, m->listing));
		m->listing++;
		reader->when = m->now + step->delay[PART_IN];
		return;
	}
	if (of && m->listing == NUMBERS)
		m->listed(m, of->tgid);
	m->listing = -1;
	reader->next_step++;
	next_call(m, READER);
}

static inline void read_on(struct model *m)
{
	struct actor *reader = &m->actors[READER];
	const struct step *step = &m->script->steps[reader->next_step];
	const struct actor *of = leader(m, step->op == OP_ATTACH ? 0 : step->a);

	if (m->listing >= 0) {
		list_on(m, step, of);
		return;
	}
	if (step->op == OP_ATTACH && m->traced_since == FAR && of) {
		m->traced_since = m->now;
		m->attach(m, of->tgid);
		owners_attach(m, of->tgid);
		m->listing = is_in_one_table(m, of) ? 0 : NUMBERS + 1;
	} else if (step->op == OP_LIST && m->now >= m->traced_since && of &&
		   is_in_one_table(m, of)) {
		m->listing = 0;
	} else {
		if (step->op == OP_DRAIN)
			m->drain(m);
		reader->next_step++;
		next_call(m, READER);
		return;
	}
	reader->when = m->now + step->delay[PART_IN];
}

/* Runs the script to its end. */
static inline void model_run(struct model *m)
{
	m->next_pid = FIRST_PID;
	m->now = 1000000000;
	m->traced_since = m->script->attach ? FAR : 0;
	m->listing = -1;
	m->tables[table_of_its_own(m, NULL)].ring = m->script->ring;
	be_born(m, 0, 0, 0);
	next_call(m, READER);
	for (;;) {
		unsigned int next = 0;

		for (unsigned int i = 1; i <= READER; i++)
			if (m->actors[i].born || i == READER)
				if (m->actors[i].when < m->actors[next].when)
					next = i;
		if (m->actors[next].when == FAR)
			break;
		m->now = m->actors[next].when;
		if (next == READER)
			read_on(m);
		else if (m->actors[next].phase == PHASE_ENTER)
			enter(m, next);
		else
			advance(m, next);
	}
	m->drain(m);
}

static inline bool is_range(const struct kcall *call)
{
	return call->step->op == OP_CLOSE_RANGE || call->step->op == OP_CLOSE_RANGE_UNSHARE;
}

static inline bool unshares(const struct kcall *call)
{
	return call->step->op == OP_UNSHARE || call->step->op == OP_CLOSE_RANGE_UNSHARE;
}

/* Without births, it is not known that a thread is younger than what was done before a copy. */
static inline bool is_ageless(const struct model *m, const struct kcall *bad)
{
	return !m->script->births && bad->table;
}

#endif
