/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/generation.h"

#include <errno.h>

#include "base/records.h"
#include "base/syscalls.h"

struct fd_site life_site(const struct record_call *call)
{
	return (struct fd_site){
		.missing = SITE_SEEN,
		.call = call->call,
		.nr = call->nr,
		.ret = call->ret,
		.tgid = call->h.tgid,
		.tid = call->h.tid,
		.time_ns = call->h.time_ns,
		.stack_id = call->stack_id,
		.python = call->python,
		.native = call->native,
		.native_id = record_call_native(call),
	};
}

/*
 * A number is touched that nobody has touched since the table was copied, or since records were
 * lost. After a gap only the newest life counts, and of a live one nothing but that it may be.
 */
static void settle_doubts(struct store *store, struct number *number)
{
	struct life *life = number->newest;

	if (life && life->live && table_unsure(number->table, number))
		life->uncertain |= life->opened.missing == SITE_SEEN;
	if (!number_stale(store, number))
		return;
	if (life && life->live)
		life_unknown(store, life, SITE_LOST);
	for (; life; life = life->older)
		life->awaited = false;
	number_touch(store, number);
}

/* Why the open of a life was not seen that a call has just shown to have been there. */
static enum site_missing why_unseen(const struct store *store, const struct table *table,
				    const struct number *number, int32_t fd,
				    const struct record_call *call)
{
	bool known = number && number->newest;

	if (known ? number_stale(store, number) : table_gap(store, table))
		return SITE_LOST;
	if (!known && table_cut(table, fd))
		return SITE_HISTORY_CUT;
	if (!known && !table->whole && (!table->snapshot || life_early(table, call)))
		return table->relisted ? SITE_LOST : SITE_BEFORE_ATTACH;
	return SITE_OTHER_WAY;
}

/* The open may be what the snapshot showed: its effect came before, its record after. */
static bool is_listed(const struct store *store, const struct table *table, const struct life *life,
		      const struct record_call *call)
{
	if (!life->listed)
		return false;
	if (record_call_entered(call))
		return record_call_entered(call) <= table->snapshot_ns;
	return life_early(table, call) ||
	       call->h.time_ns - table->snapshot_ns <= store->limits.settle_ns;
}

/* The call may be the open of a life that is over, its close recorded first. */
static bool may_have_begun(const struct store *store, const struct life *life,
			   const struct record_call *call)
{
	const struct fd_site *ended = &life->ended;

	if (life->live || life->opened.missing == SITE_SEEN || ended->missing != SITE_SEEN ||
	    life_after(store, call, ended))
		return false;
	return record_call_entered(call) ? record_call_entered(call) < ended->time_ns
					 : life_soon(store, call, ended);
}

/* The newest life that the call may have begun before others; NULL: none. */
static struct life *closed_first(const struct store *store, const struct number *number,
				 const struct record_call *call)
{
	for (struct life *life = number->newest; life; life = life->older)
		if (may_have_begun(store, life, call))
			return life;
	return NULL;
}

/* There was a close without an open, and this open may have come before some close. */
static bool may_be_missed(const struct store *store, const struct number *number,
			  const struct record_call *call)
{
	bool missed = false, before = false;

	for (const struct life *life = number->newest; life; life = life->older) {
		missed |= !life->live && life->opened.missing == SITE_OTHER_WAY;
		before |= order_may_overlap(store, call, &life->ended);
	}
	return missed && before;
}

/* This life and those after it: what is said to have begun it may have begun another after them. */
static void doubt_since(struct number *number, struct life *life)
{
	life->uncertain = true;
	for (struct life *newer = number->newest; newer != life; newer = newer->older)
		newer->uncertain = true;
}

/*
 * The call may have gone on since before the process was traced: what it opened may be closed, and
 * the number opened again, and again closed, by calls that nobody has seen.
 */
static bool may_be_older(const struct store *store, const struct table *table,
			 const struct record_call *call)
{
	return !table->whole && !table->traced && !table->alone && !store->traced_ns &&
	       life_may_be_unlisted(store, table, call);
}

static void set_opened(struct store *store, const struct number *number, struct life *life,
		       const struct record_call *call, const struct making *making)
{
	const struct table *table = number->table;

	life->opened = life_site(call);
	life->shown = false;
	life->uncertain |=
		order_in_gap(store, number, call) ||
		(may_be_older(store, table, call) && (!table->snapshot || life_early(table, call)));
	life->cloexec = making->cloexec;
	life->copied = making->copied;
	life_set_what(store, life, &making->what, making->text);
}

void life_named(struct store *store, const struct number *number, struct life *life,
		const struct record_call *call, const struct making *making)
{
	uint64_t began_ns = life->opened.time_ns;

	set_opened(store, number, life, call, making);
	life->opened.time_ns = began_ns;
}

