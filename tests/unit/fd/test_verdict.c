/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The rules: what is a finding, of what kind, how certain; and what is none. */
#include "fd_stream.h"

#include <fcntl.h>
#include <sys/syscall.h>

static void test_double_close_is_a_fact_with_three_sites(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/etc/hostname", .flags = O_RDONLY, .stack = 1);
	CLOSE(&s, 7, .stack = 2);
	BAD_CLOSE(&s, 7, .stack = 3);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f->fd, 7);
	assert_int_equal(f->last_fd, 7);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->tgid, PID);
	assert_int_equal(f->table, TABLE);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->bad.ret, -EBADF);
	assert_int_equal(f->closed.call, CALL_CLOSE);
	assert_int_equal(f->what.type, FD_FILE);
	assert_string_equal(f->what.path, "/etc/hostname");
	assert_int_equal(f->notes, 0);
	stream_end(&s);
}

static void test_third_and_fourth_close_name_the_close_that_ended_the_generation(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	CLOSE(&s, 7, .stack = 2);
	BAD_CLOSE(&s, 7, .stack = 3);
	BAD_CLOSE(&s, 7, .stack = 3);
	BAD_CLOSE(&s, 7, .stack = 3);
	assert_int_equal(stream_settle(&s), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.findings[i].kind, FINDING_DOUBLE_CLOSE);
		assert_int_equal(s.findings[i].closed.stack_id, 2);
		assert_int_equal(s.findings[i].opened.stack_id, 1);
	}
	assert_true(s.findings[0].bad.time_ns < s.findings[1].bad.time_ns);
	stream_end(&s);
}

static void test_double_close_by_another_thread_says_so(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101, .thread_ns = stream_last(&s));
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->notes, NOTE_DIFFERENT_THREADS);
	stream_end(&s);
}

static void test_close_with_an_error_other_than_ebadf_ends_the_generation(void **state)
{
	const int errors[] = {EINTR, EIO, ENOSPC, EDQUOT};
	struct stream s;

	for (size_t i = 0; i < 4; i++) {
		stream_begin(&s);
		OPEN(&s, 7);
		CLOSE(&s, 7, .ret = -errors[i]);
		BAD_CLOSE(&s, 7);
		assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->closed.ret,
				 -errors[i]);
		stream_end(&s);
	}
}

static void test_double_close_after_close_range(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	OPEN(&s, 9);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 3, .fd2 = -1);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->closed.call, CALL_CLOSE_RANGE);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_end(&s);
}

static void test_close_range_cloexec_closes_nothing(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 3, .fd2 = 100, .flags = 4);
	assert_int_equal(stream_counts(&s).live, 1);
	stream_exec(&s, PID, TABLE);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_end(&s);
}

static void test_close_range_beyond_its_end_closes_nothing(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 2);
	OPEN(&s, 7);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 3, .fd2 = 6);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 8, .fd2 = -1);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = -1, .fd2 = -1);
	assert_int_equal(stream_counts(&s).live, 2);
	stream_end(&s);
}

static void test_negative_number_is_bad_fd(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	BAD_CLOSE(&s, -1);
	f = stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->closed.missing, SITE_NOT_APPLICABLE);
	assert_int_equal(f->opened.missing, SITE_NOT_APPLICABLE);
	stream_end(&s);
}

static void test_never_open_is_bad_fd_when_seen_from_the_start(void **state)
{
	struct stream s;

	stream_begin(&s);
	BAD_CLOSE(&s, 55);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_closed_before_attach_is_double_close_unseen(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_listed(&s, 256, s.now);
	BAD_CLOSE(&s, 55);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE_UNSEEN, CERTAINTY_FACT);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->closed.missing, SITE_BEFORE_ATTACH);
	assert_int_equal(f->opened.missing, SITE_BEFORE_ATTACH);
	stream_end(&s);
}

static void test_number_beyond_max_fds_at_attach_is_bad_fd(void **state)
{
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_listed(&s, 256, s.now);
	BAD_CLOSE(&s, 256);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_number_open_by_belief_is_silent(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	BAD_CLOSE(&s, 7); /* FUSE: flush returned EBADF */
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 1);
	stream_end(&s);
}

