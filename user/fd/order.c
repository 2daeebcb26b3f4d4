/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/order.h"

#include "base/records.h"

bool generation_after(const struct store *store, const struct record_call *call,
		      const struct fd_site *site)
{
	if (site->missing != SITE_SEEN)
		return false;
	if (call->h.tid == site->tid || store->after_ns >= site->time_ns)
		return true;
	return record_call_entered(call) > site->time_ns;
}

bool generation_early(const struct table *table, const struct record_call *call)
{
	return call->h.time_ns <= table->snapshot_ns;
}

bool order_may_precede(const struct store *store, const struct record_call *call, uint64_t ns)
{
	if (store->after_ns >= ns)
		return false;
	if (record_call_entered(call))
		return record_call_entered(call) <= ns;
	return call->h.time_ns <= ns || call->h.time_ns - ns <= store->limits.settle_ns;
}

bool generation_may_be_unlisted(const struct store *store, const struct table *table,
				const struct record_call *call)
{
	if (!table->snapshot)
		return !table->whole;
	return order_may_precede(store, call, table->snapshot_ns);
}

bool generation_may_have_older(const struct store *store, const struct slot *slot,
			       const struct record_call *call)
{
	return slot->doubts & DOUBT_CUT || slot->table->doubts & DOUBT_UNSEEN ||
	       table_gap(store, slot->table) ||
	       generation_may_be_unlisted(store, slot->table, call);
}

bool generation_soon(const struct store *store, const struct record_call *call,
		     const struct fd_site *site)
{
	return call->h.time_ns <= site->time_ns ||
	       call->h.time_ns - site->time_ns <= store->limits.settle_ns;
}

bool order_may_overlap(const struct store *store, const struct record_call *call,
		       const struct fd_site *site)
{
	if (site->missing != SITE_SEEN || generation_after(store, call, site))
		return false;
	return record_call_entered(call) || generation_soon(store, call, site);
}

bool order_in_gap(const struct store *store, const struct slot *slot,
		  const struct record_call *call)
{
	const struct table *table = slot->table;
	uint64_t hidden_ns = table->coverage.until_ns;
	uint64_t gap_ns = store->gap_ns > hidden_ns ? store->gap_ns : hidden_ns;

	if (slot->doubts & DOUBT_CUT && table->cut_ns > gap_ns)
		gap_ns = table->cut_ns;
	return order_may_precede(store, call, gap_ns);
}
