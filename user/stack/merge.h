/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Python's frames and native ones in one stack.
 *
 * Owns: how they belong together, which native frames say nothing to people, and what the innermost
 * ones say of a close. Pure. Never: merges where the counts do not agree.
 *
 * A call of CPython's evaluation loop is one native frame, _PyEval_EvalFrameDefault, and runs one
 * Python frame (up to 3.10), or that and all that it called without leaving the loop (from 3.11
 * on). Counted from the innermost on, the two sides must have as many of them, up to where one side
 * is known to be cut. (PyEval_EvalFrameEx, and _TAIL_CALL_* of 3.14's other interpreter, are no
 * calls of their own: they enter the loop, or are called by it.)
 */
#ifndef FDTRACE_STACK_MERGE_H
#define FDTRACE_STACK_MERGE_H

#include "fd/finding.h"
#include "stack/stack.h"

/* One line of a merged stack: one of the two is NULL. */
struct merged_frame {
	const struct stack_frame *python;
	const struct native_frame *native;
};

enum merge_result {
	MERGE_WHOLE,   /* merged */
	MERGE_APART,   /* the counts differ: all Python frames, then the native ones */
	MERGE_NATIVES, /* there are no Python frames */
};

struct merged_stack {
	enum merge_result result;
	size_t count;
	size_t python_count; /* MERGE_APART: the first so many are Python's */
	struct merged_frame frames[];
};

/*
 * Both must not outlive stack, which has a native one. What says nothing of the program is left
 * out: the interpreter's own functions but for those that the innermost Python frame called, and
 * what lies around main(). The caller frees it with free(). NULL without memory.
 */
struct merged_stack *stack_merge(const struct stack *stack);

/* The innermost frame outside the C library, else the innermost one; NULL: no frames. Lent. */
const struct native_frame *native_user_frame(const struct native_stack *native);

/*
 * Who made a close, as far as the innermost native frames tell: os.close(), the close() of a file,
 * socket or epoll object, or the end of an object, whose last reference went or to which the
 * collector came. ORIGIN_UNKNOWN where there is no Python, or where functions have no name.
 */
enum site_origin stack_origin(const struct stack *stack);

/* Why an object's finalizer ran. */
enum object_end {
	END_UNKNOWN,
	END_LAST_REFERENCE, /* dropped by the innermost Python frame */
	END_COLLECTOR,	    /* the garbage collector came */
};

/* As far as the native frames tell, of a close by a finalizer. */
enum object_end stack_object_end(const struct stack *stack);

/*
 * The innermost frame of C code that is neither the C library's nor the interpreter's own, inside
 * the innermost Python frame; not libffi's, which calls for others. Its function need not have a
 * name. NULL: there is none. Lent.
 */
const struct native_frame *stack_c_frame(const struct stack *stack);

#endif
