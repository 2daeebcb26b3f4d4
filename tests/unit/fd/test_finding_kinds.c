/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The rows of the kinds: what scripts count on does not change with a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fd/finding.h"

static const struct {
	enum finding_kind kind;
	const char *name;
	enum severity severity;
	bool is_light_in_shell;
} expected[] = {
	{FINDING_DOUBLE_CLOSE, "double_close", SEVERITY_ERROR, true},
	{FINDING_DOUBLE_CLOSE_UNSEEN, "double_close_unseen", SEVERITY_WARNING, true},
	{FINDING_USE_AFTER_CLOSE, "use_after_close", SEVERITY_ERROR, false},
	{FINDING_REUSED_CLOSE, "reused_close", SEVERITY_ERROR, false},
	{FINDING_OWNED_CLOSE, "owned_close", SEVERITY_ERROR, false},
	{FINDING_MISDIRECTED_IO, "misdirected_io", SEVERITY_ERROR, false},
	{FINDING_BAD_FD, "bad_fd", SEVERITY_INFO, false},
	{FINDING_CLOSE_SWEEP, "close_sweep", SEVERITY_INFO, false},
};

static void test_rows(void **state)
{
	assert_int_equal(ARRAY_SIZE(expected), FINDING_KINDS);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct finding_kind_row *row = finding_kind_row(expected[i].kind);
		bool lighter = row->in_shell == SEVERITY_INFO && row->severity != SEVERITY_INFO;

		assert_int_equal(expected[i].kind, i);
		assert_string_equal(row->name, expected[i].name);
		assert_int_equal(row->severity, expected[i].severity);
		assert_int_equal(lighter, expected[i].is_light_in_shell);
	}
}

static void test_a_kind_brings_its_severity(void **state)
{
	struct finding finding = {.kind = FINDING_BAD_FD, .severity = SEVERITY_INFO};

	finding_set_kind(&finding, FINDING_DOUBLE_CLOSE_UNSEEN);
	assert_int_equal(finding.kind, FINDING_DOUBLE_CLOSE_UNSEEN);
	assert_int_equal(finding.severity, SEVERITY_WARNING);
}

static void test_a_kind_of_a_later_version(void **state)
{
	assert_string_equal(finding_kind_name(FINDING_KINDS), "unknown");
	assert_string_equal(finding_kind_name((enum finding_kind) - 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_a_kind_brings_its_severity),
		cmocka_unit_test(test_a_kind_of_a_later_version),
	};

	return cmocka_run_group_tests_name("finding kinds", tests, NULL, NULL);
}
