/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/attribution.h"

#include "base/syscalls.h"
#include "fd/candidates.h"
#include "fd/intruder.h"
#include "fd/opener.h"
#include "fd/order.h"
#include "fd/reuse.h"

/* Closes */

/* What the closer meant, or had just closed; so that no chain of them grows. */
static void link_meant(struct store *store, struct custody *custody, struct custody *meant)
{
	if (custody_stolen(meant)) {
		custody->root = custody_ref(meant->root ? meant->root : meant);
		return;
	}
	custody_unref(store, meant->meant);
	meant->meant = NULL;
	custody->meant = custody_ref(meant);
}

static struct code_pair site_pair(const struct call_context *ctx, const struct generation *gen)
{
	return (struct code_pair){ctx->program->id, ctx->caller->frames[0].code,
				  gen->opened.stack_id};
}

static bool is_number_closer(const struct call_context *ctx)
{
	return ctx->caller->frames[0].kind == LOCAL_PLAIN && ctx->caller->frames[0].code;
}

/*
 * A function that closes the number that it is given, and has closed nothing so far but what was
 * opened at one place, closes what was opened at another just after that.
 */
static bool repeats(const struct call_context *ctx, const struct slot *slot,
		    const struct generation *gen, const struct generation *before)
{
	struct code_pair pair;

	if (!is_number_closer(ctx) || !before || !before->custody ||
	    before->custody->closer_code != ctx->caller->frames[0].code ||
	    before->custody->elsewhere || before->opened.missing != SITE_SEEN ||
	    gen->opened.missing != SITE_SEEN || !before->opened.stack_id || !gen->opened.stack_id ||
	    before->opened.stack_id == gen->opened.stack_id || meaning_owned(ctx, slot, gen) ||
	    meaning_owned(ctx, slot, before))
		return false;
	pair = site_pair(ctx, before);
	return code_pairs_only(&ctx->facts->sites, &pair);
}

/* The object that closes has opened no such number: whoever had, has handed it on. */
static bool is_adopted(const struct call_context *ctx, const struct slot *slot,
		       const struct generation *gen)
{
	struct holder_key key = holder_receiver(ctx->caller, 0);
	const struct custody *custody = gen->custody;

	if (!key.address || !custody->count || meaning_owned(ctx, slot, gen))
		return false;
	for (unsigned int i = 0; i < custody->count && i < CALLER_LOCALS; i++)
		if (custody->frames[i].local == key.address)
			return false;
	return true;
}

/*
 * The function is believed to have meant another generation, since it closes what that one's opener
 * opens; but for objects that have not opened it, it closes what this one's opener opens as well.
 */
static bool may_be_habit(const struct call_context *ctx, const struct slot *slot,
			 const struct generation *gen, const struct meaning *m)
{
	return m->by == BY_PAIR && m->gen != gen && meaning_may_adopt(ctx, slot, gen);
}

static void note_closer(const struct call_context *ctx, const struct intent *intent,
			const struct slot *slot, struct generation *gen, const struct meaning *m)
{
	struct store *store = ctx->table->store;
	struct custody *custody = gen->custody, *meant = NULL;

	custody->closer = holder_of(ctx->caller, m->inner ? 0 : holder_frame(ctx->caller));
	custody->closer_code = ctx->caller->frames[0].code;
	custody->object = holder_receiver(ctx->caller, 0).address != 0;
	custody->role = holder_role(ctx->caller);
	custody->lost = meaning_lost(ctx, intent, slot, gen, m);
	custody->strength = m->by == BY_OWNER && !m->gen ? STRENGTH_NONE : m->strength;
	custody->by = m->by;
	custody->unsure = m->adopts || may_be_habit(ctx, slot, gen, m);
	custody->inner = m->inner;
	custody->adopted = is_adopted(ctx, slot, gen);
	if (m->gen && m->gen != gen) {
		meant = custody_of(store, m->gen);
		custody->elsewhere = meant != NULL;
	} else if (m->strength < STRENGTH_STRONG && repeats(ctx, slot, gen, gen->older)) {
		meant = gen->older->custody;
		custody->repeats = true;
	}
	if (meant)
		link_meant(store, custody, meant);
}

