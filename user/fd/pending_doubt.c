/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What is recorded while a finding is pending and turns it from a fact into a suspicion. */
#include <utlist.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/pending.h"
#include "fd/generation.h"

bool pending_may_be_before(const struct pending *pending, const struct pending_finding *entry,
			   const struct record_call *call)
{
	return !generation_after(pending->store, call, &entry->finding.bad);
}

/*
 * The call came too late to matter to a finding whose close is loose. Such a close may have ended
 * another generation than the one the finding names, but not one that was opened after that. For a
 * close that succeeded where it should not have, the call must come after the open of what it is
 * taken to have ended; for others, after the earlier close.
 */
static bool is_past(const struct store *store, const struct finding *finding,
		    const struct record_call *call)
{
	if (finding->kind == FINDING_OWNED_CLOSE)
		return generation_after(store, call, &finding->opened);
	if (finding->kind == FINDING_REUSED_CLOSE || finding->kind == FINDING_MISDIRECTED_IO)
		return generation_after(store, call, &finding->victim.opened);
	return generation_after(store, call, &finding->closed);
}

/*
 * The object may have taken the number after this call opened it: what the call opened may be what
 * the object has, while the close ended something else.
 */
static bool is_taken_after(const struct pending_finding *entry, const struct record_call *call)
{
	uint64_t entered_ns = record_call_entered(call);

	return (entered_ns ? entered_ns : call->h.time_ns) < entry->taken_ns;
}

void pending_doubt_generations(const struct pending *pending, struct slot *slot,
			       const struct record_call *call, bool opens)
{
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		if (gen->owner.waiting &&
		    (!opens || (gen->doubts & DOUBT_CLOSED_EARLY &&
				!is_past(pending->store, gen->owner.waiting, call))) &&
		    order_may_overlap(pending->store, call, &gen->ended))
			finding_doubt(gen->owner.waiting, DOUBT_ORDER);
}

void pending_opened(struct pending *pending, struct slot *slot, const struct record_call *call)
{
	bool replaces = call_shape(call->call) == SHAPE_DUP_ONTO;
	struct pending_finding *entry;

	pending_doubt_generations(pending, slot, call, !replaces);
	DL_FOREACH2 (slot->waiters, entry, slot_next)
		if (entry->finds && pending_may_be_before(pending, entry, call) &&
		    (is_taken_after(entry, call) ||
		     ((replaces || entry->loose) &&
		      !is_past(pending->store, &entry->finding, call))))
			finding_doubt(&entry->finding, DOUBT_ORDER);
	/* What was opened may have been closed again, unseen or by a close_range recorded before.
	 */
	if (coverage_hides(slot->table) ||
	    generation_may_be_swept(pending->store, slot->table, slot->fd, call))
		pending_doubt(pending, slot, call);
}

void pending_unsure(struct slot *slot, uint64_t until_ns, bool all)
{
	struct pending_finding *entry;

	DL_FOREACH2 (slot->waiters, entry, slot_next) {
		const struct fd_site *opened = &entry->finding.opened;
		bool shown = call_shape(entry->finding.closed.call) == SHAPE_CLOSE;

		if (entry->finds && (all || !shown) &&
		    (opened->missing != SITE_SEEN || opened->time_ns <= until_ns))
			finding_doubt(&entry->finding, DOUBT_ORDER);
	}
}

void pending_doubt(struct pending *pending, struct slot *slot, const struct record_call *call)
{
	struct pending_finding *entry;

	DL_FOREACH2 (slot->waiters, entry, slot_next)
		if (entry->finds && pending_may_be_before(pending, entry, call))
			finding_doubt(&entry->finding, DOUBT_RANGE);
}

void pending_sharer(struct pending *pending, struct table *table, uint64_t time_ns)
{
	struct pending_finding *entry;

	table_doubt(table);
	coverage_lacks(table, UNSEEN_SHARER, time_ns);
	if (!table->waiting_count)
		return;
	DL_FOREACH (pending->waiters, entry)
		if (entry->table == table && entry->finds)
			finding_doubt(&entry->finding, DOUBT_ORDER);
}
