/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/meaning.h"

#include <string.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/claims.h"

void meaning_free(struct meaning_facts *facts)
{
	code_pairs_free(&facts->pairs);
	code_pairs_free(&facts->sites);
}

bool meaning_known(const struct call_context *ctx)
{
	/* Older recordings tell of functions, but of no frames: too little to tell who called. */
	return ctx->caller && ctx->caller->count && ctx->caller->frames[0].address &&
	       ctx->program && !ctx->vfork;
}

bool meaning_settled(const struct generation *gen)
{
	return !generation_live(gen) && (custody_owned(gen) || gen->closer.supposed) &&
	       !gen->closer.behind;
}

/* What may have been closed when nobody saw it is no harm: that it was open at its end is seen. */
#define UNCLEAR (~(DOUBT_CLOSED_EARLY | DOUBT_WHILE_OPEN | DOUBT_COVERED | DOUBT_ORDER_BEFORE))

/* It was seen whole, and no other order of the calls fits. */
static bool is_clear(const struct generation *gen)
{
	return gen->opened.missing == SITE_SEEN &&
	       (generation_live(gen) || gen->ended.missing == SITE_SEEN) &&
	       !(gen->doubts & UNCLEAR);
}

bool meaning_unclear(const struct slot *slot, const struct generation *gen)
{
	const struct generation *newer = slot->newest;

	for (; newer && newer != gen; newer = newer->older)
		if (!is_clear(newer))
			return true;
	return !is_clear(gen) || (!newer && past_unclear_since(slot, gen->custody));
}

bool meaning_owned(const struct call_context *ctx, const struct slot *slot,
		   const struct generation *gen)
{
	if (custody_owned(gen))
		return true;
	for (unsigned int i = 0; gen == slot->newest && i < record_call_claims(ctx->call); i++) {
		struct record_claim claim = claim_at(ctx->call, i);

		if (claim.state == OWNER_HOLDS && claim_is_of(slot, &claim, gen))
			return true;
	}
	return false;
}

/* After this generation the number has had another that no object owned, or may have. */
static bool unowned_since(const struct call_context *ctx, const struct slot *slot,
			  const struct generation *gen)
{
	const struct generation *newer = slot->newest;

	for (; newer && newer != gen; newer = newer->older)
		if (!meaning_owned(ctx, slot, newer))
			return true;
	return !newer && past_unowned_since(slot, gen->custody);
}

/* The same, where most likely is enough. */
static bool unsettled_since(const struct call_context *ctx, const struct slot *slot,
			    const struct generation *gen)
{
	const struct generation *newer = slot->newest;

	for (; newer && newer != gen; newer = newer->older)
		if (!meaning_settled(newer) && !meaning_owned(ctx, slot, newer))
			return true;
	return !newer && past_shared_since(slot, gen->custody);
}

/* The generation of this number that the custody, perhaps of another table, tells of. */
static struct generation *resolve(const struct slot *slot, const struct custody *custody)
{
	struct generation *gen = slot->newest;

	if (!custody)
		return NULL;
	for (; gen; gen = gen->older)
		if (gen->custody && gen->custody->open_id == custody->open_id)
			return gen;
	return custody_is_past(slot, custody) ? custody->gen : NULL;
}

/* It can be what a call meant: it was over, or the call has just ended it. */
static bool may_be_meant(const struct generation *gen, const struct generation *ended)
{
	return gen && (gen == ended || (!generation_live(gen) && gen->ended.missing == SITE_SEEN));
}

struct code_pair meaning_pair(const struct call_context *ctx, const struct generation *gen)
{
	const struct custody *custody = gen->custody;

	return (struct code_pair){
		.program = ctx->program->id,
		.closer = ctx->caller->frames[0].code,
		.opener = custody && custody->count ? custody->frames[0].code : 0,
	};
}

static struct meaning meant(struct generation *gen, enum strength strength, enum meant_by by)
{
	return (struct meaning){.gen = gen, .strength = strength, .by = by};
}

/* A pair counts as one. */
static bool is_one_open(const struct custody *a, const struct custody *b)
{
	return a->gen->opened.time_ns == b->gen->opened.time_ns &&
	       a->gen->opened.tid == b->gen->opened.tid;
}

static bool is_use(const struct call_context *ctx)
{
	enum call_shape shape = call_shape(ctx->call->call);

	return shape != SHAPE_CLOSE && shape != SHAPE_CLOSE_RANGE;
}

/*
 * The receiver owned the generation itself, and has closed it: it has the number no more, and by
 * now another such object may lie at its address.
 */
static bool has_let_go(const struct generation *gen, const struct holder_key *receiver)
{
	return meaning_settled(gen) && gen->owner.object == receiver->address;
}

