/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/suspects.h"

#include "fd/attribution.h"

/* Robbed ones lead to whoever robbed them, who may have been robbed; this far it is followed. */
#define CHAIN_MAX 8

enum closing {
	CLOSING_RIGHT,	/* whoever made it had opened the generation */
	CLOSING_WRONG,	/* it may have been wrong, or is known to have been */
	CLOSING_ROBBED, /* whoever made it had had another generation, and lost it */
	CLOSING_UNKNOWN,
};

static bool is_object_close(const struct generation *gen)
{
	return gen->ended.origin == ORIGIN_METHOD || gen->ended.origin == ORIGIN_FINALIZER;
}

/* The thread that opened it closed it. */
static bool is_threads(const struct generation *gen)
{
	return gen->opened.missing == SITE_SEEN && gen->opened.tid == gen->ended.tid;
}

static bool is_right(const struct generation *gen)
{
	const struct custody *custody = gen->custody;

	/* It has been told as wrong, or an object made it that had had another generation. */
	if (gen->closer.behind || gen->closer.stolen || custody_stolen(custody) ||
	    (custody && custody->by == BY_OWNER && (custody->elsewhere || custody->lost)))
		return false;
	return custody_owned(gen) || (custody_within(gen) && is_threads(gen)) ||
	       (custody && custody->own);
}

/* One object closed both, or one activation, or one function that has neither in one thread. */
static bool is_one_closer(const struct generation *a, const struct generation *b)
{
	const struct custody *x = a->custody, *y = b->custody;

	if (x->closer.address && y->closer.address)
		return holder_key_same(&x->closer, &y->closer);
	return x->closer_code && x->closer_code == y->closer_code && a->ended.tid == b->ended.tid;
}

/*
 * The thread that closed the generation, which another had opened, had opened one before, and
 * another thread's close that was not right had ended that. NULL: it is not so.
 */
static const struct generation *thread_lost(const struct generation *gen)
{
	const struct generation *older = gen->older;

	if (is_threads(gen))
		return NULL;
	while (older && (older->opened.missing != SITE_SEEN || older->opened.tid != gen->ended.tid))
		older = older->older;
	if (!older || older->ended.missing != SITE_SEEN || is_threads(older) || is_right(older))
		return NULL;
	return older;
}

/*
 * C code closed the generation, and an object that had one before was robbed of that and has not
 * been seen to close it: the close may be the object's. NULL: it is not so.
 */
static const struct generation *object_lost(const struct generation *gen)
{
	const struct generation *older = gen->older;

	if (gen->ended.origin == ORIGIN_OS_CLOSE)
		return NULL;
	while (older && (!older->closer.behind || older->owner.given))
		older = older->older;
	return older;
}

static const struct generation *lost_before(const struct generation *gen)
{
	const struct generation *lost = thread_lost(gen);

	return lost ? lost : object_lost(gen);
}

/* Its thread had found its number gone, which tells more than what is likely of the close. */
static bool has_missed(const struct custody *custody)
{
	return custody->missed_ns && custody->strength < STRENGTH_STRONG;
}

/* It is known that the close meant another generation. */
static enum closing closing_elsewhere(const struct generation *gen)
{
	const struct custody *custody = gen->custody, *meant = custody->meant;

	if (custody->by == BY_OWNER || custody->root || has_missed(custody))
		return CLOSING_ROBBED;
	if (meant && attribution_is_openers(custody->strength, custody->by) &&
	    !is_one_closer(gen, meant->gen) && !is_right(meant->gen))
		return CLOSING_ROBBED;
	return CLOSING_WRONG;
}

static enum closing closing_of(const struct generation *gen)
{
	const struct custody *custody = gen->custody;

