/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

/* Calls remembered: of a finding at most three; and numbers. */
#define ROOTS_MAX   8192
#define ORPHANS_MAX 64
/* Bugs, and places of wrong closes. */
#define PLACES_MAX  4096

/* One call of a process: no thread makes two at one time. */
struct call_key {
	uint64_t time_ns;
	uint32_t tgid, tid;
	int32_t fd;
	uint32_t zero; /* no byte of a key is left to chance */
};

struct rooted {
	struct call_key key;
	struct root root;
	bool wrong; /* the finding that told of the call blames it */
	UT_hash_handle hh;
};

/* Where wrong closes of a bug stand. */
struct place {
	uint64_t key; /* site_place() */
	struct first first;
	UT_hash_handle hh;
};

struct number_key {
	uint64_t table;
	int64_t fd; /* or: */
#define ANY_NUMBER -1
};

/* A number with which a bug has had to do. */
struct touched {
	struct number_key key;
	struct first first, other; /* the first bug, and another one; id 0: none */
	UT_hash_handle hh;
};

/* A bug, by its name. */
struct known {
	struct first first;
	UT_hash_handle hh;
};

/* A finding that was told as a bug of its own, since it is not known where one close stands. */
struct orphan {
	struct orphan *next;
	uint64_t place;
	char bug[FINGERPRINT_SIZE];
};

struct roots {
	struct orphan *orphans; /* the newest first */
	unsigned int orphan_count;
	struct known *bugs;
	struct rooted *all; /* the oldest first, as in the others */
	struct place *places;
	struct touched *numbers;
	uint64_t ids; /* given out */
};

int roots_new(struct roots **ret_roots)
{
	*ret_roots = calloc(1, sizeof(**ret_roots));
	return *ret_roots ? 0 : -ENOMEM;
}

/* The oldest of a set, if it has this many already, makes room for one more. */
#define MAKE_ROOM(set, max)                     \
	do {                                    \
		__auto_type oldest = (set);     \
                                                \
		if (HASH_COUNT(set) >= (max)) { \
			HASH_DEL(set, oldest);  \
			free(oldest);           \
		}                               \
	} while (0)

void roots_free(struct roots *roots)
{
	if (!roots)
		return;
	while (roots->orphans) {
		struct orphan *orphan = roots->orphans;

		LL_DELETE(roots->orphans, orphan);
		free(orphan);
	}
	while (roots->bugs)
		MAKE_ROOM(roots->bugs, 1);
	while (roots->all)
		MAKE_ROOM(roots->all, 1);
	while (roots->places)
		MAKE_ROOM(roots->places, 1);
	while (roots->numbers)
		MAKE_ROOM(roots->numbers, 1);
	free(roots);
}

static struct call_key call_key_of(const struct fd_site *site, int32_t fd)
{
	return (struct call_key){
		.time_ns = site->time_ns, .tgid = site->tgid, .tid = site->tid, .fd = fd};
}

static struct rooted *find_rooted(const struct roots *roots, const struct fd_site *site, int32_t fd)
{
	struct call_key key = call_key_of(site, fd);
	struct rooted *rooted = NULL;

	if (site_seen(site))
		HASH_FIND(hh, roots->all, &key, sizeof(key), rooted);
	return rooted;
}

static struct root root_of(const struct roots *roots, const struct finding *finding)
{
	const struct rooted *rooted = NULL;

	/* Of an open one it is not known which close came before, unless the number was taken. */
	if (finding->attribution != ATTRIBUTION_OPEN ||
	    finding->proofs & (PROOF_BEHIND | PROOF_STOLEN))
		rooted = find_rooted(roots, &finding->closed, finding->fd);
	if (!rooted)
		rooted = find_rooted(roots, &finding->bad, finding->fd);
	return rooted ? rooted->root : (struct root){0};
}

/* Without memory it is as if it had been forgotten; so with the others. */
static void add_rooted(struct roots *roots, const struct fd_site *site, int32_t fd,
		       const struct root *root, bool wrong)
{
	struct rooted *rooted;

	if (!site_seen(site) || find_rooted(roots, site, fd))
		return;
	MAKE_ROOM(roots->all, ROOTS_MAX);
	rooted = calloc(1, sizeof(*rooted));
	if (!rooted)
		return;
	rooted->key = call_key_of(site, fd);
	rooted->root = *root;
	rooted->wrong = wrong;
	HASH_ADD(hh, roots->all, key, sizeof(rooted->key), rooted);
}

