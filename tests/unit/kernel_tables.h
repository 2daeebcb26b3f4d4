/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A kernel's descriptor tables in miniature, and what calls do to them: see kernel_model.h.
 *
 * Owns: what is true: for each failed call, which calls had opened and closed what it missed.
 * Never: knows time, or a verdict.
 */
#ifndef FDTRACE_TESTS_KERNEL_TABLES_H
#define FDTRACE_TESTS_KERNEL_TABLES_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/record.h"
#include "fd/caller.h"

#define NUMBERS	  6 /* in a table; open takes the lowest one that is free */
#define TABLES	  16
#define ACTORS	  6
#define READER	  ACTORS
#define STEPS	  48
#define CALLS_MAX (STEPS + 1)
#define FAR	  UINT64_MAX
#define OWNING	  8 /* processes */
#define TOLD_MAX  3
#define PERSONS	  128

#define FIRST_PID   100u
#define FIRST_TABLE 0xffff888000001000u

enum op {
	OP_OPEN,
	OP_PAIR,
	OP_DUP,
	OP_DUP_ONTO,
	OP_CLOSE,
	OP_CLOSE_RANGE,
	OP_CLOSE_RANGE_UNSHARE,
	OP_USE,
	OP_UNSHARE,
	OP_THREAD,
	OP_FORK,
	OP_FORK_SHARED, /* clone(CLONE_FILES) */
	OP_EXEC,
	OP_EXIT,
	OP_RECEIVE,	 /* no call returns it: SCM_RIGHTS, io_uring; told of where installs are */
	OP_CLOSE_HIDDEN, /* no call of its own: io_uring; told of where removals are */
	OP_PAUSE,
	/* the reader's */
	OP_DRAIN,
	OP_ATTACH, /* process a is traced from now on, and what it has open is listed */
	OP_LIST,   /* what process a has open is listed once more */
	OPS,
};

static const char *const op_names[] = {
	"open",		"pair",		 "dup",	  "dup_onto", "close",
	"close_range",	"unshare_range", "use",	  "unshare",  "thread",
	"fork",		"fork_shared",	 "exec",  "exit",     "receive",
	"close_hidden", "pause",	 "drain", "attach",   "list",
};

/* From one phase of a call to the next, ns. */
enum part { PART_BEFORE, PART_IN, PART_MIDDLE, PART_STAMP, PART_EMIT, PARTS };

struct step {
	uint8_t actor, op, a, b;
	bool cloexec, write_only, lost, no_enter;
	uint32_t delay[PARTS];
};

struct script {
	uint64_t seed;
	unsigned int count;
	bool attach;   /* the first process runs before it is traced */
	bool ring;     /* the first process has an io_uring */
	bool births;   /* records say when a thread was born */
	bool installs; /* what a call has received is told of, in the midst of the call */
	bool removes;  /* so is what an io_uring closes */
	bool cramped;  /* who judges has room for little */
	bool owners;   /* Python objects take numbers (model_owners.h) */
	bool holders;  /* calls tell who made them (model_holders.h) */
	enum enters {
		ENTERS_NONE,
		ENTERS_SOME,
		ENTERS_ALL,
	} enters; /* which records say when a call was entered */
	struct step steps[STEPS];
};

/* What is true of a number when a call misses it. Calls by id; 0: none that could be traced. */
struct past {
	bool ever; /* it has been open in this program */
	int opened, closed;
	int swept; /* a close_range that ended, since, what no call that can be traced had opened */
};

struct slot {
	bool open, reserved, write_only, cloexec;
	bool hidden; /* no call that can be traced has touched it since something hidden did */
	int opened;
	struct past past; /* of the generation that is over */
};

struct ktable {
	bool used;
	bool ring;   /* an io_uring is in it */
	bool racing; /* others used the table that it was copied from */
	unsigned int users;
	uint64_t address; /* used again when the table is gone */
	struct slot slots[NUMBERS];
	uint8_t ended_by[NUMBERS][CALLS_MAX + 1]; /* what the call of this id had made there */
};

enum phase { PHASE_ENTER, PHASE_EFFECT, PHASE_MIDDLE, PHASE_STAMP, PHASE_EMIT };

/* What a close tells of an object that claims its number. */
struct told {
	int object; /* 1 + its place */
	uint64_t since;
	uint8_t flags;
	bool holds;
};

