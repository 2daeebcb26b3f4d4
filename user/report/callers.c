/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/callers.h"

#include <string.h>

static bool same_frame(const struct stack_frame *a, const struct stack_frame *b)
{
	return a->line == b->line && !strcmp(a->function, b->function) && !strcmp(a->file, b->file);
}

/* The frame of the program's own from this one on; else this one. */
static const struct stack_frame *own_frame(const struct stack *stack, size_t i)
{
	for (size_t own = i; own < stack->count; own++)
		if (!stack_frame_is_library(&stack->frames[own]))
			return &stack->frames[own];
	return &stack->frames[i];
}

static void find_parting(const struct stack *closed, const struct stack *bad, struct callers *ret)
{
	size_t i = stack_user_frame(closed) - closed->frames,
	       j = stack_user_frame(bad) - bad->frames;
	const struct stack_frame *a, *b;

	while (i < closed->count && j < bad->count &&
	       same_frame(&closed->frames[i], &bad->frames[j])) {
		i++;
		j++;
	}
	if (i >= closed->count || j >= bad->count)
		return;
	a = own_frame(closed, i);
	b = own_frame(bad, j);
	if (same_frame(a, b) || a->line <= 0 || b->line <= 0)
		return;
	ret->part = true;
	format_frame(a, ret->closed);
	format_frame(b, ret->bad);
}

void callers_find(const struct finding_view *view, struct callers *ret)
{
	const struct finding *f = view->finding;
	const struct stack_frame *a = stack_user_frame(view->closed);
	const struct stack_frame *b = stack_user_frame(view->bad);

	ret->one_line = ret->part = false;
	ret->closed[0] = ret->bad[0] = '\0';
	if (!site_seen(&f->closed) || !a || !b || a->line <= 0 || !same_frame(a, b) ||
	    site_finalizer(&f->closed) || site_finalizer(&f->bad))
		return;
	ret->one_line = true;
	find_parting(view->closed, view->bad, ret);
}
