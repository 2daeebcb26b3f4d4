/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Limits, hostile records, random streams against a simple model, and speed. */
#include "fd_stream.h"

#include <stdio.h>
#include <time.h>

static void test_a_forgotten_number_is_not_said_to_be_never_open(void **state)
{
	const struct fd_limits limits = {.numbers = 4};
	struct stream s;
	const struct finding *f;

	stream_begin_with(&s, &limits, FD_FROM_START);
	for (int fd = 10; fd < 20; fd++) {
		OPEN(&s, fd);
		CLOSE(&s, fd);
	}
	assert_int_equal(stream_counts(&s).forgotten, 6);
	BAD_CLOSE(&s, 12);
	f = stream_only(&s, FINDING_BAD_FD, CERTAINTY_SUSPECTED);
	assert_int_equal(f->closed.missing, SITE_HISTORY_CUT);
	BAD_CLOSE(&s, 19);
	BAD_CLOSE(&s, 5);
	assert_int_equal(stream_settle(&s), 3);
	assert_int_equal(s.findings[1].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[2].certainty, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_fork_beyond_the_limit_forgets(void **state)
{
	const struct fd_limits limits = {.numbers = 10};
	struct stream s;

	stream_begin_with(&s, &limits, FD_FROM_START);
	for (int fd = 0; fd < 8; fd++)
		OPEN(&s, fd);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(stream_fork(&s, CHILD + i, TABLE2 + i * 64, false), 0);
	assert_true(stream_counts(&s).live <= 10);
	assert_true(stream_counts(&s).forgotten > 0);
	stream_end(&s);
}

/* What forked children have from their parent costs little until they change it. */
static void test_children_share_what_they_inherit(void **state)
{
	const int numbers = 19000, children = 60;
	const struct finding *f;
	struct fd_counts counts;
	struct stream s;
	uint64_t alone;

	stream_begin(&s);
	for (int fd = 0; fd < numbers; fd++)
		OPEN(&s, fd, .stack = fd + 1);
	alone = stream_counts(&s).bytes;
	for (int i = 0; i < children; i++)
		assert_int_equal(stream_fork(&s, CHILD + i, TABLE2 + i * 64, false), 0);
	counts = stream_counts(&s);
	assert_int_equal(counts.forgotten, 0);
	assert_int_equal(counts.live, (uint64_t)numbers * (1 + children));
	assert_true(counts.bytes < alone + alone / 3 * children);
	/* Each has its own generation of the number from then on; the others' are as they were. */
	CLOSE(&s, 7, .tgid = CHILD + 1, .tid = CHILD + 1, .table = TABLE2 + 64, .stack = 50001);
	CLOSE(&s, 7, .stack = 50002);
	BAD_CLOSE(&s, 7, .tgid = CHILD + 1, .tid = CHILD + 1, .table = TABLE2 + 64);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.stack_id, 8);
	assert_int_equal(f->closed.stack_id, 50001);
	assert_true(f->opened.inherited && !f->closed.inherited);
	s.count = 0;
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->closed.stack_id, 50002);
	assert_false(f->opened.inherited);
	s.count = 0;
	/* A child that has not looked at it yet. */
	CLOSE(&s, 7, .tgid = CHILD + 2, .tid = CHILD + 2, .table = TABLE2 + 128);
	assert_int_equal(stream_settle(&s), 0);
	counts = stream_counts(&s);
	for (int i = 0; i < children; i++)
		stream_exit(&s, CHILD + i, TABLE2 + i * 64);
	assert_int_equal(stream_counts(&s).live, numbers - 1);
	assert_true(stream_counts(&s).bytes <= alone + 4096);
	stream_end(&s);
}

