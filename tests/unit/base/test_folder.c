/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Looking for files where somebody else has made the folder, and opening what is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/heed.h"
#include "base/mem.h"

static char dir[] = "/tmp/fdtrace-folder-XXXXXX";
static char path[sizeof(dir) + 32];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make(const char *name)
{
	int fd = open(in_dir(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

struct found {
	int count;
	char last[256];
};

static void note(void *arg, const char *found_path)
{
	struct found *found = arg;

	found->count++;
	snprintf(found->last, sizeof(found->last), "%s", found_path);
}

static void expect(const char *folder, const char *begin, const char *end, int count)
{
	struct found found = {0};

	folder_each(folder, begin, end, note, &found);
	assert_int_equal(found.count, count);
}

/* What a shell would take for a pattern is a name. */
static void test_names(void **state)
{
	static const char *const names[] = {"*", "a*", "[ab]", "libx.so", "lib.so", ".libx.so"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		make(names[i]);
	expect(dir, "", "", 5);
	expect(dir, "lib", ".so", 2);
	expect(dir, "libx", "x.so", 0); /* beginning and end do not overlap */
	expect(dir, "*", "", 1);
	expect(dir, "a*", "", 1);
	expect(dir, "[", "", 1);
	expect(in_dir("*"), "", "", 0); /* no folder */
	expect(in_dir("none"), "", "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_dir(names[i]));
}

static void test_bound(void **state)
{
	char name[16];

	for (int i = 0; i < FOLDER_FOUND_MAX + 10; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		make(name);
	}
	expect(dir, "x", "", FOLDER_FOUND_MAX);
	for (int i = 0; i < FOLDER_FOUND_MAX + 10; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		unlink(in_dir(name));
	}
}

static bool seen_to;

static bool see_to(void *arg)
{
	seen_to = true;
	return *(bool *)arg;
}

/* A signal that has come ends it, if whoever sees to it says so. */
static void test_heed(void **state)
{
	bool give_up = false;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_false(heed());
	heed_set(ends[0], see_to, &give_up);
	assert_int_equal(heed_poll(ends[1], POLLOUT, 0), 1);
	assert_int_equal(heed_poll(STDIN_FILENO, 0, 1), 0);
	assert_false(seen_to);
	assert_int_equal(write(ends[1], "x", 1), 1);
	usleep(30000); /* it is not looked at all the time */
	assert_false(heed());
	assert_true(seen_to);
	give_up = true;
	assert_int_equal(heed_poll(STDIN_FILENO, 0, 10000), -EINTR);
	assert_true(heed());
	make("libx.so");
	expect(dir, "", "", 0);
	heed_set(-1, NULL, NULL);
	assert_false(heed());
	expect(dir, "", "", 1);
	unlink(in_dir("libx.so"));
	close(ends[0]);
	close(ends[1]);
}

/* Nothing but a regular file is opened: the writer of a FIFO would notice a reader. */
static void test_open_regular(void **state)
{
	int fd;

	make("file");
	assert_int_equal(symlink("file", in_dir("link")), 0);
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	fd = file_open_regular(in_dir("link"));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_open_regular(in_dir("fifo")), -EACCES);
	assert_int_equal(file_open_regular("/dev/null"), -EACCES);
	assert_int_equal(file_open_regular(dir), -EACCES);
	assert_int_equal(file_open_regular(in_dir("none")), -ENOENT);
	unlink(in_dir("file"));
	unlink(in_dir("link"));
	unlink(in_dir("fifo"));
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_heed),
		cmocka_unit_test(test_open_regular),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
