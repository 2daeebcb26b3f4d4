/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/repeats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Findings remembered; one that would be one more is only counted. Each has one bug at most. */
#define REPEATS_MAX 4096

static int64_t time_of(const struct finding_view *view)
{
	return (int64_t)view->finding->bad.time_ns + view->wall_offset_ns;
}

static struct bug *find_bug(const struct repeats *repeats, const char *name)
{
	struct bug *bug;

	HASH_FIND_STR(repeats->bugs, name, bug);
	return bug;
}

static struct bug *add_bug(struct repeats *repeats, const struct finding_view *view)
{
	struct bug *bug = find_bug(repeats, view->bug);

	if (bug)
		return bug;
	bug = calloc(1, sizeof(*bug));
	if (!bug)
		return NULL;
	snprintf(bug->name, sizeof(bug->name), "%s", view->bug);
	bug->id = view->id;
	bug->either = view->or_by != 0;
	bug->kind = view->finding->kind;
	bug->culprit = view->finding->culprit;
	bug->severity = view->finding->severity;
	bug->first_ns = time_of(view);
	HASH_ADD_STR(repeats->bugs, name, bug);
	return bug;
}

static void count_bug(struct bug *bug, const struct finding_view *view)
{
	if (view->finding->severity < bug->severity)
		bug->severity = view->finding->severity;
	if (view->caused_by)
		bug->followed++;
	else
		bug->count++;
	bug->last_ns = time_of(view);
}

static struct repeat *new_repeat(struct repeats *repeats, const struct finding_view *view,
				 const char key[FINGERPRINT_SIZE], struct bug *bug)
{
	struct repeat *repeat = calloc(1, sizeof(*repeat));

	if (!repeat)
		return NULL;
	repeat->bug = bug;
	memcpy(repeat->key, key, FINGERPRINT_SIZE);
	finding_fingerprint(view, repeat->fingerprint);
	repeat->id = view->id;
	repeat->caused_by = view->caused_by ? view->first_of_bug : 0;
	repeat->or_by = view->first_of_other;
	repeat->perhaps = view->perhaps;
	repeat->kind = view->finding->kind;
	repeat->first_ns = repeat->last_ns = time_of(view);
	HASH_ADD_STR(repeats->all, key, repeat);
	return repeat;
}

static void count_again(struct repeat *repeat, const struct finding_view *view)
{
	repeat->more++;
	repeat->last_ns = time_of(view);
}

/* Counts the finding with the others of its bug and kind that are told no more. */
static struct repeat *fold_finding(struct repeats *repeats, const struct finding_view *view,
				   struct bug *bug)
{
	char key[FINGERPRINT_SIZE];
	struct repeat *repeat;

	/* As long as a place's key, and like none of them. */
	snprintf(key, sizeof(key), "f%x%s", (unsigned int)view->finding->kind, bug->name + 1);
	HASH_FIND_STR(repeats->all, key, repeat);
	if (repeat) {
		count_again(repeat, view);
		return repeat;
	}
	repeat = new_repeat(repeats, view, key, bug);
	if (repeat)
		repeat->folds = true;
	return repeat;
}

static enum telling telling_of(const struct repeats *repeats, struct bug *bug,
			       const struct finding_view *view)
{
	bool *whole = view->another_way ? &bug->other_whole : &bug->whole;
	unsigned int *told = &bug->told[view->finding->kind];

	if (!view->caused_by || repeats->every)
		return TELL_WHOLE;
	if (!*whole) {
		*whole = true;
		(*told)++;
		return TELL_WHOLE;
	}
	if (*told >= FOLLOWERS_TOLD)
		return TELL_COUNT;
	(*told)++;
	return TELL_BRIEF;
}

static struct repeat *add_repeat(struct repeats *repeats, const struct finding_view *view,
				 const char key[FINGERPRINT_SIZE])
{
	struct bug *bug = add_bug(repeats, view);
	struct repeat *repeat = bug ? new_repeat(repeats, view, key, bug) : NULL;

	if (!repeat)
		return NULL;
	count_bug(bug, view);
	repeat->telling = telling_of(repeats, bug, view);
	if (repeat->telling != TELL_COUNT)
		return repeat;
	repeat->fold = fold_finding(repeats, view, bug);
	if (!repeat->fold)
		return NULL;
	repeat->fold->places++;
	return repeat;
}

static void meet_again(struct repeat *repeat, const struct finding_view *view)
{
	count_again(repeat, view);
	if (repeat->fold)
		count_again(repeat->fold, view);
	count_bug(repeat->bug, view);
}

/* A new place, though there are too many: of what follows from a bug, it is only counted. */
static struct repeat *go_beyond(struct repeats *repeats, const struct finding_view *view)
{
	struct bug *bug = find_bug(repeats, view->bug);

