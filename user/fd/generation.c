/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/generation.h"

#include <errno.h>
#include <fcntl.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/generation_doubt.h"

struct fd_site generation_site(const struct record_call *call)
{
	return (struct fd_site){
		.missing = SITE_SEEN,
		.call = call->call,
		.nr = call->nr,
		.ret = call->ret,
		.tgid = call->h.tgid,
		.tid = call->h.tid,
		.time_ns = call->h.time_ns,
		.stack_id = call->stack_id,
		.python = call->python,
		.native = call->native,
		.native_id = record_call_native(call),
	};
}

/*
 * A call touches a number for the first time since the table was copied, or since records were
 * lost. After such a gap only the newest generation counts; if it is believed live, all that is
 * still known is that it may be.
 */
static void settle_doubts(struct store *store, struct slot *slot)
{
	struct generation *gen = slot->newest;

	if (gen && generation_live(gen) && table_unsure(slot->table, slot))
		gen->doubts |= doubt_if(gen->opened.missing == SITE_SEEN, DOUBT_ORDER);
	if (!slot_stale(store, slot))
		return;
	if (gen && generation_live(gen))
		generation_unknown(store, gen, SITE_LOST);
	slot_await_nothing(slot);
	slot_touch(store, slot);
}

/* A call has just shown that the number was open, but its open was not seen: the reason why. */
static enum site_missing why_unseen(const struct store *store, const struct table *table,
				    const struct slot *slot, int32_t fd,
				    const struct record_call *call)
{
	bool known = slot && slot->newest;

	if (known ? slot_stale(store, slot) : table_gap(store, table))
		return SITE_LOST;
	if (!known && table_cut(table, fd))
		return SITE_HISTORY_CUT;
	if (!known && !table->whole && (!table->snapshot || generation_early(table, call)))
		return table->read_anew ? SITE_LOST : SITE_BEFORE_ATTACH;
	return SITE_OTHER_WAY;
}

/*
 * The call may be the open of the generation that the snapshot listed: it took effect before the
 * snapshot and was recorded after it.
 */
static bool is_listed(const struct store *store, const struct table *table,
		      const struct generation *gen, const struct record_call *call)
{
	if (gen->began != BEGAN_LISTED)
		return false;
	if (record_call_entered(call))
		return record_call_entered(call) <= table->snapshot_ns;
	return generation_early(table, call) ||
	       call->h.time_ns - table->snapshot_ns <= store->limits.settle_ns;
}

/* The call may be the open of this generation, whose close was recorded first. */
static bool may_have_begun(const struct store *store, const struct generation *gen,
			   const struct record_call *call)
{
	const struct fd_site *ended = &gen->ended;

	if (generation_live(gen) || gen->opened.missing == SITE_SEEN ||
	    ended->missing != SITE_SEEN || generation_after(store, call, ended))
		return false;
	return record_call_entered(call) ? record_call_entered(call) < ended->time_ns
					 : generation_soon(store, call, ended);
}

/* The newest generation that is over and that the call may have begun; NULL: there is none. */
static struct generation *closed_first(const struct store *store, const struct slot *slot,
				       const struct record_call *call)
{
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		if (may_have_begun(store, gen, call))
			return gen;
	return NULL;
}

/*
 * The order of this generation and all newer ones is in doubt: the open that is taken for the
 * beginning of this one may have begun one after them.
 */
static void doubt_since(struct slot *slot, struct generation *gen)
{
	gen->doubts |= DOUBT_ORDER;
	for (struct generation *newer = slot->newest; newer != gen; newer = newer->older)
		newer->doubts |= DOUBT_ORDER;
}

/*
 * The call may have been running since before the process was traced. Then what it opened may have
 * been closed, and the number may have been opened and closed again, by calls that were not seen.
 */
static bool may_predate_trace(const struct store *store, const struct table *table,
			      const struct record_call *call)
{
	return !table->whole && !table->traced && !table->alone && !store->traced_ns &&
	       generation_may_be_unlisted(store, table, call);
}

static void set_opened(struct store *store, const struct slot *slot, struct generation *gen,
		       const struct record_call *call, const struct making *making)
{
	const struct table *table = slot->table;

	gen->opened = generation_site(call);
	gen->doubts |= doubt_if(order_in_gap(store, slot, call) ||
					(may_predate_trace(store, table, call) &&
					 (!table->snapshot || generation_early(table, call))),
				DOUBT_ORDER);
	gen->cloexec = making->cloexec;
	gen->began = making->copied ? BEGAN_BY_DUP : BEGAN_BY_CALL;
	generation_set_what(store, gen, &making->what, making->text);
}

void generation_named(struct store *store, const struct slot *slot, struct generation *gen,
		      const struct record_call *call, const struct making *making)
{
	uint64_t began_ns = gen->opened.time_ns;

	set_opened(store, slot, gen, call, making);
	gen->opened.time_ns = began_ns;
}