/* Several threads open numbers with the receiver, and another one has opened this. */
static bool is_shared(const struct call_context *ctx, const struct holder *holder,
		      const struct generation *gen)
{
	return holder->shared && gen->opened.missing == SITE_SEEN &&
	       gen->opened.tid != ctx->call->h.tid;
}

static struct meaning by_receiver(const struct call_context *ctx, const struct slot *slot,
				  struct generation *ended)
{
	int frame = holder_frame(ctx->caller);
	struct holder_key key = holder_receiver(ctx->caller, frame);
	struct holder *holder = holder_find(ctx->program, &key);
	struct meaning m = {.by = BY_RECEIVER};
	unsigned int i = 0;
	bool own, last;

	for (; holder && i < HOLDER_OPENS && !m.gen; i++)
		m.gen = resolve(slot, holder->opens[i]);
	if (!may_be_meant(m.gen, ended))
		return (struct meaning){0};
	i--;
	last = !i || is_one_open(holder->opens[0], holder->opens[i]);
	own = m.gen != ended && holder->ended & 1u << i;
	m.strength = frame || !last ? STRENGTH_FAIR : STRENGTH_STRONG;
	if (m.gen != ended && has_let_go(m.gen, &key))
		m.strength = STRENGTH_FAIR;
	if (m.gen != ended && unowned_since(ctx, slot, m.gen)) {
		m.strength = STRENGTH_FAIR;
		m.adopts = own && meaning_may_adopt(ctx, slot, slot->newest);
	}
	/* To use what it has not opened, an object need not close it. */
	m.adopts |= is_shared(ctx, holder, m.gen);
	if (m.adopts || (is_use(ctx) && m.gen != ended && unsettled_since(ctx, slot, m.gen)))
		m.strength = STRENGTH_WEAK;
	return m;
}

/* The frame of the call is that frame of the call that opened the generation, still running. */
static bool is_activation(const struct call_context *ctx, int frame, const struct custody *custody,
			  unsigned int index)
{
	const struct caller_frame *f = &ctx->caller->frames[frame];
	const struct opener_frame *o = &custody->frames[index];
	bool locals = f->kind != LOCAL_UNKNOWN && frame < CALLER_LOCALS && index < CALLER_LOCALS;

	return f->address == o->address && f->code == o->code &&
	       (f->generator || f->outer == o->outer) && (!locals || f->local == o->local);
}

/* What lies inside of this frame is an object's, and not of the function that called it. */
static bool is_objects(const struct custody *custody, unsigned int index)
{
	return custody->kinds[index] == LOCAL_COMMON ||
	       (custody->kinds[index] == LOCAL_OBJECT &&
		(index >= CALLER_LOCALS || custody->frames[index].local));
}

/* The activation that opened it has closed it, too: the functions outside may never have had it. */
static bool is_within(const struct custody *custody)
{
	return custody->closer.address && custody->closer.address == custody->frames[0].address &&
	       custody->closer.type == custody->frames[0].code;
}

struct activation {
	struct generation *best, *latest;
	unsigned int nearest; /* best's frame */
};

/* The activation, or what it called, opened it. */
static bool is_under(const struct custody *custody, const struct caller_frame *f)
{
	for (unsigned int i = 0; custody && i < custody->count; i++)
		if (custody->frames[i].address == f->address && custody->frames[i].code == f->code)
			return true;
	return false;
}

static void weigh_activation(const struct call_context *ctx, int frame, struct generation *gen,
			     struct activation *a)
{
	const struct caller_frame *f = &ctx->caller->frames[frame];
	const struct custody *custody = gen->custody;

	if (!custody || gen->opened.missing != SITE_SEEN ||
	    (gen->opened.tid != ctx->call->h.tid && !f->generator))
		return;
	if (!a->latest && is_under(custody, f))
		a->latest = gen;
	for (unsigned int i = 0; i < custody->count; i++) {
		if (is_activation(ctx, frame, custody, i)) {
			if ((a->best && a->nearest <= i) || (i && is_within(custody)))
				return;
			a->best = gen;
			a->nearest = i;
			return;
		}
		if (is_objects(custody, i))
			return;
	}
}

/*
 * After this generation, functions that the activation called have opened others that they did not
 * close themselves: the activation may have been given those.
 */
static bool shares_since(const struct slot *slot, const struct caller_frame *f,
			 const struct generation *gen)
{
	const struct generation *newer = slot->newest;

	for (; newer && newer != gen; newer = newer->older)
		if (is_under(newer->custody, f) && !custody_alone(newer))
			return true;
	return !newer && past_shared_since(slot, gen->custody);
}

