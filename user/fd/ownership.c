/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/ownership.h"

#include <errno.h>
#include <stdlib.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/claims.h"
#include "fd/generation.h"
#include "fd/ownership_doubt.h"

/* The life that an object took and has not given up; NULL: none that is known. */
static struct life *find_taken(const struct table *table, int32_t fd, uint64_t object)
{
	const struct number *number = fd < 0 ? NULL : number_find(table, fd);

	for (struct life *life = number ? number->newest : NULL; life; life = life->older)
		if (life->owner == object && !life->given)
			return life;
	return NULL;
}

/* An object takes a number, which it has then. 0 or -ENOMEM. */
static int object_takes(struct store *store, struct table *table, const struct record_owner *record)
{
	/* That it is open is certain, by whatever way it was made. */
	const struct record_call seen = {.h = record->h, .call = CALL_OTHER, .fd = record->fd};
	struct number *number;
	struct life *life;
	int err = life_seen(store, table, record->fd, &seen);

	if (err)
		return err;
	number = number_find(table, record->fd);
	if (!number_live(number))
		return 0; /* another thread closes it just now */
	life = number->newest;
	life->owner = record->object;
	life->owner_type = record->type;
	life->owner_gaps = store->gaps;
	life->given = life->lent = false;
	return 0;
}

/*
 * The owned_close that waited for its object to close the number, too. call: NULL in older
 * recordings.
 */
static void end_wait(struct hold *hold, struct table *table, const struct record_call *call,
		     struct life *life, bool wrong)
{
	struct finding *finding = life->waiting;
	struct verdict verdict;

	life->waiting = NULL;
	if (finding)
		store_discount(hold->store, sizeof(*finding));
	if (finding && wrong) {
		life->behind = true;
		life->suspected = finding->certainty == CERTAINTY_SUSPECTED;
		verdict = (struct verdict){
			.act = ACT_REPORT,
			.loose = life->loose,
			.text = life->text,
			.finding = *finding,
		};
		verdict.finding.what = life->what; /* its path lies in the life */
		hold_alone(hold, table, call, &verdict);
	}
	free(finding);
}

/* A finalizer, of the object itself or of what is around it, runs the method close. */
static bool is_finalizer(const struct record_owner *record, const struct intents *intents)
{
	return record->point == OWNER_FINALIZE || record->point == OWNER_DEALLOC ||
	       (record->flags & OWNER_FINALIZING) || intents->warned == record->object;
}

static void object_gives(struct hold *hold, struct table *table, const struct record_owner *record,
			 struct intents *intents)
{
	bool closes = (record->flags & OWNER_CLOSES) && record->point != OWNER_DETACH;
	struct life *life = find_taken(table, record->fd, record->object);
	struct intent intent = {
		.point = record->point,
		.owner = record->type,
		.fd = record->fd,
		.object = record->object,
		.finalizer = is_finalizer(record, intents),
	};

	if (intents->warned == record->object)
		intents->warned = 0;
	if (life) {
		life->given = true;
		life->giver = record->h.tid;
		end_wait(hold, table, NULL, life, closes);
		if (life->owner_gaps == hold->store->gaps)
			intent.life = life->id;
	}
	if (closes)
		intents_push(intents, &intent);
}

int owner_says(struct hold *hold, struct table *table, const struct record_owner *record,
	       struct intents *intents)
{
	if (record->point <= OWNER_FROMFD)
		return object_takes(hold->store, table, record);
	intents->os_close = record->point == OWNER_OS_CLOSE;
	if (record->point == OWNER_WARN)
		intents->warned = record->object;
	else if (!intents->os_close)
		object_gives(hold, table, record, intents);
	return 0;
}

/* By the objects that the call tells of. */
static struct intent claimed_intent(struct store *store, const struct table *table,
				    const struct record_call *call)
{
	struct intent intent = claims_closer(number_find(table, call->fd), call);

	if (intent.since_ns > store->after_ns)
		store->after_ns = intent.since_ns;
	return intent;
}

struct intent owner_intent(struct store *store, struct threads *threads, const struct table *table,
			   const struct record_call *call)
{
	struct intents *intents;

	if (record_call_claims(call))
		return claimed_intent(store, table, call);
	intents = threads_intents(threads, call->h.tid);
	intents->os_close |= call->point == OWNER_OS_CLOSE;
	if (call_shape(call->call) == SHAPE_CLOSE)
		return intents_take(intents, call->fd);
	intents->os_close = false;
	return (struct intent){0};
}

