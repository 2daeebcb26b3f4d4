/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What leaves a finding that waits no fact. */
#include <utlist.h>

#include "base/syscalls.h"
#include "fd/pending.h"
#include "fd/generation.h"

bool hold_may_be_before(const struct hold *hold, const struct held *held,
			const struct record_call *call)
{
	return !life_after(hold->store, call, &held->finding.bad);
}

void hold_opened(struct hold *hold, struct number *number, const struct record_call *call)
{
	bool replaces = call_shape(call->call) == SHAPE_DUP_ONTO;
	struct held *held;

	/* What was opened after the close that is named is not what that close has ended. */
	DL_FOREACH2 (number->waiters, held, number_next)
		if (held->finds && (replaces || held->loose) &&
		    hold_may_be_before(hold, held, call) &&
		    !life_after(hold->store, call, &held->finding.closed))
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
