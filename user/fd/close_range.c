/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/close_range.h"

#include <sched.h>

#include "base/syscalls.h"
#include "fd/generation.h"

static void range_one(struct pending *pending, struct slot *slot, const struct record_call *call)
{
	if (!slot_own(slot)) {
		slot->gaps = 0; /* no memory: nothing is certain of it */
		return;
	}
	if (call->flags & RANGE_CLOEXEC) {
		if (slot_live(slot))
			slot->newest->cloexec = true;
		return;
	}
	if (generation_close_bulk(pending->store, slot, call))
		pending_explain(pending, slot, call, slot->newest, true);
	else
		pending_doubt(pending, slot, call);
}

void range_closed(struct pending *pending, struct table *table, const struct record_call *call)
{
	uint32_t first = call->fd, last = call->fd2;
	struct slot *slot;

	if (last > INT32_MAX)
		last = INT32_MAX;
	if (first > last)
		return;
	if (!(call->flags & RANGE_CLOEXEC)) {
		table_sweep(table, first, last, call->h.time_ns);
		table->doubts |=
			doubt_if(!(call->arg & RANGE_MADE_TOLD) ||
					 generation_may_be_unlisted(pending->store, table, call),
				 DOUBT_RANGE);
	}
	if (last - first < table->numbers.count) {
		for (uint64_t fd = first; fd <= last; fd++) {
			slot = slot_find(table, fd);
			if (slot)
				range_one(pending, slot, call);
		}
		return;
	}
	EACH_SLOT(table, at, slot)
	if ((uint32_t)slot->fd >= first && (uint32_t)slot->fd <= last)
		range_one(pending, slot, call);
}

bool call_unshares(const struct record_call *call)
{
	enum call_shape shape = call_shape(call->call);

	return call->ret >= 0 && ((shape == SHAPE_UNSHARE && call->flags & CLONE_FILES) ||
				  (shape == SHAPE_CLOSE_RANGE && call->flags & RANGE_UNSHARE));
}
