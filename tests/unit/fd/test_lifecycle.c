/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Tables and generations: who shares what, what fork and exec leave, what the snapshot knows. */
#include "fd_stream.h"

#include <fcntl.h>
#include <sched.h>

#define IN_CHILD .tgid = CHILD, .tid = CHILD, .table = TABLE2

/* Sharing and copying */

static void test_threads_share_a_table(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .tid = 101);
	CLOSE(&s, 7, .tid = 102);
	assert_int_equal(stream_counts(&s).live, 0);
	assert_int_equal(stream_counts(&s).tables, 1);
	stream_end(&s);
}

static void test_clone_files_shares_a_table_until_the_last_user_is_gone(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7);
	stream_fork(&s, CHILD, TABLE, false);
	assert_int_equal(stream_counts(&s).tables, 1);
	CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD);
	stream_exit(&s, CHILD, TABLE);
	assert_int_equal(stream_counts(&s).tables, 1);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->closed.tgid, CHILD);
	assert_false(f->closed.inherited);
	stream_exit(&s, PID, TABLE);
	assert_int_equal(stream_counts(&s).tables, 0);
	stream_end(&s);
}

static void test_fork_copies_lives_and_history(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/seven", .stack = 1);
	OPEN(&s, 8, .name = "/eight", .stack = 2);
	CLOSE(&s, 8);
	stream_fork(&s, CHILD, TABLE2, false);
	assert_int_equal(stream_counts(&s).live, 2);
	CLOSE(&s, 7, IN_CHILD);
	BAD_CLOSE(&s, 7, IN_CHILD);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_string_equal(f->what.path, "/seven");
	assert_true(f->opened.inherited);
	assert_int_equal(f->opened.tgid, PID);
	assert_int_equal(f->opened.stack_id, 1);
	assert_false(f->closed.inherited);
	assert_int_equal(f->closed.tgid, CHILD);
	assert_int_equal(f->notes, NOTE_INHERITED);
	BAD_CLOSE(&s, 8, IN_CHILD);
	assert_int_equal(stream_settle(&s), 2);
	assert_true(s.findings[1].closed.inherited);
	assert_int_equal(s.findings[1].closed.tgid, PID);
	assert_int_equal(stream_counts(&s).live, 1);
	stream_end(&s);
}

static void test_what_a_child_closes_stays_open_in_the_parent(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	stream_fork(&s, CHILD, TABLE2, false);
	CLOSE(&s, 7, IN_CHILD);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_end(&s);
}

static void test_unshare_takes_a_copy_of_the_threads_table(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/seven");
	stream_wait(&s, SETTLE_NS);
	CALL(&s, .call = CALL_UNSHARE, .flags = CLONE_FILES, .tid = 101, .table = TABLE2);
	CLOSE(&s, 7, .tid = 101, .table = TABLE2);
	/* A copy of the copy. */
	CALL(&s, .call = CALL_CLOSE_RANGE, .flags = 2, .fd = 100, .fd2 = 200, .tid = 101,
	     .table = TABLE3);
	assert_int_equal(stream_counts(&s).tables, 3);
	BAD_CLOSE(&s, 7, .tid = 101, .table = TABLE3);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_string_equal(f->what.path, "/seven");
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 1);
	stream_exit(&s, PID, TABLE);
	assert_int_equal(stream_counts(&s).tables, 0);
	stream_end(&s);
}

static void test_a_table_that_nobody_announced_is_in_doubt(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7, .tid = 101, .table = TABLE2);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	BAD_CLOSE(&s, 55, .tid = 101, .table = TABLE2);
	assert_int_equal(stream_settle(&s), 1);
	stream_end(&s);
}

static void test_a_process_without_a_table_learns_it_from_its_first_call(void **state)
{
	struct fd_what what = {.type = FD_SOCKET};
	struct stream s;

	stream_begin(&s);
	fd_process_add(s.world, CHILD, 0, FD_FROM_ATTACH);
	fd_snapshot_fd(s.world, CHILD, 7, &what, false);
	fd_snapshot_end(s.world, CHILD, 256, 1, s.now);
	CLOSE(&s, 7, IN_CHILD);
	BAD_CLOSE(&s, 7, IN_CHILD);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.missing,
			 SITE_BEFORE_ATTACH);
	assert_int_equal(s.findings[0].what.type, FD_SOCKET);
	assert_int_equal(stream_counts(&s).tables, 2);
	stream_end(&s);
}