static void test_close_after_a_flush_error_is_silent_until_the_next_open(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	BAD_CLOSE(&s, 7);
	stream_wait(&s, SETTLE_NS);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	OPEN(&s, 7, .stack = 4);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.stack_id, 4);
	stream_end(&s);
}

static void test_use_after_close_names_the_close(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	CLOSE(&s, 7, .stack = 2);
	READ(&s, 7, .stack = 3);
	f = stream_only(&s, FINDING_USE_AFTER_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	stream_end(&s);
}

static void test_wrong_mode_is_silent(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .flags = O_WRONLY);
	READ(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 1);
	stream_end(&s);
}

static void test_wrong_mode_may_race_with_a_close(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	READ(&s, 7, .tid = 101);
	f = stream_only(&s, FINDING_USE_AFTER_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_ORDER_UNCERTAIN);
	stream_end(&s);
}

static void test_use_entered_after_the_close_is_a_fact(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	READ(&s, 7, .tid = 101, .enter_ns = stream_last(&s) + 500);
	stream_only(&s, FINDING_USE_AFTER_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_fcntl_probes_are_silent_and_fstat_is_not(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	READ(&s, 7, .nr = __NR_fcntl, .arg = F_GETFD);
	READ(&s, 7, .nr = __NR_fcntl, .arg = F_GETFL);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 2);
	READ(&s, 7, .nr = __NR_fcntl, .arg = F_SETFL);
	READ(&s, 7, .nr = __NR_fstat);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[0].kind, FINDING_USE_AFTER_CLOSE);
	assert_int_equal(s.findings[1].kind, FINDING_USE_AFTER_CLOSE);
	assert_int_equal(s.findings[1].bad.nr, __NR_fstat);
	stream_end(&s);
}

static void test_of_two_descriptors_the_closed_one_is_blamed(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 5);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	READ(&s, 5, .nr = __NR_epoll_ctl, .fd2 = 7);
	READ(&s, 55, .nr = __NR_epoll_ctl, .fd2 = 7);
	READ(&s, 7, .nr = __NR_epoll_ctl, .fd2 = 5);
	assert_int_equal(stream_settle(&s), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.findings[i].kind, FINDING_USE_AFTER_CLOSE);
		assert_int_equal(s.findings[i].fd, 7);
	}
	stream_end(&s);
}

static void test_of_two_descriptors_the_one_not_open_is_blamed(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 5);
	READ(&s, 5, .nr = __NR_epoll_ctl, .fd2 = 55);
	assert_int_equal(stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT)->fd, 55);
	READ(&s, 5, .nr = __NR_epoll_ctl, .fd2 = 5);
	assert_int_equal(stream_settle(&s), 1);
	stream_end(&s);
}

static void test_at_fdcwd_is_no_descriptor(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, -EBADF);
	READ(&s, AT_FDCWD, .nr = __NR_faccessat);
	assert_int_equal(stream_settle(&s), 0);
	READ(&s, -1, .nr = __NR_fstat);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_dup_of_a_closed_number_is_use_after_close(void **state)
{
	const uint16_t calls[] = {CALL_DUP,	    CALL_DUP2,	 CALL_DUP3,
				  CALL_FCNTL_DUPFD, CALL_ACCEPT, CALL_FCNTL_SETFD};
	struct stream s;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		stream_begin(&s);
		OPEN(&s, 7);
		CLOSE(&s, 7);
		CALL(&s, .call = calls[i], .fd = 7, .ret = -EBADF);
		assert_int_equal(stream_only(&s, FINDING_USE_AFTER_CLOSE, CERTAINTY_FACT)->bad.call,
				 calls[i]);
		stream_end(&s);
	}
}