static int push(struct store *store, struct number *number, const struct record_call *call,
		const struct making *making)
{
	struct life *life = life_push(store, number);

	if (!life)
		return -ENOMEM;
	if (life->older)
		life->follows = life_after(store, call, &life->older->ended);
	/* Opened and closed before what is open was listed. */
	life->doubted = life_may_be_unlisted(store, number->table, call);
	set_opened(store, number, life, call, making);
	return 0;
}

bool life_may_be_swept(const struct store *store, const struct table *table, int32_t fd,
		       const struct record_call *call)
{
	/* Any thread's: the last one may be this thread's own, and another's just before it. */
	const struct fd_site range = {.missing = SITE_SEEN, .time_ns = table->swept_ns};

	return table->swept_ns && table_swept(table, fd) && order_may_overlap(store, call, &range);
}

/* A life that a use has shown; its open is recorded only now. */
static bool may_be_its_open(const struct store *store, const struct life *life,
			    const struct record_call *call)
{
	struct fd_site shown = life->opened;

	shown.missing = life->shown ? SITE_SEEN : SITE_NOT_APPLICABLE;
	return life->live && life->opened.missing == SITE_OTHER_WAY &&
	       order_may_overlap(store, call, &shown);
}

/* The call had returned when this life began: its record was kept back for long. */
static bool is_late(const struct record_call *call, const struct life *life)
{
	return life->opened.missing == SITE_SEEN && call->h.time_ns < life->opened.time_ns;
}

/*
 * A life that is over, closed by a thread that may not have waited for its open to return: it may
 * as well have closed what this call made, before that open took the number. So may one whose
 * open was found afterwards, and one that was not there for sure, or over already.
 */
static bool may_be_earlier(const struct store *store, const struct life *life,
			   const struct record_call *call)
{
	for (; life; life = life->older)
		if ((life->loose && order_may_overlap(store, call, &life->opened)) ||
		    ((life->uncertain || life->swept) &&
		     order_may_overlap(store, call, &life->ended)) ||
		    is_late(call, life))
			return true;
	return false;
}

/* dup2 needs no close before it: what this call made may be what the dup2 has ended. */
static bool may_be_replaced(const struct store *store, const struct life *life,
			    const struct record_call *call)
{
	for (; life; life = life->older)
		if (call_shape(life->opened.call) == SHAPE_DUP_ONTO &&
		    order_may_overlap(store, call, &life->opened))
			return true;
	return false;
}

int life_begin(struct store *store, struct table *table, int32_t fd, const struct record_call *call,
	       const struct making *making)
{
	struct number *number = number_get(store, table, fd);
	struct life *life, *earlier;
	bool raced = false, maybe = false, shadowed = false, stale, unsure, missed;
	int err;

	if (!number)
		return -ENOMEM;
	life = number->newest;
	stale = number_stale(store, number);
	unsure = table_unsure(table, number);
	missed = may_be_missed(store, number, call);
	earlier = stale ? NULL : closed_first(store, number, call);
	if (earlier && record_call_entered(call) && earlier->opened.missing == SITE_OTHER_WAY) {
		set_opened(store, number, earlier, call, making);
		doubt_since(number, earlier);
		return 0;
	}
	if (life && life->live && !stale && is_listed(store, table, life, call)) {
		life->listed = false;
		life->uncertain = !life_early(table, call);
		set_opened(store, number, life, call, making);
		return 0;
	}
	if (life && !stale && may_be_its_open(store, life, call)) {
		set_opened(store, number, life, call, making);
		life->uncertain = true;
		return 0;
	}
	settle_doubts(store, number);
	number_touch(store, number);
	if (life && life->live) {
		/* One that may have been closed already need not be closed any more. */
		maybe = life->swept;
		raced = life->awaited = !stale && !maybe && !unsure;
		shadowed = !raced && !maybe;
		life_over(store, life,
			  &(struct fd_site){.missing = stale ? SITE_LOST : SITE_OTHER_WAY});
	}
	err = push(store, number, call, making);
	if (err)
		return err;
	number->newest->raced = raced;
	number->newest->shadowed = shadowed;
	number->newest->crossed = raced && order_may_overlap(store, call, &life->opened);
	number->newest->uncertain |= earlier || missed || maybe ||
				     may_be_replaced(store, life, call) ||
				     may_be_earlier(store, life, call);
	number->newest->swept =
		life_may_be_swept(store, table, fd, call) || (raced && coverage_hides(table));
	return 0;
}