	/* A habit is less than what objects tell. */
	if (custody && custody->own && is_right(gen) && !(custody->lost && custody->by == BY_PAIR))
		return CLOSING_RIGHT;
	if (custody && custody->lost)
		return CLOSING_ROBBED;
	if (custody_stolen(custody))
		return closing_elsewhere(gen);
	if (is_right(gen))
		return CLOSING_RIGHT;
	/* An object closes its number once; and who had found the number gone before this close was
	 * robbed, or it is the same bug. */
	if (is_object_close(gen) || (custody && custody->missed_ns) || lost_before(gen))
		return CLOSING_ROBBED;
	/* Perhaps an object's of which nothing is known. */
	if (is_threads(gen) && gen->ended.origin != ORIGIN_OS_CLOSE)
		return CLOSING_UNKNOWN;
	return CLOSING_WRONG;
}

/* The call before the close that had failed, of the same thread. */
static struct fd_site missed_site(const struct generation *gen)
{
	return (struct fd_site){
		.time_ns = gen->custody->missed_ns, .tgid = gen->ended.tgid, .tid = gen->ended.tid};
}

static void add_site(struct finding *f, const struct fd_site *site)
{
	for (unsigned int i = 0; i < f->suspect_count; i++)
		if (f->suspects[i].time_ns == site->time_ns && f->suspects[i].tid == site->tid)
			return;
	if (f->suspect_count < FINDING_SUSPECTS)
		f->suspects[f->suspect_count++] = *site;
	else
		f->suspects_cut = true;
}

/*
 * Adds how whoever closed the generation had been robbed, as far as that is told by a call. Else
 * the generation that they had lost; NULL: it is not known.
 */
static const struct generation *add_robbery(struct finding *f, const struct generation *gen)
{
	const struct custody *custody = gen->custody;
	struct fd_site missed;

	if (custody_stolen(custody) && custody->root) {
		add_site(f, &custody->root->gen->ended);
		return NULL;
	}
	if (custody_stolen(custody) && custody->meant && !has_missed(custody))
		return custody->meant->gen;
	if (custody && custody->missed_ns) {
		missed = missed_site(gen);
		add_site(f, &missed);
		return NULL;
	}
	gen = lost_before(gen);
	f->suspects_cut |= !gen;
	return gen;
}

/* False: the close was right. */
static bool add_closing(struct finding *f, const struct generation *gen)
{
	for (unsigned int i = 0; gen && i < CHAIN_MAX; i++) {
		switch (closing_of(gen)) {
		case CLOSING_RIGHT:
			f->suspects_cut |= i > 0;
			return i > 0;
		case CLOSING_WRONG:
			add_site(f, &gen->ended);
			return true;
		case CLOSING_UNKNOWN:
			f->suspects_cut = true;
			return true;
		case CLOSING_ROBBED:
			break;
		}
		gen = add_robbery(f, gen);
	}
	f->suspects_cut |= gen != NULL;
	return true;
}

static void add_all(struct finding *f, const struct slot *slot)
{
	for (const struct generation *gen = slot->newest; gen; gen = gen->older)
		if (generation_live(gen))
			continue;
		else if (gen->ended.missing == SITE_SEEN)
			add_closing(f, gen);
		else
			f->suspects_cut = true;
	f->suspects_cut |= slot->doubts & DOUBT_CUT || !slot->newest || slot->has_past;
}

/* Whoever makes the call had closed the generation before, in the same thread. */
static bool closed_itself(const struct call_context *ctx, const struct generation *gen,
			  const struct finding *f)
{
	const struct custody *custody = gen->custody;
	struct holder_key key;

	/* Where a finalizer runs, whoever stands there closes nothing. */
	if (!custody || !custody->closer.address || !ctx->caller ||
	    gen->ended.tid != ctx->call->h.tid || gen->ended.origin == ORIGIN_FINALIZER ||
	    f->bad.origin == ORIGIN_FINALIZER || closing_of(gen) == CLOSING_ROBBED)
		return false;
	key = holder_of(ctx->caller, holder_frame(ctx->caller));
	return holder_key_same(&key, &custody->closer);
}