bool attribution_is_openers(enum strength strength, enum meant_by by)
{
	return strength >= STRENGTH_FAIR &&
	       (by == BY_RECEIVER || by == BY_ACTIVATION || by == BY_OWNER);
}

/* Whoever makes the close had opened what it meant, or the same thread had, and it is a habit. */
static bool closes_own(const struct call_context *ctx, const struct meaning *m)
{
	if (m->by == BY_OWNER)
		return m->strength == STRENGTH_STRONG;
	if (m->by == BY_PAIR)
		return m->gen->opened.tid == ctx->call->h.tid;
	return attribution_is_openers(m->strength, m->by);
}

static void learn_closed(const struct call_context *ctx, const struct generation *gen)
{
	struct code_pair pair = meaning_pair(ctx, gen);

	code_pairs_learn(&ctx->facts->pairs, &pair, PAIR_CLOSED, 1);
	pair = site_pair(ctx, gen);
	code_pairs_learn(&ctx->facts->sites, &pair, PAIR_CLOSED, 1);
}

void attribution_closed(const struct call_context *ctx, const struct intent *intent,
			struct generation *gen, bool raced)
{
	struct slot *slot = meaning_known(ctx) ? slot_find(ctx->table, ctx->call->fd) : NULL;
	struct custody *custody = slot ? custody_of(ctx->table->store, gen) : NULL;
	struct meaning m;

	if (!custody || custody->closer_code)
		return;
	opener_passed_on(ctx, slot, gen);
	m = meaning_of(ctx, intent, slot, gen);
	custody->own = m.gen == gen && closes_own(ctx, &m);
	if (raced && m.strength > STRENGTH_WEAK)
		m.strength = STRENGTH_WEAK;
	note_closer(ctx, intent, slot, gen, &m);
	if (m.gen == gen)
		learn_closed(ctx, gen);
	if (m.gen == gen && m.strength >= STRENGTH_FAIR)
		gen->closer.proofs = 0; /* it did not mean the one before */
	for (int i = 0; i < CALLER_LOCALS && i < (int)ctx->caller->count; i++) {
		struct holder_key key = holder_receiver(ctx->caller, i);

		holder_closes(ctx->program, &key, custody);
	}
}

/* Judgement */

/* Where a finalizer runs, whoever stands there closes nothing. */
static bool is_finalized(const struct custody *custody)
{
	return custody->gen->ended.origin == ORIGIN_FINALIZER;
}

static uint32_t proof_of(enum meant_by by)
{
	switch (by) {
	case BY_RECEIVER:
		return PROOF_RECEIVER;
	case BY_ACTIVATION:
		return PROOF_ACTIVATION;
	case BY_PAIR:
		return PROOF_PAIR;
	case BY_NOTHING:
	case BY_THREAD:
	case BY_OWNER:
		break;
	}
	return 0;
}

/* A method of one object ended both, if no other lies at its address by now. */
static uint32_t one_object(const struct custody *a, const struct custody *b)
{
	bool same = a->object && b->object && holder_key_same(&a->closer, &b->closer) &&
		    !is_finalized(a) && !is_finalized(b);

	return same ? PROOF_ONE_OBJECT : 0;
}

/* The same of the close at hand, which failed. */
static uint32_t same_object(const struct call_context *ctx, const struct finding *f,
			    const struct custody *custody)
{
	const struct holder_key key = holder_receiver(ctx->caller, 0);
	bool same = custody && custody->object && holder_key_same(&key, &custody->closer) &&
		    f->bad.origin != ORIGIN_FINALIZER && !is_finalized(custody) &&
		    call_shape(ctx->call->call) == SHAPE_CLOSE;

	return same ? PROOF_ONE_OBJECT : 0;
}

