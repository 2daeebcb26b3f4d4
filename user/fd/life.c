/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/life.h"

#include <errno.h>

#include "base/records.h"

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

bool life_after(const struct record_call *call, const struct fd_site *site)
{
	if (site->missing != SITE_SEEN)
		return false;
	if (call->h.tid == site->tid)
		return true;
	return call->enter_ns && call->enter_ns > site->time_ns;
}

bool life_early(const struct table *table, const struct record_call *call)
{
	return call->h.time_ns <= table->snapshot_ns;
}

bool life_soon(const struct store *store, const struct record_call *call,
	       const struct fd_site *site)
{
	return call->h.time_ns <= site->time_ns ||
	       call->h.time_ns - site->time_ns <= store->limits.settle_ns;
}

/* After a gap only the newest life counts, and of a live one nothing but that it may be. */
static void settle_gap(struct store *store, struct number *number)
{
	struct life *life = number->newest;

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
		return SITE_BEFORE_ATTACH;
	return SITE_OTHER_WAY;
}

/* The open may be what the snapshot showed: its effect came before, its record after. */
static bool is_listed(const struct store *store, const struct table *table, const struct life *life,
		      const struct record_call *call)
{
	if (!life->listed)
		return false;
	if (call->enter_ns)
		return call->enter_ns <= table->snapshot_ns;
	return life_early(table, call) ||
	       call->h.time_ns - table->snapshot_ns <= store->limits.settle_ns;
}

/* A close that was recorded before the open of what it closed. */
static bool was_closed_first(const struct life *life, const struct record_call *call)
{
	return !life->live && life->opened.missing == SITE_OTHER_WAY &&
	       life->ended.missing == SITE_SEEN && call->enter_ns &&
	       call->h.tid != life->ended.tid && call->enter_ns < life->ended.time_ns;
}

static void set_opened(struct store *store, struct life *life, const struct record_call *call,
		       const struct making *making)
{
	life->opened = life_site(call);
	life->cloexec = making->cloexec;
	life->copied = making->copied;
	life_set_what(store, life, &making->what, making->text);
}

static int push(struct store *store, struct number *number, const struct record_call *call,
		const struct making *making)
{
	struct life *life = life_push(store, number);

	if (!life)
		return -ENOMEM;
	set_opened(store, life, call, making);
	return 0;
}

int life_begin(struct store *store, struct table *table, int32_t fd, const struct record_call *call,
	       const struct making *making)
{
	struct number *number = number_get(store, table, fd);
	struct life *life;
	bool raced = false, stale;
	int err;

	if (!number)
		return -ENOMEM;
	life = number->newest;
	stale = number_stale(store, number);
	if (life && !stale && was_closed_first(life, call)) {
		set_opened(store, life, call, making);
		return 0;
	}
	if (life && life->live && !stale && is_listed(store, table, life, call)) {
		life->listed = false;
		life->uncertain = !life_early(table, call);
		set_opened(store, life, call, making);
		return 0;
	}
	settle_gap(store, number);
	number_touch(store, number);
	if (life && life->live) {
		raced = life->awaited = !stale;
		life_over(store, life,
			  &(struct fd_site){.missing = stale ? SITE_LOST : SITE_OTHER_WAY});
	}
	err = push(store, number, call, making);
	if (!err)
		number->newest->raced = raced;
	return err;
}

int life_replace(struct store *store, struct table *table, int32_t fd,
		 const struct record_call *call, const struct making *making)
{
	struct number *number = number_get(store, table, fd);
	struct fd_site site = life_site(call);

	if (!number)
		return -ENOMEM;
	settle_gap(store, number);
	number_touch(store, number);
	if (number_live(number))
		life_over(store, number->newest, &site);
	return push(store, number, call, making);
}

