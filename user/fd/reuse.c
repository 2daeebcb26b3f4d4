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
static bool has_sites(const struct life *life, const struct record_call *call)
{
	return life->opened.missing == SITE_SEEN && life->opened.stack_id && call->stack_id;
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

uint32_t reuse_proofs(const struct reuse *reuse, const struct life *life,
		      const struct record_call *call)
{
	const struct life *before = life->older;
	uint32_t proofs = 0;

	if (!has_sites(life, call) || !before || before->opened.missing != SITE_SEEN ||
	    before->ended.missing != SITE_SEEN || before->inherited || before->owner ||
	    before->claimed || before->opened.stack_id == life->opened.stack_id ||
	    find_pair(reuse, life->opened.stack_id, call->stack_id))
		return 0;
	if (before->ended.stack_id == call->stack_id)
		proofs |= PROOF_SAME_SITE;
	if (before->ended.tid == call->h.tid && before->opened.tid == call->h.tid &&
	    life->opened.tid != call->h.tid)
		proofs |= PROOF_SAME_THREAD;
	return proofs;
}

void reuse_note(struct reuse *reuse, const struct life *life, const struct record_call *call)
{
	struct pair *pair;

	if (!has_sites(life, call) || find_pair(reuse, life->opened.stack_id, call->stack_id))
		return;
	if (HASH_COUNT(reuse->pairs) >= PAIRS_MAX) {
		pair = reuse->pairs;
		HASH_DEL(reuse->pairs, pair);
		free(pair);
	}
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return; /* at most a suspicion more */
	pair->key = pair_key(life->opened.stack_id, call->stack_id);
	HASH_ADD(hh, reuse->pairs, key, sizeof(pair->key), pair);
}

void reuse_tell(const struct scene *scene, struct finding *f, const struct life *life,
		const struct life *meant)
{
	finding_set_kind(f, FINDING_REUSED_CLOSE);
	f->closed = meant->ended;
	f->opened = meant->opened;
	f->what = meant->what;
	verdict_owner(scene, meant, &f->owner);
	f->culprit = CULPRIT_BAD;
	/* Whose number somebody else had ended is no culprit for closing it. */
	if (meant->behind || meant->stolen)
		f->culprit = CULPRIT_CLOSED;
	if (meant->stolen)
		f->proofs |= PROOF_STOLEN;
	f->victim.known = true;
	f->victim.opened = life->opened;
	f->victim.what = life->what;
	verdict_owner(scene, life, &f->victim.owner);
	f->victim.failed.missing = SITE_NOT_APPLICABLE;
}

/* Who fails is who opened it, or a site that closes what was opened there. */
static bool is_victim(const struct reuse *reuse, const struct life *life,
		      const struct record_call *call)
{
	if (call->h.tid == life->ended.tid && call->stack_id == life->ended.stack_id)
		return false;
	if (call->h.tid == life->opened.tid && call->h.tid != life->ended.tid)
		return true;
	return find_pair(reuse, life->opened.stack_id, call->stack_id);
}

void reuse_failed(const struct reuse *reuse, const struct scene *scene, struct life *life,
		  struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	struct fd_site failed = f->bad;

	if (!life->proofs || life->told || !life->older || !is_victim(reuse, life, scene->call))
		return;
	life->told = true;
	f->notes &= NOTE_GAP | NOTE_ORDER_UNCERTAIN | NOTE_VFORK_CHILD;
	reuse_tell(scene, f, life, life->older);
	f->certainty = CERTAINTY_SUSPECTED;
	f->bad = life->ended;
	f->victim.failed = failed;
	f->proofs = life->proofs | PROOF_VICTIM_FAILED;
	if (f->closed.tid != f->bad.tid)
		f->notes |= NOTE_DIFFERENT_THREADS;
	verdict->text = life->older->text;
	verdict->victim_text = life->text;
}
