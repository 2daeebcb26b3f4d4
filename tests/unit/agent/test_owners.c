/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "agent/owners.h"
#include "views.h"

static void test_last_match(void **state)
{
	static const char *const rules[] = {"/srv/** everybody", "  /srv/billing/**\tteam-billing",
					    "*/shop.py shop@example.org"};
	static const struct {
		const char *file, *name;
	} rows[] = {
		{"/srv/a.py", "everybody"},
		{"/srv/billing/deep/a.py", "team-billing"},
		{"/srv/billing/shop.py", "shop@example.org"},
		{"/srv", NULL},
		{"shop.py", NULL},
		{"", NULL},
		{"?", NULL},
	};
	struct owners owners = {0};

	assert_null(owners_of_file(&owners, "/srv/a.py"));
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		assert_int_equal(owners_add(&owners, rules[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = owners_of_file(&owners, rows[i].file);

		assert_string_equal(name ? name : "", rows[i].name ? rows[i].name : "");
	}
	owners_clear(&owners);
	assert_null(owners_of_file(&owners, "/srv/a.py"));
	owners_free(&owners);
}

static void test_errors(void **state)
{
	static const char *const wrong[] = {
		"", " ", "/srv", "/srv ", "/srv a b", "/srv a\x1b[m", "/srv \xff"};
	struct owners owners = {0};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(owners_add(&owners, wrong[i]), -EINVAL);
	assert_int_equal(owners.count, 0);
	owners_free(&owners);
}

/* The library's frames are nobody's; whose call is wrong, it is. */
static void test_finding(void **state)
{
	static const struct stack_frame closed[] = {
		{"close", "/usr/lib/python3.11/tempfile.py", 1, 1, false, 0, 0},
		{"end", "/srv/billing/job.py", 1, 1, false, 0, 0},
		{"main", "/srv/main.py", 1, 1, false, 0, 0}};
	struct example *e = example_new();
	struct owners owners = {0};

	owners_add(&owners, "*/app.py app");
	owners_add(&owners, "*/job.py billing");
	owners_add(&owners, "/usr/lib/* distribution");
	example_stack(e, 1, stack_of(PYTHON_COMPLETE, closed, 3));
	assert_string_equal(owners_of_finding(&owners, &e->view), "app");
	e->finding.culprit = CULPRIT_CLOSED;
	assert_string_equal(owners_of_finding(&owners, &e->view), "billing");
	e->finding.closed.origin = ORIGIN_FINALIZER;
	assert_string_equal(owners_of_finding(&owners, &e->view), "app");
	e->finding.closed.origin = 0;
	example_stack(e, 1, NULL);
	assert_null(owners_of_finding(&owners, &e->view));
	owners_free(&owners);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_last_match),
					   cmocka_unit_test(test_errors),
					   cmocka_unit_test(test_finding)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
