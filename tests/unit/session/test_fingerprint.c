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

/* The program and Python's own library lie elsewhere, and lines have moved: another host, another
 * container, another venv. */
static void test_bug_is_the_same_everywhere(void **state)
{
	static const struct {
		const char *library, *program;
		int line, fd;
		const char *exe;
	} hosts[] = {
		{"/usr/lib/python3.11/", "/srv/app/billing/", 10, 7, "/usr/bin/python3.11"},
		{"/usr/local/lib/python3.13/", "/app/", 300, 8, "/usr/local/bin/python3.13"},
		{"/root/.pyenv/versions/3.12.1/lib/python3.12/",
		 "/opt/venv/lib/python3.12/site-packages/billing/", 11, 9, "/opt/venv/bin/python"},
		{"/usr/lib64/python3.9/", "/usr/lib/python3/dist-packages/billing/", 1, 0,
		 "/usr/bin/python3"},
	};
	char first[FINGERPRINT_SIZE] = "", name[FINGERPRINT_SIZE], files[2][128];

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct example *e = example_new();

		snprintf(files[0], sizeof(files[0]), "%stempfile.py", hosts[i].library);
		snprintf(files[1], sizeof(files[1]), "%sjob.py", hosts[i].program);
		for (int site = 0; site < 3; site++) {
			const struct stack_frame frames[] = {
				{"close", files[0], 500 + hosts[i].line, 490, true, 0, 0},
				{"Job.end", files[1], hosts[i].line, 9, true, 0, 0},
				{"Job.run", files[1], 2 * hosts[i].line, 9, true, 0, 0},
				{"main", i % 2 ? "/srv/start.py" : files[1], 5, 1, true, 0, 0},
			};

			example_stack(e, site, stack_of(PYTHON_COMPLETE, frames, 4));
		}
		e->finding.fd = hosts[i].fd;
		e->process.exe = (char *)hosts[i].exe;
		finding_bug(&e->view, name);
		if (i)
			assert_string_equal(name, first);
		memcpy(first, name, sizeof(first));
		/* Another function is another bug. */
		e->stacks[1]->frames[1].function = "Job.abort";
		finding_bug(&e->view, name);
		assert_string_not_equal(name, first);
		example_free(e);
	}
	/* Part of the contract: a change here needs "b2:". */
	assert_string_equal(first, "b1:08eb859836278ac7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprint_stays),
		cmocka_unit_test(test_fingerprint_tells_apart),
		cmocka_unit_test(test_bug_is_the_same_everywhere),
	};

	return cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
}
