/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/bucket.h"
#include "agent/known.h"

#define SECOND	INT64_C(1000000000)
#define HOUR	(3600 * SECOND)
#define DAY	(24 * HOUR)
/* 2026-11-24 */
#define START	(INT64_C(1795514400) * SECOND)
#define SAVE_NS UINT64_C(10000000000)

static const struct known_limits limits = {.returned_after_ns = 14 * DAY, .again_ns = HOUR};
static const struct known_key key = {"/usr/bin/python3", "", "b1:0"};

static struct finding_seen meet(struct known *known, const struct known_key *of, int64_t time_ns,
				bool tell)
{
	struct finding_seen seen;
	struct known_bug *bug = known_meet(known, of, time_ns, &seen);

	assert_non_null(bug);
	if (tell)
		known_told(known, bug, time_ns);
	return seen;
}

static void test_states(void **state)
{
	struct known *known = known_new(&limits);
	struct finding_seen seen = meet(known, &key, START, true);

	assert_int_equal(seen.state, SEEN_NEW);
	assert_true(seen.due);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.first_ns, START);
	assert_int_equal(seen.last_ns, START);
	seen = meet(known, &key, START + SECOND, true);
	assert_int_equal(seen.state, SEEN_KNOWN);
	assert_false(seen.due);
	assert_int_equal(seen.last_ns, START);
	seen = meet(known, &key, START + SECOND + 14 * DAY, true);
	assert_int_equal(seen.state, SEEN_RETURNED);
	assert_true(seen.due);
	assert_int_equal(seen.first_ns, START);
	assert_int_equal(seen.last_ns, START + SECOND);
	assert_int_equal(meet(known, &key, START + 15 * DAY, true).state, SEEN_KNOWN);
	known_free(known);
}

/* As long as nobody has been told, nothing is known. */
static void test_untold_stays(void **state)
{
	struct known *known = known_new(&limits);

	meet(known, &key, START, false);
	assert_int_equal(meet(known, &key, START + 20 * DAY, false).state, SEEN_NEW);
	assert_int_equal(meet(known, &key, START + 40 * DAY, true).state, SEEN_NEW);
	assert_int_equal(meet(known, &key, START + 60 * DAY, false).state, SEEN_RETURNED);
	assert_int_equal(meet(known, &key, START + 60 * DAY + 1, true).state, SEEN_RETURNED);
	assert_int_equal(meet(known, &key, START + 60 * DAY + 2, true).state, SEEN_KNOWN);
	known_free(known);
}

static void test_due(void **state)
{
	struct known *known = known_new(&limits);
	int64_t now = START;
	uint64_t told = 0;

	for (int i = 1; i <= 1000; i++) {
		struct finding_seen seen = meet(known, &key, ++now, false);

		if (!seen.due)
			continue;
		told = seen.count;
		assert_true(told == 1 || told == 10 || told == 100 || told == 1000);
		seen = meet(known, &key, ++now, true);
		i++;
	}
	assert_int_equal(told, 1000);
	assert_false(meet(known, &key, now + HOUR - 1, false).due);
	assert_true(meet(known, &key, now + HOUR, false).due);
	known_free(known);
}

static void test_clock_goes_back(void **state)
{
	struct known *known = known_new(&limits);
	struct finding_seen seen;

	meet(known, &key, START, true);
	seen = meet(known, &key, START - 30 * DAY, true);
	assert_int_equal(seen.state, SEEN_KNOWN);
	assert_int_equal(meet(known, &key, START + 1, true).last_ns, START);
	known_free(known);
}

static void test_of_whom(void **state)
{
	static const struct known_key other_service = {"/usr/bin/python2", "", "b1:0"},
				      other_bug = {"/usr/bin/python3", "", "b1:1"},
				      next_version = {"/usr/bin/python3", "2", "b1:0"};
	struct known *known = known_new(&limits);
	struct finding_seen seen;

	meet(known, &key, START, true);
	assert_int_equal(meet(known, &other_service, START, true).state, SEEN_NEW);
	assert_int_equal(meet(known, &other_bug, START, true).state, SEEN_NEW);
	/* Told at once, but not as a new one. */
	seen = meet(known, &next_version, START + DAY, true);
	assert_int_equal(seen.state, SEEN_KNOWN);
	assert_true(seen.due);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.first_ns, START);
	assert_int_equal(seen.last_ns, START);
	known_free(known);
}

