/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/settings.h"
#include "base/mem.h"

static char folder[] = "/tmp/fdtrace-settings-XXXXXX";
static char *no_environment[] = {NULL};

/* The path, lent until the next call; text NULL: the file goes. */
static const char *put(const char *name, const char *text)
{
	static char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!text) {
		unlink(path);
		return path;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void read_right(const char *text, char *const *environment, struct settings *ret)
{
	struct settings_error error = {""};
	int err = settings_read(put("agent.conf", text), environment, ret, &error);

	assert_string_equal(error.text, "");
	assert_int_equal(err, 0);
}

static void test_defaults(void **state)
{
	struct settings settings;

	read_right("", no_environment, &settings);
	assert_int_equal(settings_complete(&settings), 0);
	assert_int_equal(settings.scope.lists[SCOPE_INCLUDE].count, 1);
	assert_string_equal(settings.scope.lists[SCOPE_INCLUDE].rules[0].text, "exe:python*");
	assert_int_equal(settings.scope.lists[SCOPE_EXCLUDE].count, 0);
	assert_string_equal(settings.json, "-");
	assert_int_equal(settings.memory, 24 << 20);
	assert_true(settings.owners);
	settings_free(&settings);
}

static void test_each_type(void **state)
{
	struct settings settings;

	read_right("# what we run\n"
		   "[scope]\n"
		   "include = unit:web.service exe:python*\n"
		   "include = pod:*\n"
		   "exclude = user:0\n"
		   "[findings]\n"
		   "json = /var/log/fdtrace/findings.json\n"
		   "[tracing]\n"
		   "ownership = off\n"
		   "heap_scan = Yes\n"
		   "heap_scan_limit = 512M\n"
		   "[limits]\n"
		   "ring_size = 5000\n"
		   "history = 8\n",
		   no_environment, &settings);
	assert_int_equal(settings.scope.lists[SCOPE_INCLUDE].count, 2);
	assert_string_equal(settings.scope.lists[SCOPE_INCLUDE].rules[0].text,
			    "unit:web.service exe:python*");
	assert_int_equal(settings.scope.lists[SCOPE_EXCLUDE].count, 1);
	assert_string_equal(settings.json, "/var/log/fdtrace/findings.json");
	assert_false(settings.owners);
	assert_true(settings.heap_scan);
	assert_int_equal(settings.heap_scan_bytes, 512 << 20);
	assert_int_equal(settings.ring_bytes, 8192);
	assert_int_equal(settings.history, 8);
	settings_free(&settings);
}

/* Later ones go before earlier ones; lists add up, until an empty value clears them. */
static void test_order(void **state)
{
	char *environment[] = {"PATH=/bin", "FDTRACE_AGENT_LIMITS_HISTORY=7",
			       "FDTRACE_AGENT_TRACING_HEAP_SCAN_LIMIT=2M", NULL};
	struct settings_error error;
	struct settings settings;
	char conf[PATH_MAX];

	snprintf(conf, sizeof(conf), "%s/conf.d", folder);
	assert_int_equal(mkdir(conf, 0700), 0);
	put("conf.d/20-b.conf", "[scope]\ninclude=exe:b\n[limits]\nmemory=30M\n");
	put("conf.d/10-a.conf", "[scope]\ninclude=\ninclude=exe:a\n[limits]\nmemory=20M\n"
				"history=5\nring_size=8M\n");
	put("conf.d/30-c.conf.off", "wrong\n");
	put("conf.d/.hidden.conf", "wrong\n");
	read_right("[scope]\ninclude=exe:first\n[limits]\nring_size=1M\nhistory=3\n", environment,
		   &settings);
	assert_int_equal(settings.scope.lists[SCOPE_INCLUDE].count, 2);
	assert_string_equal(settings.scope.lists[SCOPE_INCLUDE].rules[0].text, "exe:a");
	assert_string_equal(settings.scope.lists[SCOPE_INCLUDE].rules[1].text, "exe:b");
	assert_int_equal(settings.memory, 30 << 20);
	assert_int_equal(settings.ring_bytes, 8 << 20);
	assert_int_equal(settings.history, 7);
	assert_int_equal(settings.heap_scan_bytes, 2 << 20);
	assert_int_equal(settings_set(&settings, "limits.history=9", &error), 0);
	assert_int_equal(settings.history, 9);
	settings_free(&settings);
	put("conf.d/10-a.conf", NULL);
	put("conf.d/20-b.conf", NULL);
	put("conf.d/30-c.conf.off", NULL);
	put("conf.d/.hidden.conf", NULL);
	rmdir(conf);
}

static void test_errors_say_where(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"[scope]\n\ninclud = exe:a\n",
		 ":3: there is no key scope.includ: fdtrace agent --print-config shows all"},
		{"include = exe:a\n",
		 ":1: there is no key .include: fdtrace agent --print-config shows all"},
		{"[limits]\nhistory\n", ":2: neither [SECTION] nor KEY = VALUE"},
		{"[limits]\nhistory = 0\n",
		 ":2: limits.history is a number from 1 to 1024, and not 0"},
		{"[limits]\nmemory = 1M\nhistory = x\n",
		 ":2: limits.memory is a number of bytes from 8M to 1024G, and not 1M"},
		{"[limits]\noverhead = 1\n",
		 ":2: limits.overhead is from 0.001% to 10000%, or none, and not 1"},
		{"[limits]\noverhead = 0.0001%\n",
		 ":2: limits.overhead is from 0.001% to 10000%, or none, and not 0.0001%"},
		{"[tracing]\nownership = maybe\n",
		 ":2: tracing.ownership is yes or no, and not maybe"},
		{"[tracing]\nhooks = lsm\n",
		 ":2: tracing.hooks is auto, fexit, tp_btf, tracepoint or kprobe, and not lsm"},
		{"[findings]\njson =\n", ":2: findings.json is empty"},
		{"[scope]\nexclude = python\n",
		 ":2: scope.exclude: python is no condition: exe:, unit:, cgroup:, container:, "
		 "pod: or user: and what it should be"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct settings_error error = {""};
		struct settings settings;
		const char *path = put("agent.conf", rows[i].text);

		assert_int_equal(settings_read(path, no_environment, &settings, &error), -EINVAL);
		assert_memory_equal(error.text, path, strlen(path));
		assert_string_equal(error.text + strlen(path), rows[i].error);
		settings_free(&settings);
	}
}

