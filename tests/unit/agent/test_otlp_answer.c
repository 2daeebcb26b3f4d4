/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/otlp_answer.h"
#include "base/mem.h"

#define SECOND UINT64_C(1000000000)

static void test_verdicts(void **state)
{
	static const long again[] = {0, 100, 103, 429, 502, 503, 504}, wrong[] = {400, 413},
			  refused[] = {300, 302, 307, 401, 403, 404, 415, 500, 501, 505, 999};

	for (long status = 200; status < 300; status++)
		assert_int_equal(otlp_verdict(status), OTLP_ACCEPTED);
	for (size_t i = 0; i < ARRAY_SIZE(again); i++)
		assert_int_equal(otlp_verdict(again[i]), OTLP_AGAIN);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(otlp_verdict(wrong[i]), OTLP_TOO_WRONG);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(otlp_verdict(refused[i]), OTLP_REFUSED);
}

static void expect_partial(const char *body, size_t length, bool json, uint64_t rejected,
			   const char *text)
{
	struct otlp_partial partial;

	otlp_read_partial((const uint8_t *)body, length, json, &partial);
	assert_int_equal(partial.rejected, rejected);
	assert_string_equal(partial.text, text);
}

#define PROTOBUF(body, rejected, text) expect_partial(body, sizeof(body) - 1, false, rejected, text)
#define JSON(body, rejected, text)     expect_partial(body, sizeof(body) - 1, true, rejected, text)

static void test_partial(void **state)
{
	PROTOBUF("", 0, "");
	PROTOBUF("\x0a\x00", 0, "");
	PROTOBUF("\x0a\x02\x08\x03", 3, "");
	PROTOBUF("\x0a\x06\x08\x03\x12\x02no", 3, "no");
	PROTOBUF("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, ""); /* -1 */
	PROTOBUF("\x0a\x06\x08\x03\x12\x02n", 0, "");				 /* cut off */
	PROTOBUF("\xff\xff\xff\xff", 0, "");
	PROTOBUF("{\"partialSuccess\":{\"rejectedLogRecords\":\"3\"}}", 0, "");
	JSON("", 0, "");
	JSON("{}", 0, "");
	JSON("{\"partialSuccess\":{\"rejectedLogRecords\":\"3\",\"errorMessage\":\"no\"}}", 3,
	     "no");
	JSON("{\"partialSuccess\":{\"rejectedLogRecords\":3}}", 3, "");
	JSON("{\"partialSuccess\":{\"rejectedLogRecords\":-3}}", 0, "");
	JSON("{\"partialSuccess\":{\"rejectedLogRecords\":\"x\",\"errorMessage\":4}}", 0, "");
	JSON("{\"partialSuccess\":[1]}", 0, "");
	JSON("[[[[", 0, "");
}

/* Any bytes at all. */
static void test_hostile_answers(void **state)
{
	struct otlp_partial partial;
	uint8_t body[64];

	for (int i = 0; i < 100000; i++) {
		size_t length = rand() % sizeof(body);

		for (size_t at = 0; at < length; at++)
			body[at] = rand() % 2 ? rand() : "\x0a\x08\x12\x02{\"[:"[rand() % 8];
		otlp_read_partial(body, length, i % 2, &partial);
		assert_non_null(memchr(partial.text, '\0', sizeof(partial.text)));
	}
}

static void test_backoff(void **state)
{
	assert_int_equal(otlp_backoff_ns(0, 0, 0), SECOND);
	assert_int_equal(otlp_backoff_ns(0, 0, UINT32_MAX), SECOND / 2);
	assert_int_equal(otlp_backoff_ns(3, 0, 0), 8 * SECOND);
	assert_int_equal(otlp_backoff_ns(6, 0, 0), BACKOFF_MAX_NS);
	assert_int_equal(otlp_backoff_ns(7, 0, 0), BACKOFF_MAX_NS);
	assert_int_equal(otlp_backoff_ns(UINT32_MAX, 0, UINT32_MAX), BACKOFF_MAX_NS / 2);
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t wait = otlp_backoff_ns(i % 10, 30, i * 4294967);

		assert_true(wait >= 30 * SECOND && wait <= 31 * SECOND);
	}
	assert_true(otlp_backoff_ns(0, UINT64_MAX, 0) < (RETRY_AFTER_MAX_S + 1) * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_hostile_answers),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