static void test_dup2_out_of_range_blames_the_new_number(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CALL(&s, .call = CALL_DUP2, .fd = 7, .fd2 = 1 << 30, .ret = -EBADF);
	assert_int_equal(stream_settle(&s), 0);
	CALL(&s, .call = CALL_DUP2, .fd = 7, .fd2 = -5, .ret = -EBADF);
	assert_int_equal(stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT)->fd, -5);
	stream_end(&s);
}

static void test_use_of_a_number_never_open(void **state)
{
	struct stream s;

	stream_begin(&s);
	READ(&s, 55);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);

	/* Closed before we attached, or never open: nobody knows. */
	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_listed(&s, 0, s.now);
	READ(&s, 55);
	assert_int_equal(stream_only(&s, FINDING_BAD_FD, CERTAINTY_SUSPECTED)->closed.missing,
			 SITE_BEFORE_ATTACH);
	stream_end(&s);
}

/* vfork */

static void test_close_action_in_a_vfork_child_is_silent(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	stream_fork(&s, CHILD, TABLE2, true);
	BAD_CLOSE(&s, 55, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(&s, -1, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 3);
	stream_end(&s);
}

static void test_double_close_within_a_vfork_child_is_reported(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	stream_fork(&s, CHILD, TABLE2, true);
	CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->notes, NOTE_VFORK_CHILD | NOTE_INHERITED);
	stream_end(&s);
}

static void test_after_exec_a_vfork_child_is_like_any_other(void **state)
{
	struct stream s;

	stream_begin(&s);
	stream_fork(&s, CHILD, TABLE2, true);
	stream_exec(&s, CHILD, TABLE2);
	BAD_CLOSE(&s, 55, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	assert_int_equal(stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT)->notes, 0);
	stream_end(&s);
}

/* Gaps */

static void test_closed_before_a_gap_is_suspected(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	stream_gap(&s);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_GAP);
	stream_end(&s);
}

static void test_open_before_a_gap_and_closed_in_it_is_suspected(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	stream_gap(&s);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE_UNSEEN, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_GAP);
	assert_int_equal(f->closed.missing, SITE_LOST);
	stream_end(&s);
}

static void test_never_seen_before_a_gap_is_withheld(void **state)
{
	struct stream s;

	stream_begin(&s);
	stream_gap(&s);
	BAD_CLOSE(&s, 7);
	READ(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 2);
	stream_end(&s);
}

static void test_a_call_that_may_be_older_than_a_gap_proves_little(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	stream_gap(&s);
	CLOSE(&s, 7, .tid = 101); /* it may have come before an open and a close that were lost */
	BAD_CLOSE(&s, 7, .tid = 101);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_touched_after_a_gap_is_certain_again(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/old");
	OPEN(&s, 8, .name = "/old");
	stream_gap(&s);
	OPEN(&s, 20); /* the thread's next call comes after the loss */
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.missing, SITE_LOST); /* which generation it was is not known */
	assert_int_equal(f->what.type, FD_UNKNOWN);
	assert_true(f->notes & NOTE_GAP);
	OPEN(&s, 8, .name = "/new");
	CLOSE(&s, 8);
	BAD_CLOSE(&s, 8);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[1].certainty, CERTAINTY_FACT);
	assert_int_equal(s.findings[1].notes, 0);
	assert_string_equal(s.findings[1].what.path, "/new");
	stream_end(&s);
}

static void test_a_sweep_goes_on_over_a_gap(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 3; fd < 6; fd++) {
		OPEN(&s, fd, .stack = 1);
		CLOSE(&s, fd, .stack = 2);
	}
	for (int fd = 3; fd < 100; fd++) {
		BAD_CLOSE(&s, fd, .stack = 3);
		if (fd == 5)
			stream_gap(&s);
	}
	assert_int_equal(stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT)->calls, 97);
	stream_end(&s);
}