static void test_long_line(void **state)
{
	char text[1024] = "[scope]\ninclude = exe:";
	struct settings_error error;
	struct settings settings;

	memset(text + strlen(text), 'a', 600);
	assert_int_equal(settings_read(put("agent.conf", text), no_environment, &settings, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, ":2: the line is longer than "));
	settings_free(&settings);
}

static void test_what_is_not_there(void **state)
{
	struct settings_error error;
	struct settings settings;

	assert_int_equal(settings_read(put("agent.conf", NULL), no_environment, &settings, &error),
			 -ENOENT);
	assert_non_null(strstr(error.text, "No such file or directory"));
	settings_free(&settings);
}

static void test_environment_errors(void **state)
{
	static const struct {
		char *variable;
		const char *error;
	} rows[] = {
		{"FDTRACE_AGENT_LIMITS=1", "FDTRACE_AGENT_LIMITS: there is no such setting"},
		{"FDTRACE_AGENT_LIMITS_HISTORI=1",
		 "FDTRACE_AGENT_LIMITS_HISTORI: there is no key limits.histori: fdtrace agent "
		 "--print-config shows all"},
		{"FDTRACE_AGENT_LIMITS_HISTORY=",
		 "FDTRACE_AGENT_LIMITS_HISTORY: limits.history is a number from 1 to 1024, and "
		 "not "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *environment[] = {rows[i].variable, NULL};
		struct settings_error error = {""};
		struct settings settings;

		assert_int_equal(
			settings_read(put("agent.conf", ""), environment, &settings, &error),
			-EINVAL);
		assert_string_equal(error.text, rows[i].error);
		settings_free(&settings);
	}
}

static void test_set_errors(void **state)
{
	static const char *const wrong[] = {"", "limits", "limits.history", "=limits.history",
					    "limits=1.history"};
	struct settings_error error;
	struct settings settings;

	read_right("", no_environment, &settings);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(settings_set(&settings, wrong[i], &error), -EINVAL);
	settings_free(&settings);
}

/* What is printed reads as the same again. */
static void test_print(void **state)
{
	struct settings first, second;
	char *text[2] = {NULL, NULL};
	size_t size;
	FILE *out;

	read_right("[scope]\ninclude=exe:a\ninclude=unit:b\nexclude=user:0\n"
		   "[owners]\npath=/x/** gone\npath=\npath=/srv/a.py  a\npath=*/b/* b\n"
		   "[limits]\nhistory=9\nmemory=100M\noverhead=2.125%\n[tracing]\nownership=no\n",
		   no_environment, &first);
	out = open_memstream(&text[0], &size);
	settings_print(&first, out);
	fclose(out);
	read_right(text[0], no_environment, &second);
	out = open_memstream(&text[1], &size);
	settings_print(&second, out);
	fclose(out);
	assert_string_equal(text[0], text[1]);
	assert_non_null(strstr(text[0], "\nmemory = 100M\n"));
	assert_non_null(strstr(text[0], "\npath = /srv/a.py  a\npath = */b/* b\n"));
	assert_null(strstr(text[0], "gone"));
	free(text[0]);
	free(text[1]);
	settings_free(&first);
	settings_free(&second);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	put("agent.conf", NULL);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each_type),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_errors_say_where),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_environment_errors),
		cmocka_unit_test(test_set_errors),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