static int push(struct store *store, struct slot *slot, const struct record_call *call,
		const struct making *making)
{
	struct generation *gen = generation_push(store, slot);

	if (!gen)
		return -ENOMEM;
	if (gen->older)
		gen->follows = generation_after(store, call, &gen->older->ended);
	/* The number may have been opened and closed before the snapshot listed what was open. */
	gen->doubts |=
		doubt_if(generation_may_be_unlisted(store, slot->table, call), DOUBT_CLOSE_MISSED);
	set_opened(store, slot, gen, call, making);
	return 0;
}

bool generation_may_be_swept(const struct store *store, const struct table *table, int32_t fd,
			     const struct record_call *call)
{
	/*
	 * The site names no thread, so that it overlaps with any: the last close_range may be this
	 * thread's own, with another thread's just before it.
	 */
	const struct fd_site range = {.missing = SITE_SEEN, .time_ns = table->swept_ns};

	return table->swept_ns && table_swept(table, fd) && order_may_overlap(store, call, &range);
}

/* A use has shown the generation before its open was recorded: this call may be that open. */
static bool may_be_its_open(const struct store *store, const struct generation *gen,
			    const struct record_call *call)
{
	struct fd_site shown = gen->opened;

	shown.missing = gen->began == BEGAN_BEFORE_USE ? SITE_SEEN : SITE_NOT_APPLICABLE;
	return generation_live(gen) && gen->opened.missing == SITE_OTHER_WAY &&
	       order_may_overlap(store, call, &shown);
}

int generation_begin(struct store *store, struct table *table, int32_t fd,
		     const struct record_call *call, const struct making *making)
{
	struct slot *slot = slot_get(store, table, fd);
	struct generation *gen, *earlier;
	bool raced = false, maybe = false, shadowed = false, stale, unsure, missed;
	int err;

	if (!slot)
		return -ENOMEM;
	gen = slot->newest;
	stale = slot_stale(store, slot);
	unsure = table_unsure(table, slot);
	missed = generation_open_missed(store, slot, call);
	earlier = stale ? NULL : closed_first(store, slot, call);
	if (earlier && record_call_entered(call) && earlier->opened.missing == SITE_OTHER_WAY) {
		set_opened(store, slot, earlier, call, making);
		doubt_since(slot, earlier);
		return 0;
	}
	if (gen && generation_live(gen) && !stale && is_listed(store, table, gen, call)) {
		gen->doubts &= ~DOUBT_ORDER;
		gen->doubts |= doubt_if(!generation_early(table, call), DOUBT_ORDER);
		set_opened(store, slot, gen, call, making);
		return 0;
	}
	if (gen && !stale && may_be_its_open(store, gen, call)) {
		set_opened(store, slot, gen, call, making);
		gen->doubts |= DOUBT_ORDER;
		return 0;
	}
	settle_doubts(store, slot);
	slot_touch(store, slot);
	if (gen && generation_live(gen)) {
		/* A close_range may have ended the old generation: then no close of it is due. */
		maybe = gen->doubts & DOUBT_RANGE;
		raced = !stale && !maybe && !unsure;
		shadowed = !raced && !maybe;
		generation_over(store, gen,
				&(struct fd_site){.missing = stale ? SITE_LOST : SITE_OTHER_WAY});
		if (raced)
			gen->state = GENERATION_AWAITED;
	}
	err = push(store, slot, call, making);
	if (err)
		return err;
	slot->newest->doubts |=
		doubt_if(raced, DOUBT_WHILE_OPEN) | doubt_if(shadowed, DOUBT_WHILE_UNSURE) |
		doubt_if(raced && order_may_overlap(store, call, &gen->opened), DOUBT_CROSSED) |
		doubt_if(earlier || missed || maybe || generation_open_earlier(store, gen, call),
			 DOUBT_ORDER) |
		doubt_if(generation_may_be_swept(store, table, fd, call) ||
				 (raced && coverage_hides(table)),
			 DOUBT_RANGE);
	return 0;
}

int generation_replace(struct store *store, struct table *table, int32_t fd,
		       const struct record_call *call, const struct making *making)
{
	struct slot *slot = slot_get(store, table, fd);
	struct fd_site site = generation_site(call);
	bool overlaps = false;
	int err;

	if (!slot)
		return -ENOMEM;
	settle_doubts(store, slot);
	slot_touch(store, slot);
	/*
	 * A close that overlaps with this call may have ended the generation that this call begins;
	 * of two dup2 that overlap, either may be the last.
	 */
	if (slot_live(slot)) {
		overlaps = order_may_overlap(store, call, &slot->newest->opened);
		generation_over(store, slot->newest, &site);
	} else if (slot->newest) {
		overlaps = order_may_overlap(store, call, &slot->newest->ended);
	}
	err = push(store, slot, call, making);
	if (err)
		return err;
	slot->newest->doubts |=
		doubt_if(overlaps, DOUBT_ORDER) |
		doubt_if(generation_may_be_swept(store, table, fd, call), DOUBT_RANGE);
	return 0;
}

