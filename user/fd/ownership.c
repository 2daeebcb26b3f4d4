/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/ownership.h"

#include <errno.h>
#include <stdlib.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/attribution.h"
#include "fd/claims.h"
#include "fd/generation.h"
#include "fd/generation_doubt.h"
#include "fd/ownership_doubt.h"
#include "fd/suspects.h"

/* The generation that the object took and has not given up; NULL: none is known. */
static struct generation *find_taken(const struct table *table, int32_t fd, uint64_t object)
{
	const struct slot *slot = fd < 0 ? NULL : slot_find(table, fd);

	for (struct generation *gen = slot ? slot->newest : NULL; gen; gen = gen->older)
		if (gen->owner.object == object && !gen->owner.given)
			return gen;
	return NULL;
}

/* An object takes a number: it owns the live generation from now on. 0 or -ENOMEM. */
static int object_takes(struct store *store, struct table *table, const struct record_owner *record)
{
	/* The number is certainly open, in whatever way that came about. */
	const struct record_call seen = {.h = record->h, .call = CALL_OTHER, .fd = record->fd};
	struct slot *slot;
	struct generation *gen;
	int err = generation_seen(store, table, record->fd, &seen);

	if (err)
		return err;
	slot = slot_find(table, record->fd);
	if (!slot_live(slot))
		return 0; /* another thread is closing the number just now */
	gen = slot->newest;
	gen->owner.object = record->object;
	gen->owner.type = record->type;
	gen->owner.gaps = store->gaps;
	gen->owner.given = gen->owner.lent = false;
	return 0;
}

/*
 * Ends the wait of an owned_close for its object to let go of the number. wrong: the object did so
 * by a close of its own, so the owned_close is reported; else it is dropped. call: NULL in older
 * recordings.
 */
static void end_wait(struct pending *pending, struct table *table, const struct record_call *call,
		     struct generation *gen, bool wrong)
{
	struct finding *finding = gen->owner.waiting;
	struct verdict verdict;

	gen->owner.waiting = NULL;
	if (finding)
		store_discount(pending->store, sizeof(*finding));
	if (finding && wrong) {
		gen->closer.behind = true;
		gen->closer.unsure = finding->certainty == CERTAINTY_SUSPECTED;
		verdict = (struct verdict){
			.act = ACT_REPORT,
			.loose = gen->doubts & DOUBT_CLOSED_EARLY,
			.text = text_of(gen),
			.finding = *finding,
		};
		verdict.finding.what = gen->what; /* its path lies in the generation */
		pending_alone(pending, table, call, &verdict);
	}
	free(finding);
}

/* A finalizer, of the object itself or of an object around it, runs the object's close(). */
static bool is_finalizer(const struct record_owner *record, const struct intents *intents)
{
	return record->point == OWNER_FINALIZE || record->point == OWNER_DEALLOC ||
	       (record->flags & OWNER_FINALIZING) || intents->warned == record->object;
}

/* An object is about to give up its number, and perhaps to close it. */
static void object_gives(struct pending *pending, struct table *table,
			 const struct record_owner *record, struct intents *intents)
{
	bool closes = (record->flags & OWNER_CLOSES) && record->point != OWNER_DETACH;
	struct generation *gen = find_taken(table, record->fd, record->object);
	struct intent intent = {
		.point = record->point,
		.owner = record->type,
		.fd = record->fd,
		.object = record->object,
		.finalizer = is_finalizer(record, intents),
	};

	if (intents->warned == record->object)
		intents->warned = 0;
	if (gen) {
		gen->owner.given = true;
		gen->owner.giver = record->h.tid;
		end_wait(pending, table, NULL, gen, closes);
		if (gen->owner.gaps == pending->store->gaps)
			intent.gen = gen->id;
	}
	if (closes)
		intents_push(intents, &intent);
}

int owner_says(struct pending *pending, struct table *table, const struct record_owner *record,
	       struct intents *intents)
{
	if (record->point <= OWNER_FROMFD)
		return object_takes(pending->store, table, record);
	intents->os_close = record->point == OWNER_OS_CLOSE;
	if (record->point == OWNER_WARN)
		intents->warned = record->object;
	else if (!intents->os_close)
		object_gives(pending, table, record, intents);
	return 0;
}

