/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What leaves a finding that waits no fact. */
#include <utlist.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/pending.h"
#include "fd/generation.h"

bool hold_may_be_before(const struct hold *hold, const struct held *held,
			const struct record_call *call)
{
	return !life_after(hold->store, call, &held->finding.bad);
}

/*
 * Where a close is loose, it may have ended another life than the one that is named; but not what
 * was opened after that one. Of a close that succeeded where it should not have, that is what it is
 * said to have ended; else what was ended by the close before.
 */
static bool is_past(const struct store *store, const struct finding *finding,
		    const struct record_call *call)
{
	if (finding->kind == FINDING_OWNED_CLOSE)
		return life_after(store, call, &finding->opened);
	if (finding->kind == FINDING_REUSED_CLOSE)
		return life_after(store, call, &finding->victim.opened);
	return life_after(store, call, &finding->closed);
}

/* What the call opened may be what the object has, and not what the close has ended. */
static bool is_taken_after(const struct held *held, const struct record_call *call)
{
	uint64_t entered_ns = record_call_entered(call);

	return (entered_ns ? entered_ns : call->h.time_ns) < held->taken_ns;
}

void hold_doubt_lives(const struct hold *hold, struct number *number,
		      const struct record_call *call, bool opens)
{
	for (struct life *life = number->newest; life; life = life->older)
		if (life->waiting &&
		    (!opens || (life->loose && !is_past(hold->store, life->waiting, call))) &&
		    order_may_overlap(hold->store, call, &life->ended))
			verdict_suspect(life->waiting, NOTE_ORDER_UNCERTAIN);
}

void hold_opened(struct hold *hold, struct number *number, const struct record_call *call)
{
	bool replaces = call_shape(call->call) == SHAPE_DUP_ONTO;
	struct held *held;

	hold_doubt_lives(hold, number, call, !replaces);
	DL_FOREACH2 (number->waiters, held, number_next)
		if (held->finds && hold_may_be_before(hold, held, call) &&
		    (is_taken_after(held, call) ||
		     ((replaces || held->loose) && !is_past(hold->store, &held->finding, call))))
			verdict_suspect(&held->finding, NOTE_ORDER_UNCERTAIN);
	/* And closed again, by what nobody sees, or before it was recorded. */
	if (coverage_hides(number->table) ||
	    life_may_be_swept(hold->store, number->table, number->fd, call))
		hold_doubt(hold, number, call);
}

void hold_unsure(struct number *number, uint64_t until_ns, bool all)
{
	struct held *held;

	DL_FOREACH2 (number->waiters, held, number_next) {
		const struct fd_site *opened = &held->finding.opened;
		bool shown = call_shape(held->finding.closed.call) == SHAPE_CLOSE;

		if (held->finds && (all || !shown) &&
		    (opened->missing != SITE_SEEN || opened->time_ns <= until_ns))
			verdict_suspect(&held->finding, NOTE_ORDER_UNCERTAIN);
	}
}

void hold_doubt(struct hold *hold, struct number *number, const struct record_call *call)
{
	struct held *held;

	DL_FOREACH2 (number->waiters, held, number_next)
		if (held->finds && hold_may_be_before(hold, held, call))
			verdict_suspect(&held->finding, NOTE_SWEPT);
}

void hold_strange(struct hold *hold, struct table *table, uint64_t time_ns)
{
	struct held *held;

	table_doubt(table);
	coverage_lacks(table, UNSEEN_STRANGER, time_ns);
	if (!table->held)
		return;
	DL_FOREACH (hold->waiters, held)
		if (held->table == table && held->finds)
			verdict_suspect(&held->finding, NOTE_ORDER_UNCERTAIN);
}
