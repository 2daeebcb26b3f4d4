/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A finding's stacks: from the ids in its sites to frames.
 *
 * Owns: the stacks of a view, between the two calls. Pure.
 */
#ifndef FDTRACE_SESSION_VIEW_H
#define FDTRACE_SESSION_VIEW_H

#include "session/sink.h"

/* Python's stack and the native one of a call. The caller frees it. NULL only without memory. */
struct stack *view_stack(struct stack_store *stacks, uint64_t stack_id, enum python_status python,
			 enum native_taken native, uint64_t native_id);

/*
 * Gives the view of a finding its stacks, for view_free_stacks(). How many of them are missing
 * though their calls had one.
 */
uint64_t view_resolve(struct stack_store *stacks, struct finding_view *view);
void view_free_stacks(struct finding_view *view);

#endif
