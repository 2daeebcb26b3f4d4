/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/table_copy.h"

#include <errno.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/pending.h"

static bool is_soon(const struct store *store, uint64_t then_ns)
{
	return store->now_ns <= then_ns || store->now_ns - then_ns <= store->limits.settle_ns;
}

/* Another thread's call that may have taken effect after the copy. */
static bool may_be_newer(const struct store *store, const struct fd_site *site, uint32_t tid)
{
	return site->missing == SITE_SEEN && site->tid != tid && site->time_ns > store->after_ns &&
	       is_soon(store, site->time_ns);
}

/* A close in the copy showed that the number was open there. */
static bool is_shown(const struct generation *gen)
{
	return gen->live || call_shape(gen->ended.call) == SHAPE_CLOSE;
}

/*
 * If the number has been shown open since the copy, only a call that opened it (opens) can make
 * that another generation than is known. One that began since may then have begun later than it
 * seems: the close that is said to have ended it may have ended what the copy had.
 */
static bool may_be_another(const struct table *copy, const struct generation *gen, bool opens)
{
	if (gen->opened.missing != SITE_SEEN || gen->opened.time_ns <= copy->copied_ns)
		return opens || !is_shown(gen);
	return opens && gen->loose;
}

/* Without memory, nothing that is known of it is certain. */
static void doubt_generations(struct slot *slot, bool opens)
{
	if (!slot_own(slot)) {
		slot->gaps = 0;
		return;
	}
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		gen->uncertain |= may_be_another(slot->table, gen, opens);
}

/* A call that may have come before the copy. */
static void doubt_slot(struct slot *slot, bool opens)
{
	uint64_t copied_ns = slot->table->copied_ns;

	slot->unsure |= slot->copied;
	if (!slot->copied)
		doubt_generations(slot, opens);
	pending_unsure(slot, copied_ns, opens || slot->copied);
}

static void doubt_all(struct table *table)
{
	struct slot *slot;

	EACH_SLOT(table, at, slot)
	doubt_slot(slot, true);
	table->unsure = true;
}

/* What was copied from it is old enough to be certain. What was copied from that may not be. */
static void leave_copy(struct table *table)
{
	if (table->copy)
		table->copy->source = NULL;
	table->copy = NULL;
}

/* One copy is followed: of the one before, nothing more will be known. */
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

/* What was listed may have been opened after the copy, though that was recorded later. */
static void doubt_listed(struct table *to)
{
	struct slot *slot;

	EACH_SLOT(to, at, slot)
	if (slot->newest && slot->newest->listed && slot_own(slot))
		slot->newest->doubted = true;
}

void copy_began(struct store *store, struct table *from, struct table *to, uint32_t tid,
		bool shared)
{
	struct slot *slot;

	/* What was listed is newer than the copy. */
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
		slot->unsure |= may_be_newer(store, &gen->opened, tid) ||
				may_be_newer(store, &gen->ended, tid);
}

static void doubt(struct store *store, struct table *copy, int32_t fd, bool opens)
{
	struct slot *slot = fd < 0 ? NULL : slot_find(copy, fd);

	if (slot) {
		doubt_slot(slot, opens);
		return;
	}
	slot = fd < 0 ? NULL : slot_get(store, copy, fd);
	if (slot)
		slot->copied = slot->unsure = true;
}

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
	/* And what has been copied from the copy since. */
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
