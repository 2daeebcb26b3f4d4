/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Random scripts for kernel_model.h.
 *
 * Owns: how often what is done, and how long it takes. Never: looks at what comes of it.
 */
#ifndef FDTRACE_TESTS_MODEL_SCRIPT_H
#define FDTRACE_TESTS_MODEL_SCRIPT_H

#include "kernel_tables.h"

#define SETTLE_NS 200000000 /* the default of struct fd_limits */

static inline uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static inline unsigned int below(uint64_t *seed, unsigned int bound)
{
	return (draw(seed) >> 20) % bound;
}

static inline bool one_in(uint64_t *seed, unsigned int n)
{
	return !below(seed, n);
}

/* Mostly of the order of a call; now and then the thread loses its processor. */
static inline uint32_t draw_delay(uint64_t *seed)
{
	if (one_in(seed, 200))
		return below(seed, SETTLE_NS / 8);
	if (one_in(seed, 8))
		return below(seed, 50000);
	return 1 + below(seed, 1000);
}

static inline uint8_t draw_op(uint64_t *seed, bool hidden)
{
	static const uint8_t ops[] = {
		OP_OPEN,
		OP_OPEN,
		OP_OPEN,
		OP_OPEN,
		OP_OPEN,
		OP_OPEN,
		OP_CLOSE,
		OP_CLOSE,
		OP_CLOSE,
		OP_CLOSE,
		OP_CLOSE,
		OP_CLOSE,
		OP_CLOSE,
		OP_CLOSE,
		OP_PAIR,
		OP_DUP,
		OP_DUP_ONTO,
		OP_DUP_ONTO,
		OP_USE,
		OP_USE,
		OP_USE,
		OP_CLOSE_RANGE,
		OP_UNSHARE,
		OP_THREAD,
		OP_THREAD,
		OP_FORK,
		OP_FORK_SHARED,
		OP_EXEC,
		OP_EXIT,
		OP_PAUSE,
		OP_CLOSE_RANGE_UNSHARE,
	};

	if (hidden && one_in(seed, 10))
		return one_in(seed, 2) ? OP_RECEIVE : OP_CLOSE_HIDDEN;
	return ops[below(seed, sizeof(ops))];
}

static inline struct step draw_step(uint64_t *seed, unsigned int actors, unsigned int numbers,
				    bool hidden, bool losses)
{
	struct step step = {
		.actor = below(seed, actors),
		.op = draw_op(seed, hidden),
		.a = below(seed, numbers),
		.b = below(seed, numbers),
		.cloexec = one_in(seed, 2),
		.write_only = one_in(seed, 8),
		.lost = losses && one_in(seed, 8),
		.no_enter = one_in(seed, 2),
	};

	for (unsigned int i = 0; i < PARTS; i++)
		step.delay[i] = draw_delay(seed);
	if (step.op == OP_PAUSE || one_in(seed, 30))
		step.delay[PART_BEFORE] += one_in(seed, 2) ? 2 * SETTLE_NS : SETTLE_NS / 2;
	if (step.op == OP_CLOSE_RANGE || step.op == OP_CLOSE_RANGE_UNSHARE)
		step.b = NUMBERS - 1;
	return step;
}

static inline void turn_to_reader(uint64_t *seed, struct step *step, bool losses)
{
	step->actor = READER;
	step->op = losses && one_in(seed, 2) ? OP_LIST : OP_DRAIN;
	step->a = below(seed, 3);
	step->delay[PART_BEFORE] = below(seed, one_in(seed, 4) ? 2 * SETTLE_NS : 20000);
}

/* In some scripts, drawn from nothing: those of all other seeds stay what they were. */
static inline void let_installs_be_told(struct script *s)
{
	s->installs = s->seed % 5 == 2;
	for (unsigned int i = 0; s->installs && i < s->count; i += 3)
		if (s->steps[i].op == OP_OPEN)
			s->steps[i].op = OP_RECEIVE;
}

/* In others: an io_uring makes closes, and all that it makes are told. */
static inline void let_removals_be_told(struct script *s)
{
	s->removes = s->seed % 7 == 2;
	s->ring |= s->removes;
	for (unsigned int i = 0; s->removes && i < s->count; i += 2)
		if (s->steps[i].op == OP_CLOSE)
			s->steps[i].op = OP_CLOSE_HIDDEN;
}

/*
 * In others: Python objects. An object has a number in whatever table the thread is in that uses
 * it; a Python whose threads are in tables of their own is not to be had.
 */
static inline void let_objects_own(struct script *s)
{
	s->owners = s->seed % 3 == 1;
	for (unsigned int i = 0; s->owners && i < s->count; i++)
		if (s->steps[i].op == OP_UNSHARE || s->steps[i].op == OP_CLOSE_RANGE_UNSHARE ||
		    s->steps[i].op == OP_DUP_ONTO || s->steps[i].op == OP_FORK_SHARED)
			s->steps[i].op = OP_USE;
}

/* In others: it is known who makes the calls. */
static inline void let_holders_be_told(struct script *s)
{
	s->holders = s->seed / 3 % 2;
}

static inline void draw_script(uint64_t seed, struct script *s)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
	unsigned int actors, numbers;
	bool hidden, losses;

	*s = (struct script){.seed = seed};
	draw(&state);
	actors = 1 + below(&state, ACTORS);
	numbers = 1 + below(&state, NUMBERS);
	hidden = one_in(&state, 4);
	losses = one_in(&state, 4);
	if (hidden) /* what is hidden and races at that leaves too little to judge by */
		actors = 1;
	s->ring = hidden;
	s->attach = one_in(&state, 4);
	s->births = one_in(&state, 2);
	s->enters = below(&state, 3);
	s->count = 4 + below(&state, STEPS - 4);
	for (unsigned int i = 0; i < s->count; i++) {
		s->steps[i] = draw_step(&state, actors, numbers, hidden && !losses, losses);
		if (one_in(&state, 8))
			turn_to_reader(&state, &s->steps[i], losses);
	}
	let_objects_own(s);
	let_holders_be_told(s);
	let_installs_be_told(s);
	let_removals_be_told(s);
	if (s->attach) {
		struct step *step = &s->steps[below(&state, s->count)];

		step->actor = READER;
		step->op = OP_ATTACH;
		/* A process that is not traced must not share a table with one that is. */
		for (unsigned int i = 0; i < s->count; i++)
			if (s->steps[i].op == OP_FORK_SHARED)
				s->steps[i].op = OP_FORK;
	}
}

#endif
