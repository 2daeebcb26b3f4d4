/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/claims.h"

#include <string.h>

#include "base/syscalls.h"

struct record_claim claim_at(const struct record_call *call, unsigned int index)
{
	struct record_claim claim;

	memcpy(&claim, call->name + call->name_size + index * sizeof(claim), sizeof(claim));
	return claim;
}

/* dup2, dup3: whoever had the number has it still; only what it leads to is another. */
static bool is_replacement(const struct life *life)
{
	return life->older && life->opened.missing == SITE_SEEN &&
	       call_shape(life->opened.call) == SHAPE_DUP_ONTO &&
	       life->older->ended.missing == SITE_SEEN &&
	       life->older->ended.time_ns == life->opened.time_ns;
}

/* One whose begin was not seen began when the one before was over, or later. */
static bool began_after(const struct life *life, uint64_t time_ns)
{
	const struct life *older = life->older;

	if (life->opened.missing == SITE_SEEN)
		return life->opened.time_ns > time_ns;
	return older && older->ended.missing == SITE_SEEN && older->ended.time_ns > time_ns;
}

/* What was over already the object did not take, but one that was not seen. */
static bool was_over(const struct life *life, uint64_t time_ns)
{
	return !life->live && life->ended.missing == SITE_SEEN && life->ended.time_ns < time_ns;
}

/* It is not known when it began, nor what had come before: the object may have taken any of that.
 */
static bool is_since_forgotten(const struct number *number, const struct life *life)
{
	return number->cut && !life->older && life->opened.missing != SITE_SEEN;
}

struct life *claim_life(const struct number *number, const struct record_claim *claim)
{
	struct life *life = number ? number->newest : NULL, *kept = NULL;

	for (; life && began_after(life, claim->since_ns); life = life->older) {
		if (!is_replacement(life))
			kept = NULL;
		else if (!kept)
			kept = life;
	}
	if (!life || was_over(life, claim->since_ns) || is_since_forgotten(number, life))
		return NULL;
	return kept ? kept : life;
}

bool claim_is_of(const struct number *number, const struct record_claim *claim,
		 const struct life *life)
{
	return !(claim->flags & CLAIM_STALE) && claim_life(number, claim) == life;
}

/* It has let go of the number, and is at work in the thread. */
static bool may_be_closer(const struct record_claim *claim)
{
	return claim->state == OWNER_LET_GO && claim->flags & CLAIM_AT_HAND;
}

/* One that had this very life comes before one that is stale. */
static bool is_better(const struct record_claim *claim, const struct record_claim *before)
{
	return !before->object || (before->flags & CLAIM_STALE && !(claim->flags & CLAIM_STALE));
}

bool claims_say(const struct record_call *call, uint64_t object, enum claim_flag flag)
{
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (claim.object == object && claim.flags & flag)
			return true;
	}
	return false;
}

const struct life *claims_let_go(const struct number *number, const struct record_call *call,
				 bool *ret_many)
{
	const struct life *found = NULL;
	unsigned int count = 0;

	*ret_many = false;
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);
		const struct life *life = claim_life(number, &claim);

		if (claim.state != OWNER_LET_GO)
			continue;
		*ret_many |= count++ && life != found;
		found = life;
	}
	return found;
}

bool claims_left_out(const struct record_call *call)
{
	for (unsigned int i = 0; i < record_call_claims(call); i++)
		if (claim_at(call, i).flags & CLAIM_MORE)
			return true;
	return false;
}

/*
 * What the object took is this life for sure, and not one before, whose end is told only later, and
 * which was open still when the object was on its way.
 */
static bool is_sure(const struct life *life, const struct record_claim *claim)
{
	const struct life *older = life->older;

	return !older || is_replacement(life) ||
	       (older->ended.missing == SITE_SEEN && older->ended.time_ns < claim->since_ns);
}

struct intent claims_closer(const struct number *number, const struct record_call *call)
{
	struct record_claim closer = {0};
	const struct life *life;
	unsigned int count = 0;

	if (call->point == OWNER_OS_CLOSE)
		return (struct intent){.point = OWNER_OS_CLOSE, .fd = call->fd};
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (!may_be_closer(&claim))
			continue;
		count++;
		if (is_better(&claim, &closer))
			closer = claim;
	}
	if (!closer.object)
		return (struct intent){.point = call->point, .fd = call->fd};
	life = claim_life(number, &closer);
	return (struct intent){
		.point = OWNER_CLOSE,
		.owner = closer.kind,
		.finalizer = closer.flags & CLAIM_FINALIZING,
		.stale = closer.flags & CLAIM_STALE,
		/* An address that is left on the stack of an earlier call is at hand, too. */
		.unsure =
			count > 1 || closer.flags & CLAIM_LATE || (life && !is_sure(life, &closer)),
		/* It had the number then, and lets go of it before its close begins. */
		.since_ns = count > 1 ? 0 : closer.since_ns,
		.fd = call->fd,
		.object = closer.object,
		.life = life ? life->id : 0,
	};
}

struct intent claims_user(const struct number *number, const struct record_call *call,
			  bool *ret_doubt)
{
	struct intent user = {0};
	bool others = false, many = false;

	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);
		const struct life *life = claim_life(number, &claim);

		if (claim.state != OWNER_HOLDS)
			continue;
		others |= !number || life != number->newest;
		if (!(claim.flags & CLAIM_AT_HAND))
			continue;
		many |= user.object;
		user = (struct intent){
			.owner = claim.kind,
			.fd = call->fd,
			.object = claim.object,
			.life = life ? life->id : 0,
		};
	}
	*ret_doubt = many || (!user.object && claims_left_out(call)) || (others && !user.object);
	return many ? (struct intent){0} : user;
}
