/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#define SAVE_NS	  UINT64_C(10000000000)
#define KEY_TEXTS 3

/* Service, version and bug, one behind the other, each with its NUL. */
struct key {
	size_t size;
	char text[KEY_TEXTS * KNOWN_TEXT];
};

struct known_bug {
	struct known_record record;    /* its texts lie in key */
	bool told;		       /* since the start */
	bool returned;		       /* and that has not been told */
	bool unsaved, urgent;	       /* changed; more than the count has */
	uint64_t saved_ns;	       /* 0: never */
	struct known_bug *prev, *next; /* by when they were met, the longest ago first */
	UT_hash_handle hh;
	size_t key_size;
	char key[];
};

struct known {
	struct known_limits limits;
	struct known_bug *bugs; /* by key */
	struct known_bug *list;
	size_t unsaved;
	uint64_t evicted;
};

struct known *known_new(const struct known_limits *limits)
{
	struct known *known = calloc(1, sizeof(*known));

	if (!known)
		return NULL;
	known->limits = *limits;
	if (!known->limits.bugs)
		known->limits.bugs = KNOWN_BUGS_MAX;
	return known;
}

static void remove_bug(struct known *known, struct known_bug *bug)
{
	known->unsaved -= bug->unsaved;
	HASH_DEL(known->bugs, bug);
	DL_DELETE(known->list, bug);
	free(bug);
}

void known_free(struct known *known)
{
	if (!known)
		return;
	while (known->list)
		remove_bug(known, known->list);
	free(known);
}

static void make_known_key(const struct known_key *key, struct key *ret)
{
	const char *const texts[KEY_TEXTS] = {key->service, key->version, key->bug};

	ret->size = 0;
	for (size_t i = 0; i < KEY_TEXTS; i++) {
		size_t length = strnlen(texts[i], KNOWN_TEXT - 1);

		memcpy(ret->text + ret->size, texts[i], length);
		ret->size += length;
		ret->text[ret->size++] = '\0';
	}
}

static struct known_bug *find_known(const struct known *known, const struct key *key)
{
	struct known_bug *bug;

	HASH_FIND(hh, known->bugs, key->text, key->size, bug);
	return bug;
}

static struct known_bug *add_known(struct known *known, const struct key *key)
{
	struct known_bug *bug = calloc(1, sizeof(*bug) + key->size);

	if (!bug)
		return NULL;
	memcpy(bug->key, key->text, key->size);
	bug->key_size = key->size;
	bug->record.key.service = bug->key;
	bug->record.key.version = bug->key + strlen(bug->key) + 1;
	bug->record.key.bug = bug->record.key.version + strlen(bug->record.key.version) + 1;
	while (HASH_COUNT(known->bugs) >= known->limits.bugs) {
		known->evicted++;
		remove_bug(known, known->list);
	}
	HASH_ADD_KEYPTR(hh, known->bugs, bug->key, bug->key_size, bug);
	DL_APPEND(known->list, bug);
	return bug;
}

int known_load(struct known *known, const struct known_record *record)
{
	struct known_bug *bug;
	struct key key;

	if (!*record->key.bug || !record->count || record->first_ns > record->last_ns ||
	    record->told_count > record->count)
		return -EINVAL;
	make_known_key(&record->key, &key);
	bug = find_known(known, &key);
	if (!bug)
		bug = add_known(known, &key);
	if (!bug)
		return -ENOMEM;
	bug->record.first_ns = record->first_ns;
	bug->record.last_ns = record->last_ns;
	bug->record.count = record->count;
	bug->record.told_ns = record->told_ns;
	bug->record.told_count = record->told_count;
	bug->saved_ns = 1;
	return 0;
}

static bool of_same_bug(const struct known_bug *a, const struct known_bug *b)
{
	return !strcmp(a->record.key.service, b->record.key.service) &&
	       !strcmp(a->record.key.bug, b->record.key.bug);
}

