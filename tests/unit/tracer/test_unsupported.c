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

	strangers_name(&pypy, name);
	assert_string_equal(name, "PyPy");
	strangers_name(&cpython, name);
	assert_string_equal(name, "CPython 3.14.1t");
}

static void test_sentences(void **state)
{
	struct python_runtime old = {.version_text = "2.7"};
	struct python_runtime other = {.version_text = "3.11.2", .layout.version = 0x030b};
	struct python_runtime pypy = {.pypy = true};
	struct strangers strangers = {0};

	strangers_meet(&strangers, 7, &old, false);
	strangers_meet(&strangers, 8, &other, false);
	strangers_meet(&strangers, 9, &other, true);
	strangers_meet(&strangers, 10, &pypy, false);
	assert_int_equal(strangers.count, 4);
	assert_string_equal(strangers.lines[0],
			    "process 7 runs CPython 2.7, which fdtrace does not "
			    "know: its calls have no Python stacks");
	assert_string_equal(strangers.lines[1],
			    "process 8 runs CPython 3.11.2, but is not built as that version is: "
			    "its calls have no Python stacks");
	assert_string_equal(strangers.lines[2],
			    "process 9 runs CPython 3.11.2, but its memory is not laid out as that "
			    "version's: its calls have no Python stacks");
	assert_string_equal(strangers.lines[3],
			    "process 10 runs PyPy, which keeps its frames in ways of its own: its "
			    "calls have no Python stacks");
}

static void test_once(void **state)
{
	struct strangers strangers = {0};

	assert_null(strangers_news(&strangers));
	for (pid_t pid = 1; pid < 100; pid++) {
		struct python_runtime runtime = {0};

		snprintf(runtime.version_text, sizeof(runtime.version_text), "2.%d", pid / 2);
		strangers_meet(&strangers, pid, &runtime, false);
		strangers_meet(&strangers, pid, &runtime, false);
	}
	assert_int_equal(strangers.count, STRANGERS_MAX);
	for (unsigned int i = 0; i < STRANGERS_MAX; i++)
		assert_ptr_equal(strangers_news(&strangers), strangers.lines[i]);
	assert_null(strangers_news(&strangers));
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
