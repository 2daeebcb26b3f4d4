/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "session/fingerprint.h"
#include "views.h"

static void fingerprint_of(const struct example *e, char ret[24])
{
	finding_fingerprint(&e->view, ret);
	assert_int_equal(strlen(ret), 19);
	assert_memory_equal(ret, "v1:", 3);
}

static void test_fingerprint_stays(void **state)
{
	struct example *e = example_new();
	char first[24], second[24];

	fingerprint_of(e, first);
	/* Part of the contract: a change here needs "v2:". */
	assert_string_equal(first, "v1:a7e4443f6895ee3c");
	e->finding.fd = 99;
	e->finding.bad.tid = 1;
	e->finding.bad.time_ns = 5;
	e->process.pid = 1;
	e->stacks[0]->frames[0].line = 1000;
	e->stacks[0]->frames[0].file = "/opt/other/place/app.py";
	fingerprint_of(e, second);
	assert_string_equal(first, second);
	example_free(e);
}

static void test_fingerprint_tells_apart(void **state)
{
	struct example *e = example_new();
	char first[24], second[24];

	fingerprint_of(e, first);
	e->stacks[1]->frames[0].function = "other";
	fingerprint_of(e, second);
	assert_string_not_equal(first, second);

	e->stacks[1]->frames[0].function = "main";
	e->finding.opened.missing = SITE_LOST;
	fingerprint_of(e, second);
	assert_string_not_equal(first, second);

	e->finding.opened.missing = SITE_SEEN;
	e->finding.closed.call = CALL_DUP2;
	fingerprint_of(e, second);
	assert_string_not_equal(first, second);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprint_stays),
		cmocka_unit_test(test_fingerprint_tells_apart),
	};

	return cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
}
