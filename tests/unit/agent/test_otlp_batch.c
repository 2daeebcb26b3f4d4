/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/otlp_batch.h"
#include "base/mem.h"

/* A row is its own name; a receiver takes any request without a poisoned one. */
static void fill(struct otlp_batch *batch, const char *names)
{
	size_t count = strlen(names);

	for (size_t i = 0; i < count; i++)
		batch->rows[i] = (struct outbox_row){(int64_t)i + 1, (const uint8_t *)&names[i], 1};
	otlp_batch_begin(batch, count);
}

static bool has(const struct otlp_batch *batch, const struct otlp_range *range, char name)
{
	for (size_t i = 0; i < range->count; i++)
		if (batch->rows[range->first + i].data[0] == name)
			return true;
	return false;
}

/* Sends all; how many requests that took. 'x' is poison; taken: what was taken, in order. */
static size_t send(struct otlp_batch *batch, char *taken, char *refused)
{
	const struct otlp_range *range;
	size_t requests = 0;

	while ((range = otlp_batch_next(batch))) {
		requests++;
		assert_true(batch->range_count <= OTLP_RANGES_MAX);
		if (has(batch, range, 'x') && otlp_batch_split(batch))
			continue;
		range = otlp_batch_next(batch);
		for (size_t i = 0; i < range->count; i++) {
			char name = (char)batch->rows[range->first + i].data[0];

			*(name == 'x' ? refused++ : taken++) = name;
		}
		otlp_batch_done(batch);
	}
	*taken = *refused = '\0';
	return requests;
}

static void test_bisect(void **state)
{
	static const struct {
		const char *names, *taken, *refused;
		size_t requests;
	} cases[] = {
		{"", "", "", 0},       {"abc", "abc", "", 1},		{"x", "", "x", 1},
		{"axc", "ac", "x", 5}, {"abcdefgx", "abcdefg", "x", 7}, {"xx", "", "xx", 3},
	};
	char taken[16], refused[16];
	struct otlp_batch batch;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fill(&batch, cases[i].names);
		assert_int_equal(send(&batch, taken, refused), cases[i].requests);
		assert_string_equal(taken, cases[i].taken);
		assert_string_equal(refused, cases[i].refused);
	}
}

/* The largest batch there is, wherever the poison is, and all of it. */
static void test_bisect_the_largest(void **state)
{
	char names[OTLP_BATCH_ROWS + 1] = "", taken[sizeof(names)], refused[sizeof(names)];
	struct otlp_batch batch;

	for (size_t i = 0; i < OTLP_BATCH_ROWS; i++) {
		memset(names, 'a', OTLP_BATCH_ROWS);
		names[i] = 'x';
		fill(&batch, names);
		assert_int_equal(send(&batch, taken, refused), 17); /* 1 + 2 * log2(256) */
		assert_int_equal(strlen(taken), OTLP_BATCH_ROWS - 1);
		assert_string_equal(refused, "x");
	}
	memset(names, 'x', OTLP_BATCH_ROWS);
	fill(&batch, names);
	assert_int_equal(send(&batch, taken, refused), 2 * OTLP_BATCH_ROWS - 1);
	assert_string_equal(refused, names);
}

/* Rows of both encodings, as after a change of the setting: none is put with another's. */
static void test_encodings(void **state)
{
	struct otlp_batch batch;
	char names[OTLP_BATCH_ROWS + 1] = "", sent[sizeof(names)] = "";
	const struct otlp_range *range;

	for (size_t i = 0; i < OTLP_BATCH_ROWS; i++)
		names[i] = i / 3 % 2 ? '{' : '\n';
	fill(&batch, names);
	while ((range = otlp_batch_next(&batch))) {
		char name = (char)batch.rows[range->first].data[0];

		assert_true(range->count <= 3);
		assert_int_equal(otlp_batch_is_json(&batch), name == '{');
		assert_false(has(&batch, range, name == '{' ? '\n' : '{'));
		for (size_t i = 0; i < range->count; i++)
			sent[strlen(sent)] = name;
		otlp_batch_done(&batch);
	}
	assert_string_equal(sent, names);
}

static void expect_body(const struct otlp_batch *batch, const char *expected)
{
	uint8_t *body;
	size_t length;

	assert_int_equal(otlp_batch_body(batch, &body, &length), 0);
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(body, expected, length);
	free(body);
}

static void test_body(void **state)
{
	uint8_t large[200], *body;
	struct otlp_batch batch;
	size_t length;

	fill(&batch, "ab");
	otlp_batch_next(&batch);
	expect_body(&batch, "\x0a\x01"
			    "a\x0a\x01"
			    "b");
	fill(&batch, "{{");
	otlp_batch_next(&batch);
	expect_body(&batch, "{\"resourceLogs\":[{,{]}");
	memset(large, 'z', sizeof(large));
	batch.rows[0] = (struct outbox_row){1, large, sizeof(large)};
	otlp_batch_begin(&batch, 1);
	otlp_batch_next(&batch);
	assert_int_equal(otlp_batch_body(&batch, &body, &length), 0);
	assert_int_equal(length, 3 + sizeof(large));
	assert_memory_equal(body, "\x0a\xc8\x01z", 4);
	free(body);
}

/* As many rows as are ever taken fit; one that fits into no request is known before it is sent. */
static void test_bounds(void **state)
{
	_cleanup_free_ uint8_t *bytes = calloc(1, OTLP_REQUEST_MAX);
	struct otlp_batch batch;
	uint8_t *body;
	size_t length;

	assert_non_null(bytes);
	for (size_t i = 0; i < OTLP_BATCH_ROWS; i++)
		batch.rows[i] = (struct outbox_row){1, bytes, OTLP_BATCH_BYTES / OTLP_BATCH_ROWS};
	otlp_batch_begin(&batch, OTLP_BATCH_ROWS);
	otlp_batch_next(&batch);
	assert_int_equal(otlp_batch_body(&batch, &body, &length), 0);
	assert_true(length <= OTLP_REQUEST_MAX);
	free(body);
	batch.rows[0].length = OTLP_REQUEST_MAX;
	otlp_batch_begin(&batch, 1);
	otlp_batch_next(&batch);
	assert_int_equal(otlp_batch_body(&batch, &body, &length), -EFBIG);
	assert_false(otlp_batch_split(&batch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bisect),	  cmocka_unit_test(test_bisect_the_largest),
		cmocka_unit_test(test_encodings), cmocka_unit_test(test_body),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
