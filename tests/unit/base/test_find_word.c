/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The search for words: with vector instructions and without it finds the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/find_word.h"
#include "base/mem.h"

#define WORDS 100

static const uint64_t wanted[] = {0x7f0000001000, 0x7f0000002000, 0xffffffffffffffff, 8, 0x8000};

/* Everything that is near a wanted one, but is none: a half of it is the same. */
static void fill(uint64_t *words)
{
	for (size_t i = 0; i < WORDS; i++)
		words[i] = wanted[i % ARRAY_SIZE(wanted)] ^ (i % 2 ? 1ull << 40 : 1ull << 3 | 1);
}

static void test_nothing(void **state)
{
	uint64_t words[WORDS];

	fill(words);
	assert_int_equal(find_word(words, WORDS, 0, wanted, ARRAY_SIZE(wanted)), WORDS);
	assert_int_equal(find_word(words, WORDS, WORDS, wanted, ARRAY_SIZE(wanted)), WORDS);
	assert_int_equal(find_word(words, 0, 0, wanted, ARRAY_SIZE(wanted)), 0);
	words[0] = 0;
	assert_int_equal(find_word(words, WORDS, 0, wanted, 0), WORDS);
}

/* One at each place, searched for from each place, in each length. */
static void test_everywhere(void **state)
{
	uint64_t words[WORDS];

	for (size_t at = 0; at < WORDS; at++) {
		fill(words);
		words[at] = wanted[at % ARRAY_SIZE(wanted)];
		for (size_t from = 0; from < WORDS; from++) {
			size_t expected = from <= at ? at : WORDS;

			assert_int_equal(find_word(words, WORDS, from, wanted, ARRAY_SIZE(wanted)),
					 expected);
			assert_int_equal(
				find_word_plain(words, WORDS, from, wanted, ARRAY_SIZE(wanted)),
				expected);
		}
		for (size_t count = 0; count < WORDS; count++)
			assert_int_equal(find_word(words, count, 0, wanted, ARRAY_SIZE(wanted)),
					 at < count ? at : count);
	}
}

/* The first of several, and then the next. */
static void test_first(void **state)
{
	uint64_t words[WORDS];

	fill(words);
	words[20] = wanted[4];
	words[21] = wanted[0];
	words[50] = wanted[1];
	assert_int_equal(find_word(words, WORDS, 0, wanted, ARRAY_SIZE(wanted)), 20);
	assert_int_equal(find_word(words, WORDS, 21, wanted, ARRAY_SIZE(wanted)), 21);
	assert_int_equal(find_word(words, WORDS, 22, wanted, ARRAY_SIZE(wanted)), 50);
	assert_int_equal(find_word(words, WORDS, 0, wanted + 1, 1), 50);
}

/* Each of as many as can be. */
static void test_many(void **state)
{
	uint64_t words[WORDS], many[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		many[i] = 0x550000000000 + i * 0x430;
	for (size_t count = 1; count <= WORDS; count++) {
		fill(words);
		words[count / 2] = many[count - 1];
		assert_int_equal(find_word(words, WORDS, 0, many, count), count / 2);
		assert_int_equal(find_word(words, WORDS, 0, many, count - 1), WORDS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
