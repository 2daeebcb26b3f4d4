/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/misdirected.h"

#include <sys/syscall.h>

#include "base/records.h"
#include "fd/claims.h"
#include "fd/custody.h"
#include "fd/generation_doubt.h"
#include "fd/holder.h"
#include "fd/meaning.h"
#include "fd/order.h"
#include "fd/reuse.h"
#include "fd/suspects.h"

/* Who may have made the call. */
struct suspect {
	struct record_claim claim; /* of an object that keeps the number: all 0 */
	struct generation *gen;	   /* what it took */
	bool beside;		   /* CLAIM_RECEIVER */
	bool others;		   /* another object may be at work, too */
};

/* The generation of an object that is stale: over, while another one is live. NULL: it is not. */
static struct generation *stale_generation(const struct slot *slot,
					   const struct record_claim *claim)
{
	struct generation *gen = claim_generation(slot, claim);

	if (!(claim->flags & CLAIM_STALE) || !gen || gen == slot->newest || generation_live(gen))
		return NULL;
	return gen->ended.missing == SITE_SEEN ? gen : NULL;
}

/* Whether the claim shows more than those before: whoever lies beside the bytes comes first. */
static bool shows_more(const struct record_claim *claim, const struct suspect *suspect)
{
	return !suspect->claim.object || (claim->flags & CLAIM_RECEIVER && !suspect->beside);
}

/* Who is at work; claim.object 0: nobody who is stale, or one of several. */
static struct suspect find_suspect(const struct slot *slot, const struct record_call *call)
{
	struct suspect suspect = {0};

	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (!(claim.flags & (CLAIM_AT_HAND | CLAIM_RECEIVER)))
			continue;
		suspect.others |= suspect.claim.object != 0;
		if (!shows_more(&claim, &suspect)) {
			/* Two beside the bytes: neither is told from the other. */
			if (suspect.beside && claim.flags & CLAIM_RECEIVER)
				return (struct suspect){0};
			continue;
		}
		suspect.claim = claim;
		suspect.beside = claim.flags & CLAIM_RECEIVER;
		suspect.gen = stale_generation(slot, &claim);
	}
	return suspect.gen && (suspect.beside || !suspect.others) ? suspect : (struct suspect){0};
}

/* What object has the number by right: enum owner_type; OWNER_NONE: none is known. */
static uint8_t owner_of(const struct slot *slot, const struct record_call *call)
{
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (claim_is_of(slot, &claim, slot->newest))
			return claim.kind;
	}
	return OWNER_NONE;
}

enum weight { WEIGHT_NONE, WEIGHT_SUSPECTED, WEIGHT_FACT };

static enum weight weight_of(const struct record_call *call, const struct slot *slot,
			     const struct suspect *suspect)
{
	bool file = suspect->claim.kind == OWNER_FILEIO,
	     socket = suspect->claim.kind == OWNER_SOCKET;
	bool message = call->nr != SYS_read && call->nr != SYS_write;
	bool own = (file && call->point == OWNER_FILE_IO) ||
		   (socket && message && call->point == OWNER_SOCKET_IO);

	if (own && suspect->beside)
		return WEIGHT_FACT;
	if (own && socket)
		/* The owner would be at hand if it made the call. */
		return owner_of(slot, call) ? WEIGHT_FACT : WEIGHT_SUSPECTED;
	if (call->point == OWNER_ELSEWHERE && socket && !suspect->beside)
		return WEIGHT_SUSPECTED;
	return WEIGHT_NONE;
}

/* A call that waits until there is something to be had. */
static bool is_read(const struct record_call *call)
{
	return call->nr == SYS_read || call->nr == SYS_recvfrom || call->nr == SYS_recvmsg;
}

static uint32_t doubts_about(const struct call_context *ctx, const struct slot *slot,
			     const struct suspect *suspect)
{
	const struct generation *newest = slot->newest;
	uint32_t doubts =
		(newest->doubts | suspect->gen->doubts | doubts_about_later(slot, suspect->gen)) &
		(DOUBTS_ABOUT_ORDER | DOUBT_RANGE);

	return doubts | (slot->doubts & DOUBT_COPY) |
	       doubt_if(suspect->claim.flags & CLAIM_LATE, DOUBT_OWNER_LATE) |
	       doubt_if(suspect->claim.flags & CLAIM_PARENTS || claims_left_out(ctx->call) ||
				suspect->gen->closer.unsure,
			DOUBT_ANOTHERS) |
	       doubt_if(!generation_after(ctx->store, ctx->call, &newest->opened), DOUBT_ORDER);
}

/* An object that owned the number has it still. */
static void blame_owner(const struct call_context *ctx, const struct suspect *suspect,
			struct finding *f)
{
	if (!f->owner.type)
		f->owner.type = suspect->claim.kind;
	/* Unless another object that had the number closed it, that close was wrong. */
	if (!suspect->gen->owner.given)
		suspects_blame(suspect->gen, f);
	f->proofs |= PROOF_AT_WORK | (suspect->gen->closer.behind ? PROOF_BEHIND : 0);
	f->attribution = meaning_known(ctx) ? ATTRIBUTION_PROVEN : ATTRIBUTION_NONE;
	if (suspect->claim.flags & CLAIM_BEFORE)
		f->notes |= NOTE_OWNER_BEFORE;
}