enum site_origin owner_origin(const struct intent *intent)
{
	if (intent->point == OWNER_OS_CLOSE)
		return ORIGIN_OS_CLOSE;
	if (!intent->object)
		return intent->point == OWNER_ELSEWHERE ? ORIGIN_OTHER : ORIGIN_UNKNOWN;
	return intent->finalizer ? ORIGIN_FINALIZER : ORIGIN_METHOD;
}

/* An object closed its number, and ended a life that it had never taken. */
static void closed_anothers(struct hold *hold, const struct scene *scene,
			    const struct intent *intent, struct life *life)
{
	const struct number *number = number_find(scene->table, scene->call->fd);
	const struct life *meant = number_life(number, intent->life);
	bool late = claims_say(scene->call, intent->object, CLAIM_LATE), unsure;
	struct verdict verdict;

	/*
	 * A socket that is met late may lie where one had lain that had the number before, and that
	 * was never seen to go (CPython 3.6 and 3.7): then this is its own, and right.
	 */
	if (late && intent->stale && intent->owner == OWNER_SOCKET)
		return;
	if (!meant || meant == life || meant->live || meant->ended.missing != SITE_SEEN ||
	    meant->owner_gaps != hold->store->gaps)
		return;
	unsure = meant->uncertain || !owner_followed_by_certain(number, meant);
	if (unsure && !intent->stale)
		return;
	verdict_begin(scene, scene->call->fd, &verdict);
	verdict.act = ACT_REPORT;
	verdict.loose = life->loose;
	verdict.text = meant->text;
	verdict.victim_text = life->text;
	verdict.finding.bad = life->ended;
	reuse_tell(scene, &verdict.finding, life, meant);
	verdict.finding.proofs |= PROOF_OWNER;
	if (!verdict.finding.owner.type)
		verdict.finding.owner.type = intent->owner;
	/* Who lost the number by a close that no object of that life made has been stolen from. */
	if (meant->ended.call != CALL_CLOSE || !meant->given)
		verdict.finding.culprit = CULPRIT_CLOSED;
	coverage_weigh(scene->table, &verdict.finding);
	if (late)
		verdict_suspect(&verdict.finding, NOTE_OWNER_LATE);
	if (unsure)
		verdict_suspect(&verdict.finding, NOTE_ORDER_UNCERTAIN);
	if (meant->suspected || (intent->unsure && !late))
		verdict_suspect(&verdict.finding, NOTE_ANOTHERS);
	life->stolen = true;
	hold_break(hold, scene->call->h.tid); /* what the thread did before comes first */
	hold_alone(hold, scene->table, scene->call, &verdict);
}

/* A close that the living owner of the number did not make. */
static void judge_behind(const struct scene *scene, const struct intent *intent,
			 const struct life *life, struct verdict *verdict)
{
	bool os_close = intent->point == OWNER_OS_CLOSE && !life->lent;
	uint32_t proofs = os_close ? reuse_proofs(scene->reuse, life, scene->call) : 0;
	struct finding *f = &verdict->finding;

	verdict_begin(scene, scene->call->fd, verdict);
	verdict->act = ACT_REPORT;
	verdict->loose = life->loose;
	f->bad = life->ended;
	f->proofs = PROOF_OWNER_LIVES | proofs;
	verdict->text = life->text;
	if (proofs) {
		reuse_tell(scene, f, life, life->older);
		/* One site may close what many have opened: it is no proof of what was meant. */
		if (!(proofs & PROOF_SAME_THREAD))
			verdict_suspect(f, 0);
		verdict->text = life->older->text;
		verdict->victim_text = life->text;
		return;
	}
	finding_set_kind(f, FINDING_OWNED_CLOSE);
	f->culprit = CULPRIT_BAD;
	f->opened = life->opened;
	f->what = life->what;
	verdict_owner(scene, life, &f->owner);
	if (life->inherited)
		f->notes |= NOTE_INHERITED;
}

static void wait_for_object(struct store *store, struct life *life, const struct finding *finding)
{
	life_drop_waiting(store, life);
	life->waiting = malloc(sizeof(*life->waiting));
	if (!life->waiting)
		return;
	store_count(store, sizeof(*finding));
	*life->waiting = *finding;
}

static bool is_behind(const struct scene *scene, const struct life *life)
{
	const struct record_call *call = scene->call;

	return life->owner && !life->given && life->owner_gaps == scene->store->gaps &&
	       call->owner == OWNER_HOLDS && call->owner_low == (uint32_t)life->owner;
}

/* From now on the object has, or had, the life. */
static void life_owned(struct life *life, const struct record_claim *claim)
{
	life->owner = claim->object;
	life->owner_class = claim->type;
	life->owner_type = claim->kind;
	life->owner_flags = claim->flags;
	life->lent = claim->flags & CLAIM_PARENTS;
}