/* However many, and whatever they do with them. */
static void test_bytes_are_bounded(void **state)
{
	const struct fd_limits limits = {.bytes = 4 << 20};
	const char path[] = "/some/where/in/a/folder";
	struct stream s;

	stream_begin_with(&s, &limits, FD_FROM_START);
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t tgid = i ? CHILD + i : PID;
		uint64_t table = i ? TABLE2 + i * 64 : TABLE;

		if (i)
			assert_int_equal(stream_fork(&s, tgid, table, false), 0);
		for (int fd = 0; fd < 5000; fd++) {
			OPEN(&s, fd, .tgid = tgid, .tid = tgid, .table = table, .name = path);
			CLOSE(&s, fd, .tgid = tgid, .tid = tgid, .table = table);
			assert_true(stream_counts(&s).bytes < limits.bytes + (16 << 10));
		}
	}
	assert_true(stream_counts(&s).bytes > limits.bytes / 2);
	assert_true(stream_counts(&s).forgotten > 0);
	/* What was touched last is known, of what was forgotten nothing is made up. */
	BAD_CLOSE(&s, 4999, .tgid = CHILD + 39, .tid = CHILD + 39, .table = TABLE2 + 39 * 64);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[1].kind, FINDING_BAD_FD);
	assert_int_equal(s.findings[1].certainty, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_tables_are_bounded(void **state)
{
	const struct fd_limits limits = {.tables = 8};
	struct stream s;

	stream_begin_with(&s, &limits, FD_FROM_START);
	OPEN(&s, 7);
	for (uint32_t i = 0; i < 1000; i++) {
		stream_fork(&s, CHILD + i, TABLE2 + i * 64, false);
		assert_true(stream_counts(&s).tables <= 8);
	}
	assert_true(stream_counts(&s).forgotten > 0);
	/* Threads that leave for tables of their own find no room either. */
	for (uint32_t i = 0; i < 1000; i++) {
		CALL(&s, .call = CALL_UNSHARE, .flags = 0x400, .tid = 5000 + i,
		     .table = TABLE3 + 0x100000 + i * 64);
		assert_true(stream_counts(&s).tables <= 8);
	}
	stream_end(&s);
}

static void test_history_is_bounded(void **state)
{
	const struct fd_limits limits = {.history = 1};
	struct stream s;

	stream_begin_with(&s, &limits, FD_FROM_START);
	for (int i = 0; i < 100; i++) {
		OPEN(&s, 7, .stack = i + 1);
		CLOSE(&s, 7);
	}
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.stack_id,
			 100);
	stream_end(&s);
}

static void test_waiting_closes_are_bounded(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 40000; i++) {
		OPEN(&s, 10 * i);
		BAD_CLOSE(&s, 10 * i, .tid = 1000 + i);
	}
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 40000);
	stream_end(&s);
}

static void test_records_that_make_no_sense_are_refused(void **state)
{
	struct record_call call = {.h = {.size = sizeof(call), .tgid = PID, .tid = PID}};
	struct record_fork fork = {.h = {.size = sizeof(fork), .tgid = PID}, .child_tgid = PID};
	struct stream s;

	stream_begin(&s);
	assert_int_equal(CALL(&s, .call = 0), -EINVAL);
	assert_int_equal(CALL(&s, .call = 9999), -EINVAL);
	assert_int_equal(OPEN(&s, 7, .table = 0), -EINVAL);
	assert_int_equal(OPEN(&s, INT64_MAX), -EINVAL);
	assert_int_equal(CALL(&s, .call = CALL_PIPE, .fd = 7, .fd2 = -1), -EINVAL);
	assert_int_equal(CALL(&s, .call = CALL_PIPE, .fd = 7, .fd2 = 7), -EINVAL);
	assert_int_equal(CLOSE(&s, -5), -EINVAL);
	assert_int_equal(CALL(&s, .call = CALL_FCNTL_SETFD, .fd = -5), -EINVAL);
	call.call = CALL_OPEN;
	call.table = TABLE;
	call.name_size = 1; /* there is no such byte */
	assert_int_equal(fd_call(s.world, &call, NULL), -EINVAL);
	call.h.size = 16;
	assert_int_equal(fd_call(s.world, &call, NULL), -EINVAL);
	assert_int_equal(fd_fork(s.world, &fork), -EINVAL);
	assert_int_equal(fd_snapshot_end(s.world, 9999, 0, 1, 0), -ESRCH);
	assert_int_equal(stream_counts(&s).live, 0);
	assert_int_equal(OPEN(&s, INT32_MAX), 0);
	assert_int_equal(CLOSE(&s, INT32_MAX), 0);
	stream_end(&s);
}