/* What the thread meant, according to the claims in the record of its close. */
static struct intent claimed_intent(struct store *store, const struct table *table,
				    const struct record_call *call)
{
	struct intent intent = claims_closer(slot_find(table, call->fd), call);

	if (intent.since_ns > store->after_ns)
		store->after_ns = intent.since_ns;
	return intent;
}

struct intent owner_intent(struct store *store, struct threads *threads, const struct table *table,
			   const struct record_call *call)
{
	struct intents *intents;

	if (record_call_claims(call) &&
	    (call_shape(call->call) == SHAPE_CLOSE || record_call_missed(call)))
		return claimed_intent(store, table, call);
	intents = threads_intents(threads, call->h.tid);
	intents->os_close |= call->point == OWNER_OS_CLOSE;
	if (call_shape(call->call) == SHAPE_CLOSE)
		return intents_take(intents, call->fd);
	intents->os_close = false;
	return (struct intent){0};
}

enum site_origin owner_origin(const struct intent *intent)
{
	if (intent->point == OWNER_OS_CLOSE)
		return ORIGIN_OS_CLOSE;
	if (!intent->object)
		return intent->point == OWNER_ELSEWHERE ? ORIGIN_OTHER : ORIGIN_UNKNOWN;
	return intent->finalizer ? ORIGIN_FINALIZER : ORIGIN_METHOD;
}

/* An object closed its number, but the close ended a generation that the object had never taken. */
static void closed_anothers(struct pending *pending, const struct call_context *ctx,
			    const struct intent *intent, struct generation *gen)
{
	const struct slot *slot = slot_find(ctx->table, ctx->call->fd);
	const struct generation *meant = slot_generation(slot, intent->gen);
	bool late = claims_say(ctx->call, intent->object, CLAIM_LATE), unsure;
	struct verdict verdict;

	/*
	 * A socket object that is first seen late may lie at the address of an earlier one that had
	 * the number and was never seen to go (CPython 3.6 and 3.7). Then the close is the object's
	 * own, and right.
	 */
	if (late && intent->stale && intent->owner == OWNER_SOCKET)
		return;
	if (!meant || meant == gen || generation_live(meant) || meant->ended.missing != SITE_SEEN ||
	    meant->owner.gaps != pending->store->gaps)
		return;
	unsure =
		meant->doubts & DOUBT_ORDER || doubts_about_later(slot, meant) & DOUBTS_ABOUT_ORDER;
	if (unsure && !intent->stale)
		return;
	verdict_begin(ctx, ctx->call->fd, &verdict);
	verdict.act = ACT_REPORT;
	verdict.loose = gen->doubts & DOUBT_CLOSED_EARLY;
	verdict.text = text_of(meant);
	verdict.victim_text = text_of(gen);
	verdict.finding.bad = gen->ended;
	reuse_fill(ctx, &verdict.finding, gen, meant);
	verdict.finding.proofs |= PROOF_OWNER;
	verdict.finding.attribution = meaning_known(ctx) ? ATTRIBUTION_PROVEN : ATTRIBUTION_NONE;
	if (!verdict.finding.owner.type)
		verdict.finding.owner.type = intent->owner;
	/*
	 * If no object of the meant generation made the close that ended it, its owner was robbed
	 * of the number: that earlier close is the culprit.
	 */
	if (meant->ended.call != CALL_CLOSE || !meant->owner.given)
		suspects_blame(meant, &verdict.finding);
	coverage_weigh(ctx->table, &verdict.finding);
	finding_doubt(&verdict.finding,
		      doubt_if(late, DOUBT_OWNER_LATE) | doubt_if(unsure, DOUBT_ORDER) |
			      doubt_if(meant->closer.unsure || (intent->unsure && !late),
				       DOUBT_ANOTHERS));
	suspects_of_closed(gen, &verdict.finding);
	gen->closer.stolen = true;
	pending_break(pending, ctx->call->h.tid); /* its earlier findings are emitted first */
	pending_alone(pending, ctx->table, ctx->call, &verdict);
}

/*
 * Judges a close that the living owner of the number did not make. True: what it meant instead is
 * in doubt, which is no doubt about whose the number was.
 */