void suspects_of_failed(const struct call_context *ctx, const struct slot *slot,
			const struct generation *gen, struct finding *f)
{
	const uint32_t doubted = NOTE_ANOTHERS | NOTE_ORDER_UNCERTAIN | NOTE_OWNER_LATE;
	bool others = f->attribution == ATTRIBUTION_OPEN ||
		      (f->attribution != ATTRIBUTION_PROVEN && f->notes & doubted);

	if (f->culprit == CULPRIT_BAD)
		return;
	if (f->culprit == CULPRIT_CLOSED) {
		if (f->closed.time_ns != gen->ended.time_ns || !add_closing(f, gen))
			add_site(f, &f->closed);
		return;
	}
	if (closed_itself(ctx, gen, f) || gen->ended.missing != SITE_SEEN)
		return;
	/* Where the generation may be another, so may the close. */
	if (f->attribution == ATTRIBUTION_OPEN || (!add_closing(f, gen) && others))
		add_all(f, slot);
}

/* This close, or the one that ended what it meant, is wrong. */
static void add_both(struct finding *f, const struct generation *gen)
{
	add_site(f, &gen->ended);
	if (gen->custody && gen->custody->meant)
		add_closing(f, gen->custody->meant->gen);
}

static bool is_habit(const struct generation *gen)
{
	return gen->custody && gen->custody->by == BY_PAIR;
}

bool suspects_of_closed(const struct generation *gen, struct finding *f)
{
	enum closing closing = closing_of(gen);

	/* That a function closes what that one opens, as a habit, is no word against the owner's.
	 */
	if (f->attribution != ATTRIBUTION_PROVEN &&
	    (closing == CLOSING_UNKNOWN || (closing == CLOSING_RIGHT && is_habit(gen))))
		f->suspects_cut = true;
	if (closing != CLOSING_ROBBED) {
		if (f->culprit == CULPRIT_CLOSED)
			add_site(f, &f->closed);
		else if (f->culprit == CULPRIT_UNKNOWN)
			add_both(f, gen);
		return false;
	}
	add_closing(f, gen);
	return true;
}

void suspects_blame(const struct generation *gen, struct finding *f)
{
	const struct custody *custody = gen->custody;

	f->culprit = CULPRIT_CLOSED;
	if (!custody || !custody->lost || gen->closer.behind || gen->closer.stolen)
		return;
	f->culprit = CULPRIT_UNKNOWN;
	if (custody->by == BY_OWNER)
		f->proofs |= PROOF_STOLEN;
}

void suspects_of_lost(const struct generation *gen, struct finding *f)
{
	if (gen->ended.missing == SITE_SEEN)
		add_closing(f, gen);
}

void suspects_of_pending(const struct generation *gen, struct finding *f)
{
	f->suspect_count = 0;
	f->suspects_cut = false;
	add_closing(f, gen);
}

void suspects_note_failed(struct threads *threads, const struct call_context *ctx,
			  const struct verdict *verdict)
{
	if (verdict->act == ACT_REPORT)
		*threads_missed(threads, ctx->call->h.tid) =
			(struct missed){ctx->table, ctx->call->h.time_ns, verdict->finding.fd};
}

void suspects_note_done(struct threads *threads, const struct record_call *call)
{
	struct missed *missed = threads_missed(threads, call->h.tid);

	if (call->ret >= 0 && missed->fd == call->ret)
		missed->time_ns = 0;
}

void suspects_note_closed(struct threads *threads, const struct call_context *ctx,
			  struct generation *gen)
{
	const struct missed *missed = threads_missed(threads, ctx->call->h.tid);

	if (gen->custody && missed->table == ctx->table && missed->fd == ctx->call->fd &&
	    gen->opened.tid != ctx->call->h.tid)
		gen->custody->missed_ns = missed->time_ns;
}