static void add_calls(struct roots *roots, const struct finding *finding, const struct root *root)
{
	add_rooted(roots, &finding->bad, finding->fd, root, finding->culprit == CULPRIT_BAD);
	if (finding->victim.known)
		add_rooted(roots, &finding->victim.failed, finding->fd, root, false);
	/* It was closed too early: whatever else fails for that is the same bug. */
	if (finding->kind == FINDING_USE_AFTER_CLOSE)
		add_rooted(roots, &finding->closed, finding->fd, root,
			   finding->culprit == CULPRIT_CLOSED);
}

static struct place *find_place(const struct roots *roots, uint64_t key)
{
	struct place *place = NULL;

	if (key)
		HASH_FIND(hh, roots->places, &key, sizeof(key), place);
	return place;
}

static void remember_place(struct roots *roots, uint64_t key, const struct first *first)
{
	struct place *place;

	if (!key || find_place(roots, key))
		return;
	MAKE_ROOM(roots->places, PLACES_MAX);
	place = calloc(1, sizeof(*place));
	if (!place)
		return;
	place->key = key;
	place->first = *first;
	HASH_ADD(hh, roots->places, key, sizeof(place->key), place);
}

/* One function made both closes. */
static bool is_one_function(const struct finding_view *view)
{
	const struct stack_frame *a = stack_user_frame(view->bad);
	const struct stack_frame *b = stack_user_frame(view->closed);

	return a && b && !strcmp(a->function, b->function) && !strcmp(a->file, b->file);
}

/* Another close than the one that is blamed may be why. */
static bool suspects_others(const struct finding *f)
{
	const struct fd_site *first = &f->suspects[0];

	if (!f->suspect_count)
		return false;
	return f->culprit != CULPRIT_CLOSED || f->suspect_count > 1 ||
	       first->time_ns != f->closed.time_ns || first->tid != f->closed.tid;
}

/*
 * The wrong close of a finding that follows from nothing. Of two closes by two functions none is
 * known to be.
 */
static uint64_t wrong_place(const struct finding_view *view)
{
	const struct finding *f = view->finding;

	if (f->attribution == ATTRIBUTION_OPEN || f->suspects_cut || suspects_others(f))
		return 0;
	if (f->culprit == CULPRIT_CLOSED)
		return site_place(&f->closed, view->closed);
	if ((f->culprit == CULPRIT_BAD && f->bad.call == CALL_CLOSE) ||
	    (f->kind == FINDING_DOUBLE_CLOSE && is_one_function(view)))
		return site_place(&f->bad, view->bad);
	return 0;
}

static struct touched *find_number(const struct roots *roots, uint64_t table, int64_t fd)
{
	struct number_key key = {table, fd};
	struct touched *number;

	HASH_FIND(hh, roots->numbers, &key, sizeof(key), number);
	return number;
}

static struct touched *get_number(struct roots *roots, uint64_t table, int64_t fd)
{
	struct touched *number = find_number(roots, table, fd);

	if (number) {
		HASH_DEL(roots->numbers, number);
	} else {
		MAKE_ROOM(roots->numbers, ROOTS_MAX);
		number = calloc(1, sizeof(*number));
		if (!number)
			return NULL;
		number->key = (struct number_key){table, fd};
	}
	HASH_ADD(hh, roots->numbers, key, sizeof(number->key), number);
	return number;
}

static void touch_number(struct roots *roots, uint64_t table, int64_t fd, const struct first *first)
{
	struct touched *number = get_number(roots, table, fd);

	if (!number)
		return;
	if (!number->first.id)
		number->first = *first;
	else if (strcmp(number->first.bug, first->bug) != 0)
		number->other = *first;
}

static void touch_finding(struct roots *roots, const struct finding *f, const struct first *first)
{
	touch_number(roots, f->table, f->fd, first);
	touch_number(roots, f->table, ANY_NUMBER, first);
}

