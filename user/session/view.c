/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/view.h"

struct stack *view_stack(struct stack_store *stacks, uint64_t stack_id, enum python_status python,
			 enum native_taken native, uint64_t native_id)
{
	struct stack *stack = stack_resolve(stacks, stack_id, python);

	if (stack && stack_add_native(stacks, stack, native, native_id)) {
		stack_free(stack);
		return NULL;
	}
	return stack;
}

/* Where each site's stack goes. Ends with a site that is NULL. */
struct place {
	const struct fd_site *site;
	const struct stack **stack;
};

#define PLACES_MAX (5 + 2 * FINDING_CANDIDATES + 1)

static void candidate_places(struct finding_view *view, struct place ret[PLACES_MAX])
{
	const struct finding *f = view->finding;
	size_t count = 0;

	ret[count++] = (struct place){&f->bad, &view->bad};
	ret[count++] = (struct place){&f->closed, &view->closed};
	ret[count++] = (struct place){&f->opened, &view->opened};
	if (f->victim.known) {
		ret[count++] = (struct place){&f->victim.opened, &view->victim};
		ret[count++] = (struct place){&f->victim.failed, &view->failed};
	}
	for (size_t i = 0; i < f->candidate_count && i < FINDING_CANDIDATES; i++) {
		ret[count++] =
			(struct place){&f->candidates[i].closed, &view->candidates[i].closed};
		ret[count++] =
			(struct place){&f->candidates[i].opened, &view->candidates[i].opened};
	}
	ret[count] = (struct place){0};
}

static struct stack *site_stack(struct stack_store *stacks, const struct fd_site *site)
{
	if (!site_seen(site))
		return NULL;
	return view_stack(stacks, site->stack_id, site->python, site->native, site->native_id);
}

uint64_t view_resolve(struct stack_store *stacks, struct finding_view *view)
{
	const struct finding *f = view->finding;
	struct place places[PLACES_MAX];
	uint64_t missing = 0;

	candidate_places(view, places);
	for (const struct place *place = places; place->site; place++) {
		const struct stack *stack = site_stack(stacks, place->site);

		if (stack)
			missing += stack->lost + (stack->native && stack->native->lost);
		*place->stack = stack;
	}
	/* None of them is shown, so that none is missing. */
	for (size_t i = 0; i < f->suspect_count && i < FINDING_SUSPECTS; i++)
		view->suspects[i] = site_stack(stacks, &f->suspects[i]);
	return missing;
}

void view_free_stacks(struct finding_view *view)
{
	struct place places[PLACES_MAX];

	candidate_places(view, places);
	for (const struct place *place = places; place->site; place++)
		stack_free((struct stack *)*place->stack);
	for (size_t i = 0; i < FINDING_SUSPECTS; i++)
		stack_free((struct stack *)view->suspects[i]);
}
