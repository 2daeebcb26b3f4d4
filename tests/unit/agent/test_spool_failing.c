/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "spools.h"

/* --- a disk that fails ---------------------------------------------------------------------- */

static void test_no_folder(void **state)
{
	struct spool *spool = open_with(path_of("none/spool.db"), 1);
	const char *notice = spool_notice(spool);

	assert_non_null(notice);
	assert_non_null(strstr(notice, "No such file"));
	assert_null(spool_notice(spool));
	assert_false(stats_of(spool).works);
	put_number(spool, 0, 1);
	put_number(spool, 1, 1);
	expect_numbers(spool, 0, 0, OUTBOX_DELIVERED);
	assert_int_equal(mkdir(path_of("none"), 0700), 0);
	close_spool(spool);
	spool = open_with(path_of("none/spool.db"), 1);
	expect_numbers(spool, 1, 1, OUTBOX_DELIVERED);
	close_spool(spool);
	unlink(path_of("none/spool.db"));
	rmdir(path_of("none"));
}

static void expect_works(const char *name, const char *notice)
{
	struct spool *spool = open_with(path_of(name), 1);
	const char *said = spool_notice(spool);

	assert_int_equal(stats_of(spool).works, !notice);
	if (notice)
		assert_non_null(strstr(said, notice));
	else
		assert_null(said);
	close_spool(spool);
}

