/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/generation_doubt.h"

#include "base/syscalls.h"

uint32_t doubts_about_number(const struct store *store, const struct table *table,
			     const struct slot *slot, int32_t fd)
{
	uint32_t doubts = doubt_if(table_unsure(table, slot), DOUBT_COPY);
	bool ranged = table_swept(table, fd) && (table_hides(table) || table->doubts & DOUBT_RANGE);

	if (slot && slot->newest)
		return doubts | doubt_if(slot_stale(store, slot), DOUBT_GAP);
	return doubts | doubt_if(table_gap(store, table), DOUBT_GAP) |
	       doubt_if(table_cut(table, fd), DOUBT_CUT) | doubt_if(ranged, DOUBT_RANGE);
}

uint32_t doubts_about_generation(const struct store *store, const struct slot *slot,
				 const struct generation *gen)
{
	bool ranged = gen->doubts & DOUBT_COVERED && table_hides(slot->table);

	return gen->doubts | doubt_if(ranged, DOUBT_RANGE) |
	       doubts_about_number(store, slot->table, slot, slot->fd);
}

uint32_t doubts_about_later(const struct slot *slot, const struct generation *gen)
{
	uint32_t doubts = 0;

	for (const struct generation *later = slot->newest; later && later != gen;
	     later = later->older)
		doubts |= later->doubts;
	return doubts;
}

bool generation_open_missed(const struct store *store, const struct slot *slot,
			    const struct record_call *call)
{
	bool missed = false, before = false;

	for (const struct generation *gen = slot->newest; gen; gen = gen->older) {
		missed |= !generation_live(gen) && gen->opened.missing == SITE_OTHER_WAY;
		before |= order_may_overlap(store, call, &gen->ended);
	}
	return missed && before;
}

/* The call had returned before this generation began, but its record came only after that. */
static bool is_late(const struct record_call *call, const struct generation *gen)
{
	return gen->opened.missing == SITE_SEEN && call->h.time_ns < gen->opened.time_ns;
}

/*
 * What this call made may have come before one of these generations. That is so if a close ended
 * the generation, perhaps before its open had returned: that close may as well have closed what
 * this call made, before that open took the number. It is also so if the generation has
 * DOUBT_ORDER, or may have been ended by a close_range, and its end may overlap with this call; and
 * if this call had returned before the generation began.
 */
static bool may_precede(const struct store *store, const struct generation *gen,
			const struct record_call *call)
{
	for (; gen; gen = gen->older)
		if ((gen->doubts & DOUBT_CLOSED_EARLY &&
		     order_may_overlap(store, call, &gen->opened)) ||
		    (gen->doubts & (DOUBT_ORDER | DOUBT_RANGE) &&
		     order_may_overlap(store, call, &gen->ended)) ||
		    is_late(call, gen))
			return true;
	return false;
}

/*
 * A dup2 that overlaps with the call began one of these generations. A dup2 needs no close before
 * it: it may itself have ended what this call made.
 */
static bool may_be_replaced(const struct store *store, const struct generation *gen,
			    const struct record_call *call)
{
	for (; gen; gen = gen->older)
		if (call_shape(gen->opened.call) == SHAPE_DUP_ONTO &&
		    order_may_overlap(store, call, &gen->opened))
			return true;
	return false;
}

bool generation_open_earlier(const struct store *store, const struct generation *gen,
			     const struct record_call *call)
{
	return may_precede(store, gen, call) || may_be_replaced(store, gen, call);
}

/*
 * The call that ended the generation was not a close: it was close_range or dup2, which do not tell
 * whether they found the number open.
 */
static bool is_bulk_ended(const struct generation *gen)
{
	return gen->ended.missing == SITE_SEEN && call_shape(gen->ended.call) != SHAPE_CLOSE;
}

/* A close_range or dup2 is taken for the end of the generation, but another call may be its end. */
static bool is_left(const struct generation *gen)
{
	return is_bulk_ended(gen) && gen->doubts & (DOUBT_ORDER | DOUBT_RANGE);
}

/*
 * The call, a close, may belong to this generation or an older one instead of the newest: to one
 * whose close is awaited and whose open may have changed places with the next open; to one that has
 * been forgotten, or whose end was not seen; or to one that a close_range or dup2 is taken to have
 * ended.
 */
static bool awaits_another(const struct store *store, const struct slot *slot,
			   const struct generation *gen, const struct record_call *call)
{
	for (const struct generation *older; gen; gen = older) {
		older = gen->older;
		if (is_bulk_ended(gen) && order_may_overlap(store, call, &gen->ended))
			return true;
		/* One that has been forgotten may have waited for its close, or been ended by a
		 * range. */
		if (!older)
			return (table_cut(slot->table, slot->fd) ||
				slot->doubts & DOUBT_CUT_UNSEEN) &&
			       (gen->doubts & DOUBT_WHILE_OPEN ||
				order_may_overlap(store, call, &gen->opened));
		if (gen->doubts & DOUBT_CROSSED && older->state == GENERATION_AWAITED)
			return true;
		if ((gen->doubts & DOUBT_WHILE_UNSURE || is_left(older)) &&
		    order_may_overlap(store, call, &gen->opened))
			return true;
	}
	return false;
}

/*
 * The call, a close, is to end the newest generation, but may have taken effect before that one's
 * open had returned. Then this call may be the close that the generation before awaits; or it may
 * have ended the generation before, and the close that is taken for that end has ended this
 * generation.
 */
bool generation_close_contested(const struct store *store, const struct slot *slot,
				const struct generation *gen, const struct record_call *call)
{
	const struct generation *older = gen->older;

	if (gen->opened.missing != SITE_SEEN || generation_after(store, call, &gen->opened))
		return false;
	/* The close that an older generation awaited has come; it may as well have ended this one.
	 */
	if (gen->doubts & DOUBT_CLOSE_MISSED)
		return true;
	/*
	 * The call may instead have ended a descriptor that was open before the snapshot, one that
	 * was opened unseen in a gap, or one that has been forgotten.
	 */
	if (!older)
		return gen->doubts & DOUBT_WHILE_OPEN ||
		       generation_may_have_older(store, slot, call);
	if (awaits_another(store, slot, older, call))
		return true;
	if (older->state == GENERATION_AWAITED || older->ended.missing != SITE_SEEN)
		return gen->doubts & (DOUBT_WHILE_OPEN | DOUBT_WHILE_UNSURE) ||
		       older->ended.missing == SITE_LOST;
	if (is_left(older))
		return true;
	/*
	 * The close that is taken for the end of the generation before may have ended another one;
	 * then this call may be the end of the generation before.
	 */
	return older->doubts & DOUBT_ORDER || (older->ended.tid != call->h.tid && !gen->follows &&
					       generation_soon(store, call, &older->ended));
}