/*
 * The call is made by a generator that opened the number itself. With a number or a text as its
 * first argument its function would be taken for one that only helps whoever resumes it.
 */
static struct meaning by_generator(const struct call_context *ctx, const struct slot *slot,
				   struct generation *ended)
{
	const struct caller_frame *f = &ctx->caller->frames[0];
	struct activation a = {0};
	struct meaning m = {.by = BY_ACTIVATION, .strength = STRENGTH_FAIR, .inner = true};

	if (!holder_frame(ctx->caller) || !f->generator || !f->address || !f->code)
		return (struct meaning){0};
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		weigh_activation(ctx, 0, gen, &a);
	if (!may_be_meant(a.best, ended) || a.nearest || a.best != a.latest)
		return (struct meaning){0};
	m.gen = a.best;
	return m;
}

static struct meaning by_activation(const struct call_context *ctx, const struct slot *slot,
				    struct generation *ended)
{
	int frame = holder_frame(ctx->caller);
	struct holder_key key = holder_of(ctx->caller, frame);
	struct holder *holder = holder_find(ctx->program, &key);
	const struct caller_frame *f = &ctx->caller->frames[frame];
	struct activation a = {0};
	struct meaning m = {.by = BY_ACTIVATION, .strength = STRENGTH_WEAK};

	if (frame < 0 || !f->address || !f->code)
		return (struct meaning){0};
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		weigh_activation(ctx, frame, gen, &a);
	for (unsigned int i = 0; holder && i < HOLDER_OPENS; i++) {
		struct generation *gen = resolve(slot, holder->opens[i]);

		if (gen && gen->custody->dropped)
			weigh_activation(ctx, frame, gen, &a);
	}
	if (!may_be_meant(a.best, ended))
		return (struct meaning){0};
	m.gen = a.best;
	if (is_use(ctx) && meaning_settled(a.best))
		return m;
	if (a.best != a.latest && (ended || shares_since(slot, f, a.best)))
		return m;
	m.strength = STRENGTH_FAIR;
	if (a.best == a.latest && !frame && !a.nearest && f->outer && !f->generator &&
	    (m.gen == ended || !unowned_since(ctx, slot, m.gen)))
		m.strength = STRENGTH_STRONG;
	return m;
}

/* The latest generation that was opened by a function whose numbers this one closes. */
static struct generation *by_pair(const struct call_context *ctx, const struct slot *slot,
				  const struct generation *ended)
{
	for (struct generation *gen = slot->newest; gen; gen = gen->older) {
		const struct code_pair pair = meaning_pair(ctx, gen);

		if (may_be_meant(gen, ended) && code_pairs_fit(&ctx->facts->pairs, &pair))
			return gen;
	}
	return NULL;
}

/* This function never closed what that one's opener opened. */
static bool is_stranger(const struct call_context *ctx, const struct generation *gen)
{
	const struct code_pair pair = meaning_pair(ctx, gen);

	return !code_pairs_known(&ctx->facts->pairs, &pair);
}

/* What the receiver closed last, if that was this number. */
static struct generation *closed_by_receiver(const struct call_context *ctx,
					     const struct slot *slot)
{
	struct holder_key key = holder_receiver(ctx->caller, 0);
	struct holder *holder = holder_find(ctx->program, &key);

	return holder ? resolve(slot, holder->closed) : NULL;
}

/* The function whose number it is, by the call's frames, has had a part in opening or closing it.
 */
static bool is_functions(const struct call_context *ctx, const struct generation *gen)
{
	int frame = holder_frame(ctx->caller);
	uint64_t code = ctx->caller->frames[frame < 0 ? 0 : frame].code;
	const struct custody *custody = gen->custody;

	if (!custody || !code)
		return false;
	for (unsigned int i = 0; i < custody->count; i++)
		if (custody->frames[i].code == code)
			return true;
	return custody->closer_code == code;
}

/*
 * The call failed, and neither object nor function tells what it meant. An object that opened and
 * closed the last generation may have told its number to the caller, unless the caller's function
 * had one of its own before.
 */
static struct meaning by_rest(const struct call_context *ctx, const struct slot *slot)
{
	struct generation *stolen = NULL, *last = NULL, *closed;

	for (struct generation *gen = slot->newest; gen; gen = gen->older) {
		bool ours = gen->opened.missing == SITE_SEEN && gen->opened.tid == ctx->call->h.tid;

		if (!may_be_meant(gen, NULL))
			continue;
		if (custody_stolen(gen->custody) && ours)
			return meant(gen, STRENGTH_FAIR, BY_THREAD);
		if (custody_stolen(gen->custody) && !stolen)
			stolen = gen;
		if (!last && !meaning_settled(gen))
			last = gen;
	}
	if (stolen)
		return meant(stolen, STRENGTH_WEAK, BY_NOTHING);
	closed = closed_by_receiver(ctx, slot);
	if (may_be_meant(closed, NULL))
		return meant(closed, STRENGTH_WEAK, BY_NOTHING);
	last = last && is_functions(ctx, last) ? last : slot->newest;
	return meant(may_be_meant(last, NULL) ? last : NULL, STRENGTH_WEAK, BY_NOTHING);
}