/* The oldest generation whose close is awaited and may be this call; NULL: there is none. */
static struct generation *find_awaited(const struct store *store, const struct slot *slot,
				       const struct record_call *call)
{
	struct generation *next = slot->newest, *found = NULL;

	for (struct generation *gen = next ? next->older : NULL; gen;
	     next = gen, gen = gen->older) {
		const struct fd_site *opened = &next->opened;

		if (gen->state != GENERATION_AWAITED || opened->missing != SITE_SEEN ||
		    generation_after(store, call, opened) ||
		    (gen->owner.given && gen->owner.giver != call->h.tid))
			continue;
		if (record_call_entered(call) || generation_soon(store, call, opened))
			found = gen;
	}
	return found;
}

/* The generation that came right after this one, which is not the newest. */
static struct generation *next_generation(struct slot *slot, const struct generation *gen)
{
	struct generation *next = slot->newest;

	while (next->older != gen)
		next = next->older;
	return next;
}

/*
 * A call shows that a number is or was open that is believed closed, so it had been opened in a way
 * that was not seen: adds a generation for it, NULL without memory. If the call overlaps with the
 * close that ended the generation before, the call may have come first; and where that close may
 * have ended another generation, this call may be the end of the generation before. Then the new
 * generation has DOUBT_ORDER.
 */
static struct generation *push_unseen(struct store *store, struct slot *slot,
				      const struct record_call *call, enum site_missing why)
{
	struct generation *gen = generation_push(store, slot), *older;

	if (!gen)
		return NULL;
	generation_unknown(store, gen, why);
	slot->table->doubts |= doubt_if(why == SITE_OTHER_WAY, DOUBT_UNSEEN);
	older = gen->older;
	if (older)
		gen->doubts |= doubt_if(older->doubts & DOUBT_ORDER ||
						order_may_overlap(store, call, &older->ended),
					DOUBT_ORDER);
	for (older = gen->older; older; older = older->older)
		gen->doubts |= doubt_if(older->state == GENERATION_AWAITED, DOUBT_ORDER);
	return gen;
}

/*
 * Finds the generation that the object which makes the close had taken. True: the close ended that
 * generation, *ret_gen if it is still known (else NULL). False: that generation is over already, by
 * somebody else's close.
 */
static bool find_meant(const struct store *store, struct slot *slot, const struct record_call *call,
		       uint64_t meant, struct generation **ret_gen)
{
	struct generation *gen = slot_generation(slot, meant);

	*ret_gen = gen;
	if (!gen || generation_live(gen))
		return true;
	return gen->state == GENERATION_AWAITED && gen != slot->newest &&
	       !generation_after(store, call, &next_generation(slot, gen)->opened);
}

int generation_close(struct store *store, struct table *table, int32_t fd,
		     const struct record_call *call, uint64_t meant, struct generation **ret_gen,
		     bool *ret_raced)
{
	struct slot *slot = slot_find(table, fd);
	enum site_missing why = why_unseen(store, table, slot, fd, call);
	struct fd_site site = generation_site(call);
	struct generation *gen;

	if (!slot)
		slot = slot_get(store, table, fd);
	if (!slot)
		return -ENOMEM;
	settle_doubts(store, slot);
	slot_touch(store, slot);
	*ret_raced = false;
	if (meant && find_meant(store, slot, call, meant, ret_gen)) {
		if (*ret_gen) {
			slot->newest->doubts |= doubt_if((*ret_gen)->state == GENERATION_AWAITED,
							 DOUBT_CLOSE_MISSED);
			generation_over(store, *ret_gen, &site);
		}
		return 0;
	}
	gen = find_awaited(store, slot, call);
	*ret_raced = gen != NULL;
	if (gen) {
		if (generation_after(store, call, &gen->opened))
			next_generation(slot, gen)->doubts &= ~DOUBT_CROSSED;
		slot->newest->doubts |=
			DOUBT_CLOSE_MISSED | doubt_if(coverage_hides(table), DOUBT_RANGE);
		/*
		 * The awaited generation may have been over already; then the close ended an
		 * unseen generation after the newest.
		 */
		if (!generation_live(slot->newest))
			slot->newest->doubts |=
				doubt_if(!record_call_entered(call) || gen->doubts & DOUBT_ORDER,
					 DOUBT_ORDER);
	} else if (slot_live(slot)) {
		gen = slot->newest;
		gen->doubts |= doubt_if(gen->doubts & DOUBT_ORDER, DOUBT_ORDER_BEFORE);
		gen->doubts |=
			doubt_if(generation_close_contested(store, slot, gen, call), DOUBT_ORDER);
		/* This may have been closed, and the number used again, before the snapshot. */
		if (gen->began == BEGAN_LISTED && generation_early(table, call))
			generation_unknown(store, gen, gen->opened.missing);
	} else {
		gen = push_unseen(store, slot, call, why);
	}
	if (!gen)
		return -ENOMEM;
	gen->doubts |=
		doubt_if(order_may_overlap(store, call, &gen->opened), DOUBT_CLOSED_EARLY) |
		doubt_if(order_in_gap(store, slot, call) || (gen->opened.missing != SITE_SEEN &&
							     may_predate_trace(store, table, call)),
			 DOUBT_ORDER);
	/* Something unseen may have ended the generation that the close is taken to have ended. */
	gen->doubts |=
		doubt_if(gen->doubts & DOUBT_CLOSED_EARLY && coverage_hides(table), DOUBT_RANGE);
	generation_over(store, gen, &site);
	*ret_gen = gen;
	return 0;
}