struct owner_of {
	uint32_t tgid;
	int has; /* -1: it has let go */
	int gen; /* the call that had opened what it took; 0: none that could be traced */
	unsigned int table;
};

/* Who makes calls (model_holders.h): an object of a process, or a function that a thread runs. */
struct person {
	bool frame, gone;
	uint32_t id;		    /* the process, or the thread */
	uint8_t place, kind;	    /* where it lies; its class, or the function */
	uint8_t line;		    /* from which it was called */
	unsigned int origin;	    /* whose copy it is, by fork */
	uint64_t believes[NUMBERS]; /* generations that it has, or had: bits, by the opening call */
};

struct kcall {
	int id; /* 1 + its place in model.calls */
	const struct step *step;
	unsigned int actor, table;
	uint32_t tgid, tid;
	uint64_t enter, stamp, emit, born;
	int64_t ret;
	int fd, fd2;
	unsigned int touched; /* numbers, as bits, that it opened, closed, copied or missed */
	uint8_t still_open;
	uint32_t child;
	bool stayed; /* it was alone in its table, and so did not leave it */
	bool shared; /* others used the table when it was stamped */
	unsigned int child_table;
	uint64_t address, child_address; /* of the tables, when it was stamped */
	struct past past;
	/* of owners */
	int object; /* whose close it is */
	bool os_close;
	int behind;	  /* an object that has the number as it is closed */
	int ended;	  /* the call that had opened what a close ends */
	int takes, taken; /* 1 + the number that an object takes; the call that had opened it */
	struct told told[TOLD_MAX];
	unsigned int ntold;
	bool tells_point;
	/* of holders */
	int person;	   /* its place; -1: nobody that is known */
	uint64_t believed; /* what the call may mean: bits */
	struct caller caller;
	bool traced;	     /* it has a record, lost or not */
	bool reported, fact; /* the checker's */
	bool reused;	     /* as the victim of a close that was not its own */
};

struct actor {
	bool born, alive;
	bool untraced; /* of a process that was made before the tracer came */
	uint32_t tgid, tid;
	unsigned int table, next_step;
	uint64_t birth, when;
	enum phase phase;
	struct kcall *call;
};

struct model {
	const struct script *script;
	struct actor actors[ACTORS + 1];
	struct ktable tables[TABLES];
	unsigned int ntables;
	struct kcall calls[CALLS_MAX];
	unsigned int ncalls;
	uint32_t next_pid;
	uint64_t now;
	uint64_t traced_since; /* FAR: not yet */
	int listing;	       /* the number that is listed next; -1: none */
	struct owner_of objects[STEPS];
	unsigned int nobjects;
	struct kept {
		int object; /* 1 + its place; 0: none */
		uint64_t since;
		uint8_t flags; /* enum claim_flag */
	} kept[OWNING][NUMBERS][TOLD_MAX];
	struct person persons[PERSONS];
	unsigned int npersons;
	struct kcall *ring[CALLS_MAX];
	unsigned int emitted, drained;
	/* what the reader does: the checker's */
	void (*drain)(struct model *model);
	void (*attach)(struct model *model, uint32_t tgid);
	void (*list)(struct model *model, uint32_t tgid, int fd, const struct slot *slot);
	void (*listed)(struct model *model, uint32_t tgid);
	void *arg;
};

static inline struct slot *slot_of(struct model *m, unsigned int table, int fd)
{
	return &m->tables[table].slots[fd];
}

static inline uint64_t free_address(const struct model *m)
{
	uint64_t address = 0xffff888000000000u;
	bool taken;

	do {
		address += 0x1000;
		taken = false;
		for (unsigned int i = 0; i < m->ntables; i++)
			taken |= m->tables[i].used && m->tables[i].address == address;
	} while (taken);
	return address;
}

/* As dup_fd(): numbers that are reserved are free in the copy. */
static inline unsigned int table_of_its_own(struct model *m, const struct ktable *from)
{
	struct ktable *table = &m->tables[m->ntables];

	*table = from ? *from : (struct ktable){0};
	table->address = free_address(m);
	table->used = true;
	table->racing = from && (from->racing || from->users > 1);
	table->users = 1;
	for (int fd = 0; fd < NUMBERS; fd++)
		table->slots[fd].reserved = false;
	return m->ntables++;
}

