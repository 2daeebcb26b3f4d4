/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* user/fd/coverage.c: what was not wholly seen is no fact, and only that. */
#include "fd_stream.h"

static void unseen(struct stream *s, uint64_t table, uint32_t ways, bool all)
{
	struct record_unseen record = {
		.h = {.size = sizeof(record), .type = RECORD_UNSEEN, .tgid = PID, .tid = PID},
		.table = table,
		.ways = ways,
		.all = all,
	};

	record.h.time_ns = s->now += 1000;
	assert_int_equal(fd_unseen(s->world, &record), 0);
}

static void double_close(struct stream *s)
{
	OPEN(s, 7);
	CLOSE(s, 7);
	BAD_CLOSE(s, 7);
}

/* The only finding so far, and why it is no fact: notes; 0: it is one. */
static void expect(struct stream *s, enum finding_kind kind, uint32_t notes)
{
	const struct finding *f =
		stream_only(s, kind, notes ? CERTAINTY_SUSPECTED : CERTAINTY_FACT);

	assert_int_equal(f->notes & (NOTE_SHARED_TABLE | NOTE_RING | NOTE_COMPAT), notes);
	stream_end(s);
}

static void test_a_stranger_may_have_closed(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	double_close(&s);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

/* In between, and gone by the time of the second close. */
static void test_a_stranger_that_came_and_went(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	OPEN(&s, 8, .still_open = CALL_ALONE);
	BAD_CLOSE(&s, 7);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

static void test_after_a_stranger_all_is_seen(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	OPEN(&s, 8, .still_open = CALL_ALONE);
	double_close(&s);
	expect(&s, FINDING_DOUBLE_CLOSE, 0);
}

/* What was opened while there was one need not be what was closed. */
static void test_opened_beside_a_stranger(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	OPEN(&s, 7);
	unseen(&s, TABLE, 0, true);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

/* A record that is older than the look, and read later. */
static void test_alone_before_the_look(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER, true);
	s.now -= 2000;
	OPEN(&s, 8, .still_open = CALL_ALONE);
	s.now += 2000;
	double_close(&s);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

/* It was told before it did anything: what had failed by then is not touched, though it waits. */
static void test_a_ring_that_comes_later(void **state)
{
	struct stream s;

	stream_begin(&s);
	double_close(&s);
	unseen(&s, TABLE, UNSEEN_RING, false);
	expect(&s, FINDING_DOUBLE_CLOSE, 0);
}

/* Who looks finds what may have been there for long. */
static void test_a_ring_that_is_found_later(void **state)
{
	struct stream s;

	stream_begin(&s);
	double_close(&s);
	unseen(&s, TABLE, UNSEEN_RING, true);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_RING);
}

static void test_never_open_as_far_as_seen(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_COMPAT, false);
	BAD_CLOSE(&s, 7);
	expect(&s, FINDING_BAD_FD, NOTE_COMPAT);
}

static void test_no_number_at_all(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	BAD_CLOSE(&s, -1);
	expect(&s, FINDING_BAD_FD, 0);
}

static void test_a_use_too(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_RING, false);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	READ(&s, 7);
	expect(&s, FINDING_USE_AFTER_CLOSE, NOTE_RING);
}

/* A table is told of before a call shows it. */
static void test_told_before_it_is_known(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE2, UNSEEN_SHARER, true);
	OPEN(&s, 3, .table = TABLE2);
	OPEN(&s, 7, .table = TABLE2);
	CLOSE(&s, 7, .table = TABLE2);
	BAD_CLOSE(&s, 7, .table = TABLE2);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

static void in_child(struct stream *s)
{
	OPEN(s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	CLOSE(s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
}

/* Nobody shares the copy that a forked child has; what came with it may be another's. */
static void test_a_forked_childs_copy(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER | UNSEEN_RING, false);
	stream_fork(&s, CHILD, TABLE2, false);
	in_child(&s);
	expect(&s, FINDING_DOUBLE_CLOSE, 0);

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	OPEN(&s, 7);
	stream_fork(&s, CHILD, TABLE2, false);
	CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

static void test_exec_leaves_both_behind(void **state)
{
	struct stream s;

	stream_begin(&s);
	unseen(&s, TABLE, UNSEEN_SHARER | UNSEEN_RING, false);
	stream_exec(&s, PID, TABLE2);
	OPEN(&s, 7, .table = TABLE2);
	CLOSE(&s, 7, .table = TABLE2);
	BAD_CLOSE(&s, 7, .table = TABLE2);
	expect(&s, FINDING_DOUBLE_CLOSE, 0);

	/* But not what may have taken a number's place before. */
	stream_begin(&s);
	OPEN(&s, 7);
	unseen(&s, TABLE, UNSEEN_SHARER, false);
	stream_exec(&s, PID, TABLE2);
	CLOSE(&s, 7, .table = TABLE2);
	BAD_CLOSE(&s, 7, .table = TABLE2);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_SHARED_TABLE);
}

/* Where the kernel has no hook for it: a ring is enough. */
static void test_rings_that_nobody_watches(void **state)
{
	static const struct {
		uint32_t flags, notes;
	} cases[] = {{0, NOTE_RING}, {RING_WATCHED, 0}, {RING_TOLD, 0}};

	for (size_t i = 0; i < 3; i++) {
		struct stream s;

		stream_begin(&s);
		CALL(&s, .call = CALL_IO_URING_SETUP, .ret = 3, .arg = cases[i].flags);
		double_close(&s);
		expect(&s, FINDING_DOUBLE_CLOSE, cases[i].notes);
	}
}

static void test_a_thread_with_a_ring(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 8, .still_open = CALL_RING);
	double_close(&s);
	expect(&s, FINDING_DOUBLE_CLOSE, NOTE_RING);
}

/* It does not say what it found: open or not, as it may have been by ways that are not seen. */
static void test_a_range_over_what_is_closed(void **state)
{
	for (int told = 0; told < 2; told++) {
		struct stream s;

		stream_begin(&s);
		OPEN(&s, 7);
		CLOSE(&s, 7);
		CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 5, .fd2 = 9,
		     .arg = told ? RANGE_MADE_TOLD : 0);
		BAD_CLOSE(&s, 7);
		stream_only(&s, FINDING_DOUBLE_CLOSE, told ? CERTAINTY_FACT : CERTAINTY_SUSPECTED);
		stream_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stranger_may_have_closed),
		cmocka_unit_test(test_a_stranger_that_came_and_went),
		cmocka_unit_test(test_after_a_stranger_all_is_seen),
		cmocka_unit_test(test_opened_beside_a_stranger),
		cmocka_unit_test(test_alone_before_the_look),
		cmocka_unit_test(test_a_ring_that_comes_later),
		cmocka_unit_test(test_a_ring_that_is_found_later),
		cmocka_unit_test(test_never_open_as_far_as_seen),
		cmocka_unit_test(test_no_number_at_all),
		cmocka_unit_test(test_a_use_too),
		cmocka_unit_test(test_told_before_it_is_known),
		cmocka_unit_test(test_a_forked_childs_copy),
		cmocka_unit_test(test_exec_leaves_both_behind),
		cmocka_unit_test(test_rings_that_nobody_watches),
		cmocka_unit_test(test_a_thread_with_a_ring),
		cmocka_unit_test(test_a_range_over_what_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
