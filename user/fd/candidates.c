/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/candidates.h"

#include "fd/meaning.h"

void candidates_add(struct verdict *verdict, const struct generation *gen)
{
	struct finding *f = &verdict->finding;

	if (f->candidate_count >= FINDING_CANDIDATES)
		return;
	verdict->candidate_texts[f->candidate_count] = text_of(gen);
	f->candidates[f->candidate_count++] = (struct fd_candidate){
		.what = gen->what, .opened = gen->opened, .closed = gen->ended};
}

void candidates_none(struct finding *f)
{
	f->attribution = ATTRIBUTION_OPEN;
	f->culprit = CULPRIT_UNKNOWN;
	f->candidate_count = 0;
}

void candidates_all(const struct slot *slot, const struct generation *gen, struct verdict *verdict)
{
	candidates_none(&verdict->finding);
	if (gen)
		candidates_add(verdict, gen);
	for (const struct generation *other = slot->newest; other; other = other->older)
		if (other != gen && !generation_live(other) && other->ended.missing == SITE_SEEN &&
		    !meaning_settled(other) && !custody_within(other))
			candidates_add(verdict, other);
}