static bool judge_behind(const struct call_context *ctx, const struct intent *intent,
			 const struct generation *gen, struct verdict *verdict)
{
	bool os_close = intent->point == OWNER_OS_CLOSE && !gen->owner.lent;
	uint32_t proofs = os_close ? gen->closer.proofs : 0;
	struct finding *f = &verdict->finding;
	bool unsure = false;

	verdict_begin(ctx, ctx->call->fd, verdict);
	verdict->act = ACT_REPORT;
	verdict->loose = gen->doubts & DOUBT_CLOSED_EARLY;
	f->bad = gen->ended;
	f->proofs = PROOF_OWNER_LIVES | proofs;
	f->attribution = meaning_known(ctx) ? ATTRIBUTION_PROVEN : ATTRIBUTION_NONE;
	verdict->text = text_of(gen);
	if (os_close &&
	    attribution_behind(ctx, slot_find(ctx->table, f->fd), gen, verdict, &unsure))
		return unsure;
	if (proofs) {
		reuse_fill(ctx, f, gen, gen->older);
		verdict->text = text_of(gen->older);
		verdict->victim_text = text_of(gen);
		/* One site may close what many have opened: it does not prove what was meant. */
		return !(proofs & PROOF_SAME_THREAD) || meaning_known(ctx);
	}
	finding_set_kind(f, FINDING_OWNED_CLOSE);
	f->culprit = CULPRIT_BAD;
	f->opened = gen->opened;
	f->what = gen->what;
	verdict_owner(ctx, gen, &f->owner);
	if (gen->inherited)
		f->notes |= NOTE_INHERITED;
	if (os_close)
		attribution_of_owned(ctx, gen, verdict);
	return false;
}

/* Keeps a copy of the finding in the generation until its object lets go; without memory none. */
static void wait_for_object(struct store *store, struct generation *gen,
			    const struct finding *finding)
{
	generation_drop_waiting(store, gen);
	gen->owner.waiting = malloc(sizeof(*gen->owner.waiting));
	if (!gen->owner.waiting)
		return;
	store_count(store, sizeof(*finding));
	*gen->owner.waiting = *finding;
	/* Their paths lie in other generations, which may be gone by then. */
	for (unsigned int i = 0; i < FINDING_CANDIDATES; i++)
		gen->owner.waiting->candidates[i].what = (struct fd_what){0};
}

/* In older recordings: the owner of the generation has the number still, after this close. */
static bool is_behind(const struct call_context *ctx, const struct generation *gen)
{
	const struct record_call *call = ctx->call;

	return gen->owner.object && !gen->owner.given && gen->owner.gaps == ctx->store->gaps &&
	       call->owner == OWNER_HOLDS && call->owner_low == (uint32_t)gen->owner.object;
}

/* Notes the claiming object as the one that has, or had, the generation. */
static void generation_owned(struct generation *gen, const struct record_claim *claim)
{
	gen->owner.object = claim->object;
	gen->owner.class = claim->type;
	gen->owner.type = claim->kind;
	gen->owner.flags = claim->flags;
	gen->owner.lent = claim->flags & CLAIM_PARENTS;
}

/*
 * The object has let go of the number, though it does not show at work: most likely it made this
 * close. A file or epoll object lets go nowhere but there; a socket object may have been detached.
 */
static bool is_own_close(const struct call_context *ctx, const struct record_claim *claim)
{
	if (claim->state != OWNER_LET_GO ||
	    claim->flags & (CLAIM_AT_HAND | CLAIM_LATE | CLAIM_MORE))
		return false;
	return claim->kind == OWNER_SOCKET ? ctx->call->point == OWNER_ELSEWHERE
					   : ctx->call->point != OWNER_OS_CLOSE;
}

/*
 * Notes, from the claims, who had the generation that the close has ended. True: an object has the
 * number still, and no other object of the generation has let go of it by this very close.
 */
static bool claims_of_number(const struct call_context *ctx, struct generation *gen)
{
	const struct slot *slot = slot_find(ctx->table, ctx->call->fd);
	unsigned int count = record_call_claims(ctx->call);
	bool entry = false, given = false;

	for (unsigned int i = 0; i < count; i++) {
		struct record_claim claim = claim_at(ctx->call, i);

		if (!claim_is_of(slot, &claim, gen))
			continue;
		if (claim.state == OWNER_LET_GO && ctx->call->point != OWNER_OS_CLOSE)
			given = true;
		if (claim.state == OWNER_HOLDS || (claim.state == OWNER_LET_GO && !entry))
			generation_owned(gen, &claim);
		entry |= claim.state == OWNER_HOLDS;
		gen->closer.supposed = count == 1 && is_own_close(ctx, &claim);
	}
	if (gen->closer.supposed)
		gen->ended.origin =
			gen->owner.flags & CLAIM_FINALIZING ? ORIGIN_FINALIZER : ORIGIN_METHOD;
	gen->owner.given |= given || (gen->owner.object && !entry);
	return entry && !given;
}

