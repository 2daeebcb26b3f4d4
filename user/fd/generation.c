/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/generation.h"

#include <errno.h>

#include "base/records.h"
#include "base/syscalls.h"

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

	if (gen && gen->live && table_unsure(slot->table, slot))
		gen->uncertain |= gen->opened.missing == SITE_SEEN;
	if (!slot_stale(store, slot))
		return;
	if (gen && gen->live)
		generation_unknown(store, gen, SITE_LOST);
	for (; gen; gen = gen->older)
		gen->awaited = false;
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
		return table->relisted ? SITE_LOST : SITE_BEFORE_ATTACH;
	return SITE_OTHER_WAY;
}

/*
 * The call may be the open of the generation that the snapshot listed: it took effect before the
 * snapshot and was recorded after it.
 */
static bool is_listed(const struct store *store, const struct table *table,
		      const struct generation *gen, const struct record_call *call)
{
	if (!gen->listed)
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

	if (gen->live || gen->opened.missing == SITE_SEEN || ended->missing != SITE_SEEN ||
	    generation_after(store, call, ended))
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

/* A close was seen without its open, and this open may have come before some recorded close. */
static bool may_be_missed(const struct store *store, const struct slot *slot,
			  const struct record_call *call)
{
	bool missed = false, before = false;

	for (const struct generation *gen = slot->newest; gen; gen = gen->older) {
		missed |= !gen->live && gen->opened.missing == SITE_OTHER_WAY;
		before |= order_may_overlap(store, call, &gen->ended);
	}
	return missed && before;
}

/*
 * Marks this generation and all newer ones as uncertain: the open that is taken for the beginning
 * of this one may have begun one after them.
 */
static void doubt_since(struct slot *slot, struct generation *gen)
{
	gen->uncertain = true;
	for (struct generation *newer = slot->newest; newer != gen; newer = newer->older)
		newer->uncertain = true;
}

/*
 * The call may have been running since before the process was traced. Then what it opened may have
 * been closed, and the number may have been opened and closed again, by calls that were not seen.
 */
static bool may_be_older(const struct store *store, const struct table *table,
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
	gen->shown = false;
	gen->uncertain |= order_in_gap(store, slot, call) ||
			  (may_be_older(store, table, call) &&
			   (!table->snapshot || generation_early(table, call)));
	gen->cloexec = making->cloexec;
	gen->copied = making->copied;
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
	gen->doubted = generation_may_be_unlisted(store, slot->table, call);
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

	shown.missing = gen->shown ? SITE_SEEN : SITE_NOT_APPLICABLE;
	return gen->live && gen->opened.missing == SITE_OTHER_WAY &&
	       order_may_overlap(store, call, &shown);
}

/* The call had returned before this generation began, but its record came only after that. */
static bool is_late(const struct record_call *call, const struct generation *gen)
{
	return gen->opened.missing == SITE_SEEN && call->h.time_ns < gen->opened.time_ns;
}

/*
 * What this call made may have come before one of these generations. That is so if a close ended
 * the generation, perhaps before its open had returned: that close may as well have closed what
 * this call made, before that open took the number. It is also so if the generation is uncertain,
 * or may have been ended by a close_range, and its end may overlap with this call; and if this call
 * had returned before the generation began.
 */
static bool may_be_earlier(const struct store *store, const struct generation *gen,
			   const struct record_call *call)
{
	for (; gen; gen = gen->older)
		if ((gen->loose && order_may_overlap(store, call, &gen->opened)) ||
		    ((gen->uncertain || gen->swept) &&
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
	missed = may_be_missed(store, slot, call);
	earlier = stale ? NULL : closed_first(store, slot, call);
	if (earlier && record_call_entered(call) && earlier->opened.missing == SITE_OTHER_WAY) {
		set_opened(store, slot, earlier, call, making);
		doubt_since(slot, earlier);
		return 0;
	}
	if (gen && gen->live && !stale && is_listed(store, table, gen, call)) {
		gen->listed = false;
		gen->uncertain = !generation_early(table, call);
		set_opened(store, slot, gen, call, making);
		return 0;
	}
	if (gen && !stale && may_be_its_open(store, gen, call)) {
		set_opened(store, slot, gen, call, making);
		gen->uncertain = true;
		return 0;
	}
	settle_doubts(store, slot);
	slot_touch(store, slot);
	if (gen && gen->live) {
		/* A close_range may have ended the old generation: then no close of it is due. */
		maybe = gen->swept;
		raced = gen->awaited = !stale && !maybe && !unsure;
		shadowed = !raced && !maybe;
		generation_over(store, gen,
				&(struct fd_site){.missing = stale ? SITE_LOST : SITE_OTHER_WAY});
	}
	err = push(store, slot, call, making);
	if (err)
		return err;
	slot->newest->raced = raced;
	slot->newest->shadowed = shadowed;
	slot->newest->crossed = raced && order_may_overlap(store, call, &gen->opened);
	slot->newest->uncertain |= earlier || missed || maybe ||
				   may_be_replaced(store, gen, call) ||
				   may_be_earlier(store, gen, call);
	slot->newest->swept =
		generation_may_be_swept(store, table, fd, call) || (raced && coverage_hides(table));
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
	slot->newest->uncertain |= overlaps;
	slot->newest->swept = generation_may_be_swept(store, table, fd, call);
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

		if (!gen->awaited || opened->missing != SITE_SEEN ||
		    generation_after(store, call, opened) ||
		    (gen->given && gen->giver != call->h.tid))
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
	return is_bulk_ended(gen) && (gen->uncertain || gen->swept);
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
		if (!older) /* the one before may have been forgotten while its close was due */
			return table_cut(slot->table, slot->fd) &&
			       (gen->raced || order_may_overlap(store, call, &gen->opened));
		if (gen->crossed && older->awaited)
			return true;
		if ((gen->shadowed || is_left(older)) &&
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
static bool is_contested(const struct store *store, const struct slot *slot,
			 const struct generation *gen, const struct record_call *call)
{
	const struct generation *older = gen->older;

	if (gen->opened.missing != SITE_SEEN || generation_after(store, call, &gen->opened))
		return false;
	/* The close that an older generation awaited has come; it may as well have ended this one.
	 */
	if (gen->doubted)
		return true;
	/*
	 * The call may instead have ended a descriptor that was open before the snapshot, one that
	 * was opened unseen in a gap, or one that has been forgotten.
	 */
	if (!older)
		return gen->raced || generation_may_have_older(store, slot, call);
	if (awaits_another(store, slot, older, call))
		return true;
	if (older->awaited || older->ended.missing != SITE_SEEN)
		return gen->raced || gen->shadowed || older->ended.missing == SITE_LOST;
	if (is_left(older))
		return true;
	/*
	 * The close that is taken for the end of the generation before may have ended another one;
	 * then this call may be the end of the generation before.
	 */
	return older->uncertain || (older->ended.tid != call->h.tid && !gen->follows &&
				    generation_soon(store, call, &older->ended));
}

/*
 * A call shows that a number is or was open that is believed closed, so it had been opened in a way
 * that was not seen: adds a generation for it, NULL without memory. If the call overlaps with the
 * close that ended the generation before, the call may have come first; and where that close may
 * have ended another generation, this call may be the end of the generation before. Then the new
 * generation is uncertain.
 */
static struct generation *push_unseen(struct store *store, struct slot *slot,
				      const struct record_call *call, enum site_missing why)
{
	struct generation *gen = generation_push(store, slot), *older;

	if (!gen)
		return NULL;
	generation_unknown(store, gen, why);
	slot->table->foreign |= why == SITE_OTHER_WAY;
	older = gen->older;
	if (older)
		gen->uncertain = older->uncertain || order_may_overlap(store, call, &older->ended);
	for (older = gen->older; older; older = older->older)
		gen->uncertain |= older->awaited;
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
	if (!gen || gen->live)
		return true;
	return gen->awaited && gen != slot->newest &&
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
			slot->newest->doubted |= (*ret_gen)->awaited;
			(*ret_gen)->awaited = false;
			generation_over(store, *ret_gen, &site);
		}
		return 0;
	}
	gen = find_awaited(store, slot, call);
	*ret_raced = gen != NULL;
	if (gen) {
		gen->awaited = false;
		if (generation_after(store, call, &gen->opened))
			next_generation(slot, gen)->crossed = false;
		slot->newest->doubted = true;
		slot->newest->swept |= coverage_hides(table);
		/*
		 * The awaited generation may have been over already; then the close ended an
		 * unseen generation after the newest.
		 */
		if (!slot->newest->live)
			slot->newest->uncertain |= !record_call_entered(call) || gen->uncertain;
	} else if (slot_live(slot)) {
		gen = slot->newest;
		gen->vague = gen->uncertain;
		gen->uncertain |= is_contested(store, slot, gen, call);
		/* This may have been closed, and the number used again, before the snapshot. */
		if (gen->listed && generation_early(table, call))
			generation_unknown(store, gen, gen->opened.missing);
	} else {
		gen = push_unseen(store, slot, call, why);
	}
	if (!gen)
		return -ENOMEM;
	gen->loose = order_may_overlap(store, call, &gen->opened);
	gen->uncertain |= order_in_gap(store, slot, call);
	gen->uncertain |= gen->opened.missing != SITE_SEEN && may_be_older(store, table, call);
	/* Something unseen may have ended the generation that the close is taken to have ended. */
	gen->swept |= gen->loose && coverage_hides(table);
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
	} else if (may_be_older(store, table, call)) {
		return 0; /* a close that was not seen may have come just after this call */
	}
	if (!slot)
		slot = slot_get(store, table, fd);
	if (!slot)
		return -ENOMEM;
	slot_touch(store, slot);
	if (slot_live(slot)) {
		slot->newest->uncertain |= order_in_gap(store, slot, call);
		return 0;
	}
	gen = push_unseen(store, slot, call, why);
	if (!gen)
		return -ENOMEM;
	gen->opened = generation_site(call);
	gen->opened.missing = why;
	gen->shown = true;
	gen->swept = generation_may_be_swept(store, table, fd, call);
	gen->uncertain |= order_in_gap(store, slot, call);
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
	if (!gen->live) {
		gen->covered = true;
		gen->swept |= !(call->arg & RANGE_MADE_TOLD) ||
			      (call_shape(gen->ended.call) == SHAPE_CLOSE_RANGE &&
			       order_may_overlap(store, call, &gen->ended));
		return false;
	}
	/* The generation may have begun after the close_range. */
	if (gen->listed && generation_early(slot->table, call)) {
		gen->swept = true;
		return false;
	}
	/* Records were lost: a call that was not seen may have closed the number before. */
	if (slot_stale(store, slot))
		site = (struct fd_site){.missing = SITE_LOST};
	gen->uncertain |= table_unsure(slot->table, slot);
	settle_doubts(store, slot);
	slot_touch(store, slot);
	gen->uncertain |= order_may_overlap(store, call, &gen->opened) ||
			  (gen->listed && generation_may_be_unlisted(store, slot->table, call));
	gen->uncertain |= order_in_gap(store, slot, call);
	gen->swept |= coverage_hides(slot->table) || gen->raced || gen->doubted;
	generation_over(store, gen, &site);
	return true;
}
