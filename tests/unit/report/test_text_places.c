/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A bug that shows at many places is a page of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/report.h"
#include "views.h"

/* A finding of that kind that follows from #1, at so many lines of the program. */
static void meet_places(struct capture *c, struct example *e, int places)
{
	for (int i = 0; i < places; i++) {
		((struct stack *)e->view.bad)->frames[0].line = 1000 + i;
		e->view.id = 2 + (uint64_t)i;
		e->view.caused_by = 1;
		assert_int_equal(c->sink->finding(c->sink, &e->view), 0);
	}
}

/* Of what follows from a bug, some places of each kind are shown: the others are counted. */
static void test_text_many_places(void **state)
{
	struct session_stats stats = {.findings = {9}, .processes_seen = 1, .records = 9};
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	meet_places(&c, e, 8);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "app.py:1002 in main, EBADF: follows from #1\n"));
	assert_null(strstr(c.text, "app.py:1003"));
	assert_string_equal(
		strstr(c.text, "\xe2\x80\xa6"),
		"\xe2\x80\xa6 each further double_close that follows from #1 is counted; --all "
		"shows it\n");
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_non_null(strstr(c.text, "shows it\n\nfdtrace: 9 findings"));
	assert_non_null(strstr(c.text, "app.py:1004 in main\n      \xe2\x80\xa6 and 3 at 3 more "
				       "places\n"));
	capture_free(&c);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_many_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