	repeats->beyond++;
	if (!bug)
		return NULL;
	count_bug(bug, view);
	return view->caused_by && !repeats->every ? fold_finding(repeats, view, bug) : NULL;
}

static uint64_t findings_of(const struct bug *bug)
{
	return bug->count + bug->followed;
}

/* What was told as a bug of its own may follow from another one. */
static void adopt(struct repeats *repeats, const struct finding_view *view)
{
	struct bug *orphan = find_bug(repeats, view->adopted);
	struct bug *bug = find_bug(repeats, view->adopter);

	if (!orphan || !bug || orphan == bug)
		return;
	bug->followed += findings_of(orphan);
	if (orphan->severity < bug->severity)
		bug->severity = orphan->severity;
	for (struct repeat *r = repeats->all; r; r = r->hh.next) {
		if (r->bug != orphan)
			continue;
		r->bug = bug;
		r->caused_by = bug->id;
		r->perhaps = true;
		r->told = 0;
	}
	HASH_DEL(repeats->bugs, orphan);
	free(orphan->line);
	free(orphan);
}

int repeats_meet(struct repeats *repeats, const struct finding_view *view, struct repeat **ret)
{
	char key[FINGERPRINT_SIZE];
	struct repeat *repeat;
	int first = 0;

	finding_repeat_key(view, key);
	HASH_FIND_STR(repeats->all, key, repeat);
	if (repeat) {
		meet_again(repeat, view);
	} else if (HASH_COUNT(repeats->all) >= REPEATS_MAX) {
		repeat = go_beyond(repeats, view);
	} else {
		repeat = add_repeat(repeats, view, key);
		first = repeat ? 1 : -ENOMEM;
	}
	if (view->adopted)
		adopt(repeats, view);
	if (ret)
		*ret = repeat;
	return first;
}

/* 10, 100, 1000… */
static bool is_round(uint64_t n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

int repeats_write(struct repeats *repeats, const struct finding_view *view, struct repeat **ret)
{
	struct repeat *repeat = NULL;
	int first = repeats_meet(repeats, view, &repeat);
	bool whole = repeats->every || !repeat || (first && repeat->telling != TELL_COUNT);

	*ret = repeat;
	if (first < 0)
		return first;
	if (repeat && !whole && repeat->fold)
		repeat = *ret = repeat->fold;
	if (!whole && !is_round(repeat->more + 1))
		return WRITE_NOTHING;
	if (repeat)
		repeat->told = repeat->more + 1;
	return whole ? WRITE_FINDING : WRITE_UPDATE;
}

struct repeat *repeats_unwritten(struct repeats *repeats, struct repeat *after)
{
	struct repeat *repeat = after ? after->hh.next : repeats->all;

	while (repeat && (repeat->told >= repeat->more + 1 || repeat->fold))
		repeat = repeat->hh.next;
	if (repeat)
		repeat->told = repeat->more + 1;
	return repeat;
}

uint64_t repeats_folded(const struct repeats *repeats, const struct bug *bug)
{
	uint64_t count = 0;

	for (const struct repeat *r = repeats->all; r; r = r->hh.next)
		count += r->folds && r->bug == bug ? r->more + 1 : 0;
	return count;
}

uint64_t repeats_bugs(const struct repeats *repeats)
{
	uint64_t count = 0;

	for (const struct bug *bug = repeats->bugs; bug; bug = bug->hh.next)
		count += bug->severity != SEVERITY_INFO && !bug->either;
	return count;
}

/* Of as many, the one that was met first. */
static int by_count(const void *a, const void *b)
{
	const struct bug *x = *(const struct bug *const *)a, *y = *(const struct bug *const *)b;

	if (findings_of(x) != findings_of(y))
		return findings_of(x) < findings_of(y) ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

const struct bug **repeats_sorted(const struct repeats *repeats, size_t *ret_count)
{
	const struct bug **sorted = calloc(HASH_COUNT(repeats->bugs) + 1, sizeof(*sorted));
	size_t n = 0;

	*ret_count = 0;
	if (!sorted)
		return NULL;
	for (const struct bug *bug = repeats->bugs; bug; bug = bug->hh.next)
		sorted[n++] = bug;
	qsort(sorted, n, sizeof(*sorted), by_count);
	*ret_count = n;
	return sorted;
}

void repeats_free(struct repeats *repeats)
{
	struct repeat *repeat, *next;
	struct bug *bug, *next_bug;

	HASH_ITER (hh, repeats->all, repeat, next) {
		HASH_DEL(repeats->all, repeat);
		free(repeat->line);
		free(repeat);
	}
	HASH_ITER (hh, repeats->bugs, bug, next_bug) {
		HASH_DEL(repeats->bugs, bug);
		free(bug->line);
		free(bug);
	}
}
