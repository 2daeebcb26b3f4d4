/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Without --all: what tells the same is counted, and what follows from a bug is told in brief. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/report.h"
#include "session/repeats.h"
#include "json_lines.h"
#include "views.h"

static void expect_update(const char *line, int count, const char *last_seen)
{
	char expected[512];

	snprintf(expected, sizeof(expected),
		 "{\"schema\":\"fdtrace/1\",\"kind\":\"update\",\"id\":1,"
		 "\"bug\":\"b1:0123456789abcdef\",\"fingerprint\":\"v1:a7e4443f6895ee3c\","
		 "\"finding\":\"double_close\",\"count\":%d,"
		 "\"first_seen\":\"2026-11-24T10:00:00.001234Z\",\"last_seen\":\"%s\"}",
		 count, last_seen);
	assert_memory_equal(line, expected, strlen(expected));
}

/* The first is written, and then how many there were: at 10, 100, and at the end. */
static void test_folds(void **state)
{
	struct session_stats stats = {0};
	struct example *e = example_new();
	struct capture c, all;
	const char *line;
	json_t *bugs;

	capture_json(&all, false);
	assert_int_equal(all.sink->finding(all.sink, &e->view), 0);
	assert_int_equal(all.sink->flush(all.sink), 0);
	capture_json_folded(&c);
	for (int i = 0; i < 123; i++) {
		assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
		e->view.id++;
		e->finding.bad.time_ns += 1000 * MS;
	}
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_memory_equal(c.text, all.text, strlen(all.text));
	line = c.text + strlen(all.text);
	expect_update(line, 10, "2026-11-24T10:00:09.001234Z");
	line = strchr(line, '\n') + 1;
	expect_update(line, 100, "2026-11-24T10:01:39.001234Z");
	line = strchr(line, '\n') + 1;
	expect_update(line, 123, "2026-11-24T10:02:02.001234Z");
	bugs = parse_line(strchr(line, '\n') + 1);
	assert_int_equal(json_integer_value(json_object_get(bugs, "bugs_in_all")), 1);
	json_decref(bugs);
	capture_free(&all);
	capture_free(&c);
	example_free(e);
}

/* Of a bug whose culprit is known, the summary has that site alone. */
static void test_bugs(void **state)
{
	struct session_stats stats = {0};
	struct example *e = example_new();
	json_t *summary, *bug;
	struct capture c;

	capture_json_folded(&c);
	e->finding.culprit = CULPRIT_CLOSED;
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->view.id = 2;
	e->view.caused_by = e->view.first_of_bug = 1;
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->finding.severity = SEVERITY_INFO;
	e->view.caused_by = 0;
	e->view.bug = "b1:00000000000000ff";
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	summary = parse_line(strstr(c.text, "{\"schema\":\"fdtrace/1\",\"kind\":\"summary\""));
	assert_int_equal(json_array_size(json_object_get(summary, "bugs")), 1);
	bug = json_array_get(json_object_get(summary, "bugs"), 0);
	assert_string_equal(text_at(bug, "culprit"), "closed");
	assert_int_equal(json_integer_value(json_object_get(bug, "count")), 1);
	assert_int_equal(json_integer_value(json_object_get(bug, "followed")), 1);
	assert_int_equal(json_object_size(json_object_get(bug, "sites")), 1);
	assert_non_null(json_object_get(json_object_get(bug, "sites"), "closed"));
	json_decref(summary);
	capture_free(&c);
	example_free(e);
}

/* The line of a bug's finding whose bad call stands at this line of the program. NULL: none. */
static json_t *met_at(struct capture *c, struct example *e, int line)
{
	struct stack *bad = (struct stack *)e->view.bad;
	size_t before;

	assert_int_equal(c->sink->flush(c->sink), 0);
	before = strlen(c->text);
	bad->frames[0].line = line;
	assert_int_equal(c->sink->finding(c->sink, &e->view), 0);
	assert_int_equal(c->sink->flush(c->sink), 0);
	return c->text[before] ? parse_line(c->text + before) : NULL;
}

static void expect_brief(json_t *value)
{
	json_t *bad = json_object_get(json_object_get(value, "sites"), "bad");

	assert_true(json_is_true(json_object_get(value, "brief")));
	assert_null(json_object_get(value, "candidates"));
	assert_int_equal(json_object_size(json_object_get(value, "sites")), 1);
	assert_int_equal(json_object_size(json_object_get(value, "process")), 1);
	assert_int_equal(json_array_size(json_object_get(bad, "python")), 2);
	assert_string_equal(text_at(bad, "python_status"), "cut");
	assert_string_equal(text_at(value, "explanation"), "It follows from finding 1.");
	assert_string_equal(text_at(value, "advice"), "Change what finding 1 says.");
	json_decref(value);
}

