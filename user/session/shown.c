/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/shown.h"

#include <errno.h>

#include "base/mem.h"
#include "stack/merge.h"

static size_t add_candidates(const struct finding_view *view, struct shown_site *ret)
{
	const struct finding *f = view->finding;
	size_t count = 0;

	for (size_t i = 0; i < f->candidate_count && i < FINDING_CANDIDATES; i++) {
		const struct fd_candidate *candidate = &f->candidates[i];

		ret[count++] = (struct shown_site){SHOWN_EITHER_CLOSED, &candidate->closed,
						   view->candidates[i].closed};
		ret[count++] = (struct shown_site){SHOWN_EITHER_OPENED, &candidate->opened,
						   view->candidates[i].opened};
	}
	return count;
}

size_t shown_sites(const struct finding_view *view, struct shown_site ret[SHOWN_SITES])
{
	const struct finding *f = view->finding;
	const struct shown_site bad = {SHOWN_BAD, &f->bad, view->bad};
	const struct shown_site closed = {SHOWN_CLOSED, &f->closed, view->closed};
	const struct shown_site opened = {SHOWN_OPENED, &f->opened, view->opened};
	bool finalizer = site_finalizer(&f->bad);
	size_t count = 0;

	if (finding_is_open(f)) {
		ret[count++] = bad;
		count += add_candidates(view, ret + count);
	} else {
		ret[count++] = finalizer ? opened : bad;
		ret[count++] = closed;
		ret[count++] = finalizer ? bad : opened;
	}
	if (!f->victim.known)
		return count;
	ret[count++] = (struct shown_site){SHOWN_VICTIM, &f->victim.opened, view->victim};
	ret[count++] = (struct shown_site){SHOWN_FAILED, &f->victim.failed, view->failed};
	return count;
}

struct shown_frames shown_frames(const struct stack *stack)
{
	if (!stack || !stack->count)
		return (struct shown_frames){NULL, NULL};
	return (struct shown_frames){&stack->frames[0], stack_user_frame(stack)};
}

/* How many frames are listed up to the user's. Where the two stacks are one, native ones count. */
static int depth_of(const struct stack *stack, const struct stack_frame *user, size_t *ret)
{
	_cleanup_free_ struct merged_stack *merged = NULL;

	*ret = user - stack->frames + 1;
	if (!stack->native)
		return 0;
	merged = stack_merge(stack);
	if (!merged)
		return -ENOMEM;
	for (size_t i = 0; i < merged->count; i++)
		if (merged->frames[i].python == user)
			*ret = i + 1;
	return 0;
}

static int each_line_of(const struct stack *stack, size_t frames, shown_line_fn fn, void *arg)
{
	const struct shown_frames shown = shown_frames(stack);
	const struct stack_frame *both[] = {shown.first, shown.user};
	size_t count = shown.first == shown.user ? 1 : 2, depth;
	int err = 0;

	for (size_t i = 0; !err && shown.first && i < count; i++) {
		err = depth_of(stack, both[i], &depth);
		if (!err && depth <= frames)
			err = fn(arg, stack, both[i]);
	}
	return err;
}

int shown_each_line(const struct finding_view *view, size_t frames, shown_line_fn fn, void *arg)
{
	struct shown_site sites[SHOWN_SITES];
	size_t count = shown_sites(view, sites);
	int err = 0;

	for (size_t i = 0; !err && i < count; i++)
		if (site_seen(sites[i].site))
			err = each_line_of(sites[i].stack, frames, fn, arg);
	return err;
}
