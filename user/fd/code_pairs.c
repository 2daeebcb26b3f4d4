/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/code_pairs.h"

#include <stdlib.h>
#include <uthash.h>

#define CLOSERS_MAX 1024
/* Openers that are remembered of one closer. */
#define OPENERS	    8
/* Less than one in so many closes is no habit. */
#define HABIT	    5

struct opener {
	uint64_t code;
	int32_t facts[CODE_FACTS];
};

struct closer_key {
	uint64_t program, code;
};

struct code_closer {
	UT_hash_handle hh;
	struct closer_key key;
	unsigned int count;
	struct opener openers[OPENERS];
};

static void closer_free(struct code_pairs *pairs, struct code_closer *closer)
{
	HASH_DEL(pairs->index, closer);
	free(closer);
}

void code_pairs_free(struct code_pairs *pairs)
{
	while (pairs->index)
		closer_free(pairs, pairs->index);
}

static struct code_closer *find(const struct code_pairs *pairs, const struct code_pair *pair)
{
	const struct closer_key key = {pair->program, pair->closer};
	struct code_closer *closer;

	HASH_FIND(hh, pairs->index, &key, sizeof(key), closer);
	return closer;
}

static const struct opener *find_opener(const struct code_closer *closer, uint64_t code)
{
	for (unsigned int i = 0; i < closer->count; i++)
		if (closer->openers[i].code == code)
			return &closer->openers[i];
	return NULL;
}

/* Found, or in place of the one that counts least. */
static struct opener *get_opener(struct code_closer *closer, uint64_t code)
{
	struct opener *least = closer->openers;

	for (unsigned int i = 0; i < closer->count; i++) {
		if (closer->openers[i].code == code)
			return &closer->openers[i];
		if (closer->openers[i].facts[PAIR_CLOSED] < least->facts[PAIR_CLOSED])
			least = &closer->openers[i];
	}
	if (closer->count < OPENERS)
		least = &closer->openers[closer->count++];
	*least = (struct opener){.code = code};
	return least;
}

/* The one that was idle for longest makes room. NULL without memory. */
static struct code_closer *get_closer(struct code_pairs *pairs, const struct code_pair *pair)
{
	struct code_closer *closer = find(pairs, pair);

	if (closer) {
		HASH_DEL(pairs->index, closer);
	} else {
		if (HASH_COUNT(pairs->index) >= CLOSERS_MAX)
			closer_free(pairs, pairs->index);
		closer = calloc(1, sizeof(*closer));
		if (!closer)
			return NULL;
		closer->key = (struct closer_key){pair->program, pair->closer};
	}
	HASH_ADD(hh, pairs->index, key, sizeof(closer->key), closer);
	return closer;
}

void code_pairs_learn(struct code_pairs *pairs, const struct code_pair *pair, enum code_fact fact,
		      int by)
{
	struct code_closer *closer;
	struct opener *opener;

	if (!pair->closer || !pair->opener)
		return;
	closer = get_closer(pairs, pair);
	if (!closer)
		return; /* less is known */
	opener = get_opener(closer, pair->opener);
	if (opener->facts[fact] < INT32_MAX / 2)
		opener->facts[fact] += by;
}

static int32_t count_of(const struct code_closer *closer, uint64_t code, enum code_fact fact)
{
	const struct opener *opener = closer ? find_opener(closer, code) : NULL;

	return opener ? opener->facts[fact] : 0;
}

bool code_pairs_known(const struct code_pairs *pairs, const struct code_pair *pair)
{
	return pair->opener && count_of(find(pairs, pair), pair->opener, PAIR_CLOSED) > 0;
}

bool code_pairs_habit(const struct code_pairs *pairs, const struct code_pair *pair)
{
	return pair->opener && count_of(find(pairs, pair), pair->opener, PAIR_CLOSED) > 1;
}

bool code_pairs_fit(const struct code_pairs *pairs, const struct code_pair *pair)
{
	const struct code_closer *closer = pair->opener ? find(pairs, pair) : NULL;
	int64_t all = 0, these;

	if (!closer)
		return false;
	these = count_of(closer, pair->opener, PAIR_CLOSED);
	for (unsigned int i = 0; i < closer->count; i++)
		if (closer->openers[i].facts[PAIR_CLOSED] > 0)
			all += closer->openers[i].facts[PAIR_CLOSED];
	return these > 0 && these * HABIT >= all;
}

bool code_pairs_knows(const struct code_pairs *pairs, const struct code_pair *pair)
{
	return find(pairs, pair) != NULL;
}

bool code_pairs_only(const struct code_pairs *pairs, const struct code_pair *pair)
{
	const struct code_closer *closer = find(pairs, pair);

	return closer && closer->count == 1 && closer->openers[0].code == pair->opener;
}

bool code_pairs_adopt(const struct code_pairs *pairs, const struct code_pair *pair)
{
	const struct code_closer *closer = pair->opener ? find(pairs, pair) : NULL;

	return closer && count_of(closer, pair->opener, PAIR_ADOPTED) >
				 count_of(closer, pair->opener, PAIR_MISSED);
}