int life_replace(struct store *store, struct table *table, int32_t fd,
		 const struct record_call *call, const struct making *making)
{
	struct number *number = number_get(store, table, fd);
	struct fd_site site = life_site(call);
	bool overlaps = false;
	int err;

	if (!number)
		return -ENOMEM;
	settle_doubts(store, number);
	number_touch(store, number);
	/* A close that overlaps may have ended what this began; of two dup2, either is the last. */
	if (number_live(number)) {
		overlaps = order_may_overlap(store, call, &number->newest->opened);
		life_over(store, number->newest, &site);
	} else if (number->newest) {
		overlaps = order_may_overlap(store, call, &number->newest->ended);
	}
	err = push(store, number, call, making);
	if (err)
		return err;
	number->newest->uncertain |= overlaps;
	number->newest->swept = life_may_be_swept(store, table, fd, call);
	return 0;
}

/* The life whose close is on its way and may be this call; the oldest one. */
static struct life *find_awaited(const struct store *store, const struct number *number,
				 const struct record_call *call)
{
	struct life *next = number->newest, *found = NULL;

	for (struct life *life = next ? next->older : NULL; life; next = life, life = life->older) {
		const struct fd_site *opened = &next->opened;

		if (!life->awaited || opened->missing != SITE_SEEN ||
		    life_after(store, call, opened) || (life->given && life->giver != call->h.tid))
			continue;
		if (record_call_entered(call) || life_soon(store, call, opened))
			found = life;
	}
	return found;
}

/* The life that came after this older one. */
static struct life *next_life(struct number *number, const struct life *life)
{
	struct life *next = number->newest;

	while (next->older != life)
		next = next->older;
	return next;
}

/* It was ended by close_range or dup2, of which it is not known whether they found something. */
static bool is_bulk_ended(const struct life *life)
{
	return life->ended.missing == SITE_SEEN && call_shape(life->ended.call) != SHAPE_CLOSE;
}

/* Something else may have ended it than is said to have. */
static bool is_left(const struct life *life)
{
	return is_bulk_ended(life) && (life->uncertain || life->swept);
}

/*
 * The close of an older life is on its way, which may have come after the one that followed it; or
 * of one that is lost, whose end nobody saw; or of one that something else is said to have ended.
 */
static bool awaits_another(const struct store *store, const struct number *number,
			   const struct life *life, const struct record_call *call)
{
	for (const struct life *older; life; life = older) {
		older = life->older;
		if (is_bulk_ended(life) && order_may_overlap(store, call, &life->ended))
			return true;
		if (!older) /* that one may have been forgotten, though its close was due */
			return table_cut(number->table, number->fd) &&
			       (life->raced || order_may_overlap(store, call, &life->opened));
		if (life->crossed && older->awaited)
			return true;
		if ((life->shadowed || is_left(older)) &&
		    order_may_overlap(store, call, &life->opened))
			return true;
	}
	return false;
}

/*
 * The newest life, ended by a close that may have come before its open had returned: so it may be
 * the one that its predecessor awaits, or the one that ended its predecessor, and the close that
 * is thought to have done that ended this life.
 */
static bool is_contested(const struct store *store, const struct number *number,
			 const struct life *life, const struct record_call *call)
{
	const struct life *older = life->older;

	if (life->opened.missing != SITE_SEEN || life_after(store, call, &life->opened))
		return false;
	/* The close that an older one awaited has come, and may as well have ended this. */
	if (life->doubted)
		return true;
	/* Or it ended what was open before the list, what was opened unseen in a gap, or what is
	 * forgotten. */
	if (!older)
		return life->raced || life_may_have_older(store, number, call);
	if (awaits_another(store, number, older, call))
		return true;
	if (older->awaited || older->ended.missing != SITE_SEEN)
		return life->raced || life->shadowed || older->ended.missing == SITE_LOST;
	if (is_left(older))
		return true;
	/* A close that may have ended another one than its predecessor leaves that to this. */
	return older->uncertain || (older->ended.tid != call->h.tid && !life->follows &&
				    life_soon(store, call, &older->ended));
}

/*
 * A number that is believed closed is open, or was: it had been opened in a way not seen. If the
 * call overlaps with the close before, it may have come first; and where that may have ended
 * another life, this may be the end of that one.
 */
static struct life *push_unseen(struct store *store, struct number *number,
				const struct record_call *call, enum site_missing why)
{
	struct life *life = life_push(store, number), *older;

	if (!life)
		return NULL;
	life_unknown(store, life, why);
	number->table->foreign |= why == SITE_OTHER_WAY;
	older = life->older;
	if (older)
		life->uncertain = older->uncertain || order_may_overlap(store, call, &older->ended);
	for (older = life->older; older; older = older->older)
		life->uncertain |= older->awaited;
	return life;
}

/*
 * The life that the closing object had taken. True: it is the one that the close ends, if it is
 * still known (*ret_life; else NULL). False: it is over, by somebody else's close.
 */