static void test_saved_and_loaded(void **state)
{
	struct known *known = known_new(&limits), *again = known_new(&limits);
	struct known_record record;
	struct finding_seen seen;

	assert_false(known_take_unsaved(known, 1, true, &record));
	meet(known, &key, START, true);
	meet(known, &key, START + 5, false);
	assert_true(known_take_unsaved(known, 1, false, &record));
	assert_string_equal(record.key.service, key.service);
	assert_string_equal(record.key.bug, key.bug);
	assert_int_equal(record.count, 2);
	assert_int_equal(record.told_count, 1);
	assert_int_equal(known_load(again, &record), 0);
	assert_false(known_take_unsaved(known, 1, true, &record));
	assert_false(known_take_unsaved(again, 1, true, &record));
	/* The count alone has time. */
	meet(known, &key, START + 6, false);
	assert_false(known_take_unsaved(known, SAVE_NS, false, &record));
	assert_true(known_take_unsaved(known, SAVE_NS + 1, false, &record));
	assert_int_equal(record.count, 3);
	/* Whoever has started anew tells it at once. */
	seen = meet(again, &key, START + 7, true);
	assert_int_equal(seen.state, SEEN_KNOWN);
	assert_true(seen.due);
	assert_int_equal(seen.count, 3);
	assert_false(meet(again, &key, START + 8, true).due);
	known_free(known);
	known_free(again);
}

static void test_each_unsaved_is_taken(void **state)
{
	struct known *known = known_new(&limits);
	struct known_record record;
	char name[16];
	int taken = 0;

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "b1:%d", i);
		meet(known, &(struct known_key){"s", "", name}, START + i, i % 2);
	}
	while (known_take_unsaved(known, 1, false, &record))
		taken++;
	assert_int_equal(taken, 100);
	known_free(known);
}

/* The one that was met last stays. */
static void test_bounded(void **state)
{
	const struct known_limits few = {.bugs = 3, .returned_after_ns = DAY, .again_ns = HOUR};
	struct known *known = known_new(&few);
	struct known_stats stats;
	char name[16];

	meet(known, &key, START, true);
	for (int i = 1; i <= 10; i++) {
		snprintf(name, sizeof(name), "b1:%d", i);
		meet(known, &(struct known_key){"s", "", name}, START + i, true);
		assert_int_equal(meet(known, &key, START + i, true).state, SEEN_KNOWN);
	}
	known_stats(known, &stats);
	assert_int_equal(stats.bugs, 3);
	assert_int_equal(stats.evicted, 8);
	assert_int_equal(meet(known, &(struct known_key){"s", "", "b1:1"}, START + 11, true).state,
			 SEEN_NEW);
	known_free(known);
}

static void test_what_cannot_be(void **state)
{
	static const struct known_record wrong[] = {
		{{"s", "", ""}, 1, 2, 1, 0, 0},
		{{"s", "", "b1:0"}, 1, 2, 0, 0, 0},
		{{"s", "", "b1:0"}, 3, 2, 1, 0, 0},
		{{"s", "", "b1:0"}, 1, 2, 1, 0, 2},
	};
	struct known *known = known_new(&limits);
	char text[2 * KNOWN_TEXT];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(known_load(known, &wrong[i]), -EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	meet(known, &(struct known_key){text, text, text}, START, true);
	assert_int_equal(meet(known, &(struct known_key){text, text, text}, START, true).state,
			 SEEN_KNOWN);
	known_free(known);
}

static void test_bucket(void **state)
{
	struct bucket bucket = {.per_minute = 60, .burst = 3};

	for (int i = 0; i < 3; i++)
		assert_true(bucket_take(&bucket, 100 * SECOND));
	assert_false(bucket_take(&bucket, 100 * SECOND));
	assert_false(bucket_take(&bucket, 99 * SECOND));
	assert_false(bucket_take(&bucket, 101 * SECOND - 1));
	assert_true(bucket_take(&bucket, 101 * SECOND));
	assert_false(bucket_take(&bucket, 101 * SECOND));
	for (int i = 0; i < 3; i++)
		assert_true(bucket_take(&bucket, 1000 * SECOND));
	assert_false(bucket_take(&bucket, 1000 * SECOND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_untold_stays),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_of_whom),
		cmocka_unit_test(test_saved_and_loaded),
		cmocka_unit_test(test_each_unsaved_is_taken),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_what_cannot_be),
		cmocka_unit_test(test_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
