/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/scope.h"
#include "base/mem.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct scope_subject web = {
	.exe = "/usr/bin/python3.11",
	.unit = "web@1.service",
	.cgroup = "/system.slice/web@1.service",
	.uid = 33,
};
static const struct scope_subject pod = {
	.exe = "/opt/venv/bin/python3 (deleted)",
	.cgroup = "/kubepods/podx/" ID,
	.container = ID,
	.pod = "x",
	.uid = 1000,
};
/* Of which /proc said nothing. */
static const struct scope_subject gone = {.uid = UINT32_MAX};

static bool wants(const char *include, const char *exclude, const struct scope_subject *subject)
{
	char error[SCOPE_ERROR_SIZE];
	struct scope scope = {0};
	bool wanted;

	assert_int_equal(scope_add(&scope, SCOPE_INCLUDE, include, error), 0);
	if (exclude)
		assert_int_equal(scope_add(&scope, SCOPE_EXCLUDE, exclude, error), 0);
	wanted = scope_wants(&scope, subject);
	scope_free(&scope);
	return wanted;
}

static void test_each_field(void **state)
{
	static const char *const of_web[] = {
		"exe:python3*",	  "exe:/usr/*", "exe:*/python3.11", "unit:web@*.service",
		"cgroup:*/web@*", "user:33",	"user:www-data",    "  user:33\texe:python*  "};
	static const char *const not_of_web[] = {
		"exe:ruby*",	 "exe:/python3.11", "unit:web", "cgroup:web@1.service",
		"user:0",	 "container:*",	    "pod:*",	"user:33 exe:ruby",
		"exe:PYTHON3.11"};
	static const char *const of_pod[] = {"container:0123*", "pod:x", "exe:python3*",
					     ("container:" ID)};

	for (size_t i = 0; i < ARRAY_SIZE(of_web); i++)
		assert_true(wants(of_web[i], NULL, &web));
	for (size_t i = 0; i < ARRAY_SIZE(not_of_web); i++)
		assert_false(wants(not_of_web[i], NULL, &web));
	for (size_t i = 0; i < ARRAY_SIZE(of_pod); i++)
		assert_true(wants(of_pod[i], NULL, &pod));
}

static void test_unknown_is_not_wanted(void **state)
{
	assert_false(wants("exe:*", NULL, &gone));
	assert_false(wants("user:4294967294", NULL, &gone));
	assert_false(wants("cgroup:*", NULL, &gone));
}

static void test_exclude_goes_first(void **state)
{
	assert_false(wants("exe:*", "unit:web*", &web));
	assert_true(wants("exe:*", "unit:web* user:0", &web));
	assert_true(wants("exe:*", "unit:web*", &pod));
}

static void test_nothing_is_wanted_without_rules(void **state)
{
	struct scope scope = {0};

	assert_false(scope_wants(&scope, &web));
	scope_free(&scope);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "a rule needs a condition"},
		{" ", "a rule needs a condition"},
		{"python3",
		 "python3 is no condition: exe:, unit:, cgroup:, container:, pod: or user: and "
		 "what it should be"},
		{"exe:a exec:b",
		 "exec:b is no condition: exe:, unit:, cgroup:, container:, pod: or user: and "
		 "what it should be"},
		{"unit:", "unit: is no condition: exe:, unit:, cgroup:, container:, pod: or user: "
			  "and what it should be"},
		{"user:no-such-user-here", "there is no user no-such-user-here"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char error[SCOPE_ERROR_SIZE] = "";
		struct scope scope = {0};

		assert_int_equal(scope_add(&scope, SCOPE_INCLUDE, rows[i].text, error), -EINVAL);
		assert_string_equal(error, rows[i].error);
		scope_free(&scope);
	}
}

static void test_unused(void **state)
{
	char error[SCOPE_ERROR_SIZE];
	struct scope scope = {0};
	size_t index = 0;

	assert_int_equal(scope_add(&scope, SCOPE_INCLUDE, "exe:ruby", error), 0);
	assert_int_equal(scope_add(&scope, SCOPE_INCLUDE, "exe:python*", error), 0);
	assert_int_equal(scope_add(&scope, SCOPE_INCLUDE, "unit:none", error), 0);
	assert_true(scope_wants(&scope, &web));
	assert_string_equal(scope_unused(&scope, &index), "exe:ruby");
	assert_string_equal(scope_unused(&scope, &index), "unit:none");
	assert_null(scope_unused(&scope, &index));
	scope_clear(&scope, SCOPE_INCLUDE);
	assert_false(scope_wants(&scope, &web));
	scope_free(&scope);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field),
		cmocka_unit_test(test_unknown_is_not_wanted),
		cmocka_unit_test(test_exclude_goes_first),
		cmocka_unit_test(test_nothing_is_wanted_without_rules),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