static bool find_meant(const struct store *store, struct number *number,
		       const struct record_call *call, uint64_t meant, struct life **ret_life)
{
	struct life *life = number_life(number, meant);

	*ret_life = life;
	if (!life || life->live)
		return true;
	return life->awaited && life != number->newest &&
	       !life_after(store, call, &next_life(number, life)->opened);
}

int life_close(struct store *store, struct table *table, int32_t fd, const struct record_call *call,
	       uint64_t meant, struct life **ret_life, bool *ret_raced)
{
	struct number *number = number_find(table, fd);
	enum site_missing why = why_unseen(store, table, number, fd, call);
	struct fd_site site = life_site(call);
	struct life *life;

	if (!number)
		number = number_get(store, table, fd);
	if (!number)
		return -ENOMEM;
	settle_doubts(store, number);
	number_touch(store, number);
	*ret_raced = false;
	if (meant && find_meant(store, number, call, meant, ret_life)) {
		if (*ret_life) {
			number->newest->doubted |= (*ret_life)->awaited;
			(*ret_life)->awaited = false;
			life_over(store, *ret_life, &site);
		}
		return 0;
	}
	life = find_awaited(store, number, call);
	*ret_raced = life != NULL;
	if (life) {
		life->awaited = false;
		if (life_after(store, call, &life->opened))
			next_life(number, life)->crossed = false;
		number->newest->doubted = true;
		number->newest->swept |= coverage_hides(table);
		/* What may have been over already leaves the close to a life after the newest. */
		if (!number->newest->live)
			number->newest->uncertain |= !record_call_entered(call) || life->uncertain;
	} else if (number_live(number)) {
		life = number->newest;
		life->vague = life->uncertain;
		life->uncertain |= is_contested(store, number, life, call);
		/* It may have been closed, and the number reused, before it was listed. */
		if (life->listed && life_early(table, call))
			life_unknown(store, life, life->opened.missing);
	} else {
		life = push_unseen(store, number, call, why);
	}
	if (!life)
		return -ENOMEM;
	life->loose = order_may_overlap(store, call, &life->opened);
	life->uncertain |= order_in_gap(store, number, call);
	life->uncertain |= life->opened.missing != SITE_SEEN && may_be_older(store, table, call);
	life->swept |= life->loose &&
		       coverage_hides(table); /* which may have ended the one that it is said to */
	life_over(store, life, &site);
	*ret_life = life;
	return 0;
}

int life_seen(struct store *store, struct table *table, int32_t fd, const struct record_call *call)
{
	struct number *number = number_find(table, fd);
	enum site_missing why = why_unseen(store, table, number, fd, call);
	struct life *life;

	if (number_live(number) || (number && number_stale(store, number))) {
		settle_doubts(store, number);
	} else if (number && number->newest && !life_after(store, call, &number->newest->ended)) {
		return 0; /* another thread's close may have come just after it */
	} else if (may_be_older(store, table, call)) {
		return 0; /* so may one that nobody has seen */
	}
	if (!number)
		number = number_get(store, table, fd);
	if (!number)
		return -ENOMEM;
	number_touch(store, number);
	if (number_live(number)) {
		number->newest->uncertain |= order_in_gap(store, number, call);
		return 0;
	}
	life = push_unseen(store, number, call, why);
	if (!life)
		return -ENOMEM;
	life->opened = life_site(call);
	life->opened.missing = why;
	life->shown = true;
	life->swept = life_may_be_swept(store, table, fd, call);
	life->uncertain |= order_in_gap(store, number, call);
	return 0;
}

bool life_close_bulk(struct store *store, struct number *number, const struct record_call *call)
{
	struct fd_site site = life_site(call);
	struct life *life = number->newest;

	if (!life)
		return false;
	/* It may have begun again; of two that overlap, either may have ended it. */
	if (!life->live) {
		life->covered = true;
		life->swept |= !(call->arg & RANGE_MADE_TOLD) ||
			       (call_shape(life->ended.call) == SHAPE_CLOSE_RANGE &&
				order_may_overlap(store, call, &life->ended));
		return false;
	}
	/* It may have begun after it. */
	if (life->listed && life_early(number->table, call)) {
		life->swept = true;
		return false;
	}
	/* Records were lost: it may have been closed before. */
	if (number_stale(store, number))
		site = (struct fd_site){.missing = SITE_LOST};
	life->uncertain |= table_unsure(number->table, number);
	settle_doubts(store, number);
	number_touch(store, number);
	life->uncertain |= order_may_overlap(store, call, &life->opened) ||
			   (life->listed && life_may_be_unlisted(store, number->table, call));
	life->uncertain |= order_in_gap(store, number, call);
	life->swept |= coverage_hides(number->table) || life->raced || life->doubted;
	life_over(store, life, &site);
	return true;
}
