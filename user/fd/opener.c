/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/opener.h"

#include "base/syscalls.h"
#include "fd/claims.h"

/* The generation that the call has begun, perhaps while it was still going on. */
static struct generation *opened_by(const struct call_context *ctx, const struct slot *slot)
{
	uint64_t since_ns = ctx->store->installed_ns;

	if (!since_ns)
		since_ns = ctx->call->h.time_ns;
	for (struct generation *gen = slot->newest; gen; gen = gen->older)
		if (gen->opened.missing == SITE_SEEN && gen->opened.tid == ctx->call->h.tid &&
		    gen->opened.time_ns >= since_ns && gen->opened.time_ns <= ctx->call->h.time_ns)
			return gen;
	return NULL;
}

static void note_opener(struct custody *custody, const struct caller *caller)
{
	int frame = holder_frame(caller);

	custody->count = caller->count < CALLER_FRAMES ? caller->count : CALLER_FRAMES;
	for (unsigned int i = 0; i < custody->count; i++) {
		const struct caller_frame *f = &caller->frames[i];

		custody->frames[i] = (struct opener_frame){f->code, f->outer, f->address, f->local};
		custody->kinds[i] = f->kind;
		custody->generators |= f->generator << i;
	}
	custody->holder = holder_of(caller, frame);
	if (!frame && caller->count > 1 && caller->frames[0].kind == LOCAL_OBJECT)
		custody->caller = holder_receiver(caller, 1);
}

/* The number has been opened twice since: nobody has missed what another object closed. */
static void learn_unmissed(const struct call_context *ctx, const struct generation *gen)
{
	struct custody *custody = gen ? gen->custody : NULL;
	struct code_pair pair;

	if (!custody || !custody->adopted || custody->learned)
		return;
	custody->learned = true;
	pair = (struct code_pair){ctx->program->id, custody->closer_code, custody->frames[0].code};
	code_pairs_learn(&ctx->facts->pairs, &pair, PAIR_ADOPTED, 1);
}

static void opened(const struct call_context *ctx, int32_t fd)
{
	struct slot *slot = fd < 0 ? NULL : slot_find(ctx->table, fd);
	struct generation *gen = slot ? opened_by(ctx, slot) : NULL;
	struct custody *custody = gen ? custody_of(ctx->table->store, gen) : NULL;

	if (!custody || custody->count)
		return;
	if (gen->older)
		learn_unmissed(ctx, gen->older->older);
	note_opener(custody, ctx->caller);
	holder_opens(ctx->program, &custody->holder, custody);
}

void opener_note(const struct call_context *ctx)
{
	const struct record_call *call = ctx->call;

	if (!meaning_known(ctx))
		return;
	switch (call_shape(call->call)) {
	case SHAPE_PAIR:
		opened(ctx, call->fd);
		opened(ctx, call->fd2);
		break;
	case SHAPE_OPEN:
	case SHAPE_MAKE:
	case SHAPE_DUP:
	case SHAPE_DUP_ONTO:
		/* dup2(N, N) and a signalfd() of N open nothing. */
		if (call->ret != call->fd)
			opened(ctx, call->ret);
		break;
	case SHAPE_CLOSE:
	case SHAPE_CLOSE_RANGE:
	case SHAPE_SET_FD:
	case SHAPE_ADDRESS:
	case SHAPE_TRANSFER:
	case SHAPE_UNSHARE:
	case SHAPE_OTHER:
		break;
	}
}

/* A socket object that opened the generation, or one of its class did, has let go of it. */
static bool is_detached(const struct call_context *ctx, const struct slot *slot,
			const struct generation *gen)
{
	const struct holder_key *opener = &gen->custody->holder;
	bool detached = false;

	for (unsigned int i = 0; i < record_call_claims(ctx->call); i++) {
		struct record_claim claim = claim_at(ctx->call, i);

		if (!claim_is_of(slot, &claim, gen))
			continue;
		if (claim.state != OWNER_LET_GO || claim.kind != OWNER_SOCKET)
			return false;
		detached |= claim.object == opener->address || claim.type == opener->type;
	}
	return detached;
}

void opener_passed_on(const struct call_context *ctx, const struct slot *slot,
		      const struct generation *gen)
{
	struct custody *custody = gen->custody;
	struct holder_key key;

	if (ctx->call->point != OWNER_OS_CLOSE || !custody || !is_detached(ctx, slot, gen))
		return;
	key = holder_receiver(ctx->caller, holder_frame(ctx->caller));
	if (!holder_key_same(&key, &custody->caller))
		return;
	custody->holder = key;
	holder_opens(ctx->program, &key, custody);
}
