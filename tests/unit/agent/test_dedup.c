/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dedup.h"
#include "json_lines.h"
#include "report/report.h"

#define SECOND	INT64_C(1000000000)
#define MINUTE	(60 * SECOND)
#define BOOT_NS (1000 * SECOND)

/* Two outputs, of which each writes into memory. */
struct outputs {
	struct dedup *dedup;
	struct sink *sink;
	FILE *stream[2];
	char *text[2];
	size_t size[2];
};

static void open_outputs(struct outputs *outputs, uint64_t per_minute, uint64_t burst)
{
	const struct dedup_limits limits = {
		.known = {.returned_after_ns = 14 * 86400 * SECOND, .again_ns = 3600 * SECOND},
		.per_minute = per_minute,
		.burst = burst,
	};
	struct json_options options = {.permit = dedup_permit};

	assert_int_equal(dedup_new(&limits, &outputs->dedup, &outputs->sink), 0);
	options.permit_arg = outputs->dedup;
	for (int i = 0; i < 2; i++) {
		outputs->stream[i] = open_memstream(&outputs->text[i], &outputs->size[i]);
		assert_int_equal(
			dedup_add_sink(outputs->dedup, json_sink_new(outputs->stream[i], &options)),
			0);
	}
}

static void close_outputs(struct outputs *outputs)
{
	outputs->sink->free(outputs->sink);
	dedup_free(outputs->dedup);
	for (int i = 0; i < 2; i++) {
		fclose(outputs->stream[i]);
		free(outputs->text[i]);
	}
}

static void find(struct outputs *outputs, int bug, uint64_t at_ns)
{
	struct finding finding = {.kind = FINDING_BAD_FD, .bad = {.time_ns = BOOT_NS + at_ns}};
	struct process process = {.comm = "x"};
	char name[24];
	struct finding_view view = {.finding = &finding, .process = &process, .bug = name};
	static uint64_t id;

	snprintf(name, sizeof(name), "b1:%016x", bug);
	view.id = ++id;
	assert_int_equal(outputs->sink->finding(outputs->sink, &view), 0);
	outputs->sink->flush(outputs->sink);
}

/* Line number n of the first output, parsed; NULL: there are no more. The other has the same. */
static json_t *line(const struct outputs *outputs, size_t n)
{
	const char *at = outputs->text[0];
	json_t *value;
	char *copy;

	assert_string_equal(outputs->text[0], outputs->text[1]);
	for (; n && at; n--)
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	if (!at || !*at)
		return NULL;
	copy = strndup(at, strchr(at, '\n') + 1 - at);
	value = parse_line(copy);
	free(copy);
	return value;
}

static void expect_line(const struct outputs *outputs, size_t n, const char *kind, int64_t count,
			const char *seen)
{
	json_t *value = line(outputs, n);

	assert_non_null(value);
	assert_string_equal(text_at(value, "kind"), kind);
	assert_int_equal(json_integer_value(json_object_get(value, "count")), count);
	if (seen)
		assert_string_equal(text_at(json_object_get(value, "seen"), "state"), seen);
	else
		assert_null(json_object_get(value, "seen"));
	json_decref(value);
}

static void test_told_and_counted(void **state)
{
	struct outputs outputs;
	struct dedup_stats stats;

	open_outputs(&outputs, 60, 100);
	for (int i = 0; i < 25; i++)
		find(&outputs, 1, i);
	dedup_step(outputs.dedup, BOOT_NS, false);
	dedup_step(outputs.dedup, BOOT_NS + 3599 * SECOND, false);
	outputs.sink->flush(outputs.sink);
	expect_line(&outputs, 0, "bad_fd", 1, "new");
	expect_line(&outputs, 1, "update", 10, NULL);
	assert_null(line(&outputs, 2));
	dedup_step(outputs.dedup, BOOT_NS + 3600 * SECOND, false);
	outputs.sink->flush(outputs.sink);
	expect_line(&outputs, 2, "update", 25, NULL);
	dedup_step(outputs.dedup, BOOT_NS + 7200 * SECOND, false);
	outputs.sink->flush(outputs.sink);
	assert_null(line(&outputs, 3));
	dedup_stats(outputs.dedup, &stats);
	assert_int_equal(stats.told[SEEN_NEW], 1);
	assert_int_equal(stats.told[SEEN_KNOWN], 1);
	assert_int_equal(stats.repeats, 23);
	assert_int_equal(stats.suppressed, 0);
	close_outputs(&outputs);
}

static void test_burst(void **state)
{
	struct outputs outputs;
	struct dedup_stats stats;

	open_outputs(&outputs, 60, 2);
	dedup_step(outputs.dedup, BOOT_NS, false);
	for (int i = 0; i < 5; i++)
		find(&outputs, i, i);
	dedup_stats(outputs.dedup, &stats);
	assert_int_equal(stats.told[SEEN_NEW], 2);
	assert_int_equal(stats.suppressed, 3);
	expect_line(&outputs, 1, "bad_fd", 1, "new");
	assert_null(line(&outputs, 2));
	dedup_step(outputs.dedup, BOOT_NS + 1, false);
	outputs.sink->flush(outputs.sink);
	expect_line(&outputs, 2, "suppressed", 3, NULL);
	/* What was held back is told in its place when there is room, and is still new. */
	find(&outputs, 4, 2 * MINUTE);
	expect_line(&outputs, 3, "bad_fd", 1, "new");
	find(&outputs, 0, 2 * MINUTE + 1);
	assert_null(line(&outputs, 4));
	dedup_stats(outputs.dedup, &stats);
	assert_int_equal(stats.told[SEEN_NEW], 3);
	assert_int_equal(stats.repeats, 1);
	close_outputs(&outputs);
}

/* Of one that was never written nothing can be counted; but that it was not is said. */
static void test_end(void **state)
{
	const struct session_stats none = {0};
	struct outputs outputs;

	open_outputs(&outputs, 1, 1);
	find(&outputs, 1, 0);
	find(&outputs, 2, 1);
	find(&outputs, 2, 2);
	assert_int_equal(outputs.sink->end(outputs.sink, &none), 0);
	expect_line(&outputs, 0, "bad_fd", 1, "new");
	expect_line(&outputs, 1, "suppressed", 2, NULL);
	expect_line(&outputs, 2, "summary", 0, NULL);
	assert_null(line(&outputs, 3));
	close_outputs(&outputs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_and_counted),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