/* Bugs from which a finding may follow. */
struct choice {
	struct first firsts[2];
	unsigned int count; /* of different ones; two at most are kept */
	bool unknown;	    /* or from what has not been told */
	uint64_t place;	    /* the only one of that; 0: there are more, or it has none */
};

static void add_choice(struct choice *choice, const struct first *first)
{
	if (!first->id)
		return;
	for (unsigned int i = 0; i < choice->count; i++)
		if (!strcmp(choice->firsts[i].bug, first->bug))
			return;
	if (choice->count < 2)
		choice->firsts[choice->count++] = *first;
}

/* Of a close that was still on its way it is not known whose it was. */
static bool is_pending(const struct finding *f)
{
	return f->notes & NOTE_PENDING_CLOSE;
}

static void add_unknown(struct choice *choice, uint64_t place)
{
	choice->place = choice->unknown && choice->place != place ? 0 : place;
	choice->unknown = true;
}

static void weigh_suspect(const struct roots *roots, const struct finding_view *view,
			  unsigned int i, struct choice *choice)
{
	const struct fd_site *site = &view->finding->suspects[i];
	const struct rooted *rooted = find_rooted(roots, site, view->finding->fd);
	const struct place *place;

	if (rooted) {
		add_choice(choice, &rooted->root.first);
		add_choice(choice, &rooted->root.other);
		return;
	}
	place = find_place(roots, site_place(site, view->suspects[i]));
	if (place)
		add_choice(choice, &place->first);
	else if (!is_pending(view->finding))
		add_unknown(choice, site_place(site, view->suspects[i]));
}

static void add_touched(const struct touched *number, struct choice *choice)
{
	if (!number)
		return;
	add_choice(choice, &number->first);
	add_choice(choice, &number->other);
}

/* Which close it follows from is not known any more: bugs that robbed the number, or else any. */
static void add_robbers(const struct roots *roots, const struct finding *f, struct choice *choice)
{
	/* An object that had been robbed closed it: by whom, nothing tells. */
	bool robbed = f->proofs & PROOF_STOLEN && f->culprit == CULPRIT_UNKNOWN;
	bool unsure =
		robbed || f->attribution == ATTRIBUTION_OPEN || f->certainty == CERTAINTY_SUSPECTED;

	add_touched(find_number(roots, f->table, f->fd), choice);
	if (!choice->count && unsure)
		add_touched(find_number(roots, f->table, ANY_NUMBER), choice);
}

static struct choice choices(const struct roots *roots, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	const struct place *place = NULL;
	struct choice choice = {0};

	/* The call itself stands where a wrong close of a bug stands, or what it is blamed on. */
	if (f->kind == FINDING_DOUBLE_CLOSE && finding_is_open(f))
		place = find_place(roots, site_place(&f->bad, view->bad));
	else if (f->culprit == CULPRIT_CLOSED)
		place = find_place(roots, site_place(&f->closed, view->closed));
	if (place) {
		add_choice(&choice, &place->first);
		return choice;
	}
	for (unsigned int i = 0; i < f->suspect_count; i++)
		weigh_suspect(roots, view, i, &choice);
	if (!choice.count && (f->suspects_cut || is_pending(f)))
		add_robbers(roots, f, &choice);
	return choice;
}

static void choose(const struct choice *choice, struct root *root)
{
	if (choice->unknown || !choice->count)
		return;
	root->perhaps = true;
	root->first = choice->firsts[0];
	root->other = choice->firsts[1];
	if (root->other.id)
		finding_either_bug(root->first.bug, root->other.bug, root->bug);
	else
		memcpy(root->bug, root->first.bug, sizeof(root->bug));
}

/* The first finding of the bug, which may be this one. */
static uint64_t first_of(struct roots *roots, const struct first *first)
{
	struct known *known = NULL;

	if (!first->id)
		return 0;
	HASH_FIND_STR(roots->bugs, first->bug, known);
	if (known)
		return known->first.id;
	MAKE_ROOM(roots->bugs, PLACES_MAX);
	known = calloc(1, sizeof(*known));
	if (!known)
		return first->id;
	known->first = *first;
	HASH_ADD_STR(roots->bugs, first.bug, known);
	return first->id;
}

