/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table_copy.h"

#include <errno.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/pending.h"

/* The record at hand comes within the settle time after that moment, or before it. */
static bool is_soon(const struct store *store, uint64_t then_ns)
{
	return store->now_ns <= then_ns || store->now_ns - then_ns <= store->limits.settle_ns;
}

/* The site is another thread's call, which may have taken effect after the copy. */
static bool may_be_newer(const struct store *store, const struct fd_site *site, uint32_t tid)
{
	return site->tid != tid && site->time_ns > store->after_ns && is_soon(store, site->time_ns);
}

/* The generation is live, or was ended by a close, which shows that the number was open. */
static bool is_shown(const struct generation *gen)
{
	return generation_live(gen) || call_shape(gen->ended.call) == SHAPE_CLOSE;
}

/*
 * The call at hand may have taken effect before the copy, so the copy's number may have had another
 * generation than this one. Where the number was shown to be open, only a call that opens a
 * number (opens) can make that so. A generation that began after the copy may then have begun
 * later than it seems: the close that is taken for its end may have ended what was copied.
 */
static bool may_be_another(const struct table *copy, const struct generation *gen, bool opens)
{
	if (gen->opened.missing != SITE_SEEN || gen->opened.time_ns <= copy->copied_ns)
		return opens || !is_shown(gen);
	return opens && gen->doubts & DOUBT_CLOSED_EARLY;
}

/* Without memory for its own generations, the slot is marked as stale: nothing in it is certain. */
static void doubt_generations(struct slot *slot, bool opens)
{
	if (!slot_own(slot)) {
		slot->gaps = 0;
		return;
	}
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		gen->doubts |= doubt_if(may_be_another(slot->table, gen, opens), DOUBT_ORDER);
}

/*
 * A call on the original table may have changed this slot of its copy as well. opens: the call
 * opened the number.
 */
static void doubt_slot(struct slot *slot, bool opens)
{
	uint64_t copied_ns = slot->table->copied_ns;

	slot->doubts |= doubt_if(slot->copied, DOUBT_COPY);
	if (!slot->copied)
		doubt_generations(slot, opens);
	pending_unsure(slot, copied_ns, opens || slot->copied);
}

static void doubt_all(struct table *table)
{
	struct slot *slot;

	EACH_SLOT(table, at, slot)
	doubt_slot(slot, true);
	table->doubts |= DOUBT_COPY;
}

/*
 * The table's last copy is followed no more: it is old enough to be certain. A later copy of that
 * copy need not be, and is still followed from there.
 */
static void leave_copy(struct table *table)
{
	if (table->copy)
		table->copy->source = NULL;
	table->copy = NULL;
}

/*
 * From now on calls in `from` are applied to its copy `to`. Only one copy of a table is followed:
 * if the copy before may still have missed a call, all that is known of it becomes unsure.
 */
static void follow(struct store *store, struct table *from, struct table *to)
{
	struct slot *slot;

	if (from->copy && is_soon(store, from->copy->copied_ns))
		for (struct table *copy = from->copy; copy; copy = copy->copy)
			doubt_all(copy);
	leave_copy(from);
	from->copy = to;
	to->source = from;
	to->copied_ns = store->now_ns;
	EACH_SLOT(to, at, slot)
	slot->copied = true;
}

/*
 * A descriptor that the snapshot of the original listed may have been opened only after the copy,
 * by a call that is recorded later: the copy may never have had it.
 */
static void doubt_listed(struct table *to)
{
	struct slot *slot;

	EACH_SLOT(to, at, slot)
	if (slot->newest && slot->newest->began == BEGAN_LISTED && slot_own(slot))
		slot->newest->doubts |= DOUBT_CLOSE_MISSED;
}

void copy_began(struct store *store, struct table *from, struct table *to, uint32_t tid,
		bool shared)
{
	struct slot *slot;

	/* The snapshot of the original is newer than the copy. */
	if (store->now_ns <= from->snapshot_ns) {
		table_doubt(to);
		to->snapshot = false;
	} else if (store->after_ns < from->snapshot_ns && is_soon(store, from->snapshot_ns)) {
		doubt_listed(to);
	}
	if (shared || (from->source && is_soon(store, from->copied_ns)))
		follow(store, from, to);
	EACH_SLOT(to, at, slot)
	for (const struct generation *gen = slot->newest; gen; gen = gen->older)
		slot->doubts |= doubt_if(
			(generation_shown(gen) && may_be_newer(store, &gen->opened, tid)) ||
				(gen->ended.missing == SITE_SEEN &&
				 may_be_newer(store, &gen->ended, tid)),
			DOUBT_COPY);
}

/* One number of the copy may be as the call at hand left it in the original. */
static void doubt(struct store *store, struct table *copy, int32_t fd, bool opens)
{
	struct slot *slot = fd < 0 ? NULL : slot_find(copy, fd);

	if (slot) {
		doubt_slot(slot, opens);
		return;
	}
	slot = fd < 0 ? NULL : slot_get(store, copy, fd);
	if (!slot)
		return;
	slot->copied = true;
	slot->doubts |= DOUBT_COPY;
}

/* A close_range of first..last in the original may have come before the copy. */
static void doubt_range(struct table *copy, uint32_t first, uint32_t last)
{
	struct slot *slot;

	if (first > INT32_MAX)
		return;
	table_sweep(copy, first, last > INT32_MAX ? INT32_MAX : last, 0);
	EACH_SLOT(copy, at, slot)
	if ((uint32_t)slot->fd >= first && (uint32_t)slot->fd <= last)
		doubt_slot(slot, false);
}

/* Doubts all the numbers of the copy that the call opened or closed in the original. */
static void doubt_numbers(struct store *store, struct table *copy, const struct record_call *call)
{
	switch (call_shape(call->call)) {
	case SHAPE_CLOSE:
		if (!record_call_missed(call))
			doubt(store, copy, call->fd, false);
		break;
	case SHAPE_CLOSE_RANGE:
		doubt_range(copy, call->fd, call->fd2);
		break;
	case SHAPE_PAIR:
		doubt(store, copy, call->fd, true);
		doubt(store, copy, call->fd2, true);
		break;
	case SHAPE_OPEN:
	case SHAPE_MAKE:
	case SHAPE_DUP:
	case SHAPE_DUP_ONTO:
		if (call->ret >= 0)
			doubt(store, copy, call->ret, true);
		break;
	case SHAPE_SET_FD:
	case SHAPE_UNSHARE:
	case SHAPE_OTHER:
	case SHAPE_ADDRESS:
	case SHAPE_TRANSFER:
		break;
	}
}

void copy_late(struct pending *pending, struct table *table, const struct record_call *call)
{
	struct store *store = pending->store;
	struct table *copy = table->copy;

	if (!copy || store->after_ns >= copy->copied_ns ||
	    record_call_entered(call) > copy->copied_ns)
		return;
	if (!is_soon(store, copy->copied_ns)) {
		leave_copy(table);
		return;
	}
	/* The call may be missing in the copy, and in what has since been copied from the copy. */
	for (; copy; copy = copy->copy)
		doubt_numbers(store, copy, call);
}

void copy_over(struct pending *pending, struct table *table)
{
	struct slot *slot;

	if (!table->waiting_count || !table->source || !is_soon(pending->store, table->copied_ns))
		return;
	EACH_SLOT(table, at, slot)
	pending_unsure(slot, table->copied_ns, true);
}