/* An object that opened it keeps the number: whose close was wrong, its method's or another's? */
static void blame_keeper(const struct call_context *ctx, const struct slot *slot,
			 const struct generation *gen, struct finding *f)
{
	const struct custody *custody = gen->custody;
	bool own = holder_key_same(&custody->closer, &custody->holder);

	f->proofs |= PROOF_RECEIVER | PROOF_KEPT;
	f->attribution = ATTRIBUTION_LIKELY;
	f->victim.owner.type = owner_of(slot, ctx->call);
	if (!custody->closer_code || (own && custody->role == ROLE_UNKNOWN))
		f->culprit = CULPRIT_UNKNOWN;
	else if (!own || custody->role == ROLE_FUNCTION)
		f->culprit = CULPRIT_CLOSED;
}

static void describe_transfer(const struct call_context *ctx, const struct slot *slot,
			      const struct suspect *suspect, enum weight weight, struct verdict *v)
{
	struct finding *f = &v->finding;

	verdict_begin(ctx, ctx->call->fd, v);
	v->act = ACT_REPORT;
	v->text = text_of(suspect->gen);
	v->victim_text = text_of(slot->newest);
	reuse_fill(ctx, f, slot->newest, suspect->gen);
	finding_set_kind(f, FINDING_MISDIRECTED_IO);
	if (suspect->claim.object)
		blame_owner(ctx, suspect, f);
	else
		blame_keeper(ctx, slot, suspect->gen, f);
	suspects_of_lost(suspect->gen, f);
	coverage_weigh(ctx->table, f);
	finding_doubt(f, doubts_about(ctx, slot, suspect) |
				 doubt_if(weight == WEIGHT_SUSPECTED, DOUBT_MEANT));
}

/* A method of the object was at work as the generation was opened. */
static bool had_part_in(const struct generation *gen, const struct holder_key *object)
{
	const struct custody *custody = gen->custody;

	for (unsigned int i = 0; custody && i < custody->count; i++)
		if (custody->kinds[i] == LOCAL_OBJECT &&
		    custody->frames[i].local == object->address)
			return true;
	return false;
}

/* What the object whose method makes the call has opened last, if nobody opened more for it. */
static struct generation *kept_generation(const struct call_context *ctx, const struct slot *slot)
{
	const struct holder_key key = holder_receiver(ctx->caller, 0);
	struct generation *gen = slot->newest;

	if (!key.address || ctx->caller->frames[0].role == ROLE_FUNCTION)
		return NULL;
	while (gen && gen->opened.missing == SITE_SEEN && !had_part_in(gen, &key))
		gen = gen->older;
	return gen && gen->custody && holder_key_same(&gen->custody->holder, &key) ? gen : NULL;
}

/*
 * An object that opened the number has it still, among its attributes (CALL_KEPT). What nobody owns
 * it may have been given anew; what one function opens and closes, an object hardly keeps.
 */
static struct suspect find_keeper(const struct call_context *ctx, const struct slot *slot)
{
	struct generation *gen;

	if (!record_call_kept(ctx->call) || !meaning_known(ctx) ||
	    ctx->call->point != OWNER_OS_IO || !owner_of(slot, ctx->call))
		return (struct suspect){0};
	gen = kept_generation(ctx, slot);
	if (!gen || gen == slot->newest || generation_live(gen) || custody_within(gen) ||
	    gen->opened.missing != SITE_SEEN || gen->ended.missing != SITE_SEEN)
		return (struct suspect){0};
	return (struct suspect){.gen = gen};
}

int transfer_done(struct pending *pending, const struct call_context *ctx)
{
	const struct record_call *call = ctx->call;
	struct slot *slot = call->fd < 0 ? NULL : slot_find(ctx->table, call->fd);
	struct verdict verdict;
	enum weight weight;
	struct suspect suspect;

	if (ctx->vfork || !slot || !slot_live(slot) || slot_stale(ctx->store, slot))
		return 0;
	suspect = find_suspect(slot, call);
	weight = suspect.gen ? weight_of(call, slot, &suspect) : WEIGHT_NONE;
	if (weight == WEIGHT_NONE) {
		suspect = find_keeper(ctx, slot);
		weight = suspect.gen ? WEIGHT_SUSPECTED : WEIGHT_NONE;
	} else if (suspect.gen->owner.gaps != ctx->store->gaps) {
		return 0;
	}
	if (weight == WEIGHT_NONE ||
	    (is_read(call) && !generation_after(ctx->store, call, &slot->newest->opened)))
		return 0;
	describe_transfer(ctx, slot, &suspect, weight, &verdict);
	return pending_alone(pending, ctx->table, call, &verdict);
}
