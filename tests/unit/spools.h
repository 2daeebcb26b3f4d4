/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A spool in a folder of its own, and what is put into it and taken: for the tests of it.
 *
 * Owns: the folder, which is empty before each test. Include cmocka.h before it.
 */
#ifndef FDTRACE_TESTS_SPOOLS_H
#define FDTRACE_TESTS_SPOOLS_H

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/spool.h"
#include "base/folder.h"
#include "base/mem.h"

#define MIB	   (1u << 20)
#define SIZE	   (8 * MIB)
#define SECOND_NS  UINT64_C(1000000000)
#define PATIENCE_S 60

static char folder[] = "/tmp/fdtrace-spool-XXXXXX";

/* --- a spool, and what is done with it ------------------------------------------------------- */

static inline const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline struct spool *open_with(const char *path, size_t sinks)
{
	const struct spool_options options = {.path = path, .bytes = SIZE, .sinks = sinks};
	struct spool *spool;

	assert_int_equal(spool_new(&options, &spool), 0);
	assert_int_equal(spool_start(spool), 0);
	return spool;
}

static inline struct spool *open_spool(void)
{
	return open_with(path_of("spool.db"), 1);
}

static inline void close_spool(struct spool *spool)
{
	spool_close(spool, PATIENCE_S * SECOND_NS);
}

static inline struct spool_stats stats_of(struct spool *spool)
{
	struct spool_stats stats;

	spool_stats(spool, &stats);
	return stats;
}

static inline void put_number(struct spool *spool, uint64_t number, uint32_t sinks)
{
	spool_put(spool, (const uint8_t *)&number, sizeof(number), sinks);
}

/* Waits for rows. How many. */
static inline size_t take(struct spool *spool, size_t sink, struct outbox_row *rows, size_t max)
{
	struct outbox *outbox = spool_outbox(spool, sink);
	struct pollfd ready = {.fd = outbox->fd, .events = POLLIN};
	size_t count;

	assert_true(outbox->fd >= 0);
	assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
	count = outbox->take(outbox, rows, max, MIB);
	assert_true(count > 0);
	return count;
}

static inline void settle(struct spool *spool, int64_t id, enum outbox_end end)
{
	struct outbox *outbox = spool_outbox(spool, 0);

	outbox->settle(outbox, &id, 1, end);
}

static inline bool is_quiet(struct spool *spool)
{
	struct pollfd ready = {.fd = spool_outbox(spool, 0)->fd, .events = POLLIN};

	return poll(&ready, 1, 0) == 0;
}

static inline uint64_t number_in(const struct outbox_row *row)
{
	uint64_t number;

	assert_int_equal(row->length, sizeof(number));
	memcpy(&number, row->data, sizeof(number));
	return number;
}

/* The next rows have these numbers. Their ids rise. */
static inline void expect_numbers(struct spool *spool, uint64_t first, uint64_t last,
				  enum outbox_end end)
{
	static int64_t ids[4096];
	struct outbox *outbox = spool_outbox(spool, 0);
	size_t count = 0;

	while (first <= last) {
		struct outbox_row rows[64];
		size_t left = last - first + 1;
		size_t taken = take(spool, 0, rows, left < 64 ? left : 64);

		for (size_t i = 0; i < taken; i++) {
			assert_int_equal(number_in(&rows[i]), first++);
			assert_true(!count || rows[i].id > ids[count - 1]);
			ids[count++] = rows[i].id;
		}
	}
	outbox->settle(outbox, ids, count, end);
}

static inline void wait_for_commits(struct spool *spool, uint64_t count)
{
	for (int i = 0; i < PATIENCE_S * 100 && stats_of(spool).commits < count; i++)
		usleep(10000);
	assert_true(stats_of(spool).commits >= count);
}

static inline void remove_one(void *arg, const char *path)
{
	unlink(path);
}

static inline int empty_folder(void **state)
{
	folder_each(folder, "", "", remove_one, NULL);
	return 0;
}

static inline int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
	empty_folder(state);
	return rmdir(folder);
}

#define TEST(function) cmocka_unit_test_teardown(function, empty_folder)

#endif
