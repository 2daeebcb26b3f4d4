/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Runs of failed closes: blind loops, and lists that are closed twice. */
#include "fd_stream.h"

/* Sweeps */

static void test_sweep_of_numbers_never_open(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	for (int fd = 3; fd < 11; fd++)
		BAD_CLOSE(&s, fd, .stack = 9);
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->fd, 3);
	assert_int_equal(f->last_fd, 10);
	assert_int_equal(f->calls, 8);
	assert_int_equal(f->bad.stack_id, 9);
	assert_int_equal(f->closed.missing, SITE_NOT_APPLICABLE);
	assert_int_equal(stream_counts(&s).sweep_closes, 8);
	assert_int_equal(stream_counts(&s).ebadf_closes, 8);
	stream_end(&s);
}

static void test_seven_closes_are_no_sweep(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 3; fd < 10; fd++)
		BAD_CLOSE(&s, fd, .stack = 9);
	assert_int_equal(stream_settle(&s), 7);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(s.findings[i].kind, FINDING_BAD_FD);
		assert_int_equal(s.findings[i].fd, 3 + i);
	}
	stream_end(&s);
}

static void test_sweep_downwards(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	for (int fd = 1023; fd > 2; fd--)
		BAD_CLOSE(&s, fd);
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->fd, 3);
	assert_int_equal(f->last_fd, 1023);
	assert_int_equal(f->calls, 1021);
	stream_end(&s);
}

/* What daemonize does: some numbers are open, some were rightly closed before. */
static void test_daemonizing_loop_is_one_sweep_whatever_the_histories(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	for (int fd = 3; fd < 20; fd++)
		OPEN(&s, fd);
	for (int fd = 3; fd < 15; fd++)
		CLOSE(&s, fd, .stack = fd);
	for (int fd = 3; fd < 64; fd++)
		CLOSE(&s, fd, .stack = 99, .ret = fd >= 15 && fd < 20 ? 0 : -EBADF);
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->fd, 3);
	assert_int_equal(f->last_fd, 63);
	assert_int_equal(f->calls, 12 + 44);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_end(&s);
}

/* The loop keeps a few numbers: what lies before and behind is the same loop. */
static void test_sweep_steps_over_what_it_keeps(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 4);
	CLOSE(&s, 4, .stack = 1);
	OPEN(&s, 5);
	OPEN(&s, 6);
	for (int fd = 3; fd < 40; fd++)
		if (fd != 5 && fd != 6)
			BAD_CLOSE(&s, fd, .stack = 99);
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->fd, 3);
	assert_int_equal(f->calls, 35);
	stream_end(&s);
}

/* CPython 3.11: a warm loop calls from another instruction. */
static void test_sweep_goes_over_to_a_second_site(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	for (int fd = 3; fd < 6; fd++) {
		OPEN(&s, fd, .stack = 1);
		CLOSE(&s, fd, .stack = 2);
	}
	for (int fd = 3; fd < 40; fd++)
		BAD_CLOSE(&s, fd, .stack = fd < 10 ? 98 : 99);
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->fd, 3);
	assert_int_equal(f->calls, 37);
	/* A third one is another loop. */
	for (int fd = 3; fd < 6; fd++)
		BAD_CLOSE(&s, fd, .stack = 95 + fd);
	assert_int_equal(stream_settle(&s), 4);
	stream_end(&s);
}

static void test_a_list_closed_twice_is_no_sweep(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 5; fd <= 20; fd++)
		OPEN(&s, fd, .stack = 1);
	for (int fd = 5; fd <= 20; fd++)
		CLOSE(&s, fd, .stack = 2);
	for (int fd = 5; fd <= 20; fd++)
		BAD_CLOSE(&s, fd, .stack = 3);
	assert_int_equal(stream_settle(&s), 16);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(s.findings[i].kind, FINDING_DOUBLE_CLOSE);
		assert_int_equal(s.findings[i].fd, 5 + i);
		assert_int_equal(s.findings[i].closed.stack_id, 2);
	}
	assert_int_equal(stream_counts(&s).sweep_closes, 0);
	stream_end(&s);
}

static void test_a_cleanup_loop_that_succeeds_hides_no_double_close(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 5; fd <= 20; fd++)
		OPEN(&s, fd, .stack = 1);
	CLOSE(&s, 5, .stack = 2);
	for (int fd = 5; fd <= 20; fd++)
		CLOSE(&s, fd, .stack = 3, .ret = fd == 5 ? -EBADF : 0);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->fd, 5);
	stream_end(&s);
}