static enum attribution weaker(enum attribution a, enum attribution b)
{
	return a > b ? a : b;
}

static bool is_by_one(const struct custody *a, const struct custody *b)
{
	return holder_key_same(&a->closer, &b->closer) ||
	       (a->closer_code && a->closer_code == b->closer_code) ||
	       (a->gen->owner.object && a->gen->owner.object == b->gen->owner.object);
}

/* The thief may have been robbed itself before; or its object, which has not shown yet by whom. */
static enum attribution as_victim(const struct custody *thief, const struct custody *meant)
{
	if (meant->disputed || meant->gen->owner.waiting)
		return ATTRIBUTION_OPEN;
	if (is_by_one(thief, meant))
		return ATTRIBUTION_PROVEN;
	/* A generator closes what it opened; who had that from it had closed it before. */
	if (thief->inner && meant->by != BY_OWNER)
		return ATTRIBUTION_OPEN;
	if (meant->strength == STRENGTH_STRONG)
		return ATTRIBUTION_PROVEN;
	return meant->strength == STRENGTH_FAIR ? ATTRIBUTION_LIKELY : ATTRIBUTION_OPEN;
}

static enum attribution of_strengths(const struct meaning *m, const struct custody *custody)
{
	if (m->strength >= STRENGTH_FAIR && custody->strength >= STRENGTH_FAIR)
		return m->strength == STRENGTH_STRONG && custody->strength == STRENGTH_STRONG
			       ? ATTRIBUTION_PROVEN
			       : ATTRIBUTION_LIKELY;
	if (m->adopts || custody->unsure)
		return ATTRIBUTION_OPEN;
	return m->strength >= STRENGTH_FAIR || custody->strength >= STRENGTH_FAIR
		       ? ATTRIBUTION_LIKELY
		       : ATTRIBUTION_OPEN;
}

/* Who opened it, as one word: the function, or the stack. */
static uint64_t opener_of(const struct generation *gen)
{
	return gen->custody && gen->custody->count ? gen->custody->frames[0].code
						   : gen->opened.stack_id;
}

/* The function that closed it makes the call at hand, or has called whoever does. */
static bool is_closers(const struct call_context *ctx, const struct generation *gen)
{
	for (unsigned int i = 0; gen->custody && i < ctx->caller->count; i++)
		if (ctx->caller->frames[i].code == gen->custody->closer_code)
			return true;
	return false;
}

bool attribution_is_plain(const struct call_context *ctx, const struct slot *slot,
			  const struct generation *meant)
{
	if (slot->cut_shared)
		return false;
	for (const struct generation *gen = slot->newest; gen; gen = gen->older) {
		if (meaning_settled(gen) || (custody_within(gen) && !is_closers(ctx, gen)))
			continue;
		if (opener_of(gen) != opener_of(meant))
			return false;
	}
	return true;
}

/* One call of C code opened and closed it, as os.listdir() does: no Python ever had it. */
static bool is_within_call(const struct generation *gen)
{
	return custody_within(gen) && gen->ended.missing == SITE_SEEN &&
	       gen->opened.stack_id == gen->ended.stack_id;
}

/* The close that ended the generation may have meant one before it. */
static bool may_mean_before(const struct slot *slot, const struct generation *gen)
{
	if (slot->cut_shared)
		return true;
	for (const struct generation *older = gen->older; older; older = older->older)
		if (!meaning_settled(older) && !is_within_call(older))
			return true;
	return false;
}

bool attribution_is_one_closers(const struct call_context *ctx, const struct slot *slot,
				const struct generation *meant)
{
	uint64_t code = ctx->caller->frames[0].code;

	if (!slot_cut_by(slot, code) || call_shape(ctx->call->call) != SHAPE_CLOSE || !code ||
	    !meant->custody || meant->custody->closer_code != code)
		return false;
	for (const struct generation *gen = slot->newest; gen; gen = gen->older)
		if (!meaning_settled(gen) && !is_within_call(gen) &&
		    (!gen->custody || gen->custody->closer_code != code))
			return false;
	return true;
}