/* The life whose close is on its way and may be this call; the oldest one. */
static struct life *find_awaited(const struct store *store, const struct number *number,
				 const struct record_call *call)
{
	struct life *next = number->newest, *found = NULL;

	for (struct life *life = next ? next->older : NULL; life; next = life, life = life->older) {
		const struct fd_site *opened = &next->opened;

		if (!life->awaited || opened->missing != SITE_SEEN || life_after(call, opened) ||
		    (life->given && life->giver != call->h.tid))
			continue;
		if (call->enter_ns || life_soon(store, call, opened))
			found = life;
	}
	return found;
}

/*
 * A life that began in a race, ended by a close that may as well be the one that its
 * predecessor awaited, or still awaits.
 */
static bool is_contested(const struct store *store, const struct life *life,
			 const struct record_call *call)
{
	const struct life *older = life->older;

	if (!life->raced || life_after(call, &life->opened))
		return false;
	if (!older || older->awaited || older->ended.missing != SITE_SEEN)
		return true;
	return older->ended.tid != call->h.tid && life_soon(store, call, &life->opened);
}

/* A close of a number that is believed closed: it was open, then, in a way not seen. */
static struct life *push_unseen(struct store *store, struct number *number, enum site_missing why)
{
	struct life *life = life_push(store, number), *older;

	if (!life)
		return NULL;
	life_unknown(store, life, why);
	for (older = life->older; older; older = older->older)
		life->uncertain |= older->awaited;
	return life;
}

/*
 * The life that the closing object had taken. True: it is the one that the close ends, if it is
 * still known (*ret_life; else NULL). False: it is over, by somebody else's close.
 */
static bool find_meant(const struct number *number, uint64_t meant, struct life **ret_life)
{
	struct life *life = number->newest;

	while (life && life->id != meant)
		life = life->older;
	*ret_life = life;
	return !life || life->live || life->awaited;
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
	settle_gap(store, number);
	number_touch(store, number);
	*ret_raced = false;
	if (meant && find_meant(number, meant, ret_life)) {
		if (*ret_life) {
			(*ret_life)->awaited = false;
			life_over(store, *ret_life, &site);
		}
		return 0;
	}
	life = find_awaited(store, number, call);
	*ret_raced = life != NULL;
	if (life) {
		life->awaited = false;
		number->newest->uncertain |= !number->newest->live && !call->enter_ns;
	} else if (number_live(number)) {
		life = number->newest;
		life->uncertain |= is_contested(store, life, call);
		/* It may have been closed, and the number reused, before it was listed. */
		if (life->listed && life_early(table, call))
			life_unknown(store, life, life->opened.missing);
	} else {
		life = push_unseen(store, number, why);
	}
	if (!life)
		return -ENOMEM;
	life_over(store, life, &site);
	*ret_life = life;
	return 0;
}

int life_seen(struct store *store, struct table *table, int32_t fd, const struct record_call *call)
{
	struct number *number = number_find(table, fd);
	enum site_missing why = why_unseen(store, table, number, fd, call);

	if (number_live(number) || (number && number_stale(store, number))) {
		settle_gap(store, number);
	} else if (number && number->newest && !life_after(call, &number->newest->ended)) {
		return 0; /* another thread's close may have come just after it */
	}
	if (!number)
		number = number_get(store, table, fd);
	if (!number)
		return -ENOMEM;
	number_touch(store, number);
	if (number_live(number))
		return 0;
	return push_unseen(store, number, why) ? 0 : -ENOMEM;
}

/* The range may have been closed before another thread opened this number. */
static bool may_be_newer(const struct store *store, const struct life *life,
			 const struct record_call *call)
{
	if (life->opened.missing != SITE_SEEN || life_after(call, &life->opened))
		return false;
	return call->enter_ns || life_soon(store, call, &life->opened);
}

void life_close_bulk(struct store *store, struct number *number, const struct record_call *call)
{
	struct fd_site site = life_site(call);
	struct life *life = number->newest;

	settle_gap(store, number);
	number_touch(store, number);
	life->uncertain |= may_be_newer(store, life, call);
	life_over(store, life, &site);
}