int generation_seen(struct store *store, struct table *table, int32_t fd,
		    const struct record_call *call)
{
	struct slot *slot = slot_find(table, fd);
	enum site_missing why = why_unseen(store, table, slot, fd, call);
	struct generation *gen;

	if (slot_live(slot) || (slot && slot_stale(store, slot))) {
		settle_doubts(store, slot);
	} else if (slot && slot->newest && !generation_after(store, call, &slot->newest->ended)) {
		return 0; /* another thread's close may have come just after this call */
	} else if (may_predate_trace(store, table, call)) {
		return 0; /* a close that was not seen may have come just after this call */
	}
	if (!slot)
		slot = slot_get(store, table, fd);
	if (!slot)
		return -ENOMEM;
	slot_touch(store, slot);
	if (slot_live(slot)) {
		slot->newest->doubts |= doubt_if(order_in_gap(store, slot, call), DOUBT_ORDER);
		return 0;
	}
	gen = push_unseen(store, slot, call, why);
	if (!gen)
		return -ENOMEM;
	gen->opened = generation_site(call);
	gen->opened.missing = why;
	gen->began = BEGAN_BEFORE_USE;
	gen->doubts |= doubt_if(generation_may_be_swept(store, table, fd, call), DOUBT_RANGE) |
		       doubt_if(order_in_gap(store, slot, call), DOUBT_ORDER);
	return 0;
}

int generation_set_cloexec(struct store *store, struct table *table, const struct record_call *call)
{
	struct slot *slot;
	int err;

	if (call->fd < 0)
		return -EINVAL;
	err = generation_seen(store, table, call->fd, call);
	if (err)
		return err;
	slot = slot_find(table, call->fd);
	if (slot_live(slot))
		slot->newest->cloexec = call->flags & FD_CLOEXEC;
	return 0;
}

bool generation_close_bulk(struct store *store, struct slot *slot, const struct record_call *call)
{
	struct fd_site site = generation_site(call);
	struct generation *gen = slot->newest;

	if (!gen)
		return false;
	/*
	 * The number may have been opened again, unseen; of two close_range that overlap, either
	 * may have ended the generation.
	 */
	if (!generation_live(gen)) {
		gen->doubts |= DOUBT_COVERED;
		gen->doubts |= doubt_if(!(call->arg & RANGE_MADE_TOLD) ||
						(call_shape(gen->ended.call) == SHAPE_CLOSE_RANGE &&
						 order_may_overlap(store, call, &gen->ended)),
					DOUBT_RANGE);
		return false;
	}
	/* The generation may have begun after the close_range. */
	if (gen->began == BEGAN_LISTED && generation_early(slot->table, call)) {
		gen->doubts |= DOUBT_RANGE;
		return false;
	}
	/* Records were lost: a call that was not seen may have closed the number before. */
	if (slot_stale(store, slot))
		site = (struct fd_site){.missing = SITE_LOST};
	gen->doubts |= doubt_if(table_unsure(slot->table, slot), DOUBT_ORDER);
	settle_doubts(store, slot);
	slot_touch(store, slot);
	/* What shows that it had begun may be a call that came later than the close_range. */
	gen->doubts |=
		doubt_if(order_may_overlap(store, call, &gen->opened) ||
				 (generation_shown(gen) && call->h.time_ns < gen->opened.time_ns) ||
				 order_in_gap(store, slot, call) ||
				 (gen->began == BEGAN_LISTED &&
				  generation_may_be_unlisted(store, slot->table, call)),
			 DOUBT_ORDER) |
		doubt_if(coverage_hides(slot->table) ||
				 gen->doubts & (DOUBT_WHILE_OPEN | DOUBT_CLOSE_MISSED),
			 DOUBT_RANGE);
	generation_over(store, gen, &site);
	return true;
}