/* Both calls meant the generation, as far as is known. */
static enum attribution own_level(const struct call_context *ctx, const struct slot *slot,
				  const struct meaning *m)
{
	const struct custody *custody = m->gen->custody;
	bool closed = custody && custody->strength,
	     one_closer = attribution_is_one_closers(ctx, slot, m->gen);

	if (m->adopts || (custody && custody->unsure))
		return one_closer ? ATTRIBUTION_LIKELY : ATTRIBUTION_OPEN;
	if (closed && m->strength == STRENGTH_STRONG && m->by != BY_OWNER &&
	    custody->strength < STRENGTH_FAIR &&
	    custody->closer_code != ctx->caller->frames[0].code)
		return may_mean_before(slot, m->gen) ? ATTRIBUTION_OPEN : ATTRIBUTION_LIKELY;
	if (m->strength == STRENGTH_STRONG)
		return closed && custody->strength == STRENGTH_STRONG ? ATTRIBUTION_PROVEN
								      : ATTRIBUTION_LIKELY;
	if (m->strength == STRENGTH_FAIR || one_closer)
		return ATTRIBUTION_LIKELY;
	/* What a function opened and closed itself, before the last generation, is hardly it. */
	if (m->gen != slot->newest && custody_within(m->gen))
		return ATTRIBUTION_OPEN;
	return attribution_is_plain(ctx, slot, m->gen) ? ATTRIBUTION_LIKELY : ATTRIBUTION_OPEN;
}

/* The theft has been told: what follows from it is blamed on that close. */
static void blame_told(struct finding *f, enum attribution level)
{
	f->culprit = CULPRIT_CLOSED;
	f->proofs |= PROOF_STOLEN;
	f->attribution = level;
	if (level != ATTRIBUTION_PROVEN)
		finding_doubt(f, DOUBT_MEANT);
}

/* The close that ended `stolen` meant `meant`: that is the finding, and the call its symptom. */
static void attribute_theft(const struct call_context *ctx, struct generation *stolen,
			    const struct generation *meant, uint32_t proofs, enum attribution level,
			    struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	struct fd_site failed = f->bad;

	stolen->closer.told = true;
	f->notes &= NOTE_GAP | NOTE_ORDER_UNCERTAIN | NOTE_VFORK_CHILD | NOTE_ANOTHERS;
	reuse_fill(ctx, f, stolen, meant);
	f->bad = stolen->ended;
	f->victim.failed = failed;
	f->proofs = proofs | PROOF_VICTIM_FAILED | one_object(stolen->custody, meant->custody);
	f->attribution = level;
	if (level != ATTRIBUTION_PROVEN)
		finding_doubt(f, DOUBT_MEANT);
	if (f->closed.tid != f->bad.tid)
		f->notes |= NOTE_DIFFERENT_THREADS;
	verdict->text = text_of(meant);
	verdict->victim_text = text_of(stolen);
}

static void judge_theft(const struct call_context *ctx, const struct slot *slot,
			const struct meaning *m, struct verdict *verdict)
{
	struct custody *thief = m->gen->custody, *root = thief->root ? thief->root : thief;
	const struct custody *meant = root->meant;
	enum attribution level = of_strengths(m, thief);

	if (meant)
		level = weaker(level, as_victim(root, meant));
	/* Whether the object that closed it had had what it meant is not sure. */
	if (root->by == BY_OWNER && root->strength != STRENGTH_STRONG)
		level = ATTRIBUTION_OPEN;
	if (!meant || level == ATTRIBUTION_OPEN || root->gen->ended.tgid != ctx->call->h.tgid) {
		candidates_all(slot, m->gen, verdict);
		return;
	}
	if (level == ATTRIBUTION_PROVEN &&
	    (verdict->finding.certainty != CERTAINTY_FACT || meaning_unclear(slot, meant->gen) ||
	     meaning_unclear(slot, m->gen)))
		level = ATTRIBUTION_LIKELY;
	if (root == thief && root->gen->closer.told) {
		if (verdict->finding.closed.time_ns != m->gen->ended.time_ns)
			verdict_meant(m->gen, verdict);
		blame_told(&verdict->finding, level);
	} else {
		attribute_theft(ctx, root->gen, meant->gen, proof_of(root->by), level, verdict);
	}
}

