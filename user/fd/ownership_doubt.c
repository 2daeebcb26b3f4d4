/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/ownership_doubt.h"

#include "base/records.h"
#include "fd/claims.h"
#include "fd/generation_doubt.h"
#include "fd/meaning.h"

/* The call may have ended a descriptor that was open before those of its table were listed. */
static bool may_end_unlisted(const struct call_context *ctx, const struct fd_site *ended)
{
	return !ctx->table->whole &&
	       ended->time_ns <= ctx->table->snapshot_ns + ctx->store->limits.settle_ns;
}

/*
 * All generations before this one were over at time_ns. If the close at hand may have ended one of
 * them, this is certain only where as many calls have closed the number as have opened it.
 */
static bool is_alone_since(const struct call_context *ctx, const struct slot *slot,
			   const struct generation *gen, uint64_t time_ns)
{
	bool counts = false;

	for (const struct generation *older = gen->older; older; older = older->older) {
		const struct fd_site *ended = &older->ended;
		bool over = !(older->doubts & DOUBT_ORDER) &&
			    generation_after(ctx->store, ctx->call, ended);

		if (ended->missing != SITE_SEEN || ended->time_ns >= time_ns)
			return false;
		if (!(gen->doubts & DOUBT_CLOSED_EARLY) || (over && !counts))
			return true;
		if (!generation_was_seen(older) || may_end_unlisted(ctx, ended))
			return false;
		if (over)
			return true;
		counts = true;
	}
	if (slot->doubts & DOUBT_CUT && counts)
		return !(slot->doubts & DOUBT_CUT_UNSEEN) && !table_cut(slot->table, slot->fd);
	return !generation_may_have_older(ctx->store, slot, ctx->call);
}

/* The object has the number still, and took it when every recorded generation before was over. */
static bool is_taken_anew(const struct call_context *ctx, const struct slot *slot,
			  const struct generation *gen, const struct record_claim *claim)
{
	const struct generation *older = gen->older;

	return claim->state == OWNER_HOLDS && claim_is_of(slot, claim, gen) &&
	       !(claim->flags & CLAIM_LATE) &&
	       (older ? older->ended.missing == SITE_SEEN && older->ended.time_ns < claim->since_ns
		      : !generation_may_have_older(ctx->store, slot, ctx->call));
}

bool owner_settles(const struct call_context *ctx, const struct generation *gen, bool sure)
{
	const struct slot *slot = slot_find(ctx->table, ctx->call->fd);

	if (gen->opened.missing != SITE_SEEN ||
	    (sure && gen->doubts & (DOUBT_CROSSED | DOUBT_ORDER_BEFORE)))
		return false;
	for (unsigned int i = 0; i < record_call_claims(ctx->call); i++) {
		struct record_claim claim = claim_at(ctx->call, i);

		if (sure ? claim.state == OWNER_HOLDS && claim_is_of(slot, &claim, gen) &&
				    !(claim.flags & CLAIM_LATE) &&
				    is_alone_since(ctx, slot, gen, claim.since_ns)
			 : is_taken_anew(ctx, slot, gen, &claim))
			return true;
	}
	return false;
}

uint32_t owner_doubts_about_closed(const struct call_context *ctx, const struct generation *gen)
{
	uint32_t doubts = gen->doubts & (DOUBTS_ABOUT_ORDER | DOUBT_RANGE);

	if (doubts & DOUBTS_ABOUT_ORDER && owner_settles(ctx, gen, true))
		doubts &= ~DOUBTS_ABOUT_ORDER;
	return doubts;
}

uint64_t owner_taken_meanwhile(const struct call_context *ctx, const struct generation *gen)
{
	const struct record_call *call = ctx->call;
	uint64_t entered_ns = record_call_entered(call), taken_ns = 0;

	if (call->still_open & CALL_ALONE)
		return 0;
	if (entered_ns < ctx->store->after_ns)
		entered_ns = ctx->store->after_ns;
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (claim.object != gen->owner.object)
			continue;
		if (claim.since_ns <= entered_ns)
			return 0;
		taken_ns = claim.since_ns;
	}
	return taken_ns;
}

/*
 * All generations after this one were seen to begin. The close that is taken for the end of one
 * that was not may have ended this one.
 */
static bool is_followed_by_seen(const struct slot *slot, const struct generation *gen)
{
	for (const struct generation *newer = slot->newest; newer && newer != gen;
	     newer = newer->older)
		if (newer->opened.missing != SITE_SEEN)
			return false;
	return true;
}

uint32_t owner_doubts_about_end(const struct store *store, const struct slot *slot,
				const struct generation *gen)
{
	/* It has left its history, and with it others that are to be asked for, too. */
	if (gen->custody && gen->custody->dropped && meaning_unclear(slot, gen))
		return DOUBT_ORDER;
	return doubt_if(gen->doubts & (DOUBT_ORDER | DOUBT_RANGE) ||
				gen->owner.gaps != store->gaps || !is_followed_by_seen(slot, gen) ||
				doubts_about_later(slot, gen) & DOUBTS_ABOUT_ORDER,
			DOUBT_ORDER);
}