static void test_calls_of_a_process_never_added_are_ignored(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, IN_CHILD);
	CLOSE(&s, 7, IN_CHILD);
	BAD_CLOSE(&s, 7, IN_CHILD);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).silent, 1);
	stream_end(&s);
}

static void test_a_reused_pid_starts_afresh(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	fd_process_add(s.world, PID, TABLE, FD_FROM_START);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_a_reused_table_address_starts_afresh(void **state)
{
	struct stream s;

	stream_begin(&s);
	stream_fork(&s, CHILD, TABLE2, false);
	OPEN(&s, 7, IN_CHILD);
	CLOSE(&s, 7, IN_CHILD);
	/* The child's exit was lost; its table's address is the next child's. */
	stream_fork(&s, CHILD + 1, TABLE2, false);
	BAD_CLOSE(&s, 7, .tgid = CHILD + 1, .tid = CHILD + 1, .table = TABLE2);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_after_exit_nothing_of_a_process_is_left(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/x");
	stream_exit(&s, PID, TABLE);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).live, 0);
	assert_int_equal(stream_counts(&s).tables, 0);
	stream_end(&s);
}

/* exec */

static void test_exec_closes_what_is_close_on_exec(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .flags = O_CLOEXEC);
	OPEN(&s, 8);
	stream_exec(&s, PID, TABLE);
	assert_int_equal(stream_counts(&s).live, 1);
	BAD_CLOSE(&s, 7);
	/* Another program had it: in this one it was never open. */
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_closed_before_exec_is_no_double_close_after(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	stream_exec(&s, PID, TABLE);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	READ(&s, 7);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[1].kind, FINDING_BAD_FD);
	stream_end(&s);
}

static void test_open_before_exec_and_closed_twice_after(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/seven");
	stream_exec(&s, PID, TABLE2);
	assert_int_equal(stream_counts(&s).tables, 1);
	CLOSE(&s, 7, .table = TABLE2);
	BAD_CLOSE(&s, 7, .table = TABLE2);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.missing, SITE_BEFORE_EXEC);
	assert_string_equal(f->what.path, "/seven");
	stream_end(&s);
}