/* One table as anybody would write it down: what each number is, and who closed it. */
#define NUMBERS 64

struct model {
	enum { NEVER, LIVE, OVER } now[NUMBERS];
	uint64_t opened[NUMBERS], closed[NUMBERS];
};

struct expected {
	enum finding_kind kind;
	int32_t fd;
	uint64_t bad, opened, closed;
};

static int some(struct model *m, int wanted)
{
	int fd = rand() % NUMBERS;

	for (int i = 0; i < NUMBERS; i++, fd = (fd + 1) % NUMBERS)
		if ((m->now[fd] == LIVE) == wanted)
			return fd;
	return -1;
}

static void model_open(struct model *m, int fd, uint64_t stack)
{
	m->now[fd] = LIVE;
	m->opened[fd] = stack;
}

static void model_close(struct model *m, int fd, uint64_t stack)
{
	m->now[fd] = OVER;
	m->closed[fd] = stack;
}

static struct expected expect(const struct model *m, int fd, uint64_t stack, enum finding_kind kind)
{
	if (m->now[fd] == NEVER)
		return (struct expected){FINDING_BAD_FD, fd, stack, 0, 0};
	return (struct expected){kind, fd, stack, m->opened[fd], m->closed[fd]};
}

/* One random call; 1 if it must be a finding. Each has a site of its own: no sweeps. */
static int step(struct stream *s, struct model *m, uint64_t stack, struct expected *ret_expected)
{
	int live = some(m, 1), free = some(m, 0);

	switch (rand() % 10) {
	case 0 ... 2:
		if (free < 0)
			return 0;
		OPEN(s, free, .stack = stack);
		model_open(m, free, stack);
		return 0;
	case 3 ... 5:
		if (live < 0)
			return 0;
		CLOSE(s, live, .stack = stack);
		model_close(m, live, stack);
		return 0;
	case 6:
		if (live < 0)
			return 0;
		free = rand() % NUMBERS;
		CALL(s, .call = CALL_DUP2, .fd = live, .fd2 = free, .ret = free, .stack = stack);
		if (free != live)
			model_open(m, free, stack);
		return 0;
	case 7:
		if (rand() % 10)
			return 0;
		live = rand() % NUMBERS;
		CALL(s, .call = CALL_CLOSE_RANGE, .fd = live, .fd2 = live + 20, .stack = stack,
		     .arg = RANGE_MADE_TOLD);
		for (int fd = live; fd <= live + 20 && fd < NUMBERS; fd++)
			if (m->now[fd] == LIVE)
				model_close(m, fd, stack);
		return 0;
	case 8:
		if (free < 0)
			return 0;
		BAD_CLOSE(s, free, .stack = stack);
		*ret_expected = expect(m, free, stack, FINDING_DOUBLE_CLOSE);
		return 1;
	default:
		if (free < 0)
			return 0;
		READ(s, free, .stack = stack);
		*ret_expected = expect(m, free, stack, FINDING_USE_AFTER_CLOSE);
		return 1;
	}
}

static void check(const struct finding *f, const struct expected *e)
{
	assert_int_equal(f->kind, e->kind);
	assert_int_equal(f->certainty, CERTAINTY_FACT);
	assert_int_equal(f->fd, e->fd);
	assert_int_equal(f->bad.stack_id, e->bad);
	assert_int_equal(f->opened.stack_id, e->opened);
	assert_int_equal(f->closed.stack_id, e->closed);
}

static void test_random_streams_agree_with_a_simple_model(void **state)
{
	static struct expected expected[20000];

	for (unsigned int seed = 1; seed <= 20; seed++) {
		struct model m = {0};
		struct stream s;
		size_t count = 0, live = 0;

		srand(seed);
		stream_begin(&s);
		for (uint64_t i = 1; i <= 20000; i++)
			count += step(&s, &m, i, &expected[count]);
		assert_int_equal(stream_settle(&s), count);
		for (size_t i = 0; i < count; i++)
			check(&s.findings[i], &expected[i]);
		for (int fd = 0; fd < NUMBERS; fd++)
			live += m.now[fd] == LIVE;
		assert_int_equal(stream_counts(&s).live, live);
		assert_int_equal(stream_counts(&s).silent, 0);
		stream_end(&s);
	}
}