/*
 * Two functions that each close the number that they are given: one has closed what it closed
 * before, and the other, which closes nothing else, what was opened elsewhere. Then the first has
 * closed its own twice.
 */
static bool is_repeated(const struct call_context *ctx, const struct meaning *m)
{
	const struct custody *custody = m->gen->custody;
	const struct code_pair pair = site_pair(ctx, m->gen);

	return custody && custody->repeats && custody->meant && !m->gen->closer.told &&
	       m->strength < STRENGTH_STRONG && is_number_closer(ctx) &&
	       custody->closer_code != pair.closer &&
	       (code_pairs_only(&ctx->facts->sites, &pair) ||
		!code_pairs_knows(&ctx->facts->sites, &pair));
}

/* The close that ended the generation was believed to be right, and this call says otherwise. */
static void unlearn(const struct call_context *ctx, const struct meaning *m)
{
	struct custody *custody = m->gen->custody;
	struct code_pair pair;

	if (!custody || !custody->closer_code || !custody->count)
		return;
	pair = (struct code_pair){ctx->program->id, custody->closer_code, custody->frames[0].code};
	if (custody->adopted && !custody->learned)
		code_pairs_learn(&ctx->facts->pairs, &pair, PAIR_MISSED, 1);
	custody->learned |= custody->adopted;
	if (m->strength >= STRENGTH_FAIR && !custody->elsewhere &&
	    custody->strength < m->strength && custody->closer_code != ctx->caller->frames[0].code)
		code_pairs_learn(&ctx->facts->pairs, &pair, PAIR_CLOSED, -1);
}

/* That the close before meant another generation is a guess, and whichever it was, one function has
 * closed it. */
static bool is_idle_guess(const struct call_context *ctx, const struct slot *slot,
			  const struct meaning *m)
{
	return m->strength < STRENGTH_FAIR && m->gen->custody->strength < STRENGTH_FAIR &&
	       attribution_is_one_closers(ctx, slot, m->gen);
}

void attribution_failed(const struct call_context *ctx, const struct slot *slot,
			const struct meaning *m, struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	struct custody *custody = m->gen ? m->gen->custody : NULL;

	f->proofs |= proof_of(m->by);
	if (!m->gen) {
		candidates_all(slot, NULL, verdict);
		return;
	}
	if (call_shape(ctx->call->call) == SHAPE_CLOSE)
		unlearn(ctx, m);
	if (custody && custody->elsewhere && !is_idle_guess(ctx, slot, m)) {
		judge_theft(ctx, slot, m, verdict);
		return;
	}
	if (is_repeated(ctx, m)) {
		attribute_theft(ctx, m->gen, custody->meant->gen, PROOF_PAIR, ATTRIBUTION_LIKELY,
				verdict);
		return;
	}
	f->attribution = own_level(ctx, slot, m);
	f->proofs |= same_object(ctx, f, custody);
	if (f->attribution == ATTRIBUTION_OPEN) {
		candidates_all(slot, m->gen, verdict);
	} else if (intruder_closed(ctx, m)) {
		f->attribution = ATTRIBUTION_LIKELY;
		f->culprit = CULPRIT_CLOSED;
		f->proofs |= PROOF_METHOD;
	} else if (f->attribution == ATTRIBUTION_PROVEN &&
		   (f->certainty != CERTAINTY_FACT || meaning_unclear(slot, m->gen))) {
		f->attribution = ATTRIBUTION_LIKELY;
	}
}

