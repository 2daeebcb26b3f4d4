/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "spools.h"

/* --- rows ----------------------------------------------------------------------------------- */

static void test_in_order(void **state)
{
	struct spool *spool = open_spool();
	struct stat st;

	assert_true(is_quiet(spool));
	for (uint64_t i = 0; i < 250; i++)
		put_number(spool, i, 1);
	assert_int_equal(stats_of(spool).sinks[0].waiting, 250);
	expect_numbers(spool, 0, 249, OUTBOX_DELIVERED);
	assert_true(is_quiet(spool));
	assert_int_equal(stats_of(spool).sinks[0].waiting, 0);
	assert_int_equal(stat(path_of("spool.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_null(spool_notice(spool));
	close_spool(spool);
}

static void test_returned_and_refused(void **state)
{
	struct spool *spool = open_spool();
	struct outbox_row row;

	put_number(spool, 0, 1);
	put_number(spool, 1, 1);
	assert_int_equal(take(spool, 0, &row, 1), 1);
	settle(spool, row.id, OUTBOX_RETURNED);
	assert_int_equal(take(spool, 0, &row, 1), 1);
	assert_int_equal(number_in(&row), 0);
	settle(spool, row.id, OUTBOX_REFUSED);
	settle(spool, row.id, OUTBOX_REFUSED);
	assert_int_equal(stats_of(spool).sinks[0].refused, 1);
	assert_int_equal(stats_of(spool).sinks[0].waiting, 1);
	close_spool(spool);
	spool = open_spool();
	expect_numbers(spool, 1, 1, OUTBOX_DELIVERED);
	assert_true(is_quiet(spool));
	close_spool(spool);
}

static void test_restart(void **state)
{
	struct spool *spool = open_spool();
	struct outbox_row row;
	int64_t id;

	for (uint64_t i = 0; i < 10; i++)
		put_number(spool, i, 1);
	expect_numbers(spool, 0, 9, OUTBOX_RETURNED);
	for (uint64_t i = 0; i < 3; i++) {
		take(spool, 0, &row, 1);
		settle(spool, row.id, OUTBOX_DELIVERED);
	}
	id = row.id;
	close_spool(spool);
	spool = open_spool();
	assert_int_equal(stats_of(spool).sinks[0].waiting, 7);
	put_number(spool, 10, 1);
	take(spool, 0, &row, 1);
	assert_int_equal(row.id, id + 1);
	settle(spool, row.id, OUTBOX_RETURNED);
	expect_numbers(spool, 3, 10, OUTBOX_DELIVERED);
	close_spool(spool);
	spool = open_spool();
	assert_int_equal(stats_of(spool).sinks[0].waiting, 0);
	close_spool(spool);
}

/* What was put in just now is not left out at the end. */
static void test_hurry(void **state)
{
	for (int memory = 0; memory <= 1; memory++) {
		struct spool *spool = open_with(memory ? NULL : path_of("spool.db"), 1);
		struct outbox *outbox = spool_outbox(spool, 0);
		struct outbox_row rows[8];

		spool_hurry(spool, PATIENCE_S * SECOND_NS);
		put_number(spool, 0, 1);
		put_number(spool, 1, 1);
		spool_hurry(spool, PATIENCE_S * SECOND_NS);
		assert_int_equal(outbox->take(outbox, rows, ARRAY_SIZE(rows), MIB), 2);
		close_spool(spool);
	}
}

/* Each has its own pace. */
static void test_two_receivers(void **state)
{
	struct spool *spool = open_with(path_of("spool.db"), 2);
	struct outbox_row rows[4];

	put_number(spool, 0, 3);
	put_number(spool, 1, 2);
	put_number(spool, 2, 1);
	expect_numbers(spool, 0, 0, OUTBOX_DELIVERED);
	close_spool(spool);
	spool = open_with(path_of("spool.db"), 2);
	assert_int_equal(stats_of(spool).sinks[0].waiting, 1);
	assert_int_equal(stats_of(spool).sinks[1].waiting, 2);
	assert_int_equal(take(spool, 1, rows, 4), 2);
	assert_int_equal(number_in(&rows[1]), 1);
	expect_numbers(spool, 2, 2, OUTBOX_DELIVERED);
	assert_null(spool_outbox(spool, 2));
	close_spool(spool);
}

/* More than is read ahead. */
static void test_many(void **state)
{
	struct spool *spool = open_spool();

	for (uint64_t i = 0; i < 5000; i++)
		put_number(spool, i, 1);
	close_spool(spool);
	spool = open_spool();
	put_number(spool, 5000, 1);
	for (uint64_t i = 0; i < 5000; i += 500)
		expect_numbers(spool, i, i + 499, OUTBOX_DELIVERED);
	expect_numbers(spool, 5000, 5000, OUTBOX_DELIVERED);
	assert_int_equal(stats_of(spool).sinks[0].dropped, 0);
	close_spool(spool);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void test_full(void **state)
{
	static uint8_t data[64 << 10];
	struct spool *spool = open_spool();
	struct spool_stats stats;
	struct outbox_row row;
	struct stat st;

	for (uint32_t i = 0; i < 300; i++) {
		memcpy(data, &i, sizeof(i));
		spool_put(spool, data, sizeof(data), 1);
		if (i % 20 == 0)
			wait_for_commits(spool, 1 + i / 20);
	}
	close_spool(spool);
	assert_int_equal(stat(path_of("spool.db"), &st), 0);
	assert_true(st.st_size <= SIZE);
	spool = open_spool();
	stats = stats_of(spool);
	assert_true(stats.sinks[0].waiting > 50 && stats.sinks[0].waiting < 128);
	take(spool, 0, &row, 1);
	assert_int_equal(*(const uint32_t *)row.data, 300 - stats.sinks[0].waiting);
	close_spool(spool);
}

static void test_full_is_counted(void **state)
{
	static uint8_t data[64 << 10];
	struct spool *spool = open_spool();
	struct outbox_row row;
	struct spool_stats stats;

	spool_put(spool, data, sizeof(data), 1);
	take(spool, 0, &row, 1);
	for (int i = 1; i < 300; i++) {
		spool_put(spool, data, sizeof(data), 1);
		if (i % 20 == 0)
			wait_for_commits(spool, 1 + i / 20);
	}
	wait_for_commits(spool, 15);
	stats = stats_of(spool);
	assert_int_equal(stats.sinks[0].waiting + stats.sinks[0].dropped, 300);
	assert_true(stats.sinks[0].dropped > 100);
	/* The one that is being delivered may still be: it is not lost before that has failed. */
	settle(spool, row.id, OUTBOX_RETURNED);
	assert_int_equal(stats_of(spool).sinks[0].dropped, stats.sinks[0].dropped + 1);
	assert_int_equal(stats_of(spool).sinks[0].waiting, stats.sinks[0].waiting - 1);
	close_spool(spool);
}

static void test_too_long(void **state)
{
	struct spool *spool = open_spool();
	uint8_t *data = calloc(1, SPOOL_ROW_MAX + 1);
	struct outbox_row row;

	assert_non_null(data);
	spool_put(spool, data, SPOOL_ROW_MAX + 1, 1);
	assert_int_equal(stats_of(spool).too_long, 1);
	assert_int_equal(stats_of(spool).sinks[0].dropped, 1);
	spool_put(spool, data, SPOOL_ROW_MAX, 1);
	assert_int_equal(take(spool, 0, &row, 1), 1);
	assert_int_equal(row.length, SPOOL_ROW_MAX);
	free(data);
	close_spool(spool);
}

static void test_memory_alone(void **state)
{
	static uint8_t data[64 << 10];
	struct spool *spool = open_with(NULL, 1);
	struct spool_stats stats;

	for (uint64_t i = 0; i < 100; i++)
		put_number(spool, i, 1);
	expect_numbers(spool, 0, 99, OUTBOX_DELIVERED);
	for (int i = 0; i < 200; i++)
		spool_put(spool, data, sizeof(data), 1);
	stats = stats_of(spool);
	assert_int_equal(stats.sinks[0].waiting, SPOOL_PENDING_MAX / sizeof(data));
	assert_int_equal(stats.sinks[0].waiting + stats.sinks[0].dropped, 200);
	assert_true(spool_keep_bug(spool, &(struct known_record){{"s", "", "b"}, 1, 1, 1, 0, 0}));
	assert_null(spool_notice(spool));
	close_spool(spool);
}

/* --- bugs ----------------------------------------------------------------------------------- */

struct bugs {
	size_t count;
	uint64_t counts;
	char last[KNOWN_TEXT];
};

static void on_bug(void *arg, const struct known_record *record)
{
	struct bugs *bugs = arg;

	bugs->count++;
	bugs->counts += record->count;
	snprintf(bugs->last, sizeof(bugs->last), "%s %s %s", record->key.service,
		 record->key.version, record->key.bug);
}

static struct bugs load_bugs(void)
{
	const struct spool_options options = {path_of("spool.db"), SIZE, 0};
	struct bugs bugs = {0};
	struct spool *spool;

	assert_int_equal(spool_new(&options, &spool), 0);
	assert_int_equal(spool_load_bugs(spool, on_bug, &bugs), 0);
	close_spool(spool);
	return bugs;
}

static void test_bugs(void **state)
{
	struct spool *spool = open_with(path_of("spool.db"), 0);
	struct known_record record = {{"web", "1", "b1:0"}, 10, 20, 5, 10, 1};
	struct bugs bugs;
	int kept = 0;

	while (spool_keep_bug(spool, &record) && kept < 10000) {
		record.key.bug = kept % 2 ? "b1:1" : "b1:0";
		record.last_ns++;
		kept++;
	}
	assert_in_range(kept, 1, 9999);
	wait_for_commits(spool, 1);
	record = (struct known_record){{"web", "2", "b1:0"}, 10, 1000, 7, 10, 1};
	assert_true(spool_keep_bug(spool, &record));
	close_spool(spool);
	bugs = load_bugs();
	assert_int_equal(bugs.count, 3);
	assert_int_equal(bugs.counts, 5 + 5 + 7);
	assert_string_equal(bugs.last, "web 2 b1:0");
}

/* Those that were not met for the longest time go. */
static void test_bugs_are_bounded(void **state)
{
	struct spool *spool = open_with(path_of("spool.db"), 0);
	char name[24];
	struct bugs bugs;

	for (int i = 0; i < KNOWN_BUGS_MAX + 100; i++) {
		struct known_record record = {{"web", "1", name}, 10, 10 + i, 1, 10, 1};

		snprintf(name, sizeof(name), "b1:%d", i);
		while (!spool_keep_bug(spool, &record))
			usleep(1000);
	}
	close_spool(spool);
	bugs = load_bugs();
	assert_int_equal(bugs.count, KNOWN_BUGS_MAX);
	snprintf(name, sizeof(name), "web 1 b1:%d", KNOWN_BUGS_MAX + 99);
	assert_string_equal(bugs.last, name);
}

/* --- the end of a process ------------------------------------------------------------------- */

#define KILLS 20

struct killed {
	atomic_ulong put, stored; /* numbers below these have been */
};

/* Puts rows till it is killed. Receiver 1 gets what is on the disk, and takes it; 0 nothing. */
static void put_until_killed(struct killed *killed)
{
	struct spool *spool = open_with(path_of("spool.db"), 2);
	struct outbox *outbox = spool_outbox(spool, 1);
	struct outbox_row rows[100];

	for (;;) {
		unsigned long until = killed->put + ARRAY_SIZE(rows);

		while (killed->put < until)
			put_number(spool, killed->put++, 3);
		while (killed->stored < until) {
			size_t count = take(spool, 1, rows, ARRAY_SIZE(rows));

			for (size_t i = 0; i < count; i++) {
				killed->stored = number_in(&rows[i]) + 1;
				outbox->settle(outbox, &rows[i].id, 1, OUTBOX_DELIVERED);
			}
		}
	}
}

static void test_killed(void **state)
{
	struct killed *killed = mmap(NULL, sizeof(*killed), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct outbox_row rows[100];
	uint64_t seen = 0, last = 0;
	struct spool *spool;
	bool *there;

	assert_true(killed != MAP_FAILED);
	for (int i = 0; i < KILLS; i++) {
		unsigned long before = killed->stored;
		pid_t pid = fork();

		if (!pid)
			put_until_killed(killed);
		for (int j = 0; j < 1000 && killed->stored < before + 100; j++)
			usleep(10000);
		usleep(5000 * (i % 7));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_true(killed->stored > before);
	}
	there = calloc(killed->put, sizeof(*there));
	assert_non_null(there);
	spool = open_spool();
	assert_null(spool_notice(spool));
	while (stats_of(spool).sinks[0].waiting) {
		size_t count = take(spool, 0, rows, ARRAY_SIZE(rows));

		for (size_t i = 0; i < count; i++) {
			uint64_t number = number_in(&rows[i]);

			assert_true(number < killed->put && !there[number]);
			assert_true(!seen || number > last);
			there[last = number] = true;
			seen++;
			settle(spool, rows[i].id, OUTBOX_DELIVERED);
		}
	}
	for (unsigned long i = 0; i < killed->stored; i++)
		seen -= there[i];
	/* What was put in and not said to be stored when it was killed may be there or not. */
	assert_true(seen <= killed->put - killed->stored);
	close_spool(spool);
	free(there);
	munmap(killed, sizeof(*killed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_order),	  TEST(test_returned_and_refused),
		TEST(test_restart),	  TEST(test_hurry),
		TEST(test_two_receivers), TEST(test_many),
		TEST(test_full),	  TEST(test_full_is_counted),
		TEST(test_too_long),	  TEST(test_memory_alone),
		TEST(test_bugs),	  TEST(test_bugs_are_bounded),
		TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