/*
 * Takes over who had the life that a close has ended. True: an object has it still, and none that
 * had it, too, has let go of it by this very close.
 */
static bool claims_held(const struct scene *scene, struct life *life)
{
	const struct number *number = number_find(scene->table, scene->call->fd);
	bool held = false, given = false;

	for (unsigned int i = 0; i < record_call_claims(scene->call); i++) {
		struct record_claim claim = claim_at(scene->call, i);

		if (!claim_is_of(number, &claim, life))
			continue;
		if (claim.state == OWNER_LET_GO && scene->call->point != OWNER_OS_CLOSE)
			given = true;
		if (claim.state == OWNER_HOLDS || (claim.state == OWNER_LET_GO && !held))
			life_owned(life, &claim);
		held |= claim.state == OWNER_HOLDS;
	}
	life->given |= given || (life->owner && !held);
	return held && !given;
}

/* An object that still had a number after a close has let go of it: by a close of its own? */
static void end_waits(struct hold *hold, const struct scene *scene)
{
	const struct number *number = number_find(scene->table, scene->call->fd);

	for (unsigned int i = 0; number && i < record_call_claims(scene->call); i++) {
		struct record_claim claim = claim_at(scene->call, i);
		struct life *life = claim_life(number, &claim);

		if (life && life->waiting && claim.state != OWNER_HOLDS &&
		    life->owner == claim.object)
			end_wait(hold, scene->table, scene->call, life,
				 claim.state == OWNER_LET_GO && claim.flags & CLAIM_AT_HAND &&
					 scene->call->point != OWNER_OS_CLOSE);
	}
}

/* What an object says that was not seen to take the number is no proof that it was its own. */
static void doubt_owner(const struct life *life, struct finding *f)
{
	if (life->owner_flags & CLAIM_BEFORE)
		f->notes |= NOTE_OWNER_BEFORE;
	if (life->owner_flags & CLAIM_LATE)
		verdict_suspect(f, NOTE_OWNER_LATE);
}

/* Of more objects than are kept one that is not told of may have made the close. */
static void doubt_closer(const struct scene *scene, const struct intent *intent, struct finding *f)
{
	if (intent->point != OWNER_OS_CLOSE && claims_left_out(scene->call))
		verdict_suspect(f, NOTE_ANOTHERS);
}

bool owner_closed(struct hold *hold, const struct scene *scene, const struct intent *intent,
		  struct life *life, bool raced)
{
	bool claimed = record_call_claims(scene->call), held = claimed && claims_held(scene, life);
	struct verdict verdict;

	if (claimed)
		end_waits(hold, scene);
	life->claimed = claimed;
	life->suspected |= intent->unsure || (!intent->object && claims_left_out(scene->call));
	if (scene->vfork || raced)
		return false;
	if (intent->object) {
		if (intent->life && intent->life != life->id)
			closed_anothers(hold, scene, intent, life);
		return false;
	}
	if (!(claimed ? held && life->owner_gaps == scene->store->gaps : is_behind(scene, life)) ||
	    (life->uncertain && !owner_settles(scene, life, false)))
		return false;
	judge_behind(scene, intent, life, &verdict);
	if ((life->uncertain || life->crossed) && !owner_settles(scene, life, true))
		verdict_suspect(&verdict.finding, NOTE_ORDER_UNCERTAIN);
	verdict.taken_ns = owner_taken_meanwhile(scene, life);
	if (life->swept)
		verdict_suspect(&verdict.finding, NOTE_SWEPT);
	doubt_owner(life, &verdict.finding);
	coverage_weigh(scene->table, &verdict.finding);
	doubt_closer(scene, intent, &verdict.finding);
	/* A forked child that will exec closes what it has from its parent. */
	if (intent->point != OWNER_OS_CLOSE || life->lent) {
		if (verdict.taken_ns)
			verdict_suspect(&verdict.finding, NOTE_ORDER_UNCERTAIN);
		wait_for_object(hold->store, life, &verdict.finding);
		return false;
	}
	life->behind = true;
	life->suspected |= verdict.finding.certainty == CERTAINTY_SUSPECTED;
	life->stolen = verdict.finding.kind == FINDING_REUSED_CLOSE;
	return !hold_owned(hold, scene->table, scene->call, &verdict);
}

/* The life that the verdict is about has been ended by a close that is known to be wrong. */
static void blame_closed(const struct scene *scene, const struct life *life, struct finding *f)
{
	f->culprit = CULPRIT_CLOSED;
	if (life->suspected)
		verdict_suspect(f, NOTE_ANOTHERS);
	verdict_owner(scene, life, &f->owner);
	f->proofs |= life->stolen ? PROOF_STOLEN : PROOF_BEHIND;
}

