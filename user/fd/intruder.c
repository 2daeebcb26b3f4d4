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