/* A few numbers of the list were closed before we attached: still a list, not a blind loop. */
static void test_a_list_half_unseen_after_attach(void **state)
{
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	for (int fd = 8; fd <= 20; fd++)
		stream_list(&s, fd, "/tmp/x", false);
	stream_listed(&s, 256, s.now);
	for (int fd = 8; fd <= 20; fd++)
		CLOSE(&s, fd, .stack = 2);
	for (int fd = 5; fd <= 20; fd++)
		BAD_CLOSE(&s, fd, .stack = 3);
	assert_int_equal(stream_settle(&s), 16);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE_UNSEEN);
	assert_int_equal(s.findings[3].kind, FINDING_DOUBLE_CLOSE);
	assert_true(s.findings[3].notes & NOTE_OPEN_BEFORE_ATTACH);
	stream_end(&s);
}

static void test_a_sweep_after_attach(void **state)
{
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_list(&s, 3, "/tmp/x", false);
	stream_listed(&s, 0, s.now);
	CLOSE(&s, 3, .stack = 1);
	for (int fd = 3; fd < 4096; fd++)
		BAD_CLOSE(&s, fd, .stack = 3);
	assert_int_equal(stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT)->calls, 4093);
	stream_end(&s);
}

static void test_other_site_or_other_thread_is_another_run(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 3; fd < 11; fd++)
		BAD_CLOSE(&s, fd, .stack = fd < 7 ? 1 : 2);
	assert_int_equal(stream_settle(&s), 8);
	for (int fd = 23; fd < 31; fd++)
		BAD_CLOSE(&s, fd, .tid = PID + (fd & 1));
	assert_int_equal(stream_settle(&s), 16);
	stream_end(&s);
}

static void test_same_number_again_and_again_is_no_sweep(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	for (int i = 0; i < 100; i++)
		BAD_CLOSE(&s, 7, .stack = 1);
	assert_int_equal(stream_settle(&s), 100);
	assert_int_equal(s.findings[99].kind, FINDING_DOUBLE_CLOSE);
	stream_end(&s);
}

/* Not the thread's next call: what another thread did before may be recorded yet. */
static void test_the_next_call_of_the_thread_does_not_release_a_finding(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	OPEN(&s, 9);
	assert_int_equal(s.count, 0);
	stream_wait(&s, SETTLE_NS);
	assert_int_equal(s.count, 1);
	stream_end(&s);
}

static void test_the_settle_time_releases_a_finding(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	stream_wait(&s, SETTLE_NS - 1);
	assert_int_equal(s.count, 0);
	stream_wait(&s, 1);
	assert_int_equal(s.count, 1);
	stream_end(&s);
}

static void test_the_end_of_a_process_releases_a_finding(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	stream_exit(&s, PID, TABLE);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(stream_counts(&s).tables, 0);
	stream_end(&s);
}

static void test_sweep_in_a_vfork_child(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	stream_fork(&s, CHILD, TABLE2, true);
	for (int fd = 3; fd < 256; fd++)
		BAD_CLOSE(&s, fd, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->notes, NOTE_VFORK_CHILD);
	assert_int_equal(f->calls, 253);
	assert_int_equal(stream_counts(&s).silent, 0);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweep_of_numbers_never_open),
		cmocka_unit_test(test_seven_closes_are_no_sweep),
		cmocka_unit_test(test_sweep_downwards),
		cmocka_unit_test(test_daemonizing_loop_is_one_sweep_whatever_the_histories),
		cmocka_unit_test(test_sweep_steps_over_what_it_keeps),
		cmocka_unit_test(test_sweep_goes_over_to_a_second_site),
		cmocka_unit_test(test_a_list_closed_twice_is_no_sweep),
		cmocka_unit_test(test_a_cleanup_loop_that_succeeds_hides_no_double_close),
		cmocka_unit_test(test_a_list_half_unseen_after_attach),
		cmocka_unit_test(test_a_sweep_after_attach),
		cmocka_unit_test(test_other_site_or_other_thread_is_another_run),
		cmocka_unit_test(test_same_number_again_and_again_is_no_sweep),
		cmocka_unit_test(test_the_next_call_of_the_thread_does_not_release_a_finding),
		cmocka_unit_test(test_the_settle_time_releases_a_finding),
		cmocka_unit_test(test_the_end_of_a_process_releases_a_finding),
		cmocka_unit_test(test_sweep_in_a_vfork_child),
	};

	return cmocka_run_group_tests_name("verdict_sweep", tests, NULL, NULL);
}