/* One of a chain of functions. */
static void deepen_bad(struct example *e)
{
	static const struct stack_frame frames[] = {
		{"main", "/srv/app/app.py", 14, 5, false, 0, 0},
		{"run", "/srv/app/app.py", 18, 5, false, 0, 0},
		{"<module>", "/srv/app/app.py", 20, 1, false, 0, 0}};

	example_stack(e, 0, stack_of(PYTHON_COMPLETE, frames, 3));
}

static void expect_whole(json_t *value)
{
	assert_null(json_object_get(value, "brief"));
	assert_non_null(json_object_get(value, "candidates"));
	assert_non_null(json_object_get(json_object_get(value, "sites"), "closed"));
	json_decref(value);
}

/* Of what follows from one bug the first is told in full, and the first that shows it again. */
static void test_followers(void **state)
{
	struct example *e = example_new();
	struct capture c;
	char *all;

	capture_json_folded(&c);
	deepen_bad(e);
	example_open(e);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->view.id = 2;
	e->view.caused_by = e->view.first_of_bug = 1;
	expect_whole(met_at(&c, e, 1000));
	expect_brief(met_at(&c, e, 1001));
	e->view.another_way = true;
	expect_whole(met_at(&c, e, 1002));
	e->finding.kind = FINDING_USE_AFTER_CLOSE;
	expect_brief(met_at(&c, e, 1003));
	all = strstr(c.text, "\"brief\":true");
	assert_true(strcspn(all, "\n") < 800);
	capture_free(&c);
	example_free(e);
}

static void expect_fold(json_t *update, int places, int count)
{
	assert_string_equal(text_at(update, "kind"), "update");
	assert_int_equal(json_integer_value(json_object_get(update, "id")), 9);
	assert_int_equal(json_integer_value(json_object_get(update, "places")), places);
	assert_int_equal(json_integer_value(json_object_get(update, "count")), count);
	json_decref(update);
}

/* Of more places of one kind it is counted how many they are, and what was met there. */
static void test_places(void **state)
{
	struct session_stats stats = {0};
	struct example *e = example_new();
	json_t *summary, *bug;
	struct capture c;

	capture_json_folded(&c);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->view.caused_by = e->view.first_of_bug = 1;
	for (int i = 0; i < FOLLOWERS_TOLD; i++)
		json_decref(met_at(&c, e, 1000 + i));
	e->view.id = 9;
	expect_fold(met_at(&c, e, 2000), 1, 1);
	for (int i = 2; i < 10; i++)
		assert_null(met_at(&c, e, 2000 + i));
	expect_fold(met_at(&c, e, 2000), 9, 10);
	assert_null(met_at(&c, e, 2000));
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	summary = parse_line(strstr(c.text, "{\"schema\":\"fdtrace/1\",\"kind\":\"summary\""));
	bug = json_array_get(json_object_get(summary, "bugs"), 0);
	assert_int_equal(json_integer_value(json_object_get(bug, "folded")), 11);
	assert_int_equal(json_integer_value(json_object_get(bug, "followed")), 14);
	json_decref(summary);
	expect_fold(
		json_loads(strstr(c.text, "{\"schema\":\"fdtrace/1\",\"kind\":\"update\",\"id\":9"),
			   JSON_DISABLE_EOF_CHECK, NULL),
		1, 1);
	assert_non_null(strstr(c.text, "\"count\":11,\"places\":9,"));
	capture_free(&c);
	example_free(e);
}

/* What follows from a finding names findings that have been written. */
static void test_consequence(void **state)
{
	struct example *e = example_new();
	json_t *value, *ids;
	struct capture c;

	capture_json_folded(&c);
	example_open(e);
	e->view.caused_by = 8;
	e->view.first_of_bug = 1;
	e->view.perhaps = true;
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->view.or_by = 9;
	e->view.first_of_other = 2;
	e->view.bug = "b1:00000000000000ff";
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->view.perhaps = false;
	e->view.or_by = e->view.first_of_other = 0;
	e->view.bug = "b1:0123456789abcdef";
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);

	value = json_loads(c.text, JSON_DISABLE_EOF_CHECK, NULL);
	ids = json_object_get(value, "may_follow_from");
	assert_int_equal(json_array_size(ids), 1);
	assert_int_equal(json_integer_value(json_array_get(ids, 0)), 1);
	assert_null(json_object_get(value, "caused_by"));
	json_decref(value);

	value = json_loads(strchr(c.text, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	ids = json_object_get(value, "may_follow_from");
	assert_int_equal(json_array_size(ids), 2);
	assert_int_equal(json_integer_value(json_array_get(ids, 1)), 2);
	json_decref(value);
	assert_non_null(strstr(c.text, "\"caused_by\":1,"));
	capture_free(&c);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folds),	    cmocka_unit_test(test_bugs),
		cmocka_unit_test(test_followers),   cmocka_unit_test(test_places),
		cmocka_unit_test(test_consequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
