/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/other_ends.h"

#include <unistd.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/claims.h"
#include "fd/meaning.h"
#include "fd/reuse.h"

/* An object has the number, and has had it since this generation began. */
static bool is_owned(const struct call_context *ctx, const struct slot *slot,
		     const struct generation *gen)
{
	return generation_live(gen) && meaning_owned(ctx, slot, gen);
}

/* The object that makes the call has itself closed what it is taken to mean. */
static bool has_closed(const struct call_context *ctx, const struct meaning *m)
{
	struct holder_key key = holder_receiver(ctx->caller, holder_frame(ctx->caller));

	return holder_key_same(&key, &m->gen->custody->closer);
}

static bool is_stolen(const struct call_context *ctx, const struct generation *gen,
		      const struct meaning *m)
{
	return m->gen && m->gen != gen && m->by == BY_RECEIVER && m->strength >= STRENGTH_FAIR &&
	       !m->adopts && m->gen->custody && has_closed(ctx, m);
}

static void attribute_dup_theft(struct pending *pending, const struct call_context *ctx,
				const struct generation *gen, const struct generation *meant)
{
	struct verdict verdict;
	struct finding *f = &verdict.finding;

	verdict_begin(ctx, ctx->call->ret, &verdict);
	verdict.act = ACT_REPORT;
	verdict.text = text_of(meant);
	verdict.victim_text = text_of(gen);
	reuse_fill(ctx, f, gen, meant);
	f->proofs |= PROOF_OWNER_LIVES | PROOF_RECEIVER;
	f->attribution = ATTRIBUTION_LIKELY;
	finding_doubt(f, DOUBT_MEANT);
	pending_alone(pending, ctx->table, ctx->call, &verdict);
}

void end_by_dup(struct pending *pending, const struct call_context *ctx)
{
	struct generation *gen;
	struct slot *slot;
	struct meaning m;

	if (ctx->call->ret <= STDERR_FILENO || !record_call_claims(ctx->call) ||
	    !meaning_known(ctx))
		return;
	slot = slot_find(ctx->table, ctx->call->ret);
	gen = slot ? slot->newest : NULL;
	/* The child of a fork may be about to exec: what it was given is replaced for that. */
	if (!gen || gen->inherited || !is_owned(ctx, slot, gen))
		return;
	m = meaning_of(ctx, &(const struct intent){0}, slot, gen);
	if (is_stolen(ctx, gen, &m))
		attribute_dup_theft(pending, ctx, gen, m.gen);
}

struct generation *ended_by_range(const struct call_context *ctx)
{
	const struct record_call *call = ctx->call;
	struct slot *slot = record_call_claims(call) && call->fd == call->fd2
				    ? slot_find(ctx->table, call->fd)
				    : NULL;
	struct generation *gen = slot ? slot->newest : NULL;

	return gen && gen->ended.missing == SITE_SEEN && gen->ended.call == call->call &&
			       gen->ended.time_ns == call->h.time_ns
		       ? gen
		       : NULL;
}
