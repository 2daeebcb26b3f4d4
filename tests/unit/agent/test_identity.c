/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/identity.h"
#include "base/clock.h"
#include "base/mem.h"
#include "process/proc.h"

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID    "1b3cd0a8-6e3e-4d7a-9b0c-0f3e5f1a2b3c"
#define NO_PID 0x7fffffff /* the kernel gives none so large */

struct seen {
	struct identities *identities;
	struct sink *sink;
	struct process processes[4]; /* by the last digit of NO_PID less their number */
	struct coverage_row rows[4]; /* without their keys */
	char names[4][32];
	size_t count;
};

static const struct process *find(void *arg, uint32_t pid)
{
	struct seen *seen = arg;
	size_t i = NO_PID - pid;

	return i < ARRAY_SIZE(seen->processes) && seen->processes[i].pid ? &seen->processes[i]
									 : NULL;
}

static void take_row(void *arg, const struct coverage_row *row)
{
	struct seen *seen = arg;
	const char *name = row->service.values[SERVICE_NAME];

	assert_in_range(seen->count, 0, ARRAY_SIZE(seen->rows) - 1);
	memcpy(&seen->rows[seen->count], row, sizeof(*row));
	snprintf(seen->names[seen->count++], 32, "%s", name ? name : "");
}

static void end_period(struct seen *seen)
{
	size_t count;

	seen->count = 0;
	assert_false(identities_sum_up(seen->identities, clock_boot_ns(), find, seen));
	count = identities_each_service(seen->identities, take_row, seen);
	assert_int_equal(count, seen->count);
}

static const struct coverage_row *row(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->count; i++)
		if (!strcmp(seen->names[i], name))
			return &seen->rows[i];
	fail_msg("nothing of %s", name);
	return NULL;
}

static void change(struct seen *seen, size_t i, enum process_change change, size_t parent)
{
	const struct process_view view = {&seen->processes[i], change, NO_PID - parent};

	assert_int_equal(seen->sink->process(seen->sink, &view), 0);
}

static void begin(struct seen *seen)
{
	*seen = (struct seen){0};
	assert_int_equal(identities_new(&seen->identities, &seen->sink), 0);
	for (size_t i = 0; i < ARRAY_SIZE(seen->processes); i++)
		seen->processes[i] = (struct process){.pid = NO_PID - i, .start_ns = 1000 + i};
}

static void end(struct seen *seen)
{
	seen->sink->free(seen->sink);
	identities_free(seen->identities);
}

static const struct attribute *attribute(const struct attributes *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->rows[i].key, key))
			return &list->rows[i];
	return NULL;
}

static const char *text_of(const struct attributes *list, const char *key)
{
	const struct attribute *found = attribute(list, key);

	return found ? found->text : "(none)";
}

/* Of a process that has gone: what is known of it anyway. */
static void test_attributes(void **state)
{
	const struct attributes *list;
	struct seen seen;

	begin(&seen);
	seen.processes[0].exe = (char *)"/usr/bin/py\nthon\xff";
	seen.processes[0].cgroup = (char *)"/lxc.payload.web/kubepods/pod" UID "/" ID;
	seen.processes[0].container_id = (char *)ID;
	seen.processes[0].runtime = (char *)"CPython 3.11.2";
	change(&seen, 0, CHANGE_NEW, 0);
	list = identity_of(seen.identities, &seen.processes[0], 1795514400000000000);
	assert_string_equal(text_of(list, "service.name"), "py\\nthon\\xff");
	assert_string_equal(text_of(list, "fdtrace.service.source"), "program");
	assert_string_equal(text_of(list, "process.executable.path"), "/usr/bin/py\\nthon\\xff");
	assert_string_equal(text_of(list, "container.id"), ID);
	assert_string_equal(text_of(list, "container.name"), "web");
	assert_string_equal(text_of(list, "k8s.pod.uid"), UID);
	assert_string_equal(text_of(list, "process.creation.time"), "2026-11-24T10:00:00.000001Z");
	assert_string_equal(text_of(list, "process.runtime.version"), "3.11.2");
	assert_int_equal(attribute(list, "process.pid")->number, NO_PID);
	assert_null(attribute(list, "process.user.id"));
	/* Another of the same number: nobody that is known. */
	seen.processes[0].start_ns++;
	seen.processes[0].cgroup = NULL;
	list = identity_of(seen.identities, &seen.processes[0], 0);
	assert_null(attribute(list, "service.name"));
	assert_null(attribute(list, "container.name"));
	end(&seen);
}

static void test_own_process(void **state)
{
	struct process self = {.pid = getpid(), .exe = (char *)"/x/test_identity"};
	const struct process_view view = {&self, CHANGE_NEW, 0};
	const struct attributes *list;
	struct seen seen;

	begin(&seen);
	assert_int_equal(proc_start_ns(self.pid, &self.start_ns), 0);
	seen.sink->process(seen.sink, &view);
	list = identity_of(seen.identities, &self, 0);
	assert_string_equal(text_of(list, "service.name"), "test_identity");
	assert_int_equal(attribute(list, "process.user.id")->number, geteuid());
	end(&seen);
}

