/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/reuse.h"

#include <stdlib.h>

#define PAIRS_MAX 65536

void reuse_free(struct reuse *reuse)
{
	struct pair *pair, *next;

	HASH_ITER (hh, reuse->pairs, pair, next) {
		HASH_DEL(reuse->pairs, pair);
		free(pair);
	}
}

/* Sites are stacks; a site without one is like any other without one. */
static bool has_sites(const struct generation *gen, const struct record_call *call)
{
	return gen->opened.missing == SITE_SEEN && gen->opened.stack_id && call->stack_id;
}

static uint64_t pair_key(uint64_t opened, uint64_t ended)
{
	uint64_t key = opened * 0x9e3779b97f4a7c15ull;

	return (key ^ key >> 32) + ended;
}

static struct pair *find_pair(const struct reuse *reuse, uint64_t opened, uint64_t ended)
{
	uint64_t key = pair_key(opened, ended);
	struct pair *pair;

	HASH_FIND(hh, reuse->pairs, &key, sizeof(key), pair);
	return pair;
}

uint32_t reuse_proofs(const struct reuse *reuse, const struct generation *gen,
		      const struct record_call *call)
{
	const struct generation *before = gen->older;
	uint32_t proofs = 0;

	if (!has_sites(gen, call) || !before || before->opened.missing != SITE_SEEN ||
	    before->ended.missing != SITE_SEEN || before->inherited || before->owner.object ||
	    before->closer.claimed || before->opened.stack_id == gen->opened.stack_id ||
	    find_pair(reuse, gen->opened.stack_id, call->stack_id))
		return 0;
	if (before->ended.stack_id == call->stack_id)
		proofs |= PROOF_SAME_SITE;
	if (before->ended.tid == call->h.tid && before->opened.tid == call->h.tid &&
	    gen->opened.tid != call->h.tid)
		proofs |= PROOF_SAME_THREAD;
	return proofs;
}

void reuse_note(struct reuse *reuse, const struct generation *gen, const struct record_call *call)
{
	struct pair *pair;

	if (!has_sites(gen, call) || find_pair(reuse, gen->opened.stack_id, call->stack_id))
		return;
	if (HASH_COUNT(reuse->pairs) >= PAIRS_MAX) {
		pair = reuse->pairs;
		HASH_DEL(reuse->pairs, pair);
		free(pair);
	}
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return; /* at most a suspicion more */
	pair->key = pair_key(gen->opened.stack_id, call->stack_id);
	HASH_ADD(hh, reuse->pairs, key, sizeof(pair->key), pair);
}

void reuse_fill(const struct call_context *ctx, struct finding *f, const struct generation *gen,
		const struct generation *meant)
{
	finding_set_kind(f, FINDING_REUSED_CLOSE);
	f->closed = meant->ended;
	f->opened = meant->opened;
	f->what = meant->what;
	verdict_owner(ctx, meant, &f->owner);
	f->culprit = CULPRIT_BAD;
	/* Whose number somebody else had ended is no culprit for closing it. */
	if (meant->closer.behind || meant->closer.stolen)
		f->culprit = CULPRIT_CLOSED;
	if (meant->closer.stolen)
		f->proofs |= PROOF_STOLEN;
	f->victim.known = true;
	f->victim.opened = gen->opened;
	f->victim.what = gen->what;
	verdict_owner(ctx, gen, &f->victim.owner);
	f->victim.failed.missing = SITE_NOT_APPLICABLE;
}

/* Who fails is who opened it, or a site that closes what was opened there. */
static bool is_victim(const struct reuse *reuse, const struct generation *gen,
		      const struct record_call *call)
{
	if (call->h.tid == gen->ended.tid && call->stack_id == gen->ended.stack_id)
		return false;
	if (call->h.tid == gen->opened.tid && call->h.tid != gen->ended.tid)
		return true;
	return find_pair(reuse, gen->opened.stack_id, call->stack_id);
}

void reuse_failed(const struct reuse *reuse, const struct call_context *ctx, struct generation *gen,
		  struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	struct fd_site failed = f->bad;

	if (!gen->closer.proofs || gen->closer.told || !gen->older ||
	    !is_victim(reuse, gen, ctx->call))
		return;
	gen->closer.told = true;
	f->notes &= NOTE_GAP | NOTE_ORDER_UNCERTAIN | NOTE_VFORK_CHILD;
	reuse_fill(ctx, f, gen, gen->older);
	finding_doubt(f, DOUBT_MEANT);
	f->bad = gen->ended;
	f->victim.failed = failed;
	f->proofs = gen->closer.proofs | PROOF_VICTIM_FAILED;
	if (f->closed.tid != f->bad.tid)
		f->notes |= NOTE_DIFFERENT_THREADS;
	verdict->text = text_of(gen->older);
	verdict->victim_text = text_of(gen);
}
