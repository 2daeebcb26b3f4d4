/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which findings are the same to a reader.
 *
 * Owns: for one output, the set of what it has met: findings by their bug, kind and place, and the
 * bugs; and of what follows from a bug, how much is told of each place, so that a bug of hundreds
 * of places is a page. Bounded. Pure: what a report shows once is recorded once, so whoever makes
 * either asks here.
 */
#ifndef FDTRACE_SESSION_REPEATS_H
#define FDTRACE_SESSION_REPEATS_H

#include <uthash.h>

#include "session/fingerprint.h"
#include "session/sink.h"

/* Places of one kind, of what follows from one bug, that are told: the others are counted. */
#define FOLLOWERS_TOLD 3

/* How much is told of the first finding of a place. */
enum telling {
	TELL_WHOLE, /* what follows from nothing; and of what follows from one bug, two findings */
	TELL_BRIEF,
	TELL_COUNT, /* beyond FOLLOWERS_TOLD */
};

/* A bug that has been met: the findings that follow from one mistake in the program. */
struct bug {
	char name[FINGERPRINT_SIZE]; /* see finding_bug() */
	uint64_t id;		     /* of its first finding */
	uint64_t shown; /* of the first that was told in full, for whoever keeps that; 0: none */
	enum finding_kind kind; /* of its first finding, and so with culprit */
	enum culprit culprit;
	enum severity severity;		  /* the gravest */
	uint64_t count;			  /* findings of it that follow from no other */
	uint64_t followed;		  /* those that follow from them */
	unsigned int told[FINDING_KINDS]; /* places of these that are told, by kind */
	bool whole;			  /* one of these was told in full */
	bool other_whole;		  /* so was another way in which the bug itself shows */
	int64_t first_ns, last_ns;	  /* since the epoch */
	bool either; /* none: findings that may follow from either of two bugs */
	char *line;  /* whoever keeps the set may leave a text from the heap here; NULL: none */
	UT_hash_handle hh;
};

/* Findings of one bug, kind and place. */
struct repeat {
	char key[FINGERPRINT_SIZE];
	char fingerprint[FINGERPRINT_SIZE]; /* of the first */
	struct bug *bug;
	uint64_t id; /* of the first, and so with kind and caused_by */
	uint64_t caused_by, or_by;
	bool perhaps;
	enum finding_kind kind;
	char *line;    /* as of a bug */
	uint64_t more; /* how often it has been met again */
	uint64_t told; /* how many there were when it was last said, for whoever keeps that */
	enum telling telling;
	struct repeat *fold; /* of TELL_COUNT: which counts it with others; else NULL */
	bool folds;	     /* it is such a one: of one bug and kind, whatever the place */
	uint64_t places;     /* of one that folds: how many; those beyond the set's bound not */
	int64_t first_ns, last_ns; /* since the epoch */
	UT_hash_handle hh;
};

/* All zero: nothing has been met. */
struct repeats {
	struct repeat *all; /* in the order in which they were met */
	struct bug *bugs;   /* likewise */
	uint64_t beyond; /* findings that are not in it, for too many different ones came before */
	bool every;	 /* set by the owner: whatever follows from a bug is told in full */
};

/*
 * 1: the first of its bug, kind and place; 0: it has been met, and is counted. *ret (may be NULL):
 * what stands for it, lent; NULL: it is beyond the bound. Of what follows from a bug that is known
 * one that folds may stand for it then, or NULL. -ENOMEM.
 */
int repeats_meet(struct repeats *repeats, const struct finding_view *view, struct repeat **ret);

/* What is written of a finding that is met. */
enum written {
	WRITE_NOTHING, /* it is counted */
	WRITE_FINDING,
	WRITE_UPDATE, /* of *ret, how often that has been met by now */
};

/*
 * As repeats_meet(), for an output that writes the first of each, and the tenth, the hundredth: an
 * enum written, or -ENOMEM. What cannot be counted is written: nothing goes missing; *ret is NULL
 * then.
 */
int repeats_write(struct repeats *repeats, const struct finding_view *view, struct repeat **ret);

/* The next that has been met since it was last written, after this one (NULL: the first). */
struct repeat *repeats_unwritten(struct repeats *repeats, struct repeat *after);

/* How many findings of the bug are counted without their place. */
uint64_t repeats_folded(const struct repeats *repeats, const struct bug *bug);

/* How many bugs have a finding that is not merely of severity info. */
uint64_t repeats_bugs(const struct repeats *repeats);

/* The bugs, the most frequent first, from the heap; NULL: none, or no memory. */
const struct bug **repeats_sorted(const struct repeats *repeats, size_t *ret_count);

/* The texts too. */
void repeats_free(struct repeats *repeats);

#endif