/* An object's own close failed, since a call that is no object's had closed its number. */
static bool closed_before_object(const struct intent *intent, const struct life *life)
{
	return intent->object && intent->life == life->id && !life->given &&
	       (life->ended.origin == ORIGIN_OS_CLOSE || life->ended.origin == ORIGIN_OTHER ||
		life->ended.origin == ORIGIN_UNKNOWN) &&
	       life->ended.call == CALL_CLOSE;
}

/* An object's own close ended the life. */
static bool is_objects_own(const struct life *life)
{
	return life->ended.origin == ORIGIN_METHOD || life->ended.origin == ORIGIN_FINALIZER;
}

/* The life that the caller's object had taken, if that and its end were seen; else the last. */
static struct life *meant_life(const struct number *number, const struct intent *intent)
{
	struct life *meant = intent->object ? number_life(number, intent->life) : NULL;

	return meant && !meant->live && meant->ended.missing == SITE_SEEN ? meant : number->newest;
}

/*
 * A failed close that is not os.close()'s, nor an object's that is at work in the thread: of a
 * number that has had several lives it may mean any. It means the last where an object of that has
 * let go of the number meanwhile; or where the last is known to have been taken away from somebody.
 */
static bool is_anybodys(const struct scene *scene, const struct number *number,
			const struct intent *intent)
{
	const struct life *last = number ? number->newest : NULL, *let_go;
	bool many;

	if (scene->call->call != CALL_CLOSE || scene->call->point != OWNER_ELSEWHERE ||
	    intent->object || !last)
		return false;
	if (claims_left_out(scene->call))
		return true;
	let_go = claims_let_go(number, scene->call, &many);
	if (let_go || many)
		return many || let_go != last;
	return last->older && ((!last->stolen && !last->behind) || last->inherited);
}

/*
 * A forked child has its parent's objects. Which of them claim a number is known as far as the
 * parent has not changed it meanwhile: of one that had several lives before the fork any may be
 * meant.
 */
static bool may_be_parents(const struct number *number, const struct intent *intent)
{
	return !intent->object && number->newest->inherited && number->newest->older;
}

void owner_failed(struct hold *hold, const struct scene *scene, const struct intent *intent,
		  struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	const struct number *number = f->fd < 0 ? NULL : number_find(scene->table, f->fd);
	struct life *life;
	struct intent user;
	bool doubt;

	if (scene->call->call == CALL_CLOSE)
		f->bad.origin = owner_origin(intent);
	if (scene->call->call == CALL_CLOSE && record_call_claims(scene->call))
		end_waits(hold, scene);
	doubt = is_anybodys(scene, number, intent);
	if (!number || !number->newest || number->newest->live || verdict->act != ACT_REPORT ||
	    (f->kind != FINDING_DOUBLE_CLOSE && f->kind != FINDING_USE_AFTER_CLOSE))
		return;
	if (f->kind == FINDING_USE_AFTER_CLOSE && f->fd == scene->call->fd &&
	    record_call_claims(scene->call)) {
		user = claims_user(number, scene->call, &doubt);
		intent = &user;
	}
	if (f->kind == FINDING_USE_AFTER_CLOSE)
		doubt |= may_be_parents(number, intent);
	life = meant_life(number, intent);
	if (life != number->newest)
		verdict_meant(life, verdict);
	/* It means a life that has been forgotten, or whose end nobody saw. */
	if (record_call_claims(scene->call) && intent->object)
		doubt |= intent->unsure || intent->life != life->id;
	if (doubt)
		verdict_suspect(f, NOTE_ANOTHERS);
	if (life != number->newest && !owner_certain(scene->store, number, life))
		verdict_suspect(f, NOTE_ORDER_UNCERTAIN);
	if (intent->object && claims_say(scene->call, intent->object, CLAIM_LATE))
		verdict_suspect(f, NOTE_OWNER_LATE);
	/* Of two that claim one life and were found in memory one was stale then: perhaps this. */
	if (life != number->newest && is_objects_own(life) &&
	    claims_say(scene->call, intent->object, CLAIM_BEFORE))
		verdict_suspect(f, NOTE_OWNER_BEFORE);
	if (life->behind || (life->stolen && !life->suspected) ||
	    closed_before_object(intent, life))
		blame_closed(scene, life, f);
	else
		reuse_failed(scene->reuse, scene, life, verdict);
}

void owner_keeps(struct life *from, struct life *to)
{
	if (!from->owner || from->given)
		return;
	to->owner = from->owner;
	to->owner_type = from->owner_type;
	to->owner_class = from->owner_class;
	to->owner_flags = from->owner_flags;
	to->owner_gaps = from->owner_gaps;
	from->given = true;
	from->giver = 0;
}
