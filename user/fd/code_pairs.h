/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which functions close what which functions open.
 *
 * What a function has closed so far tells which generation of a number it means, where no object
 * does. It is learned when a close is over, and unlearned when somebody else shows that the
 * generation was theirs: a function that closes the wrong numbers would else be believed to close
 * the right ones. It is never an accusation by itself.
 *
 * Owns: these counts, bounded: of functions that were idle for longest they are forgotten. Never:
 * knows a generation.
 */
#ifndef FDTRACE_FD_CODE_PAIRS_H
#define FDTRACE_FD_CODE_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

struct code_closer;

struct code_pairs {
	struct code_closer *index;
};

/* A function that closes, in a program (struct program), and one that opens. */
struct code_pair {
	uint64_t program, closer, opener;
};

enum code_fact {
	PAIR_CLOSED,  /* the closer closed what the opener had opened */
	PAIR_ADOPTED, /* it did so for an object that had not opened it, and nobody missed it */
	PAIR_MISSED,  /* the same, and somebody missed it */
	CODE_FACTS,
};

void code_pairs_free(struct code_pairs *pairs);

/* Learns, by 1, or unlearns, by -1. */
void code_pairs_learn(struct code_pairs *pairs, const struct code_pair *pair, enum code_fact fact,
		      int by);

/* The closer closes what the opener opens, and no small part of all that it closes. */
bool code_pairs_fit(const struct code_pairs *pairs, const struct code_pair *pair);

/* It has closed something that the opener had opened. */
bool code_pairs_known(const struct code_pairs *pairs, const struct code_pair *pair);

/* It has closed more than one thing that the opener had opened. */
bool code_pairs_habit(const struct code_pairs *pairs, const struct code_pair *pair);

/* Anything is known of the closer. */
bool code_pairs_knows(const struct code_pairs *pairs, const struct code_pair *pair);

/* It has closed nothing else than what the opener opened. */
bool code_pairs_only(const struct code_pairs *pairs, const struct code_pair *pair);

/*
 * The closer often closes what the opener opened, though it is called on objects that have not
 * opened it; and of what it closed so, somebody seldom used the number later. So it takes over such
 * numbers.
 */
bool code_pairs_adopt(const struct code_pairs *pairs, const struct code_pair *pair);

#endif
