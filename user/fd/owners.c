/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/owners.h"

#include <errno.h>
#include <stdlib.h>

#include "fd/life.h"

/* The life that an object took and has not given up; NULL: none that is known. */
static struct life *find_taken(const struct table *table, int32_t fd, uint64_t object)
{
	const struct number *number = fd < 0 ? NULL : number_find(table, fd);

	for (struct life *life = number ? number->newest : NULL; life; life = life->older)
		if (life->owner == object && !life->given)
			return life;
	return NULL;
}

int owner_takes(struct store *store, struct table *table, const struct record_owner *record)
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

/* The owned_close that waited for its object to close the number, too. */
static void end_wait(struct hold *hold, struct life *life, bool wrong)
{
	struct finding *finding = life->waiting;

	life->waiting = NULL;
	if (finding && wrong) {
		life->behind = true;
		finding->what = life->what; /* its path lies in the life */
		hold->emit(hold->arg, finding);
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
		end_wait(hold, life, closes);
		if (life->owner_gaps == hold->store->gaps)
			intent.life = life->id;
	}
	if (closes)
		intents_push(intents, &intent);
}

void owner_gives(struct hold *hold, struct table *table, const struct record_owner *record,
		 struct intents *intents)
{
	intents->os_close = record->point == OWNER_OS_CLOSE;
	if (record->point == OWNER_WARN)
		intents->warned = record->object;
	else if (!intents->os_close)
		object_gives(hold, table, record, intents);
}

enum site_origin owner_origin(const struct intent *intent)
{
	if (intent->point == OWNER_OS_CLOSE)
		return ORIGIN_OS_CLOSE;
	if (!intent->object)
		return ORIGIN_UNKNOWN;
	return intent->finalizer ? ORIGIN_FINALIZER : ORIGIN_METHOD;
}

/* An object closed its number, and ended a life that it had never taken. */
static void closed_anothers(struct hold *hold, const struct scene *scene,
			    const struct intent *intent, struct life *life)
{
	const struct number *number = number_find(scene->table, scene->call->fd);
	const struct life *meant = number_life(number, intent->life);
	struct verdict verdict;

	if (!meant || meant == life || meant->live || meant->ended.missing != SITE_SEEN ||
	    meant->uncertain || life->uncertain)
		return;
	verdict_begin(scene, scene->call->fd, &verdict);
	verdict.finding.bad = life->ended;
	reuse_tell(&verdict.finding, life, meant);
	verdict.finding.proofs = PROOF_OWNER;
	life->stolen = true;
	hold_break(hold, scene->call->h.tid); /* what the thread did before comes first */
	hold->emit(hold->arg, &verdict.finding);
}

/* A close that the living owner of the number did not make. */
static void judge_behind(const struct scene *scene, const struct intent *intent,
			 const struct life *life, struct verdict *verdict)
{
	bool os_close = intent->point == OWNER_OS_CLOSE && !life->lent;
	uint32_t proofs = os_close ? reuse_proofs(scene->reuse, life, scene->call) : 0;
	struct finding *f = &verdict->finding;

	verdict_begin(scene, scene->call->fd, verdict);
	f->bad = life->ended;
	f->proofs = PROOF_OWNER_LIVES | proofs;
	verdict->text = life->text;
	if (proofs) {
		reuse_tell(f, life, life->older);
		verdict->text = life->older->text;
		verdict->victim_text = life->text;
		return;
	}
	f->kind = FINDING_OWNED_CLOSE;
	f->severity = SEVERITY_ERROR;
	f->culprit = CULPRIT_BAD;
	f->opened = life->opened;
	f->what = life->what;
	f->owner = life->owner_type;
	if (life->inherited)
		f->notes |= NOTE_INHERITED;
}

static void wait_for_object(struct life *life, const struct finding *finding)
{
	free(life->waiting);
	life->waiting = malloc(sizeof(*life->waiting));
	if (life->waiting)
		*life->waiting = *finding;
}

static bool is_behind(const struct scene *scene, const struct life *life)
{
	const struct record_call *call = scene->call;

	return life->owner && !life->given && life->owner_gaps == scene->store->gaps &&
	       call->owner == OWNER_HOLDS && call->owner_low == (uint32_t)life->owner;
}

bool owner_closed(struct hold *hold, const struct scene *scene, const struct intent *intent,
		  struct life *life, bool raced)
{
	struct verdict verdict;

	if (scene->vfork || raced)
		return false;
	if (intent->object) {
		if (intent->life && intent->life != life->id)
			closed_anothers(hold, scene, intent, life);
		return false;
	}
	if (!is_behind(scene, life) || life->uncertain)
		return false;
	judge_behind(scene, intent, life, &verdict);
	/* A forked child that will exec closes what it has from its parent, whoever had it there.
	 */
	if (intent->point != OWNER_OS_CLOSE || life->lent) {
		wait_for_object(life, &verdict.finding);
		return false;
	}
	life->behind = true;
	life->stolen = verdict.finding.kind == FINDING_REUSED_CLOSE;
	return !hold_owned(hold, scene->table, scene->call, &verdict);
}

/* The life that the verdict is about has been ended by a close that is known to be wrong. */
static void blame_closed(const struct life *life, struct finding *f)
{
	f->culprit = CULPRIT_CLOSED;
	f->owner = life->owner_type;
	f->proofs |= life->stolen ? PROOF_STOLEN : PROOF_BEHIND;
}

/* An object's own close failed, since a call that is no object's had closed its number. */
static bool closed_before_object(const struct intent *intent, const struct life *life)
{
	return intent->object && intent->life == life->id &&
	       (life->ended.origin == ORIGIN_OS_CLOSE || life->ended.origin == ORIGIN_UNKNOWN) &&
	       life->ended.call == CALL_CLOSE;
}

void owner_failed(const struct scene *scene, const struct intent *intent, struct verdict *verdict)
{
	struct finding *f = &verdict->finding;
	const struct number *number = f->fd < 0 ? NULL : number_find(scene->table, f->fd);
	struct life *life = number ? number->newest : NULL;

	if (scene->call->call == CALL_CLOSE)
		f->bad.origin = owner_origin(intent);
	if (!life || life->live || verdict->act != ACT_REPORT ||
	    (f->kind != FINDING_DOUBLE_CLOSE && f->kind != FINDING_USE_AFTER_CLOSE))
		return;
	if (life->behind || life->stolen || closed_before_object(intent, life))
		blame_closed(life, f);
	else
		reuse_failed(scene->reuse, scene, life, verdict);
}

void owner_keeps(struct life *from, struct life *to)
{
	if (!from->owner || from->given)
		return;
	to->owner = from->owner;
	to->owner_type = from->owner_type;
	to->owner_gaps = from->owner_gaps;
	from->given = true;
	from->giver = 0;
}
