/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which findings are the same to a reader.
 *
 * Owns: for one output, the set of what it has met: findings by their bug, kind and place, and the
 * bugs. Bounded. Pure: what a report shows once is recorded once, so whoever makes either asks
 * here.
 */
#ifndef FDTRACE_SESSION_REPEATS_H
#define FDTRACE_SESSION_REPEATS_H

#include <uthash.h>

#include "session/fingerprint.h"
#include "session/sink.h"

/* A bug that has been met: the findings that follow from one mistake in the program. */
struct bug {
	char name[FINGERPRINT_SIZE]; /* see finding_bug() */
	uint64_t id;		     /* of its first finding */
	uint64_t shown; /* of the first that was told in full, for whoever keeps that; 0: none */
	enum finding_kind kind; /* of its first finding, and so with culprit */
	enum culprit culprit;
	enum severity severity;	   /* the gravest */
	uint64_t count;		   /* findings of it that follow from no other */
	uint64_t followed;	   /* those that follow from them */
	uint64_t whole;		   /* of these, told in full, for whoever keeps that */
	int64_t first_ns, last_ns; /* since the epoch */
	bool either;		   /* none: findings that may follow from either of two bugs */
	char *line; /* whoever keeps the set may leave a text from the heap here; NULL: none */
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
	int64_t first_ns, last_ns; /* since the epoch */
	UT_hash_handle hh;
};

/* All zero: nothing has been met. */
struct repeats {
	struct repeat *all; /* in the order in which they were met */
	struct bug *bugs;   /* likewise */
	uint64_t beyond; /* findings that are not in it, for too many different ones came before */
};

/*
 * 1: the first of its bug, kind and place; 0: it has been met, and is counted. *ret (may be NULL):
 * what stands for it, lent; NULL: it is beyond the bound. -ENOMEM.
 */
int repeats_meet(struct repeats *repeats, const struct finding_view *view, struct repeat **ret);

/* How many bugs have a finding that is not merely of severity info. */
uint64_t repeats_bugs(const struct repeats *repeats);

/* The bugs, the most frequent first, from the heap; NULL: none, or no memory. */
const struct bug **repeats_sorted(const struct repeats *repeats, size_t *ret_count);

/* The texts too. */
void repeats_free(struct repeats *repeats);

#endif
