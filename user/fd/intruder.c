/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/intruder.h"

#include "base/syscalls.h"

/* The call is a close, or an object's method makes it that is there to close. */
static bool is_closing(const struct call_context *ctx)
{
	if (call_shape(ctx->call->call) == SHAPE_CLOSE)
		return true;
	for (unsigned int i = 0; i < ctx->caller->count; i++)
		if (ctx->caller->frames[i].closes && ctx->caller->frames[i].role == ROLE_METHOD)
			return true;
	return false;
}

/* An object of C code's made one of the calls. */
static bool is_owners(const struct meaning *meaning)
{
	uint8_t origin = meaning->gen->ended.origin;

	return meaning->by == BY_OWNER || origin == ORIGIN_METHOD || origin == ORIGIN_FINALIZER;
}

bool intruder_closed(const struct call_context *ctx, const struct meaning *meaning)
{
	const struct custody *custody = meaning->gen->custody;
	struct code_pair pair;

	if (is_owners(meaning) || !custody || !custody->count || custody->role != ROLE_FUNCTION ||
	    holder_role(ctx->caller) != ROLE_METHOD || !is_closing(ctx))
		return false;
	pair = (struct code_pair){ctx->program->id, custody->closer_code, custody->frames[0].code};
	if (code_pairs_habit(&ctx->facts->pairs, &pair))
		return false;
	code_pairs_learn(&ctx->facts->pairs, &pair, PAIR_CLOSED, -1);
	return true;
}

/* The object whose method, by its name there to close, makes the call. All 0: no such makes it. */
static struct holder_key closing_object(const struct call_context *ctx)
{
	int frame = holder_frame(ctx->caller);

	if (frame < 0 || ctx->caller->frames[frame].role != ROLE_METHOD ||
	    !ctx->caller->frames[frame].closes)
		return (struct holder_key){0};
	return holder_receiver(ctx->caller, frame);
}

/* The object has opened or closed one of the number's generations: it is known what it had. */
static bool has_part(const struct generation *gen, const struct holder_key *object)
{
	for (const struct generation *older = gen->older; older; older = older->older)
		if (older->custody && (holder_key_same(&older->custody->holder, object) ||
				       holder_key_same(&older->custody->closer, object)))
			return true;
	return false;
}

/* No object that had opened it ended it. */
static bool was_perhaps_taken(const struct generation *gen)
{
	const struct custody *custody = gen->custody;

	return gen->ended.missing == SITE_SEEN && custody && custody->closer_code &&
	       !(custody->own && custody->by == BY_RECEIVER) && !custody_alone(gen);
}

const struct generation *intruder_earlier(const struct call_context *ctx,
					  const struct generation *gen)
{
	const struct holder_key object = closing_object(ctx);
	const struct generation *older = gen->older;

	if (!object.address || has_part(gen, &object))
		return NULL;
	while (older && !was_perhaps_taken(older))
		older = older->older;
	return older;
}

const struct generation *intruder_again(const struct call_context *ctx,
					const struct generation *gen)
{
	const struct holder_key object = closing_object(ctx);
	const struct generation *older = gen->older;

	if (!object.address || !ctx->caller->frames[holder_frame(ctx->caller)].alone)
		return NULL;
	while (older && !(older->custody && older->ended.missing == SITE_SEEN &&
			  holder_key_same(&older->custody->closer, &object)))
		older = older->older;
	return older && !older->custody->elsewhere && !custody_owned(older) ? older : NULL;
}
