/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Records out of order: the snapshot that is older than some of them, and racing threads. */
#include <sched.h>

#include "fd_stream.h"

/* The snapshot */

static void test_listed_numbers_are_open_since_before_attach(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_list(&s, 7, "/listed", false);
	stream_list(&s, 8, "/listed", true);
	stream_listed(&s, 64, s.now);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.missing, SITE_BEFORE_ATTACH);
	assert_string_equal(f->what.path, "/listed");
	assert_true(f->what.path_from_proc);
	assert_int_equal(f->notes, NOTE_OPEN_BEFORE_ATTACH);
	stream_exec(&s, PID, TABLE);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_end(&s);
}

static void test_open_before_the_end_of_the_snapshot_is_what_it_lists(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_list(&s, 7, "/listed", false);
	stream_listed(&s, 64, s.now + MS);
	OPEN(&s, 9); /* so that the next one was entered when it was traced */
	OPEN(&s, 7, .name = "opened", .stack = 1);
	assert_int_equal(stream_counts(&s).live, 2);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.stack_id, 1);
	assert_string_equal(f->what.path, "opened");
	assert_int_equal(f->notes, 0);
	stream_end(&s);
}

static void begin_beside_others(struct stream *s)
{
	stream_begin_with(s, NULL, FD_FROM_ATTACH);
	stream_list(s, 7, "/listed", false);
	assert_int_equal(fd_snapshot_end(s->world, PID, 64, 2, s->now + MS), 0);
}

/* What it opened may be closed since, and the number opened again, before anybody looked. */
static void test_open_under_way_at_attach_may_not_be_what_is_listed(void **state)
{
	struct stream s;

	begin_beside_others(&s);
	OPEN(&s, 7, .name = "opened", .stack = 1);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

/* The number may have been opened and closed again since it took effect, by whom nobody knows. */
static void test_close_under_way_at_attach_may_not_be_the_last(void **state)
{
	struct stream s;

	begin_beside_others(&s);
	CLOSE(&s, 8);
	BAD_CLOSE(&s, 8);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);

	begin_beside_others(&s);
	OPEN(&s, 9); /* so that the next one was entered when it was traced */
	CLOSE(&s, 8);
	BAD_CLOSE(&s, 8);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

/* A copy that was made then shows nothing of the number now. */
static void test_use_under_way_at_attach_shows_nothing(void **state)
{
	struct stream s;

	begin_beside_others(&s);
	CALL(&s, .call = CALL_DUP, .fd = 8, .ret = 9);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 8, .fd2 = 8);
	BAD_CLOSE(&s, 8);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_close_before_the_end_of_the_snapshot(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_list(&s, 7, "/listed", false);
	stream_listed(&s, 64, s.now + MS);
	CLOSE(&s, 7, .stack = 2);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->closed.stack_id, 2);
	assert_null(f->what.path); /* what was listed may be the next generation */
	OPEN(&s, 7);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 1);
	stream_end(&s);
}

static void test_bad_close_before_the_end_of_the_snapshot_accuses_nobody(void **state)
{
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_list(&s, 7, "/listed", false);
	stream_listed(&s, 64, s.now + MS);
	BAD_CLOSE(&s, 7); /* then opened again, and listed */
	BAD_CLOSE(&s, 9);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 2);
	stream_end(&s);
}

static void test_without_a_snapshot_a_number_never_seen_is_silent(void **state)
{
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	BAD_CLOSE(&s, 7);
	READ(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* Racing threads */

static void test_open_recorded_before_the_close_that_freed_the_number(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/old", .stack = 1);
	OPEN(&s, 7, .name = "/new", .stack = 2, .tid = 101);
	CLOSE(&s, 7, .stack = 3); /* of /old */
	assert_int_equal(stream_counts(&s).live, 1);
	CLOSE(&s, 7, .stack = 4, .tid = 101); /* of /new, by its own thread */
	BAD_CLOSE(&s, 7, .stack = 5);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->closed.stack_id, 4);
	assert_int_equal(f->opened.stack_id, 2);
	assert_string_equal(f->what.path, "/new");
	stream_end(&s);
}

static void test_the_opener_closes_what_it_opened(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	OPEN(&s, 7, .stack = 2, .tid = 101);
	CLOSE(&s, 7, .stack = 3, .tid = 101);
	CLOSE(&s, 7, .stack = 4); /* of the first generation, recorded late */
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].closed.stack_id, 3);
	assert_int_equal(s.findings[0].opened.stack_id, 2);
	stream_end(&s);
}