static void make_in(const char *name, mode_t mode)
{
	assert_int_equal(mkdir(path_of(name), 0700), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

/* Whoever can change names there could have it opened, or made, wherever he wants. */
static void test_folder_of_others(void **state)
{
	static const char others[] = "others may change its directory";

	make_in("open", 0777);
	expect_works("open/spool.db", others);
	make_in("open/private", 0700);
	expect_works("open/private/spool.db", others);
	assert_int_equal(chmod(path_of("open"), 0770), 0);
	expect_works("open/private/spool.db", others);
	assert_int_equal(chmod(path_of("open"), 01777), 0);
	expect_works("open/spool.db", others);
	expect_works("open/private/spool.db", NULL);
	assert_int_equal(access(path_of("open/spool.db"), F_OK), -1);
	unlink(path_of("open/private/spool.db"));
	rmdir(path_of("open/private"));
	assert_int_equal(rmdir(path_of("open")), 0);
}

static void test_links(void **state)
{
	static const char not_plain[] = "no plain file of yours";
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s", path_of("target"));
	close(open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(symlink(target, path_of("symbolic")), 0);
	expect_works("symbolic", not_plain);
	assert_int_equal(link(target, path_of("second")), 0);
	expect_works("second", not_plain);
	/* One of our own on the way is followed. */
	assert_int_equal(symlink(folder, path_of("here")), 0);
	expect_works("here/spool.db", NULL);
	assert_int_equal(access(path_of("spool.db"), F_OK), 0);
}

static void test_two_at_once(void **state)
{
	struct spool *spool = open_spool();
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct spool *other;
		const struct spool_options options = {path_of("spool.db"), SIZE, 1};

		_exit(spool_new(&options, &other) ||
		      !strstr(spool_notice(other), "another process uses it"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close_spool(spool);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What waits is delivered all the same, and what waits still is written when there is room. */
static void test_disk_full(void **state)
{
	struct spool *spool = open_spool();
	struct spool_stats stats;

	signal(SIGXFSZ, SIG_IGN);
	put_number(spool, 0, 1);
	wait_for_commits(spool, 1);
	limit_files(4096);
	for (uint64_t i = 1; i < 200; i++)
		put_number(spool, i, 1);
	expect_numbers(spool, 0, 99, OUTBOX_DELIVERED);
	stats = stats_of(spool);
	assert_false(stats.works);
	assert_int_equal(stats.failures, 1);
	assert_int_equal(stats.sinks[0].waiting, 100);
	assert_non_null(spool_notice(spool));
	assert_null(spool_notice(spool));
	limit_files(RLIM_INFINITY);
	close_spool(spool);
	spool = open_spool();
	expect_numbers(spool, 100, 199, OUTBOX_DELIVERED);
	assert_int_equal(stats_of(spool).sinks[0].dropped, 0);
	close_spool(spool);
}

/* --- damage --------------------------------------------------------------------------------- */

static void damage(const char *path, long from, long size)
{
	static const char noise[4096] = "not what was there";
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	for (long at = from; at < from + size; at += (long)sizeof(noise))
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	close(fd);
}

static void test_damaged_header(void **state)
{
	struct spool *spool = open_spool();

	put_number(spool, 0, 1);
	close_spool(spool);
	for (int i = 0; i < 2; i++) {
		damage(path_of("spool.db"), 0, 4096);
		spool = open_spool();
		assert_non_null(strstr(spool_notice(spool), "spool.db.damaged"));
		assert_null(spool_notice(spool));
		assert_int_equal(stats_of(spool).set_aside, 1);
		assert_true(stats_of(spool).works);
		put_number(spool, i, 1);
		expect_numbers(spool, i, i, OUTBOX_DELIVERED);
		close_spool(spool);
		assert_int_equal(access(path_of("spool.db.damaged"), F_OK), 0);
	}
	spool = open_spool();
	assert_null(spool_notice(spool));
	close_spool(spool);
}

static void test_other_file(void **state)
{
	FILE *file = fopen(path_of("spool.db"), "w");
	struct spool *spool;

	assert_non_null(file);
	fputs("not a database", file);
	fclose(file);
	spool = open_spool();
	assert_int_equal(stats_of(spool).set_aside, 1);
	put_number(spool, 0, 1);
	expect_numbers(spool, 0, 0, OUTBOX_DELIVERED);
	close_spool(spool);
}

/* Wherever it is: what is delivered is what was put in, and each row is accounted for. */
static void test_damaged_anywhere(void **state)
{
	uint8_t data[3000];
	struct stat st;

	for (long at = 1; at < 12; at++) {
		struct spool *spool = open_spool();
		uint64_t delivered = 0, waiting;
		struct spool_stats stats;
		struct outbox_row row;

		for (int i = 0; i < 20; i++) {
			memset(data, i, sizeof(data));
			spool_put(spool, data, sizeof(data), 1);
		}
		close_spool(spool);
		assert_int_equal(stat(path_of("spool.db"), &st), 0);
		if (at * 4096 < st.st_size)
			damage(path_of("spool.db"), at * 4096, 4096);
		spool = open_spool();
		waiting = stats_of(spool).sinks[0].waiting;
		while (stats_of(spool).sinks[0].waiting) {
			struct outbox *outbox = spool_outbox(spool, 0);

			if (!outbox->take(outbox, &row, 1, MIB)) {
				usleep(1000);
				continue;
			}
			assert_int_equal(row.length, sizeof(data));
			memset(data, row.data[0], sizeof(data));
			assert_memory_equal(row.data, data, sizeof(data));
			delivered++;
			settle(spool, row.id, OUTBOX_DELIVERED);
		}
		stats = stats_of(spool);
		assert_int_equal(delivered + stats.sinks[0].dropped, waiting);
		close_spool(spool);
		empty_folder(NULL);
	}
}

static void count_bug(void *arg, const struct known_record *record)
{
	assert_string_equal(record->key.bug, "b1:0");
	++*(int *)arg;
}

static void test_damaged_bugs(void **state)
{
	const struct known_record record = {{"web", "1", "b1:0"}, 10, 20, 5, 10, 1};
	const struct spool_options options = {path_of("spool.db"), SIZE, 1};
	struct spool *spool;
	struct stat st;

	for (long at = 1; at < 12; at++) {
		int bugs = 0;

		spool = open_spool();
		assert_true(spool_keep_bug(spool, &record));
		close_spool(spool);
		assert_int_equal(stat(path_of("spool.db"), &st), 0);
		if (at * 4096 < st.st_size)
			damage(path_of("spool.db"), at * 4096, 4096);
		assert_int_equal(spool_new(&options, &spool), 0);
		assert_int_equal(spool_load_bugs(spool, count_bug, &bugs), 0);
		assert_int_equal(bugs + stats_of(spool).set_aside, 1);
		assert_true(stats_of(spool).works);
		assert_int_equal(spool_start(spool), 0);
		put_number(spool, 0, 1);
		expect_numbers(spool, 0, 0, OUTBOX_DELIVERED);
		close_spool(spool);
		empty_folder(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_folder),	TEST(test_folder_of_others), TEST(test_links),
		TEST(test_two_at_once), TEST(test_disk_full),	     TEST(test_damaged_header),
		TEST(test_other_file),	TEST(test_damaged_anywhere), TEST(test_damaged_bugs),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
