/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whose a generation was: who opened it, as far as the frames of the call tell (caller.h), and
 * which generation the call that ended it meant.
 *
 * A generation has one only where a call on it told who made it. Whoever opened the generation (a
 * holder, holder.h) may close it long after: so a generation that is referred to stays when its
 * number's history has no room for it any more, outside of that history.
 *
 * Owns: that data, and the generations that have left their history. Never: judges.
 */
#ifndef FDTRACE_FD_CUSTODY_H
#define FDTRACE_FD_CUSTODY_H

#include <stdbool.h>
#include <stdint.h>

#include "fd/caller.h"

struct generation;
struct slot;
struct store;

/* How strongly the evidence says which generation a call meant. */
enum strength {
	STRENGTH_NONE,
	STRENGTH_WEAK,
	STRENGTH_FAIR,
	STRENGTH_STRONG, /* it has no known exception */
};

/* What that evidence is. */
enum meant_by {
	BY_NOTHING,    /* it is the one that there is, or the last that may be meant */
	BY_THREAD,     /* a generation was taken away from what this thread had opened */
	BY_PAIR,       /* what this function closes, that function opens (code_pairs.h) */
	BY_ACTIVATION, /* the same activation of a function opened it */
	BY_RECEIVER,   /* the same object opened it */
	BY_OWNER,      /* the object that owns it made the call (ownership.h) */
};

/* A receiver, or an activation of a function that has none. All 0: nobody. */
struct holder_key {
	uint64_t address; /* of the object, or of the frame */
	uint64_t type;	  /* the object's, as struct caller_frame says; or the code object */
};

/* Both are of one holder, who is known. */
static inline bool holder_key_same(const struct holder_key *a, const struct holder_key *b)
{
	return a->address && a->address == b->address && a->type == b->type;
}

struct opener_frame {
	uint64_t code, outer, address, local;
};

struct custody {
	struct generation *gen; /* the one that this tells of */
	uint64_t open_id;	/* the same for all copies of the generation, in other tables */
	uint64_t past_id;	/* of the history that it has left; 0: of none that there is */
	struct custody *meant;	/* what the closer meant instead, if that was nobody's booty */
	struct custody *root;	/* else: whose wrong close began it all; both are referenced */

	/* The open */
	struct holder_key holder;
	struct holder_key
		caller; /* of its method, if that is a receiver that a method is called on */
	struct opener_frame frames[CALLER_FRAMES];
	uint8_t kinds[CALLER_FRAMES]; /* enum local_kind */
	uint8_t count;		      /* of frames; 0: who opened it is not known */
	uint8_t generators;	      /* bits: which frames are of generators */

	/* The close */
	struct holder_key closer;
	uint64_t closer_code; /* of its innermost frame */
	uint64_t missed_ns; /* its thread had failed with the number before, then; 0: it had not */
	uint8_t strength;   /* enum strength: how surely it meant what it meant */
	uint8_t by;	    /* enum meant_by */
	uint8_t role;	    /* enum code_role: of the closer's function */
	bool object : 1;    /* closer is an object, and its own method made the close */
	bool elsewhere : 1; /* it meant another generation */
	bool own : 1;	    /* it had opened this one, though perhaps another was ended */
	bool lost : 1;	    /* its object meant one that is not known any more */
	bool disputed : 1;  /* whoever had closed what it meant had perhaps no right to */
	bool unsure : 1;    /* as meaning.adopts */
	bool inner : 1;	    /* as meaning.inner */
	bool adopted : 1;   /* another object than the one that opened it closed it... */
	bool learned : 1;   /* ...and of that it has been learned already */
	bool repeats : 1;   /* its function had just closed the one before (meant), opened elsewhere
			     */

	bool dropped : 1; /* its generation has left its number's history */
	uint32_t refs;
};

/* The generation's, a new one if it has none. NULL without memory. */
struct custody *custody_of(struct store *store, struct generation *gen);

struct custody *custody_ref(struct custody *custody);
void custody_unref(struct store *store, struct custody *custody);

/* Its generation was meant by a close of another one, and so surely that it may be told. */
bool custody_stolen(const struct custody *custody);

/* An object had it until it was over: nobody else can have been given it. */
bool custody_owned(const struct generation *gen);

/*
 * The same of one that a function opened and closed, or in which no Python function had a part, as
 * when the interpreter starts.
 */
bool custody_within(const struct generation *gen);

/* The one or the other, most likely. */
bool custody_alone(const struct generation *gen);

/* A copy, for a copy of the generation. NULL without memory. */
struct custody *custody_copy(struct store *store, struct generation *gen,
			     const struct custody *from);

/*
 * The generation leaves the history of the slot; NULL: the number has none any more. True: it stays
 * for those who refer to it. False: nobody does; what it had is freed, and the generation may be
 * freed.
 */
bool custody_leave(struct store *store, struct slot *slot, struct generation *gen);

/* It has left the history of just this slot. */
bool custody_is_past(const struct slot *slot, const struct custody *custody);

/*
 * A generation is about to leave the history of the slot: what is still to be known of it where
 * others that had left before are referred to.
 */
void past_note(struct store *store, struct slot *slot, const struct generation *gen);
void past_free(struct store *store, struct slot *slot);

/*
 * Of all that has left the history since this one was over, some was not wholly seen; or no object
 * is known to have owned it; or that, and no function had it to itself.
 */
bool past_unclear_since(const struct slot *slot, const struct custody *custody);
bool past_unowned_since(const struct slot *slot, const struct custody *custody);
bool past_shared_since(const struct slot *slot, const struct custody *custody);

#endif