static void test_after_exec_an_attached_process_is_seen_from_its_start(void **state)
{
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_listed(&s, 256, s.now);
	stream_exec(&s, PID, TABLE);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_exec_leaves_a_shared_table(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .flags = O_CLOEXEC);
	stream_fork(&s, CHILD, TABLE, false);
	stream_exec(&s, CHILD, TABLE2);
	assert_int_equal(stream_counts(&s).live, 1);
	assert_int_equal(stream_counts(&s).tables, 2);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static bool survives_exec(const struct event *call)
{
	struct stream s;
	bool live;

	stream_begin(&s);
	OPEN(&s, 3, .flags = O_CLOEXEC);
	assert_int_equal(stream_call(&s, call), 0);
	assert_int_equal(stream_counts(&s).live, call->call == CALL_PIPE2 ? 3 : 2);
	stream_exec(&s, PID, TABLE);
	live = stream_counts(&s).live;
	stream_end(&s);
	return live;
}

#define SURVIVES(...)                  \
	survives_exec(&(struct event){ \
		.tgid = PID, .tid = PID, .table = TABLE, .fd = -1, .ret = 7, __VA_ARGS__})

static void test_close_on_exec_of_each_call(void **state)
{
	const uint16_t by_flag[] = {CALL_OPEN,
				    CALL_OPENAT2,
				    CALL_SOCKET,
				    CALL_ACCEPT4,
				    CALL_EVENTFD2,
				    CALL_EPOLL_CREATE1,
				    CALL_SIGNALFD4,
				    CALL_OPEN_TREE,
				    CALL_TIMERFD_CREATE,
				    CALL_USERFAULTFD,
				    CALL_MEMFD_SECRET,
				    CALL_INOTIFY_INIT1,
				    CALL_OPEN_BY_HANDLE_AT};
	const uint16_t by_bit0[] = {CALL_MEMFD_CREATE, CALL_FANOTIFY_INIT, CALL_FSOPEN,
				    CALL_FSMOUNT, CALL_FSPICK};
	const uint16_t always[] = {
		CALL_PIDFD_OPEN, CALL_PIDFD_GETFD,    CALL_BPF,
		CALL_MQ_OPEN,	 CALL_IO_URING_SETUP, CALL_LANDLOCK_CREATE_RULESET};
	const uint16_t never[] = {CALL_CREAT,	 CALL_EPOLL_CREATE, CALL_EVENTFD,
				  CALL_SIGNALFD, CALL_INOTIFY_INIT, CALL_ACCEPT};

	for (size_t i = 0; i < sizeof(by_flag) / sizeof(*by_flag); i++) {
		assert_true(SURVIVES(.call = by_flag[i]));
		assert_false(SURVIVES(.call = by_flag[i], .flags = O_CLOEXEC | O_NONBLOCK));
	}
	for (size_t i = 0; i < sizeof(by_bit0) / sizeof(*by_bit0); i++) {
		assert_true(SURVIVES(.call = by_bit0[i], .flags = O_CLOEXEC));
		assert_false(SURVIVES(.call = by_bit0[i], .flags = 1));
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		assert_false(SURVIVES(.call = always[i]));
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		assert_true(SURVIVES(.call = never[i], .flags = O_CLOEXEC));
	assert_false(SURVIVES(.call = CALL_PERF_EVENT_OPEN, .flags = 8));
	assert_true(SURVIVES(.call = CALL_PERF_EVENT_OPEN, .flags = 1));
	assert_true(SURVIVES(.call = CALL_DUP, .fd = 3));
	assert_true(SURVIVES(.call = CALL_DUP2, .fd = 3, .fd2 = 7));
	assert_true(SURVIVES(.call = CALL_FCNTL_DUPFD, .fd = 3));
	assert_false(SURVIVES(.call = CALL_FCNTL_DUPFD_CLOEXEC, .fd = 3));
	assert_false(SURVIVES(.call = CALL_DUP3, .fd = 3, .fd2 = 7, .flags = O_CLOEXEC));
	assert_false(SURVIVES(.call = CALL_PIPE2, .ret = 0, .fd = 7, .fd2 = 8, .flags = O_CLOEXEC));
}

static void test_set_fd_moves_the_close_on_exec_flag(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .flags = O_CLOEXEC);
	OPEN(&s, 8);
	OPEN(&s, 9);
	CALL(&s, .call = CALL_FCNTL_SETFD, .fd = 7, .flags = 0);
	CALL(&s, .call = CALL_FCNTL_SETFD, .fd = 8, .flags = FD_CLOEXEC);
	CALL(&s, .call = CALL_IOCTL_CLOEXEC, .fd = 9, .flags = FD_CLOEXEC);
	stream_exec(&s, PID, TABLE);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).live, 0);
	BAD_CLOSE(&s, 8);
	stream_only(&s, FINDING_BAD_FD, CERTAINTY_FACT);
	stream_end(&s);
}

/* What a descriptor is */

static void test_dup2_ends_a_generation_and_begins_one(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 5, .name = "/five", .stack = 1);
	OPEN(&s, 7, .name = "/seven");
	CALL(&s, .call = CALL_DUP2, .fd = 5, .fd2 = 7, .ret = 7, .stack = 2);
	assert_int_equal(stream_counts(&s).live, 2);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.call, CALL_DUP2);
	assert_int_equal(f->opened.stack_id, 2);
	assert_string_equal(f->what.path, "/five");
	assert_int_equal(f->what.call, CALL_OPENAT);
	assert_int_equal(f->notes, NOTE_COPIED);
	CLOSE(&s, 5);
	assert_int_equal(stream_settle(&s), 1);
	stream_end(&s);
}

static void test_dup2_onto_itself_changes_nothing(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	CALL(&s, .call = CALL_DUP2, .fd = 7, .fd2 = 7, .ret = 7, .stack = 2);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.stack_id, 1);
	stream_end(&s);
}

static void test_signalfd_of_a_given_descriptor_changes_nothing(void **state)
{
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_SIGNALFD4, .fd = -1, .ret = 7, .stack = 1);
	CALL(&s, .call = CALL_SIGNALFD4, .fd = 7, .ret = 7, .stack = 2);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.stack_id, 1);
	assert_int_equal(s.findings[0].what.type, FD_SIGNALFD);
	stream_end(&s);
}