static void test_a_close_entered_after_the_open_is_not_the_awaited_one(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	OPEN(&s, 7, .stack = 2, .tid = 101, .enter_ns = stream_last(&s) + 100);
	CLOSE(&s, 7, .stack = 3, .tid = 102, .enter_ns = stream_last(&s) + 500);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_wait(&s, SETTLE_NS);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.stack_id, 2);
	assert_int_equal(f->closed.stack_id, 3);
	stream_end(&s);
}

static void test_where_two_orders_fit_a_finding_is_suspected(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	OPEN(&s, 7, .stack = 2, .tid = 101);
	CLOSE(&s, 7, .stack = 3, .tid = 102); /* this one or the next is the first generation's */
	CLOSE(&s, 7, .stack = 4, .tid = 103);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_ORDER_UNCERTAIN);
	stream_end(&s);
}

static void test_an_awaited_close_that_never_comes(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	OPEN(&s, 7, .stack = 2); /* closed in between in a way that is not seen */
	stream_wait(&s, SETTLE_NS);
	CLOSE(&s, 7, .stack = 3);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.stack_id, 2);
	assert_int_equal(f->closed.stack_id, 3);
	stream_end(&s);
}

static void test_a_racing_close_recorded_after_the_bad_one(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	BAD_CLOSE(&s, 7, .stack = 3, .tid = 101, .enter_ns = s.now + 500);
	CLOSE(&s, 7, .stack = 2, .enter_ns = s.now - 500);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->notes, NOTE_PENDING_CLOSE | NOTE_DIFFERENT_THREADS);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	stream_end(&s);
}

/* Thread 101 closes 7 twice; the second time fails, but returns late. */
static void bad_close_overtaken(struct stream *s, uint64_t thread_ns)
{
	stream_begin(s);
	OPEN(s, 7, .tid = 101);
	CLOSE(s, 7, .tid = 101);
	OPEN(s, 7, .tid = 102);
	CLOSE(s, 7, .tid = 102);
	BAD_CLOSE(s, 7, .tid = 101, .thread_ns = thread_ns);
}

static void test_a_bad_close_recorded_after_the_next_generation_accuses_nobody(void **state)
{
	struct stream s;
	const struct finding *f;

	bad_close_overtaken(&s, 0);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_ORDER_UNCERTAIN);
	stream_end(&s);
}

static void test_a_thread_that_was_born_later_was_not_overtaken(void **state)
{
	struct stream s;

	bad_close_overtaken(&s, 1000 * MS + 3500);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_a_thread_that_has_called_since_was_not_overtaken(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .tid = 101);
	OPEN(&s, 8, .tid = 102);
	CLOSE(&s, 7, .tid = 101);
	BAD_CLOSE(&s, 7, .tid = 102);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_a_bad_close_long_after_was_not_overtaken(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .tid = 101);
	CLOSE(&s, 7, .tid = 101);
	stream_wait(&s, SETTLE_NS);
	BAD_CLOSE(&s, 7, .tid = 102);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_a_racing_close_with_exits_only_is_suspected(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101);
	CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_PENDING_CLOSE);
	assert_true(f->notes & NOTE_ORDER_UNCERTAIN);
	stream_end(&s);
}

static void test_a_close_that_cannot_explain_the_bad_one(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101);
	CLOSE(&s, 7, .enter_ns = s.now + 500); /* entered later */
	OPEN(&s, 8);
	BAD_CLOSE(&s, 8);
	CLOSE(&s, 8); /* the same thread's */
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 2);
	stream_end(&s);
}

/* Of a call that came through a point of an owner: no earlier than that. */
static void test_a_point_bounds_the_time_of_a_call(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101);
	CLOSE(&s, 7, .enter_ns = s.now + 500, .point = OWNER_OS_CLOSE);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);

	stream_begin(&s);
	OPEN(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101);
	CLOSE(&s, 7, .enter_ns = s.now - 500, .point = OWNER_OS_CLOSE);
	/* What is known of its time is no more than a bound. */
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_PENDING_CLOSE);
	stream_end(&s);
}

static void test_an_open_recorded_after_the_close_that_ended_it(void **state)
{
	struct stream s;
	const struct finding *f;
	uint64_t enter;

	stream_begin(&s);
	enter = s.now;
	CLOSE(&s, 7, .tid = 101, .stack = 2);
	OPEN(&s, 7, .enter_ns = enter, .stack = 1);
	assert_int_equal(stream_counts(&s).live, 0);
	BAD_CLOSE(&s, 7, .stack = 3);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE,
			CERTAINTY_SUSPECTED); /* another may be on its way */
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

