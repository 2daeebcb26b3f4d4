/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "report/source.h"

static char dir[] = "/tmp/fdtrace-source-XXXXXX";
static char path[sizeof(dir) + 16];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *bytes)
{
	_cleanup_fclose_ FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	fputs(bytes, f);
}

/* This process, as fdtrace would know it. */
static struct process this_process(void)
{
	struct process process = {.pid = getpid()};
	_cleanup_fclose_ FILE *f = fopen("/proc/self/stat", "r");
	unsigned long long ticks;

	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
				"%*d %*d %*d %*d %*d %*d %llu",
				&ticks),
			 1);
	process.start_ns = ticks * (1000000000 / sysconf(_SC_CLK_TCK)) + 12345;
	return process;
}

static void expect(const struct process *process, const char *file, int line, const char *expected)
{
	struct source source = {};
	_cleanup_free_ char *text = source_line(&source, process, file, line);

	if (expected) {
		assert_non_null(text);
		assert_string_equal(text, expected);
	} else {
		assert_null(text);
	}
	source_drop(&source);
}

static void test_lines(void **state)
{
	struct process self = this_process();

	write_file("app.py", "one\n\ttwo  \r\n  three\rfour\n\nlast");
	expect(&self, in_dir("app.py"), 1, "one");
	expect(&self, in_dir("app.py"), 2, "two");
	expect(&self, in_dir("app.py"), 3, "three");
	expect(&self, in_dir("app.py"), 4, "four");
	expect(&self, in_dir("app.py"), 5, NULL);
	expect(&self, in_dir("app.py"), 6, "last");
	expect(&self, in_dir("app.py"), 7, NULL);
	expect(&self, in_dir("app.py"), 0, NULL);
	expect(&self, in_dir("app.py"), -1, NULL);
}

static void test_link_and_names(void **state)
{
	struct process self = this_process();
	char target[sizeof(path)];

	write_file("app.py", "one\n");
	strcpy(target, in_dir("app.py"));
	assert_int_equal(symlink(target, in_dir("link.py")), 0);
	expect(&self, in_dir("link.py"), 1, "one");
	expect(&self, in_dir("missing.py"), 1, NULL);
	expect(&self, "app.py", 1, NULL);
	expect(&self, "<string>", 1, NULL);
	expect(NULL, in_dir("app.py"), 1, NULL);
}

static void test_long_line(void **state)
{
	struct process self = this_process();
	struct source source = {};
	char line[2001];

	memset(line, 'x', 2000);
	line[2000] = '\0';
	write_file("long.py", line);
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *text = source_line(&source, &self, in_dir("long.py"), 1);

		assert_non_null(text);
		assert_int_equal(strlen(text), 400);
	}
	source_drop(&source);
}

/* Nothing but a regular file of sane size is opened; a FIFO's writer would notice a reader. */
static void test_no_file(void **state)
{
	struct process self = this_process();
	int fd;

	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	expect(&self, in_dir("fifo"), 1, NULL);
	assert_int_equal(open(in_dir("fifo"), O_WRONLY | O_NONBLOCK), -1);
	expect(&self, "/dev/zero", 1, NULL);
	expect(&self, dir, 1, NULL);
	expect(&self, "/proc/self/exe", 1, NULL); /* a magic link */
	fd = open(in_dir("huge.py"), O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (4 << 20) + 1), 0);
	close(fd);
	expect(&self, in_dir("huge.py"), 1, NULL);
}

/* Another process with the same number, or one whose start is not known, shows nothing. */
static void test_other_process(void **state)
{
	struct process self = this_process();
	struct process gone = {.pid = 0x7ffffffe, .start_ns = 1};

	write_file("app.py", "one\n");
	self.start_ns += 1000000000;
	expect(&self, in_dir("app.py"), 1, NULL);
	self.start_ns = 0;
	expect(&self, in_dir("app.py"), 1, NULL);
	expect(&gone, in_dir("app.py"), 1, NULL);
	gone.same_root = true;
	expect(&gone, in_dir("app.py"), 1, "one");
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"app.py", "link.py", "long.py", "fifo", "huge.py"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_dir(names[i]));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	      cmocka_unit_test(test_link_and_names),
		cmocka_unit_test(test_long_line),     cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_other_process),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
