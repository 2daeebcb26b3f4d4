/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/recent.h"

static char *printed(struct recent *recent)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	recent_print(recent, out);
	fclose(out);
	return text;
}

static void test_only_the_last(void **state)
{
	struct finding finding = {.kind = FINDING_BAD_FD};
	struct process process = {.comm = "x"};
	struct finding_view view = {.finding = &finding, .process = &process, .bug = "b1:0"};
	const struct json_options options = {0};
	struct recent *recent;
	struct sink *sink;
	char *text, bug[32];
	size_t lines = 0;

	assert_int_equal(recent_new(&options, &recent, &sink), 0);
	text = printed(recent);
	assert_string_equal(text, "[\n]\n");
	free(text);
	for (int i = 1; i <= RECENT_LINES + 5; i++) {
		snprintf(bug, sizeof(bug), "b1:%d", i);
		view.bug = bug;
		view.id = i;
		assert_int_equal(sink->finding(sink, &view), 0);
	}
	text = printed(recent);
	for (const char *at = text; (at = strstr(at, "\"schema\"")); at++)
		lines++;
	assert_int_equal(lines, RECENT_LINES);
	assert_null(strstr(text, "\"id\":5,"));
	assert_true(strstr(text, "\"id\":6,") < strstr(text, "\"id\":105,"));
	free(text);
	sink->free(sink);
	recent_free(recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_the_last)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