/* Ends the waits for objects that have let go of the number, whether by a close of their own or
 * not. */
static void end_waits(struct pending *pending, const struct call_context *ctx)
{
	const struct slot *slot = slot_find(ctx->table, ctx->call->fd);

	for (unsigned int i = 0; slot && i < record_call_claims(ctx->call); i++) {
		struct record_claim claim = claim_at(ctx->call, i);
		struct generation *gen = claim_generation(slot, &claim);

		if (gen && gen->owner.waiting && claim.state != OWNER_HOLDS &&
		    gen->owner.object == claim.object)
			end_wait(pending, ctx->table, ctx->call, gen,
				 claim.state == OWNER_LET_GO && claim.flags & CLAIM_AT_HAND &&
					 ctx->call->point != OWNER_OS_CLOSE);
	}
}

/* The claim of an object that was not seen to take the number does not prove that it owned that. */
static void doubt_owner(const struct generation *gen, struct finding *f)
{
	if (gen->owner.flags & CLAIM_BEFORE)
		f->notes |= NOTE_OWNER_BEFORE;
	if (gen->owner.flags & CLAIM_LATE)
		finding_doubt(f, DOUBT_OWNER_LATE);
}

/* If more objects claimed the number than a record keeps, one left out may have made the close. */
static void doubt_closer(const struct call_context *ctx, const struct intent *intent,
			 struct finding *f)
{
	if (intent->point != OWNER_OS_CLOSE && claims_left_out(ctx->call))
		finding_doubt(f, DOUBT_ANOTHERS);
}

/*
 * An object puts -1 in the number's place before it closes the number. If another thread's call on
 * the number returns just then, that call's record tells of it, and the object's own close, which
 * comes next, tells of no object.
 */
static void note_let_go(struct slot *slot, const struct record_call *call,
			const struct intent *intent)
{
	if (!slot)
		return;
	slot->let_go = false;
	/* Else it is the object's own close, most likely: not each shows that it is at work. */
	if (!intent->object && intent->point != OWNER_OS_CLOSE)
		return;
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (claim.state == OWNER_LET_GO && !(claim.flags & CLAIM_AT_HAND))
			slot->let_go = true;
	}
}

bool owner_closed(struct pending *pending, const struct call_context *ctx,
		  const struct intent *intent, struct generation *gen, bool raced)
{
	bool claimed = record_call_claims(ctx->call), entry = claimed && claims_of_number(ctx, gen);
	struct slot *slot = slot_find(ctx->table, ctx->call->fd);
	bool let_go = !intent->object && slot && slot->let_go && intent->point != OWNER_OS_CLOSE;
	struct verdict verdict;
	bool unsure;

	if (claimed)
		end_waits(pending, ctx);
	note_let_go(slot, ctx->call, intent);
	gen->closer.claimed = claimed;
	gen->closer.unsure |=
		intent->unsure || let_go || (!intent->object && claims_left_out(ctx->call));
	if (ctx->vfork || raced || let_go)
		return false;
	if (intent->object) {
		if (intent->gen && intent->gen != gen->id)
			closed_anothers(pending, ctx, intent, gen);
		return false;
	}
	if (!(claimed ? entry && gen->owner.gaps == ctx->store->gaps : is_behind(ctx, gen)) ||
	    (gen->doubts & DOUBT_ORDER && !owner_settles(ctx, gen, false)))
		return false;
	unsure = judge_behind(ctx, intent, gen, &verdict);
	finding_doubt(&verdict.finding, owner_doubts_about_closed(ctx, gen));
	verdict.taken_ns = owner_taken_meanwhile(ctx, gen);
	doubt_owner(gen, &verdict.finding);
	coverage_weigh(ctx->table, &verdict.finding);
	doubt_closer(ctx, intent, &verdict.finding);
	if (suspects_of_closed(gen, &verdict.finding))
		verdict.finding.culprit = CULPRIT_UNKNOWN;
	/* A forked child may close the numbers of its parent because it is about to exec. */
	if (intent->point != OWNER_OS_CLOSE || gen->owner.lent) {
		finding_doubt(&verdict.finding, doubt_if(verdict.taken_ns, DOUBT_ORDER) |
							doubt_if(unsure, DOUBT_MEANT));
		wait_for_object(pending->store, gen, &verdict.finding);
		return false;
	}
	gen->closer.behind = true;
	gen->closer.unsure |= verdict.finding.certainty == CERTAINTY_SUSPECTED;
	/* That it took the object's number is certain; that it meant an earlier one need not be. */
	gen->closer.stolen = verdict.finding.kind == FINDING_REUSED_CLOSE && !unsure;
	finding_doubt(&verdict.finding, doubt_if(unsure, DOUBT_MEANT));
	return !pending_owned(pending, ctx->table, ctx->call, &verdict);
}

