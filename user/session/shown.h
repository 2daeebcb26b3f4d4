/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a report shows of a finding, in which order: its sites, and of their stacks the frames with
 * a source line.
 *
 * Owns: that choice, for whoever prints, and for the recorder, which keeps the source lines that a
 * replay may print. Pure.
 */
#ifndef FDTRACE_SESSION_SHOWN_H
#define FDTRACE_SESSION_SHOWN_H

#include "session/sink.h"

enum shown_role {
	SHOWN_BAD,
	SHOWN_CLOSED,
	SHOWN_OPENED,
	SHOWN_VICTIM,
	SHOWN_FAILED,
	SHOWN_EITHER_CLOSED, /* of a candidate */
	SHOWN_EITHER_OPENED, /* of that one */
};

/* How many sites a finding has at most: of each candidate two. */
#define SHOWN_SITES (3 + 2 * FINDING_CANDIDATES)

/* A site of a finding, seen or not. All lent by the view. */
struct shown_site {
	enum shown_role role;
	const struct fd_site *site;
	const struct stack *stack; /* NULL: none */
};

/*
 * In the order of a report: the bad call first, but a finalizer's, whose stack is that of whoever
 * ran just then, behind those it is understood by. Where it is open which generation was meant, the
 * candidates stand for the close before and the open. How many.
 */
size_t shown_sites(const struct finding_view *view, struct shown_site ret[SHOWN_SITES]);

/* The frames whose source lines are shown, should they be: lent, NULL: none. */
struct shown_frames {
	const struct stack_frame *first; /* the innermost */
	const struct stack_frame *user;	 /* the innermost of the program's own; may be the first */
};

/* stack: NULL: none. */
struct shown_frames shown_frames(const struct stack *stack);

/*
 * Calls fn for each frame of the finding whose source line is shown by a report of so many frames
 * of each stack, in its order. 0, fn's first result that is not 0, or -ENOMEM.
 */
typedef int (*shown_line_fn)(void *arg, const struct stack *stack, const struct stack_frame *frame);
int shown_each_line(const struct finding_view *view, size_t frames, shown_line_fn fn, void *arg);

#endif
