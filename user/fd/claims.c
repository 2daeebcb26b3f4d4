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
static bool is_replacement(const struct generation *gen)
{
	return gen->older && gen->opened.missing == SITE_SEEN &&
	       call_shape(gen->opened.call) == SHAPE_DUP_ONTO &&
	       gen->older->ended.missing == SITE_SEEN &&
	       gen->older->ended.time_ns == gen->opened.time_ns;
}

/* One whose begin was not seen began when the one before was over, or later. */
static bool began_after(const struct generation *gen, uint64_t time_ns)
{
	const struct generation *older = gen->older;

	if (gen->opened.missing == SITE_SEEN)
		return gen->opened.time_ns > time_ns;
	return older && older->ended.missing == SITE_SEEN && older->ended.time_ns > time_ns;
}

/* What was over already the object did not take, but one that was not seen. */
static bool was_over(const struct generation *gen, uint64_t time_ns)
{
	return !generation_live(gen) && gen->ended.missing == SITE_SEEN &&
	       gen->ended.time_ns < time_ns;
}

/* It is not known when it began, nor what had come before: the object may have taken any of that.
 */
static bool is_since_forgotten(const struct slot *slot, const struct generation *gen)
{
	return slot->doubts & DOUBT_CUT && !gen->older && gen->opened.missing != SITE_SEEN;
}

/* An object of its type is mostly of other descriptors, or always. */
static bool is_unlikely(const struct generation *gen, const struct record_claim *claim)
{
	switch (claim->kind) {
	case OWNER_SOCKET:
		return gen->what.type != FD_SOCKET && gen->what.type != FD_UNKNOWN;
	case OWNER_EPOLL:
		return gen->what.type != FD_EPOLL && gen->what.type != FD_UNKNOWN;
	default:
		return gen->what.type == FD_SOCKET || gen->what.type == FD_EPOLL;
	}
}

/*
 * It was over before its object showed: another thread than the one that had opened it closed it,
 * and yet another call has opened the number since. So the object that shows then is not of what
 * it seems to be of.
 */
static bool was_lost_unseen(const struct generation *gen, const struct generation *newer)
{
	return gen->opened.missing == SITE_SEEN && gen->ended.missing == SITE_SEEN &&
	       gen->ended.tid != gen->opened.tid && !gen->owner.object &&
	       newer->opened.missing == SITE_SEEN && newer->opened.tid != gen->opened.tid;
}

struct generation *claim_generation(const struct slot *slot, const struct record_claim *claim)
{
	struct generation *gen = slot ? slot->newest : NULL, *kept = NULL;

	for (; gen && began_after(gen, claim->since_ns); gen = gen->older) {
		if (!is_replacement(gen))
			kept = NULL;
		else if (!kept)
			kept = gen;
	}
	if (!gen || was_over(gen, claim->since_ns) || is_since_forgotten(slot, gen))
		return NULL;
	if (kept)
		return kept;
	if (gen->older && is_unlikely(gen, claim) && !is_unlikely(gen->older, claim) &&
	    was_lost_unseen(gen->older, gen))
		return gen->older;
	return gen;
}

bool claim_is_of(const struct slot *slot, const struct record_claim *claim,
		 const struct generation *gen)
{
	return !(claim->flags & CLAIM_STALE) && claim_generation(slot, claim) == gen;
}

/* It has let go of the number, and is at work in the thread. */
static bool may_be_closer(const struct record_claim *claim)
{
	return claim->state == OWNER_LET_GO && claim->flags & CLAIM_AT_HAND;
}

/* One that had this very generation comes before one that is stale. */
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

const struct generation *claims_let_go(const struct slot *slot, const struct record_call *call,
				       bool *ret_many)
{
	const struct generation *found = NULL;
	unsigned int count = 0;

	*ret_many = false;
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);
		const struct generation *gen = claim_generation(slot, &claim);

		if (claim.state != OWNER_LET_GO)
			continue;
		*ret_many |= count++ && gen != found;
		found = gen;
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
 * What the object took is this generation for sure. It is not one before, whose end is told only
 * later, and which was open still when the object was on its way; nor is it the one after, whose
 * open was told before this one's close, so that it may have begun when the object took it.
 */
static bool is_sure(const struct slot *slot, const struct generation *gen,
		    const struct record_claim *claim)
{
	const struct generation *older = gen->older, *newer = slot->newest;

	while (newer && newer != gen && newer->older != gen)
		newer = newer->older;
	if (newer && newer != gen && newer->doubts & (DOUBT_WHILE_OPEN | DOUBT_WHILE_UNSURE))
		return false;

	return !older || is_replacement(gen) ||
	       (older->ended.missing == SITE_SEEN && older->ended.time_ns < claim->since_ns);
}

/*
 * Another object has had this generation, and another thread opened it: this object took a number
 * that its own thread had opened, and that another had closed and opened meanwhile.
 */
static bool is_taken_late(const struct slot *slot, const struct record_call *call,
			  const struct generation *gen, const struct record_claim *claim)
{
	if (gen->opened.missing != SITE_SEEN || gen->opened.tid == call->h.tid)
		return false;
	if (!generation_live(gen) && gen->owner.object && gen->owner.object != claim->object)
		return true;
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim other = claim_at(call, i);

		if (other.object != claim->object && other.state == OWNER_HOLDS &&
		    other.since_ns < claim->since_ns && claim_is_of(slot, &other, gen))
			return true;
	}
	return false;
}

struct intent claims_closer(const struct slot *slot, const struct record_call *call)
{
	struct record_claim closer = {0};
	const struct generation *gen;
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
	gen = claim_generation(slot, &closer);
	return (struct intent){
		.point = OWNER_CLOSE,
		.owner = closer.kind,
		.finalizer = closer.flags & CLAIM_FINALIZING,
		.stale = closer.flags & CLAIM_STALE,
		/* An address that is left on the stack of an earlier call is at hand, too. */
		.unsure = count > 1 || closer.flags & CLAIM_LATE ||
			  (gen && (!is_sure(slot, gen, &closer) ||
				   is_taken_late(slot, call, gen, &closer))),
		/* The object still had the number at that time. It gives the number up (-1) before
		 * it calls close(), so its close cannot have begun earlier. */
		.since_ns = count > 1 ? 0 : closer.since_ns,
		.fd = call->fd,
		.object = closer.object,
		.gen = gen ? gen->id : 0,
	};
}

struct intent claims_user(const struct slot *slot, const struct record_call *call, bool *ret_doubt)
{
	struct intent process = {0};
	bool others = false, many = false;

	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);
		const struct generation *gen = claim_generation(slot, &claim);

		if (claim.state != OWNER_HOLDS)
			continue;
		others |= !slot || gen != slot->newest;
		if (!(claim.flags & CLAIM_AT_HAND))
			continue;
		many |= process.object;
		process = (struct intent){
			.owner = claim.kind,
			.fd = call->fd,
			.object = claim.object,
			.gen = gen ? gen->id : 0,
		};
	}
	*ret_doubt =
		many || (!process.object && claims_left_out(call)) || (others && !process.object);
	return many ? (struct intent){0} : process;
}
