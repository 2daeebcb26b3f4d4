/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/close_range.h"

#include <sched.h>

#include "base/syscalls.h"
#include "fd/generation.h"

static void range_one(struct hold *hold, struct number *number, const struct record_call *call)
{
	if (!number_own(number)) {
		number->gaps = 0; /* no memory: nothing is certain of it */
		return;
	}
	if (call->flags & RANGE_CLOEXEC) {
		if (number_live(number))
			number->newest->cloexec = true;
		return;
	}
	if (life_close_bulk(hold->store, number, call))
		hold_explain(hold, number, call, number->newest, true);
	else
		hold_doubt(hold, number, call);
}

void range_closed(struct hold *hold, struct table *table, const struct record_call *call)
{
	uint32_t first = call->fd, last = call->fd2;
	struct number *number;

	if (last > INT32_MAX)
		last = INT32_MAX;
	if (first > last)
		return;
	if (!(call->flags & RANGE_CLOEXEC)) {
		table_sweep(table, first, last, call->h.time_ns);
		table->swept_early |= !(call->arg & RANGE_MADE_TOLD) ||
				      life_may_be_unlisted(hold->store, table, call);
	}
	if (last - first < table->numbers.count) {
		for (uint64_t fd = first; fd <= last; fd++) {
			number = number_find(table, fd);
			if (number)
				range_one(hold, number, call);
		}
		return;
	}
	EACH_NUMBER(table, at, number)
	if ((uint32_t)number->fd >= first && (uint32_t)number->fd <= last)
		range_one(hold, number, call);
}

bool call_unshares(const struct record_call *call)
{
	enum call_shape shape = call_shape(call->call);

	return call->ret >= 0 && ((shape == SHAPE_UNSHARE && call->flags & CLONE_FILES) ||
				  (shape == SHAPE_CLOSE_RANGE && call->flags & RANGE_UNSHARE));
}