static void test_types_of_what_calls_make(void **state)
{
	const struct {
		uint16_t call;
		enum fd_type type;
	} made[] = {
		{CALL_OPEN, FD_FILE},
		{CALL_ACCEPT, FD_SOCKET},
		{CALL_EPOLL_CREATE1, FD_EPOLL},
		{CALL_EVENTFD2, FD_EVENTFD},
		{CALL_TIMERFD_CREATE, FD_TIMERFD},
		{CALL_INOTIFY_INIT1, FD_INOTIFY},
		{CALL_MEMFD_CREATE, FD_MEMFD},
		{CALL_PIDFD_OPEN, FD_PIDFD},
		{CALL_BPF, FD_OTHER},
	};
	struct stream s;
	size_t count = sizeof(made) / sizeof(made[0]);

	stream_begin(&s);
	for (size_t i = 0; i < count; i++) {
		CALL(&s, .call = made[i].call, .ret = 7, .flags = 5, .arg = 6, .name = "name");
		CLOSE(&s, 7);
		BAD_CLOSE(&s, 7);
		assert_int_equal(stream_settle(&s), i + 1);
		assert_int_equal(s.findings[i].what.type, made[i].type);
		assert_int_equal(s.findings[i].what.call, made[i].call);
		assert_int_equal(s.findings[i].what.flags, 5);
		assert_int_equal(s.findings[i].what.arg, 6);
		/* Of a socket that is no name, nor makes it any sense. */
		if (made[i].type == FD_SOCKET)
			assert_null(what_socket(&s.findings[i].what));
		else
			assert_string_equal(s.findings[i].what.path, "name");
	}
	stream_end(&s);
}

static void test_both_ends_of_a_pair(void **state)
{
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_PIPE2, .fd = 7, .fd2 = 8);
	CALL(&s, .call = CALL_SOCKETPAIR, .fd = 9, .fd2 = 10, .arg = 1);
	assert_int_equal(stream_counts(&s).live, 4);
	for (int fd = 7; fd <= 10; fd++)
		CLOSE(&s, fd);
	BAD_CLOSE(&s, 8);
	BAD_CLOSE(&s, 9);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[0].what.type, FD_PIPE);
	assert_int_equal(s.findings[1].what.type, FD_SOCKET);
	assert_int_equal(s.findings[1].what.arg, 1);
	stream_end(&s);
}

static void test_a_successful_close_proves_that_the_number_was_open(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	CLOSE(&s, 7, .stack = 2);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->opened.missing, SITE_OTHER_WAY);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->what.type, FD_UNKNOWN);
	stream_end(&s);

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_listed(&s, 64, s.now + MS);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.missing,
			 SITE_BEFORE_ATTACH);
	stream_end(&s);

	stream_begin(&s);
	stream_gap(&s);
	OPEN(&s, 20); /* the thread's next call comes after the loss */
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->opened.missing,
			 SITE_LOST);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_share_a_table),
		cmocka_unit_test(test_clone_files_shares_a_table_until_the_last_user_is_gone),
		cmocka_unit_test(test_fork_copies_lives_and_history),
		cmocka_unit_test(test_what_a_child_closes_stays_open_in_the_parent),
		cmocka_unit_test(test_unshare_takes_a_copy_of_the_threads_table),
		cmocka_unit_test(test_a_table_that_nobody_announced_is_in_doubt),
		cmocka_unit_test(test_a_process_without_a_table_learns_it_from_its_first_call),
		cmocka_unit_test(test_calls_of_a_process_never_added_are_ignored),
		cmocka_unit_test(test_a_reused_pid_starts_afresh),
		cmocka_unit_test(test_a_reused_table_address_starts_afresh),
		cmocka_unit_test(test_after_exit_nothing_of_a_process_is_left),
		cmocka_unit_test(test_exec_closes_what_is_close_on_exec),
		cmocka_unit_test(test_closed_before_exec_is_no_double_close_after),
		cmocka_unit_test(test_open_before_exec_and_closed_twice_after),
		cmocka_unit_test(test_after_exec_an_attached_process_is_seen_from_its_start),
		cmocka_unit_test(test_exec_leaves_a_shared_table),
		cmocka_unit_test(test_close_on_exec_of_each_call),
		cmocka_unit_test(test_set_fd_moves_the_close_on_exec_flag),
		cmocka_unit_test(test_dup2_ends_a_generation_and_begins_one),
		cmocka_unit_test(test_dup2_onto_itself_changes_nothing),
		cmocka_unit_test(test_signalfd_of_a_given_descriptor_changes_nothing),
		cmocka_unit_test(test_types_of_what_calls_make),
		cmocka_unit_test(test_both_ends_of_a_pair),
		cmocka_unit_test(test_a_successful_close_proves_that_the_number_was_open),
	};

	return cmocka_run_group_tests_name("lifecycle", tests, NULL, NULL);
}
