/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which finding follows from which.
 *
 * A finding follows for certain where its earlier close is the wrong call of a finding before. Else
 * it may follow from one of the closes that it names as suspects (fd/suspects.h): each of them was
 * told as wrong, or stands where a wrong one stood. If all that may be wrong is of one bug, the
 * finding may follow from that; of two, from either. As soon as one of them is unknown, the finding
 * is a bug of its own: two bugs never become one. If the close
 * that was missing is told as wrong later, that bug adopts it.
 *
 * Owns: for the calls, the places and the numbers of the findings so far, the first finding of the
 * same bug; bounded, the oldest go first. Pure. What is not here any more has no known root: what
 * follows from it is then told as a bug of its own, which is less than the truth, and not wrong.
 */
#ifndef FDTRACE_SESSION_ROOTS_H
#define FDTRACE_SESSION_ROOTS_H

#include <stdint.h>

#include "session/fingerprint.h"
#include "session/sink.h"

/* The first finding of a bug: what others follow from. */
struct first {
	uint64_t id;		    /* 0: none is known */
	char bug[FINGERPRINT_SIZE]; /* see finding_bug() */
};

/* What a finding follows from. */
struct root {
	struct first first, other;  /* other: which it may be instead */
	bool perhaps;		    /* it may follow from something else */
	bool cleared;		    /* the close that the finding blames is not known to be wrong */
	char bug[FINGERPRINT_SIZE]; /* first's; if there is another, finding_either_bug() */
	char adopted[FINGERPRINT_SIZE], adopter[FINGERPRINT_SIZE]; /* "": see sink.h */
};

struct roots;

/* 0 or -ENOMEM. */
int roots_new(struct roots **ret_roots);
void roots_free(struct roots *roots);

/*
 * Gives the view of a finding, whose stacks are resolved, its id, and says to which bug it belongs
 * and from what it follows, or may follow. root: where the view's texts lie. What follows from the
 * finding is known from here on.
 */
void roots_trace(struct roots *roots, struct finding_view *view, struct root *root);

#endif
