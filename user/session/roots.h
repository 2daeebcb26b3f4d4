/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which finding follows from which.
 *
 * Owns: for the calls of the findings so far, the first finding of the same bug; bounded, the
 * oldest go first. Pure. A call that is not here any more has no known root: what follows from it
 * is then told as a bug of its own, which is less than the truth, and not wrong.
 */
#ifndef FDTRACE_SESSION_ROOTS_H
#define FDTRACE_SESSION_ROOTS_H

#include <stdint.h>

#include "session/fingerprint.h"
#include "session/sink.h"

/* The first finding of a bug: what others follow from. */
struct root {
	uint64_t id;		    /* of that finding; 0: none is known */
	char bug[FINGERPRINT_SIZE]; /* see finding_bug() */
};

struct roots;

/* 0 or -ENOMEM. */
int roots_new(struct roots **ret_roots);
void roots_free(struct roots *roots);

/*
 * Gives the view of a finding its id, and says to which bug it belongs and from what it follows:
 * its earlier close is the wrong call of a finding before, or its own failed call is that of such a
 * finding's victim. root: where the view's texts lie. What follows from the finding is known from
 * here on.
 */
void roots_trace(struct roots *roots, struct finding_view *view, struct root *root);

#endif