static struct meaning by_frames(const struct call_context *ctx, const struct slot *slot,
				struct generation *ended, bool receiver)
{
	struct meaning act = by_generator(ctx, slot, ended), m = {0}, rest;
	struct generation *pair = by_pair(ctx, slot, ended);

	if (act.gen)
		return act;
	act = by_activation(ctx, slot, ended);
	if (receiver)
		m = by_receiver(ctx, slot, ended);
	/* What this thread had was taken away: that it uses, not what another object had before. */
	if (m.gen && is_use(ctx) && meaning_settled(m.gen)) {
		rest = by_rest(ctx, slot);
		if (rest.by == BY_THREAD)
			return rest;
	}
	/* A function that the object called, or was given to, may have numbers of its own. */
	if (m.gen && ctx->caller->frames[0].role == ROLE_FUNCTION && act.strength >= STRENGTH_FAIR)
		return act;
	if (m.gen && (!holder_frame(ctx->caller) || !act.gen))
		return m;
	if (act.strength == STRENGTH_FAIR && pair && pair != act.gen && is_stranger(ctx, act.gen))
		return meant(pair, STRENGTH_WEAK, BY_PAIR);
	if (act.strength >= STRENGTH_FAIR)
		return act;
	if (pair)
		return meant(pair,
			     pair == ended && !closed_by_receiver(ctx, slot) ? STRENGTH_FAIR
									     : STRENGTH_WEAK,
			     BY_PAIR);
	if (ended)
		return meant(ended, STRENGTH_WEAK, BY_NOTHING);
	rest = by_rest(ctx, slot);
	/* The nearest opener, and nobody else can have meant what came after. */
	if (act.gen && act.gen == rest.gen && rest.by == BY_NOTHING)
		return meant(act.gen, STRENGTH_FAIR, BY_ACTIVATION);
	return rest;
}

struct meaning meaning_of(const struct call_context *ctx, const struct intent *intent,
			  const struct slot *slot, struct generation *ended)
{
	bool second = slot->fd != ctx->call->fd && call_shape(ctx->call->call) != SHAPE_DUP_ONTO;
	struct generation *gen;
	struct meaning m;

	if (!meaning_known(ctx))
		return (struct meaning){0};
	if (intent->object && !second) {
		gen = intent->gen ? slot_generation(slot, intent->gen) : NULL;
		if (!may_be_meant(gen, ended))
			gen = NULL;
		return meant(gen, intent->unsure ? STRENGTH_FAIR : STRENGTH_STRONG, BY_OWNER);
	}
	m = by_frames(ctx, slot, ended, !second);
	/* C code, perhaps an object's that is not known, may have called close() on its own. */
	if ((is_use(ctx) || ctx->call->point == OWNER_ELSEWHERE || ctx->program->unshared) &&
	    m.strength > STRENGTH_FAIR)
		m.strength = STRENGTH_FAIR;
	return m;
}

/* A method of another object, of the same class, makes the call. */
static bool is_sibling(const struct caller *caller, const struct record_claim *claim)
{
	const struct holder_key key = holder_receiver(caller, 0);

	return key.address && key.type == claim->type && key.address != claim->object;
}

bool meaning_may_adopt(const struct call_context *ctx, const struct slot *slot,
		       const struct generation *gen)
{
	const struct code_pair pair = meaning_pair(ctx, gen);

	return !meaning_owned(ctx, slot, gen) && code_pairs_adopt(&ctx->facts->pairs, &pair);
}

bool meaning_lost(const struct call_context *ctx, const struct intent *intent,
		  const struct slot *slot, const struct generation *ended, const struct meaning *m)
{
	if (m->by == BY_OWNER)
		return !m->gen;
	if (intent->object || intent->point == OWNER_OS_CLOSE)
		return false;
	for (unsigned int i = 0; i < record_call_claims(ctx->call); i++) {
		struct record_claim claim = claim_at(ctx->call, i);

		if (claim.state == OWNER_LET_GO && claim_generation(slot, &claim) != ended)
			return true;
		if (claim.state == OWNER_HOLDS && is_sibling(ctx->caller, &claim))
			return true;
	}
	return slot->let_go || claims_left_out(ctx->call);
}