/* A close that is known to be wrong ended the generation: that close is the culprit. */
static void blame_closed(const struct call_context *ctx, const struct generation *gen,
			 struct finding *f)
{
	f->culprit = CULPRIT_CLOSED;
	if (gen->closer.unsure)
		finding_doubt(f, DOUBT_ANOTHERS);
	verdict_owner(ctx, gen, &f->owner);
	f->proofs |= gen->closer.stolen ? PROOF_STOLEN : PROOF_BEHIND;
}

/* An object's own close failed because a close that no object made had closed its number. */
static bool closed_before_object(const struct intent *intent, const struct generation *gen)
{
	return intent->object && intent->gen == gen->id && !gen->owner.given &&
	       (gen->ended.origin == ORIGIN_OS_CLOSE || gen->ended.origin == ORIGIN_OTHER ||
		gen->ended.origin == ORIGIN_UNKNOWN) &&
	       (gen->ended.call == CALL_CLOSE || gen->ended.call == CALL_CLOSE_RANGE);
}

/*
 * The object that makes the failed call claims a generation that another thread opened, and closed
 * by an object of its own: perhaps it was robbed of its number before it was first seen with it.
 */
static bool may_be_robbed_early(const struct call_context *ctx, const struct intent *intent,
				const struct generation *gen)
{
	return intent->object && intent->gen == gen->id && gen->opened.missing == SITE_SEEN &&
	       gen->ended.tid == gen->opened.tid && gen->opened.tid != ctx->call->h.tid &&
	       (gen->ended.origin == ORIGIN_METHOD || gen->ended.origin == ORIGIN_FINALIZER);
}

/*
 * The generation that the failed call meant: the one that the caller's object had taken, if that is
 * known and its end was seen; or the one that the frames of the call tell; else the newest.
 */
static struct generation *meant_generation(const struct call_context *ctx, const struct slot *slot,
					   const struct intent *intent, const struct meaning *told)
{
	struct generation *meant = intent->object ? slot_generation(slot, intent->gen) : NULL;

	if (!intent->object && told->gen &&
	    (told->strength >= STRENGTH_FAIR || attribution_is_plain(ctx, slot, told->gen)))
		return told->gen;
	/* The caller's function has closed all that may be meant, and the newest it has not. */
	if (!intent->object && told->gen && attribution_is_one_closers(ctx, slot, told->gen) &&
	    !attribution_is_one_closers(ctx, slot, slot->newest))
		return told->gen;
	return meant && !generation_live(meant) && meant->ended.missing == SITE_SEEN ? meant
										     : slot->newest;
}

/*
 * The failed close was made neither by os.close() nor by an object that is at work in the thread,
 * so it may mean any generation of the number. But it means the last one if an object of that has
 * let go of the number meanwhile, if there is no other, or if the last one is known to have been
 * taken away from its owner.
 */
static bool is_anybodys(const struct call_context *ctx, const struct slot *slot,
			const struct intent *intent)
{
	const struct generation *last = slot ? slot->newest : NULL, *let_go;
	bool many;

	if (ctx->call->call != CALL_CLOSE || ctx->call->point != OWNER_ELSEWHERE ||
	    intent->object || !last)
		return false;
	if (claims_left_out(ctx->call))
		return true;
	let_go = claims_let_go(slot, ctx->call, &many);
	if (let_go || many)
		return many || let_go != last;
	return last->older && ((!last->closer.stolen && !last->closer.behind) || last->inherited);
}