static void test_periods(void **state)
{
	struct finding finding = {.kind = FINDING_BAD_FD};
	struct finding_view view = {.finding = &finding};
	struct seen seen;

	begin(&seen);
	end_period(&seen);
	assert_int_equal(seen.count, 0);
	/* One that was there, with calls; its child, which runs another program after a while. */
	seen.processes[0].exe = (char *)"/bin/a";
	seen.processes[0].calls = 100;
	change(&seen, 0, CHANGE_NEW, 0);
	change(&seen, 1, CHANGE_FORK, 0);
	seen.processes[0].calls = 107;
	seen.processes[1].calls = 3;
	seen.processes[1].exe = (char *)"/bin/b";
	change(&seen, 1, CHANGE_EXEC, 0);
	change(&seen, 1, CHANGE_PROGRAM, 0);
	seen.processes[1].calls = 5;
	view.process = &seen.processes[1];
	seen.sink->finding(seen.sink, &view);
	end_period(&seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(row(&seen, "a")->processes, 2);
	assert_int_equal(row(&seen, "a")->calls, 10);
	assert_int_equal(row(&seen, "a")->findings, 0);
	assert_int_equal(row(&seen, "b")->processes, 1);
	assert_int_equal(row(&seen, "b")->calls, 2);
	assert_int_equal(row(&seen, "b")->findings, 1);
	/* The child ends; what is told of it later counts. */
	seen.processes[1].calls = 9;
	change(&seen, 1, CHANGE_EXIT, 0);
	change(&seen, 1, CHANGE_EXIT, 0);
	seen.sink->finding(seen.sink, &view);
	end_period(&seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(row(&seen, "a")->processes, 1);
	assert_true(row(&seen, "a")->full_ns > 0);
	assert_int_equal(row(&seen, "b")->calls, 4);
	assert_int_equal(row(&seen, "b")->findings, 1);
	/* One with its number, and the first lets go. */
	seen.processes[1].start_ns = 2000;
	seen.processes[1].calls = 1;
	change(&seen, 1, CHANGE_FORK, 0);
	change(&seen, 0, CHANGE_FORGET, 0);
	seen.processes[0].pid = 0;
	end_period(&seen);
	assert_int_equal(seen.count, 1);
	assert_int_equal(row(&seen, "a")->processes, 1);
	end(&seen);
}

/* It execs the same program again and again: one process. */
static void test_one_process(void **state)
{
	struct seen seen;

	begin(&seen);
	seen.processes[0].exe = (char *)"/bin/a";
	change(&seen, 0, CHANGE_NEW, 0);
	for (int i = 0; i < 3; i++) {
		seen.processes[0].start_ns++;
		change(&seen, 0, CHANGE_EXEC, 0);
		change(&seen, 0, CHANGE_PROGRAM, 0);
	}
	end_period(&seen);
	assert_int_equal(row(&seen, "a")->processes, 1);
	end(&seen);
}

/* All together, and those that are one. */
static void count_row(void *arg, const struct coverage_row *one)
{
	struct seen *seen = arg;

	seen->rows[0].processes += one->processes;
	seen->rows[1].processes += one->others ? one->processes : 0;
}

/* What comes after so many ends, services or bytes is known less, and goes with its process. */
static void test_bounds(void **state)
{
	char exe[SERVICE_VALUE_MAX];
	struct seen seen;

	begin(&seen);
	for (int i = 0; i < 3 * IDENTITY_EXITED_MAX; i++) {
		struct process one = {.pid = i + 1, .start_ns = 7, .exe = exe};
		struct process_view view = {&one, CHANGE_NEW, 0};

		snprintf(exe, sizeof(exe), "/bin/%0*d", 200, i);
		seen.sink->process(seen.sink, &view);
		view.change = CHANGE_EXIT;
		seen.sink->process(seen.sink, &view);
		assert_true(identity_of(seen.identities, &one, 0)->count > 0);
	}
	seen.processes[0] = (struct process){.pid = 1, .start_ns = 7};
	assert_null(attribute(identity_of(seen.identities, &seen.processes[0], 0), "service.name"));
	assert_false(identities_sum_up(seen.identities, clock_boot_ns(), find, &seen));
	assert_int_equal(identities_each_service(seen.identities, count_row, &seen),
			 COVERAGE_SERVICES_MAX + 1);
	assert_int_equal(seen.rows[0].processes, 3 * IDENTITY_EXITED_MAX);
	assert_int_equal(seen.rows[1].processes, 3 * IDENTITY_EXITED_MAX - COVERAGE_SERVICES_MAX);
	end(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_own_process),
		cmocka_unit_test(test_periods),	   cmocka_unit_test(test_one_process),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