static inline void leave_table(struct model *m, unsigned int table)
{
	if (!--m->tables[table].users)
		m->tables[table].used = false;
}

static inline unsigned int threads_of(const struct model *m, uint32_t tgid)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < ACTORS; i++)
		count += m->actors[i].alive && m->actors[i].tgid == tgid;
	return count;
}

/* What takes effect */

static inline int lowest_free(struct model *m, unsigned int table)
{
	for (int fd = 0; fd < NUMBERS; fd++)
		if (!slot_of(m, table, fd)->open && !slot_of(m, table, fd)->reserved)
			return fd;
	return -1;
}

static inline void install(struct model *m, struct kcall *call, int fd, bool hidden)
{
	struct slot *slot = slot_of(m, call->table, fd);

	slot->open = true;
	slot->reserved = false;
	slot->write_only = call->step->write_only;
	slot->cloexec =
		call->step->cloexec && call->step->op != OP_DUP && call->step->op != OP_DUP_ONTO;
	slot->hidden = hidden;
	slot->opened = hidden ? 0 : call->id;
	call->touched |= 1u << fd;
}

static inline void end_generation(struct model *m, struct kcall *call, int fd, bool hidden)
{
	struct slot *slot = slot_of(m, call->table, fd);

	slot->open = false;
	slot->hidden = hidden;
	slot->past = (struct past){true, slot->opened, hidden ? 0 : call->id, 0};
	if (!hidden)
		m->tables[call->table].ended_by[fd][slot->opened] = call->id;
	call->touched |= 1u << fd;
}

static inline void miss(struct model *m, struct kcall *call, int fd)
{
	call->ret = -EBADF;
	call->fd = fd;
	call->past = slot_of(m, call->table, fd)->past;
	call->touched |= 1u << fd;
}

static inline void effect_close(struct model *m, struct kcall *call, int fd)
{
	call->fd = fd;
	if (slot_of(m, call->table, fd)->open)
		end_generation(m, call, fd, false);
	else
		miss(m, call, fd);
}

/* A close_range does not tell that it has ended what nobody has seen: it leaves no trace. */
static inline void sweep(struct model *m, struct kcall *call, int fd)
{
	struct slot *slot = slot_of(m, call->table, fd);

	if (slot->open && slot->hidden) {
		slot->open = false;
		slot->past.swept = call->id;
		call->touched |= 1u << fd;
	} else if (slot->open) {
		end_generation(m, call, fd, false);
	}
}

static inline void effect_range(struct model *m, struct kcall *call)
{
	call->fd = call->step->a;
	call->fd2 = call->step->b;
	for (int fd = call->fd; fd <= call->fd2; fd++)
		sweep(m, call, fd);
}

static inline void effect_use(struct model *m, struct kcall *call, int fd)
{
	const struct slot *slot = slot_of(m, call->table, fd);

	call->fd = fd;
	if (!slot->open || slot->write_only)
		miss(m, call, fd);
}

static inline void unshare_table(struct model *m, struct kcall *call)
{
	struct actor *actor = &m->actors[call->actor];
	const struct ktable *table = &m->tables[actor->table];

	call->stayed = table->users == 1;
	if (table->users > 1) {
		leave_table(m, actor->table);
		actor->table = table_of_its_own(m, table);
	}
	call->table = actor->table;
}

static inline void effect_exec(struct model *m, struct kcall *call)
{
	unshare_table(m, call);
	m->tables[call->table].ring = false; /* always close-on-exec */
	for (int fd = 0; fd < NUMBERS; fd++) {
		struct slot *slot = slot_of(m, call->table, fd);

		slot->open &= !slot->cloexec;
		slot->opened = 0;
		slot->past = (struct past){0};
		slot->past.ever = slot->open;
	}
}

/* Whatever has the number that is redirected has it still. */
static inline void redirect_objects(struct model *m, const struct kcall *call, int fd, int from)
{
	for (unsigned int i = 0; i < m->nobjects; i++)
		if (m->objects[i].has == fd && from && m->objects[i].gen == from)
			m->objects[i].gen = call->id;
}