void attribution_blame(const struct meaning *m, const struct slot *slot,
		       const struct generation *gen, struct verdict *verdict)
{
	struct finding *f = &verdict->finding;

	if (m->strength == STRENGTH_NONE)
		return;
	f->proofs |= proof_of(m->by);
	if (gen->custody && gen->custody->disputed) {
		candidates_all(slot, gen, verdict);
		return;
	}
	f->attribution = m->gen && m->strength == STRENGTH_STRONG && f->certainty == CERTAINTY_FACT
				 ? ATTRIBUTION_PROVEN
				 : ATTRIBUTION_LIKELY;
}

/* How surely the close that ended what was meant was right, and so the one at hand is the wrong
 * one. */
static enum attribution behind_level(const struct custody *custody, const struct custody *meant)
{
	enum attribution level =
		custody->strength == STRENGTH_STRONG ? ATTRIBUTION_PROVEN : ATTRIBUTION_LIKELY;

	if (custody->root)
		return ATTRIBUTION_LIKELY;
	return weaker(level, as_victim(custody, meant));
}

/*
 * The close that took an object's number is known to have meant an earlier generation. Who closes
 * what others opened, whatever it is, need not have; nor need a function that an object called, if
 * the earlier one had an owner, too.
 */
static bool shows_earlier(const struct custody *custody, const struct custody *meant)
{
	if (!meant || !attribution_is_openers(custody->strength, custody->by))
		return false;
	return custody->strength == STRENGTH_STRONG ||
	       (!custody->root && !meant->gen->owner.object);
}

void attribution_of_owned(const struct call_context *ctx, const struct generation *gen,
			  struct verdict *verdict)
{
	const struct generation *earlier =
		meaning_known(ctx) && gen->custody ? intruder_earlier(ctx, gen) : NULL;

	if (!earlier)
		return;
	gen->custody->disputed = true;
	candidates_none(&verdict->finding);
	candidates_add(verdict, earlier);
}

/* The object that makes the call most likely means what it had closed before. */
static bool again_behind(const struct call_context *ctx, const struct generation *gen,
			 struct verdict *verdict, bool *ret_unsure)
{
	const struct generation *earlier = intruder_again(ctx, gen);

	if (!earlier)
		return false;
	reuse_fill(ctx, &verdict->finding, gen, earlier);
	verdict->finding.attribution = ATTRIBUTION_LIKELY;
	verdict->text = text_of(earlier);
	verdict->victim_text = text_of(gen);
	*ret_unsure = true;
	return true;
}

bool attribution_behind(const struct call_context *ctx, const struct slot *slot,
			const struct generation *gen, struct verdict *verdict, bool *ret_unsure)
{
	const struct custody *meant;
	struct custody *custody = gen->custody;
	struct finding *f = &verdict->finding;

	if (!meaning_known(ctx) || !custody)
		return false;
	if (!custody_stolen(custody))
		return again_behind(ctx, gen, verdict, ret_unsure);
	/* What was stolen itself was the thief's to close no more: its close is the culprit. */
	meant = custody->root ? custody->root : custody->meant;
	if (!shows_earlier(custody, meant)) {
		f->attribution = ATTRIBUTION_LIKELY;
		return false;
	}
	reuse_fill(ctx, f, gen, meant->gen);
	f->proofs |= proof_of(custody->by) | one_object(custody, meant);
	f->attribution = behind_level(custody, meant);
	if (custody->root) {
		f->culprit = CULPRIT_CLOSED;
		f->proofs |= PROOF_STOLEN;
	}
	/* Whoever closed it first may have had no right to. */
	if (f->attribution == ATTRIBUTION_OPEN) {
		custody->disputed = true;
		candidates_none(f);
		candidates_add(verdict, meant->gen);
	}
	*ret_unsure = meaning_unclear(slot, meant->gen) || f->attribution != ATTRIBUTION_PROVEN;
	verdict->text = text_of(meant->gen);
	verdict->victim_text = text_of(gen);
	return true;
}
