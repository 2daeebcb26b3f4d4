/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What is said of Pythons that are not walked: once for each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tracer/unsupported.h"

static void test_names(void **state)
{
	struct python_runtime pypy = {.pypy = true}, cpython = {.version_text = "3.14.1t"};
	char name[RUNTIME_NAME];

	unsupported_name(&pypy, name);
	assert_string_equal(name, "PyPy");
	unsupported_name(&cpython, name);
	assert_string_equal(name, "CPython 3.14.1t");
}

static void test_sentences(void **state)
{
	struct python_runtime old = {.version_text = "2.7"};
	struct python_runtime other = {.version_text = "3.11.2", .layout.version = 0x030b};
	struct python_runtime pypy = {.pypy = true};
	struct unsupported unsupported = {0};

	unsupported_meet(&unsupported, 7, &old, false);
	unsupported_meet(&unsupported, 8, &other, false);
	unsupported_meet(&unsupported, 9, &other, true);
	unsupported_meet(&unsupported, 10, &pypy, false);
	assert_int_equal(unsupported.count, 4);
	assert_string_equal(unsupported.lines[0],
			    "process 7 runs CPython 2.7, which fdtrace does not "
			    "know: its calls have no Python stacks");
	assert_string_equal(unsupported.lines[1],
			    "process 8 runs CPython 3.11.2, but is not built as that version is: "
			    "its calls have no Python stacks");
	assert_string_equal(unsupported.lines[2],
			    "process 9 runs CPython 3.11.2, but its memory is not laid out as that "
			    "version's: its calls have no Python stacks");
	assert_string_equal(unsupported.lines[3],
			    "process 10 runs PyPy, which keeps its frames in ways of its own: its "
			    "calls have no Python stacks");
}

static void test_once(void **state)
{
	struct unsupported unsupported = {0};

	assert_null(unsupported_notice(&unsupported));
	for (pid_t pid = 1; pid < 100; pid++) {
		struct python_runtime runtime = {0};

		snprintf(runtime.version_text, sizeof(runtime.version_text), "2.%d", pid / 2);
		unsupported_meet(&unsupported, pid, &runtime, false);
		unsupported_meet(&unsupported, pid, &runtime, false);
	}
	assert_int_equal(unsupported.count, UNSUPPORTED_MAX);
	for (unsigned int i = 0; i < UNSUPPORTED_MAX; i++)
		assert_ptr_equal(unsupported_notice(&unsupported), unsupported.lines[i]);
	assert_null(unsupported_notice(&unsupported));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