static void test_names(void **state)
{
	for (int i = 0; i < FINDING_KINDS; i++)
		assert_string_not_equal(finding_kind_name(i), "unknown");
	for (int i = 1; i < FD_TYPES; i++)
		assert_string_not_equal(fd_type_name(i), "unknown");
	assert_string_equal(finding_kind_name(FINDING_DOUBLE_CLOSE_UNSEEN), "double_close_unseen");
	assert_string_equal(certainty_name(CERTAINTY_SUSPECTED), "suspected");
	assert_string_equal(severity_name(SEVERITY_WARNING), "warning");
	assert_string_equal(culprit_name(CULPRIT_CLOSED), "closed");
	assert_string_equal(fd_type_name(FD_TYPES), "unknown");
	assert_string_equal(site_missing_text(SITE_BEFORE_ATTACH), "before fdtrace attached");
	assert_string_equal(site_missing_text(SITE_SEEN), "");
	for (int i = SITE_BEFORE_ATTACH; i < SITE_NOT_APPLICABLE; i++)
		assert_string_not_equal(site_missing_text(i), "");
}

/* Opened again in a way that nobody saw, and used in the wrong mode. */
static void test_a_number_that_is_open_all_the_same_accuses_nobody(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	READ(&s, 7, .still_open = 1);
	READ(&s, 8, .still_open = 1);
	READ(&s, 9, .fd2 = 7, .still_open = 3);
	assert_int_equal(stream_settle(&s), 0);
	READ(&s, 9, .fd2 = 7, .still_open = 1);
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].fd, 7);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_number_that_is_open_all_the_same_accuses_nobody),
		cmocka_unit_test(test_double_close_is_a_fact_with_three_sites),
		cmocka_unit_test(
			test_third_and_fourth_close_name_the_close_that_ended_the_generation),
		cmocka_unit_test(test_double_close_by_another_thread_says_so),
		cmocka_unit_test(test_close_with_an_error_other_than_ebadf_ends_the_generation),
		cmocka_unit_test(test_double_close_after_close_range),
		cmocka_unit_test(test_close_range_cloexec_closes_nothing),
		cmocka_unit_test(test_close_range_beyond_its_end_closes_nothing),
		cmocka_unit_test(test_negative_number_is_bad_fd),
		cmocka_unit_test(test_never_open_is_bad_fd_when_seen_from_the_start),
		cmocka_unit_test(test_closed_before_attach_is_double_close_unseen),
		cmocka_unit_test(test_number_beyond_max_fds_at_attach_is_bad_fd),
		cmocka_unit_test(test_number_open_by_belief_is_silent),
		cmocka_unit_test(test_close_after_a_flush_error_is_silent_until_the_next_open),
		cmocka_unit_test(test_use_after_close_names_the_close),
		cmocka_unit_test(test_wrong_mode_is_silent),
		cmocka_unit_test(test_wrong_mode_may_race_with_a_close),
		cmocka_unit_test(test_use_entered_after_the_close_is_a_fact),
		cmocka_unit_test(test_fcntl_probes_are_silent_and_fstat_is_not),
		cmocka_unit_test(test_of_two_descriptors_the_closed_one_is_blamed),
		cmocka_unit_test(test_of_two_descriptors_the_one_not_open_is_blamed),
		cmocka_unit_test(test_at_fdcwd_is_no_descriptor),
		cmocka_unit_test(test_dup_of_a_closed_number_is_use_after_close),
		cmocka_unit_test(test_dup2_out_of_range_blames_the_new_number),
		cmocka_unit_test(test_use_of_a_number_never_open),
		cmocka_unit_test(test_close_action_in_a_vfork_child_is_silent),
		cmocka_unit_test(test_double_close_within_a_vfork_child_is_reported),
		cmocka_unit_test(test_after_exec_a_vfork_child_is_like_any_other),
		cmocka_unit_test(test_closed_before_a_gap_is_suspected),
		cmocka_unit_test(test_open_before_a_gap_and_closed_in_it_is_suspected),
		cmocka_unit_test(test_never_seen_before_a_gap_is_withheld),
		cmocka_unit_test(test_a_call_that_may_be_older_than_a_gap_proves_little),
		cmocka_unit_test(test_touched_after_a_gap_is_certain_again),
		cmocka_unit_test(test_a_sweep_goes_on_over_a_gap),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
