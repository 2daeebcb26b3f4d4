/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Holders: whoever believes that a number is theirs, as the frames of their calls tell.
 *
 * A holder is an object that a method is called on (its address and type), or where a function has
 * no such object, the activation of that function. What it opened it means when it closes the
 * number, however many generations the number has had since. So each program's holders are kept
 * with what they opened last.
 *
 * An address comes again when its object is gone. That a holder is known proves nothing by itself:
 * meaning.h asks what else speaks for it.
 *
 * Owns: the holders of each program, bounded: the one that was idle for longest is forgotten first.
 * Never: judges.
 */
#ifndef FDTRACE_FD_HOLDER_H
#define FDTRACE_FD_HOLDER_H

#include <stdint.h>
#include <uthash.h>

#include "fd/caller.h"
#include "fd/custody.h"

/* Generations that a holder opened and that are remembered. */
#define HOLDER_OPENS 4

struct program;

struct holder {
	UT_hash_handle hh;
	struct holder *prev, *next; /* of all programs, the one that was idle for longest first */
	struct program *program;
	struct holder_key key;
	struct custody *opens[HOLDER_OPENS]; /* the newest first; referenced, as is `closed` */
	struct custody *closed;		     /* what it closed last, whoever had opened it */
	uint8_t ended;			     /* bits: which of opens it closed itself */
	bool shared;			     /* several threads open numbers with it */
};

/* The holders of all programs. */
struct holders {
	struct store *store;
	struct holder *list;
	uint64_t count;
	uint64_t programs; /* so far */
};

/* One program, from exec to exec, in one process. */
struct program {
	struct holders *holders;
	struct holder *index; /* in the order in which they were last looked at */
	uint64_t id;	      /* the same in a child that has not called exec */
	bool unshared;	      /* its threads may have tables of their own: a number tells less */
};

void holders_init(struct holders *holders, struct store *store);

/* NULL without memory. */
struct program *program_new(struct holders *holders);
void program_free(struct program *program);
/* exec: another program from now on. NULL: nothing. */
void program_anew(struct program *program);
/* fork: the child's program (a new one) is as the parent's; NULL: nothing. */
void program_inherit(struct program *child, const struct program *parent);

/*
 * The frame that the call is to be judged by: the innermost one whose function does more than to
 * help with a number or a text that it is given. -1: not known.
 */
int holder_frame(const struct caller *caller);
/*
 * What the function of that frame is. Of one that a method calls it is not known: perhaps it does
 * the method's work.
 */
enum code_role holder_role(const struct caller *caller);
/* Whose frame that is. All 0: nobody's that can be told again. */
struct holder_key holder_of(const struct caller *caller, int frame);
/* The object that a frame's function is called on. All 0: none that can be told again. */
struct holder_key holder_receiver(const struct caller *caller, int frame);

/* NULL: not known, or no such. */
struct holder *holder_find(struct program *program, const struct holder_key *key);

/*
 * The holder has opened the generation, perhaps long ago. Without memory nothing is remembered; nor
 * where it has opened many since.
 */
void holder_opens(struct program *program, const struct holder_key *key, struct custody *custody);
/* The holder has ended the generation. */
void holder_closes(struct program *program, const struct holder_key *key, struct custody *custody);

#endif