/* What is wrong there has been told: this is another way in which it shows. */
static void trace_place(const struct roots *roots, const struct finding_view *view,
			struct root *root)
{
	const struct place *place = find_place(roots, wrong_place(view));
	char bug[FINGERPRINT_SIZE];

	finding_bug(view, bug);
	if (!place || !strcmp(place->first.bug, bug))
		return;
	root->first = place->first;
	memcpy(root->bug, root->first.bug, sizeof(root->bug));
}

/* Where the bug's wrong close stands, and the other of its two lines. */
static void remember_places(struct roots *roots, const struct finding_view *view,
			    const struct first *first)
{
	uint64_t place = wrong_place(view);

	remember_place(roots, place, first);
	if (place && is_one_function(view))
		remember_place(roots, site_place(&view->finding->closed, view->closed), first);
}

/* Only one close is not known: the bug to which it turns out to belong adopts the finding. */
static void add_orphan(struct roots *roots, const struct choice *choice, const struct root *root)
{
	struct orphan *orphan;

	if (!choice->place || choice->count || roots->orphan_count >= ORPHANS_MAX)
		return;
	orphan = calloc(1, sizeof(*orphan));
	if (!orphan)
		return;
	orphan->place = choice->place;
	memcpy(orphan->bug, root->bug, sizeof(orphan->bug));
	LL_PREPEND(roots->orphans, orphan);
	roots->orphan_count++;
}

/* One at a time: the next finding tells of the next. */
static void adopt_orphan(struct roots *roots, struct root *root)
{
	struct orphan *orphan, *next;
	const struct place *place;

	LL_FOREACH_SAFE(roots->orphans, orphan, next)
	{
		place = find_place(roots, orphan->place);
		if (!place || !strcmp(place->first.bug, orphan->bug))
			continue;
		memcpy(root->adopted, orphan->bug, sizeof(root->adopted));
		memcpy(root->adopter, place->first.bug, sizeof(root->adopter));
		LL_DELETE(roots->orphans, orphan);
		roots->orphan_count--;
		free(orphan);
		return;
	}
}

/*
 * The close before, which the finding blames, was made by one who had been robbed, or may have
 * been: a finding before this tells so, or what it may follow from does. But where the bug's wrong
 * close stands, it is right.
 */
static bool is_cleared(const struct roots *roots, const struct finding_view *view,
		       const struct root *root)
{
	const struct finding *f = view->finding;
	const struct rooted *rooted = find_rooted(roots, &f->closed, f->fd);
	const struct place *place;

	if (f->culprit != CULPRIT_CLOSED)
		return false;
	if (rooted ? rooted->wrong : !root->perhaps || !suspects_others(f))
		return false;
	place = find_place(roots, site_place(&f->closed, view->closed));
	return !place || strcmp(place->first.bug, root->first.bug) != 0;
}

/* It follows from nothing. */
static void begin_bug(struct roots *roots, const struct finding_view *view, struct root *root)
{
	root->first.id = view->id;
	finding_bug(view, root->first.bug);
	memcpy(root->bug, root->first.bug, sizeof(root->bug));
}

void roots_trace(struct roots *roots, struct finding_view *view, struct root *root)
{
	struct choice choice = {0};
	bool own;

	view->id = ++roots->ids;
	*root = root_of(roots, view->finding);
	if (!root->first.id) {
		choice = choices(roots, view);
		choose(&choice, root);
	}
	own = !root->first.id;
	if (own)
		trace_place(roots, view, root);
	root->cleared = is_cleared(roots, view, root);
	view->caused_by = root->first.id;
	view->or_by = root->other.id;
	view->perhaps = root->perhaps;
	view->another_way = own && root->first.id;
	view->bug = root->bug;
	if (!root->first.id)
		begin_bug(roots, view, root);
	if (root->first.id == view->id)
		add_orphan(roots, &choice, root);
	if (own)
		remember_places(roots, view, &root->first);
	if (own ? wrong_place(view) != 0 : !root->perhaps)
		touch_finding(roots, view->finding, &root->first);
	adopt_orphan(roots, root);
	view->adopted = *root->adopted ? root->adopted : NULL;
	view->adopter = root->adopter;
	view->first_of_bug = first_of(roots, &root->first);
	view->first_of_other = first_of(roots, &root->other);
	add_calls(roots, view->finding, root);
}
