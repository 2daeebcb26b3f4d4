/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/ownership_doubt.h"

#include "base/records.h"
#include "fd/claims.h"
#include "fd/generation.h"

bool owner_followed_by_certain(const struct number *number, const struct life *life)
{
	for (const struct life *newer = number->newest; newer != life; newer = newer->older)
		if (newer->uncertain || newer->crossed)
			return false;
	return true;
}

/*
 * All that came before this life was over at that time. If the close at hand may have been among
 * what came before, that is certain where as many calls have closed the number as have opened it.
 */
static bool is_alone_since(const struct scene *scene, const struct number *number,
			   const struct life *life, uint64_t time_ns)
{
	bool counts = false;

	for (const struct life *older = life->older; older; older = older->older) {
		const struct fd_site *ended = &older->ended;
		bool over = !older->uncertain && life_after(scene->store, scene->call, ended);

		if (ended->missing != SITE_SEEN || ended->time_ns >= time_ns)
			return false;
		if (!life->loose || (over && !counts))
			return true;
		if (!life_was_seen(older))
			return false;
		if (over)
			return true;
		counts = true;
	}
	if (number->cut && counts)
		return !number->uneven && !table_cut(number->table, number->fd);
	return !life_may_have_older(scene->store, number, scene->call);
}

/* An object that still has the number took it, all that was told of before being over. */
static bool is_taken_anew(const struct scene *scene, const struct number *number,
			  const struct life *life, const struct record_claim *claim)
{
	const struct life *older = life->older;

	return claim->state == OWNER_HOLDS && claim_is_of(number, claim, life) &&
	       !(claim->flags & CLAIM_LATE) &&
	       (older ? older->ended.missing == SITE_SEEN && older->ended.time_ns < claim->since_ns
		      : !life_may_have_older(scene->store, number, scene->call));
}

bool owner_settles(const struct scene *scene, const struct life *life, bool sure)
{
	const struct number *number = number_find(scene->table, scene->call->fd);

	if (life->opened.missing != SITE_SEEN || (sure && (life->crossed || life->vague)))
		return false;
	for (unsigned int i = 0; i < record_call_claims(scene->call); i++) {
		struct record_claim claim = claim_at(scene->call, i);

		if (sure ? claim.state == OWNER_HOLDS && claim_is_of(number, &claim, life) &&
				    !(claim.flags & CLAIM_LATE) &&
				    is_alone_since(scene, number, life, claim.since_ns)
			 : is_taken_anew(scene, number, life, &claim))
			return true;
	}
	return false;
}

uint64_t owner_taken_meanwhile(const struct scene *scene, const struct life *life)
{
	const struct record_call *call = scene->call;
	uint64_t entered_ns = record_call_entered(call), taken_ns = 0;

	if (call->still_open & CALL_ALONE)
		return 0;
	if (entered_ns < scene->store->after_ns)
		entered_ns = scene->store->after_ns;
	for (unsigned int i = 0; i < record_call_claims(call); i++) {
		struct record_claim claim = claim_at(call, i);

		if (claim.object != life->owner)
			continue;
		if (claim.since_ns <= entered_ns)
			return 0;
		taken_ns = claim.since_ns;
	}
	return taken_ns;
}

/* Where one that came later was not seen to begin, its end may be this one's. */
static bool is_followed_by_seen(const struct number *number, const struct life *life)
{
	for (const struct life *newer = number->newest; newer != life; newer = newer->older)
		if (newer->opened.missing != SITE_SEEN)
			return false;
	return true;
}

bool owner_certain(const struct store *store, const struct number *number, const struct life *life)
{
	return !life->uncertain && !life->swept && life->owner_gaps == store->gaps &&
	       is_followed_by_seen(number, life) && owner_followed_by_certain(number, life);
}