/* Whatever comes, in whatever order: no crash, no leak, no counter that runs away. */
static void noise(struct stream *s)
{
	static const uint64_t tables[] = {TABLE, TABLE2, TABLE3, 0};
	struct event e = {
		.tgid = PID + rand() % 4,
		.tid = PID + rand() % 8,
		.table = tables[rand() % 4],
		.enter_ns = rand() % 3 ? 0 : s->now - rand() % 5000,
		.stack = rand() % 3,
		.ret = rand() % 3 ? rand() % 16 : -EBADF,
		.fd = rand() % 16 - 2,
		.fd2 = rand() % 16 - 2,
		.flags = rand() % 8 ? 0 : rand(),
		.call = rand() % 50,
		.name = rand() % 4 ? NULL : "name",
	};

	if (rand() % 2)
		e.call = CALL_CLOSE;
	stream_call(s, &e);
}

static void test_noise(void **state)
{
	const struct fd_limits limits = {.numbers = 20, .tables = 3, .history = 2};

	for (unsigned int seed = 1; seed <= 10; seed++) {
		struct stream s;

		srand(seed);
		stream_begin_with(&s, seed & 1 ? &limits : NULL, seed & 2);
		for (int i = 0; i < 20000; i++) {
			int what = rand() % 200;

			if (what == 0)
				stream_fork(&s, PID + rand() % 4, TABLE + rand() % 3 * 0x1000,
					    rand() % 2);
			else if (what == 1)
				stream_exec(&s, PID + rand() % 4, TABLE + rand() % 3 * 0x1000);
			else if (what == 2)
				stream_exit(&s, PID + rand() % 4, TABLE);
			else if (what == 3)
				stream_gap(&s);
			else if (what == 4)
				stream_wait(&s, rand() % (int)SETTLE_NS);
			else if (what == 5)
				fd_process_add(s.world, PID + rand() % 4, 0, rand() % 2);
			else
				noise(&s);
			assert_true(stream_counts(&s).live < 1000);
		}
		for (uint32_t pid = PID; pid < PID + 4; pid++)
			stream_exit(&s, pid, TABLE);
		stream_settle(&s);
		assert_int_equal(stream_counts(&s).live, 0);
		assert_int_equal(stream_counts(&s).tables, 0);
		stream_end(&s);
	}
}

static double feed_million(void)
{
	union {
		struct record_call call;
		char bytes[sizeof(struct record_call) + 16];
	} open = {.call = {.h = {.tgid = PID, .tid = PID},
			   .table = TABLE,
			   .call = CALL_OPENAT,
			   .fd = -100}},
	  close = open;
	struct stream s;
	clock_t begin;

	open.call.h.size = sizeof(open);
	open.call.name_size = 16;
	memcpy(open.call.name, "/tmp/benchmark/x", 16);
	close.call.h.size = sizeof(close.call);
	close.call.call = CALL_CLOSE;
	stream_begin(&s);
	begin = clock();
	for (int i = 0; i < 500000; i++) {
		open.call.ret = close.call.fd = i % 1000;
		open.call.h.time_ns = s.now += 1000;
		fd_call(s.world, &open.call, NULL);
		close.call.h.time_ns = s.now += 1000;
		fd_call(s.world, &close.call, NULL);
	}
	stream_end(&s);
	return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Five seconds leave room for sanitizers and a busy machine; plain it is a fraction of one. */
static void test_a_million_records_take_no_time(void **state)
{
	double seconds = feed_million();

	print_message("1 M records: %.3f s\n", seconds);
	assert_true(seconds < 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_forgotten_number_is_not_said_to_be_never_open),
		cmocka_unit_test(test_fork_beyond_the_limit_forgets),
		cmocka_unit_test(test_children_share_what_they_inherit),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_tables_are_bounded),
		cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_waiting_closes_are_bounded),
		cmocka_unit_test(test_records_that_make_no_sense_are_refused),
		cmocka_unit_test(test_random_streams_agree_with_a_simple_model),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_a_million_records_take_no_time),
	};

	return cmocka_run_group_tests_name("lifecycle_bounds", tests, NULL, NULL);
}
