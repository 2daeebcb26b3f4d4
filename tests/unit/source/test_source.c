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
#include "own_rights.h"
#include "source/lines.h"
#include "source/source.h"

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

static struct source *source;
static union own_rights own;

/* The line as somebody with these rights may see it. */
static void expect_as(const struct process *process, const struct record_rights *rights,
		      const char *file, int line, const char *expected)
{
	struct source_reader *reader = source_files(source);
	_cleanup_free_ char *text = reader->line(reader, process, rights, file, line);

	if (expected) {
		assert_non_null(text);
		assert_string_equal(text, expected);
	} else {
		assert_null(text);
	}
	reader->done(reader);
}

static void expect(const struct process *process, const char *file, int line, const char *expected)
{
	expect_as(process, own_rights(&own), file, line, expected);
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
	struct source_reader *reader = source_files(source);
	char line[2001];

	memset(line, 'x', 2000);
	line[2000] = '\0';
	write_file("long.py", line);
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *text =
			reader->line(reader, &self, own_rights(&own), in_dir("long.py"), 1);

		assert_non_null(text);
		assert_int_equal(strlen(text), 400);
	}
	reader->done(reader);
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

/* What the kernel makes up for whoever reads it would tell of the reader. */
static void test_made_up(void **state)
{
	struct process self = this_process();
	static const char *const files[] = {"/proc/self/environ", "/proc/self/status",
					    "/proc/version",
					    ("/sys/kernel/mm/transparent_hugepage/"
					     "enabled")};
	char path_of_own[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		expect(&self, files[i], 1, NULL);
	snprintf(path_of_own, sizeof(path_of_own), "/proc/%d/status", getpid());
	expect(&self, path_of_own, 1, NULL);
}

/* Where the call had a root that is not ours, the process that it was made by must still be there:
 * another one with the same number, or one whose start is not known, shows nothing. */
static void test_other_process(void **state)
{
	struct process self = this_process();
	struct process gone = {.pid = 0x7ffffffe, .start_ns = 1};
	union own_rights elsewhere;

	own_rights(&elsewhere);
	elsewhere.record.own_root = 0;
	write_file("app.py", "one\n");
	expect_as(&self, &elsewhere.record, in_dir("app.py"), 1, "one");
	self.start_ns += 1000000000;
	expect_as(&self, &elsewhere.record, in_dir("app.py"), 1, NULL);
	self.start_ns = 0;
	expect_as(&self, &elsewhere.record, in_dir("app.py"), 1, NULL);
	expect_as(&gone, &elsewhere.record, in_dir("app.py"), 1, NULL);
	expect(&gone, in_dir("app.py"), 1, "one");
}

/* Nobody's rights: what is not known, what is not known as a whole, what cannot be taken on. */
static void test_rights_not_to_be_had(void **state)
{
	struct process self = this_process();
	union own_rights other;

	write_file("app.py", "one\n");
	expect_as(&self, NULL, in_dir("app.py"), 1, NULL);
	own_rights(&other);
	other.record.group_count = RECORD_GROUPS_MAX + 1;
	expect_as(&self, &other.record, in_dir("app.py"), 1, NULL);
	own_rights(&other);
	other.record.uid = (uint32_t)-1;
	expect_as(&self, &other.record, in_dir("app.py"), 1, NULL);
	if (!geteuid())
		return;
	own_rights(&other);
	other.record.uid++;
	expect_as(&self, &other.record, in_dir("app.py"), 1, NULL);
	own_rights(&other);
	other.record.gid++;
	expect_as(&self, &other.record, in_dir("app.py"), 1, NULL);
	own_rights(&other);
	other.record.groups[other.record.group_count++] = 54321;
	expect_as(&self, &other.record, in_dir("app.py"), 1, NULL);
}

/* Those of the one who named the file count, and no others: neither ours nor his fellows'. */
static void test_rights_of_others(void **state)
{
	static const struct {
		mode_t mode, folder;
		uint32_t uid, gid, group, capabilities;
		bool readable;
	} cases[] = {
		{0600, 0711, 54321, 1, 1, 0, true},
		{0600, 0711, 54322, 54321, 54321, 0, false},
		{0640, 0711, 54322, 54321, 1, 0, true},
		{0640, 0711, 54322, 1, 54321, 0, true},
		{0640, 0711, 54322, 1, 1, 0, false},
		{0604, 0711, 54322, 1, 1, 0, true},
		{0604, 0711, 54322, 1, 54321, 0, false},
		{0004, 0711, 54321, 54321, 1, 0, false},
		{0644, 0700, 54321, 54321, 1, 0, false},  /* root's folder */
		{0600, 0711, 0, 0, 0, 0, false},	  /* root without its privileges */
		{0600, 0700, 0, 0, 0, 1u << 1, true},	  /* with CAP_DAC_OVERRIDE */
		{0600, 0700, 54322, 1, 1, 1u << 2, true}, /* with CAP_DAC_READ_SEARCH */
	};
	struct process self = this_process();
	union own_rights other;

	if (geteuid())
		skip(); /* nobody else's rights can be had */
	write_file("app.py", "one\n");
	assert_int_equal(chown(in_dir("app.py"), 54321, 54321), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		own_rights(&other);
		other.record.uid = cases[i].uid;
		other.record.gid = cases[i].gid;
		other.record.group_count = 1;
		other.record.groups[0] = cases[i].group;
		other.record.capabilities = cases[i].capabilities;
		assert_int_equal(chmod(in_dir("app.py"), cases[i].mode), 0);
		assert_int_equal(chmod(dir, cases[i].folder), 0);
		expect_as(&self, &other.record, in_dir("app.py"), 1,
			  cases[i].readable ? "one" : NULL);
	}
	expect(&self, in_dir("app.py"), 1, "one"); /* and ours come back */
	assert_int_equal(chmod(dir, 0755), 0);
	unlink(in_dir("app.py"));
}

static int make_dir(void **state)
{
	return !mkdtemp(dir) || chmod(dir, 0755) ? -1 : 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"app.py", "link.py", "long.py", "fifo", "huge.py"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_dir(names[i]));
	source_free(source);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_link_and_names),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_other_process),
		cmocka_unit_test(test_rights_not_to_be_had),
		cmocka_unit_test(test_rights_of_others),
	};

	if (source_new(&source) == -ENOTSUP) {
		puts("[  SKIPPED ] 7 test(s): users have other numbers in this user namespace");
		return 0;
	}
	assert_non_null(source);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