static void test_two_opens_that_overlap_may_have_come_in_turn(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	OPEN(&s, 7, .stack = 2, .tid = 101);
	CLOSE(&s, 7, .stack = 3, .tid = 102);
	CLOSE(&s, 7, .stack = 4, .tid = 101);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_a_finding_waits_for_calls_that_came_before_it(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101);
	OPEN(&s, 7,
	     .tid = 102); /* it may be the close of this generation that made the bad one fail */
	CLOSE(&s, 7, .tid = 103);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_calls_that_came_after_a_bad_close_change_nothing(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	OPEN(&s, 7, .tid = 102);
	CLOSE(&s, 7, .tid = 102); /* after its own open, which was recorded after the bad close */
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_a_bad_fd_that_a_late_close_explains(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	BAD_CLOSE(&s, 7, .tid = 101);
	OPEN(&s, 7, .tid = 102, .stack = 1);
	CLOSE(&s, 7, .tid = 103, .stack = 2);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

static void test_a_late_call_in_a_table_that_was_copied(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	CALL(&s, .call = CALL_UNSHARE, .flags = CLONE_FILES, .tid = 101, .table = TABLE2);
	OPEN(&s, 7, .tid = 102); /* before the copy or after it: in the copy, or not */
	stream_wait(&s, 2 * SETTLE_NS);
	BAD_CLOSE(&s, 7, .tid = 101, .table = TABLE2);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	CALL(&s, .call = CALL_UNSHARE, .flags = CLONE_FILES, .tid = 101, .table = TABLE2);
	BAD_CLOSE(&s, 7, .tid = 101, .table = TABLE2);
	OPEN(&s, 7, .tid = 102);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_close_range_racing_with_an_open_is_uncertain(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .tid = 101);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 3, .fd2 = 100);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed_numbers_are_open_since_before_attach),
		cmocka_unit_test(test_open_before_the_end_of_the_snapshot_is_what_it_lists),
		cmocka_unit_test(test_open_under_way_at_attach_may_not_be_what_is_listed),
		cmocka_unit_test(test_close_under_way_at_attach_may_not_be_the_last),
		cmocka_unit_test(test_use_under_way_at_attach_shows_nothing),
		cmocka_unit_test(test_close_before_the_end_of_the_snapshot),
		cmocka_unit_test(test_bad_close_before_the_end_of_the_snapshot_accuses_nobody),
		cmocka_unit_test(test_without_a_snapshot_a_number_never_seen_is_silent),
		cmocka_unit_test(test_open_recorded_before_the_close_that_freed_the_number),
		cmocka_unit_test(test_the_opener_closes_what_it_opened),
		cmocka_unit_test(test_a_close_entered_after_the_open_is_not_the_awaited_one),
		cmocka_unit_test(test_where_two_orders_fit_a_finding_is_suspected),
		cmocka_unit_test(test_an_awaited_close_that_never_comes),
		cmocka_unit_test(test_a_racing_close_recorded_after_the_bad_one),
		cmocka_unit_test(
			test_a_bad_close_recorded_after_the_next_generation_accuses_nobody),
		cmocka_unit_test(test_a_thread_that_was_born_later_was_not_overtaken),
		cmocka_unit_test(test_a_thread_that_has_called_since_was_not_overtaken),
		cmocka_unit_test(test_a_bad_close_long_after_was_not_overtaken),
		cmocka_unit_test(test_a_racing_close_with_exits_only_is_suspected),
		cmocka_unit_test(test_a_close_that_cannot_explain_the_bad_one),
		cmocka_unit_test(test_a_point_bounds_the_time_of_a_call),
		cmocka_unit_test(test_an_open_recorded_after_the_close_that_ended_it),
		cmocka_unit_test(test_two_opens_that_overlap_may_have_come_in_turn),
		cmocka_unit_test(test_a_finding_waits_for_calls_that_came_before_it),
		cmocka_unit_test(test_calls_that_came_after_a_bad_close_change_nothing),
		cmocka_unit_test(test_a_bad_fd_that_a_late_close_explains),
		cmocka_unit_test(test_a_late_call_in_a_table_that_was_copied),
		cmocka_unit_test(test_close_range_racing_with_an_open_is_uncertain),
	};

	return cmocka_run_group_tests_name("lifecycle_races", tests, NULL, NULL);
}