/*
 * A forked child has copies of its parent's objects. Which of them claim a number is known only as
 * far as the parent has not changed that meanwhile. So if the number had several generations before
 * the fork, the call may mean any of them.
 */
static bool may_be_parents(const struct slot *slot, const struct intent *intent)
{
	return !intent->object && slot->newest->inherited && slot->newest->older;
}

void owner_failed(struct pending *pending, const struct call_context *ctx,
		  const struct intent *intent, struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	const struct slot *slot = f->fd < 0 ? NULL : slot_find(ctx->table, f->fd);
	struct generation *gen;
	struct intent process;
	struct meaning meaning;
	bool doubt;

	if (ctx->call->call == CALL_CLOSE)
		f->bad.origin = owner_origin(intent);
	if (ctx->call->call == CALL_CLOSE && record_call_claims(ctx->call))
		end_waits(pending, ctx);
	if (ctx->call->call == CALL_CLOSE && f->fd >= 0)
		note_let_go(slot_find(ctx->table, f->fd), ctx->call, intent);
	doubt = is_anybodys(ctx, slot, intent);
	if (!slot || !slot->newest || generation_live(slot->newest) || verdict->act != ACT_REPORT ||
	    (f->kind != FINDING_DOUBLE_CLOSE && f->kind != FINDING_USE_AFTER_CLOSE))
		return;
	if (f->kind == FINDING_USE_AFTER_CLOSE && f->fd == ctx->call->fd &&
	    record_call_claims(ctx->call)) {
		process = claims_user(slot, ctx->call, &doubt);
		intent = &process;
		if (intent->object)
			verdict_believed(verdict);
	}
	if (f->kind == FINDING_USE_AFTER_CLOSE)
		doubt |= may_be_parents(slot, intent);
	meaning = meaning_of(ctx, intent, slot, NULL);
	gen = meant_generation(ctx, slot, intent, &meaning);
	if (gen != slot->newest)
		verdict_meant(gen, verdict);
	/* The object means a generation that has been forgotten, or whose end was not seen. */
	if (record_call_claims(ctx->call) && intent->object)
		doubt |= intent->unsure || intent->gen != gen->id ||
			 may_be_robbed_early(ctx, intent, gen);
	finding_doubt(f, doubt_if(doubt, DOUBT_ANOTHERS));
	if (gen != slot->newest)
		finding_doubt(f, owner_doubts_about_end(ctx->store, slot, gen) |
					 doubt_if(!intent->object &&
							  !generation_after(ctx->store, ctx->call,
									    &gen->ended),
						  DOUBT_ORDER));
	if (intent->object && claims_say(ctx->call, intent->object, CLAIM_LATE))
		finding_doubt(f, DOUBT_OWNER_LATE);
	/* One that was found in memory may have been stale already, and mean what was there before.
	 */
	if (gen != slot->newest && claims_say(ctx->call, intent->object, CLAIM_BEFORE))
		finding_doubt(f, DOUBT_OWNER_BEFORE);
	if (gen->closer.behind || (gen->closer.stolen && !gen->closer.unsure) ||
	    closed_before_object(intent, gen)) {
		blame_closed(ctx, gen, f);
		attribution_blame(&meaning, slot, gen, verdict);
	} else {
		if (meaning_known(ctx))
			attribution_failed(ctx, slot, &meaning, verdict);
		if (f->attribution == ATTRIBUTION_NONE || f->attribution == ATTRIBUTION_OPEN)
			reuse_failed(ctx->reuse, ctx, gen, verdict);
	}
	/* That the call failed is a fact; which close it was that came before is none. */
	if (gen != slot->newest && !intent->object && f->attribution != ATTRIBUTION_PROVEN)
		finding_doubt(f, DOUBT_MEANT);
	suspects_of_failed(ctx, slot, gen, f);
}

void owner_keeps(struct generation *from, struct generation *to)
{
	if (!from->owner.object || from->owner.given)
		return;
	to->owner.object = from->owner.object;
	to->owner.type = from->owner.type;
	to->owner.class = from->owner.class;
	to->owner.flags = from->owner.flags;
	to->owner.gaps = from->owner.gaps;
	from->owner.given = true;
	from->owner.giver = 0;
}