/* One that other versions of the service have had is not new in this one. */
static void inherit_known(const struct known *known, struct known_bug *bug)
{
	struct known_record *record = &bug->record;

	for (const struct known_bug *other = known->list; other; other = other->next) {
		if (other == bug || !of_same_bug(other, bug))
			continue;
		if (other->record.first_ns < record->first_ns)
			record->first_ns = other->record.first_ns;
		if (other->record.told_ns > record->told_ns)
			record->told_ns = other->record.told_ns;
		if (record->last_ns == INT64_MIN || other->record.last_ns > record->last_ns)
			record->last_ns = other->record.last_ns;
	}
}

static enum seen_state known_state(const struct known_bug *bug)
{
	if (!bug->record.told_ns)
		return SEEN_NEW;
	return bug->returned ? SEEN_RETURNED : SEEN_KNOWN;
}

/* Of 10, 100, 1000… the first above n. */
static uint64_t next_told_count(uint64_t n)
{
	uint64_t round = 10;

	while (round <= n && round <= UINT64_MAX / 10)
		round *= 10;
	return round;
}

static bool is_known_due(const struct known *known, const struct known_bug *bug, int64_t time_ns)
{
	const struct known_record *record = &bug->record;

	return !bug->told || record->count >= next_told_count(record->told_count) ||
	       time_ns - record->told_ns >= known->limits.again_ns;
}

static void set_unsaved(struct known *known, struct known_bug *bug, bool urgent)
{
	known->unsaved += !bug->unsaved;
	bug->unsaved = true;
	bug->urgent |= urgent;
}

static struct known_bug *meet_first(struct known *known, const struct key *key, int64_t time_ns)
{
	struct known_bug *bug = add_known(known, key);

	if (!bug)
		return NULL;
	bug->record.first_ns = time_ns;
	bug->record.last_ns = INT64_MIN;
	inherit_known(known, bug);
	if (bug->record.last_ns == INT64_MIN)
		bug->record.last_ns = time_ns;
	return bug;
}

struct known_bug *known_meet(struct known *known, const struct known_key *wanted, int64_t time_ns,
			     struct finding_seen *ret_seen)
{
	struct known_bug *bug;
	struct key key;

	make_known_key(wanted, &key);
	bug = find_known(known, &key);
	if (!bug)
		bug = meet_first(known, &key, time_ns);
	if (!bug)
		return NULL;
	bug->record.count++;
	bug->returned |= bug->record.told_ns &&
			 time_ns - bug->record.last_ns >= known->limits.returned_after_ns;
	*ret_seen = (struct finding_seen){
		.state = known_state(bug),
		.first_ns = bug->record.first_ns,
		.last_ns = bug->record.last_ns,
		.count = bug->record.count,
		.due = is_known_due(known, bug, time_ns),
	};
	if (time_ns > bug->record.last_ns)
		bug->record.last_ns = time_ns;
	DL_DELETE(known->list, bug);
	DL_APPEND(known->list, bug);
	set_unsaved(known, bug, !bug->saved_ns);
	return bug;
}

void known_told(struct known *known, struct known_bug *bug, int64_t time_ns)
{
	bug->told = true;
	bug->returned = false;
	bug->record.told_ns = time_ns;
	bug->record.told_count = bug->record.count;
	set_unsaved(known, bug, true);
}

/* What has changed was met last: it stands at the end of the list. */
bool known_take_unsaved(struct known *known, uint64_t now_ns, bool all, struct known_record *ret)
{
	size_t left = known->unsaved;

	for (struct known_bug *bug = known->list ? known->list->prev : NULL; left;
	     bug = bug->prev) {
		if (!bug->unsaved)
			continue;
		left--;
		if (!all && !bug->urgent && now_ns - bug->saved_ns < SAVE_NS)
			continue;
		bug->unsaved = bug->urgent = false;
		bug->saved_ns = now_ns ? now_ns : 1;
		known->unsaved--;
		*ret = bug->record;
		return true;
	}
	return false;
}

void known_stats(const struct known *known, struct known_stats *ret)
{
	*ret = (struct known_stats){HASH_COUNT(known->bugs), known->evicted};
}