static inline void effect_dup(struct model *m, struct kcall *call, bool onto)
{
	int from = call->step->a, to = onto ? call->step->b : lowest_free(m, call->table);

	call->fd = from;
	call->fd2 = onto ? to : -1;
	call->touched |= 1u << from;
	if (!slot_of(m, call->table, from)->open) {
		miss(m, call, from);
	} else if (to < 0 || (onto && slot_of(m, call->table, to)->reserved)) {
		call->ret = -EBUSY;
	} else {
		call->ret = to;
		if (to == from)
			return;
		if (slot_of(m, call->table, to)->open) {
			end_generation(m, call, to, false);
			redirect_objects(m, call, to, slot_of(m, call->table, to)->opened);
		}
		install(m, call, to, false);
	}
}

static inline void reserve(struct model *m, struct kcall *call, bool pair)
{
	int fd = lowest_free(m, call->table);

	call->ret = fd < 0 ? -EMFILE : fd;
	if (fd < 0)
		return;
	slot_of(m, call->table, fd)->reserved = true;
	if (!pair)
		return;
	call->fd = fd;
	call->fd2 = lowest_free(m, call->table);
	call->ret = 0;
	if (call->fd2 >= 0) {
		slot_of(m, call->table, call->fd2)->reserved = true;
	} else {
		slot_of(m, call->table, fd)->reserved = false;
		call->ret = -EMFILE;
	}
}

static inline void install_reserved(struct model *m, struct kcall *call)
{
	bool hidden = call->step->op == OP_RECEIVE && !m->script->installs;

	if (call->ret < 0)
		return;
	if (call->step->op == OP_PAIR) {
		install(m, call, call->fd, false);
		install(m, call, call->fd2, false);
	} else {
		install(m, call, call->ret, hidden);
	}
}

/* An io_uring's close that is told of. */
static inline void effect_removal(struct model *m, struct kcall *call)
{
	int fd = call->step->a;

	call->ret = -EINVAL;
	if (!slot_of(m, call->table, fd)->open || !m->tables[call->table].ring)
		return;
	call->ret = 0;
	call->fd = fd;
	end_generation(m, call, fd, false);
}

/* Two hidden things in a row leave no trace of the first: nobody could tell. */
static inline void effect_hidden(struct model *m, struct kcall *call)
{
	int fd = call->step->op == OP_RECEIVE ? lowest_free(m, call->table) : call->step->a;
	struct slot *slot = fd < 0 ? NULL : slot_of(m, call->table, fd);

	call->ret = -EINVAL;
	if (!slot || slot->hidden)
		return;
	if (call->step->op == OP_CLOSE_HIDDEN && (!slot->open || !m->tables[call->table].ring))
		return;
	call->ret = fd;
	if (call->step->op == OP_RECEIVE)
		slot->reserved = true;
	else
		end_generation(m, call, fd, true);
}

static inline void effect_clone(struct model *m, struct kcall *call)
{
	const struct actor *actor = &m->actors[call->actor];

	call->child_table = actor->table;
	if (call->step->op == OP_FORK)
		call->child_table = table_of_its_own(m, &m->tables[actor->table]);
	else
		m->tables[actor->table].users++;
}

static inline void effect(struct model *m, struct kcall *call)
{
	switch (call->step->op) {
	case OP_OPEN:
	case OP_PAIR:
		reserve(m, call, call->step->op == OP_PAIR);
		break;
	case OP_DUP:
	case OP_DUP_ONTO:
		effect_dup(m, call, call->step->op == OP_DUP_ONTO);
		break;
	case OP_CLOSE:
		effect_close(m, call, call->step->a);
		break;
	case OP_CLOSE_RANGE_UNSHARE:
		unshare_table(m, call);
		effect_range(m, call);
		break;
	case OP_CLOSE_RANGE:
		effect_range(m, call);
		break;
	case OP_USE:
		effect_use(m, call, call->step->a);
		break;
	case OP_UNSHARE:
		unshare_table(m, call);
		break;
	case OP_THREAD:
	case OP_FORK:
	case OP_FORK_SHARED:
		effect_clone(m, call);
		break;
	case OP_EXEC:
		effect_exec(m, call);
		break;
	case OP_RECEIVE:
	case OP_CLOSE_HIDDEN:
		if (call->step->op == OP_CLOSE_HIDDEN && m->script->removes)
			effect_removal(m, call);
		else
			effect_hidden(m, call);
		break;
	}
}

#endif
