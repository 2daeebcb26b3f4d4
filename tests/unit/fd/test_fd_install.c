/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the kernel was seen to do in the midst of a call: to install, to look up. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "fd_stream.h"

#define INSTALL(s, number, ...) CALL(s, .call = CALL_INSTALLED, .ret = number, __VA_ARGS__)

static uint16_t nr_of(const char *name)
{
	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++)
		if (syscall_name(nr) && !strcmp(syscall_name(nr), name))
			return nr;
	fail_msg("no system call is named %s", name);
	return 0;
}

static void test_it_is_where_the_generation_began(void **state)
{
	const struct finding *f;
	struct stream s;
	char unused[24];

	stream_begin(&s);
	INSTALL(&s, 7, .nr = nr_of("recvmsg"), .arg = S_IFSOCK, .stack = 1);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->what.type, FD_SOCKET);
	assert_int_equal(f->opened.stack_id, 1);
	assert_string_equal(call_name(f->opened.call, f->opened.nr, unused), "recvmsg");
	stream_end(&s);
}

/* Of no kind, by a call that no hook shows: only if nothing else can have made it. */
static void test_the_call_says_what_it_is(void **state)
{
	static const struct {
		uint32_t arg;
		enum fd_type type;
	} cases[] = {{0, FD_UNKNOWN},
		     {INSTALLED_BY_CALL, FD_OTHER},
		     {INSTALLED_BY_CALL | S_IFIFO, FD_PIPE}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stream s;

		stream_begin(&s);
		INSTALL(&s, 7, .nr = nr_of("perf_event_open"), .arg = cases[i].arg);
		CLOSE(&s, 7);
		BAD_CLOSE(&s, 7);
		assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->what.type,
				 cases[i].type);
		stream_end(&s);
	}
}

static void test_close_on_exec(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	INSTALL(&s, 7, .nr = nr_of("recvmsg"), .flags = O_CLOEXEC);
	INSTALL(&s, 8, .nr = nr_of("recvmsg"));
	stream_exec(&s, PID, TABLE);
	BAD_CLOSE(&s, 7);
	CLOSE(&s, 8);
	BAD_CLOSE(&s, 8);
	assert_int_equal(stream_settle(&s), 2);
	f = &s.findings[s.findings[0].fd == 7 ? 0 : 1];
	assert_int_equal(f->kind, FINDING_BAD_FD);
	stream_end(&s);
}

/* With an io_uring in the process both records come: one generation. */
static void test_the_end_of_the_call_tells_more(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	INSTALL(&s, 7, .nr = nr_of("openat"), .arg = S_IFREG);
	OPEN(&s, 7, .nr = nr_of("openat"), .name = "/etc/hostname", .stack = 2);
	assert_int_equal(stream_counts(&s).live, 1);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_string_equal(f->what.path, "/etc/hostname");
	assert_int_equal(f->opened.stack_id, 2);
	stream_end(&s);
}

static void test_both_of_a_pair(void **state)
{
	struct stream s;

	stream_begin(&s);
	INSTALL(&s, 7, .nr = nr_of("pipe2"), .arg = S_IFIFO);
	INSTALL(&s, 8, .nr = nr_of("pipe2"), .arg = S_IFIFO);
	CALL(&s, .call = CALL_PIPE2, .nr = nr_of("pipe2"), .fd = 7, .fd2 = 8);
	assert_int_equal(stream_counts(&s).live, 2);
	CLOSE(&s, 7);
	CLOSE(&s, 8);
	assert_int_equal(stream_counts(&s).live, 0);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* Another thread has closed it, and got its number, before the call that made it is over. */
static void test_closed_before_the_call_is_over(void **state)
{
	struct stream s;

	stream_begin(&s);
	INSTALL(&s, 7, .nr = nr_of("openat"));
	CLOSE(&s, 7, .tid = 101);
	OPEN(&s, 7, .tid = 101, .nr = nr_of("openat"));
	OPEN(&s, 7, .nr = nr_of("openat"));
	assert_int_equal(stream_counts(&s).live, 1);
	CLOSE(&s, 7, .tid = 101);
	assert_int_equal(stream_counts(&s).live, 0);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* The same thread's next call of the same name makes another one. */
static void test_another_call(void **state)
{
	struct stream s;

	stream_begin(&s);
	INSTALL(&s, 7, .nr = nr_of("openat"));
	OPEN(&s, 7, .nr = nr_of("openat"));
	CLOSE(&s, 7);
	OPEN(&s, 7, .nr = nr_of("openat"));
	assert_int_equal(stream_counts(&s).live, 1);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* What clone() has told the parent of its child was not there when the child got its copy. */
static void test_the_childs_pidfd_is_the_parents_alone(void **state)
{
	struct stream s;

	stream_begin(&s);
	INSTALL(&s, 6, .nr = nr_of("recvmsg"));
	INSTALL(&s, 7, .nr = nr_of("clone3"), .flags = O_CLOEXEC);
	stream_fork(&s, CHILD, TABLE2, false);
	assert_int_equal(stream_counts(&s).live, 3);
	CLOSE(&s, 6, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	CLOSE(&s, 7);
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_BAD_FD);
	assert_int_equal(s.findings[0].tgid, CHILD);
	stream_end(&s);
}

/* What an io_uring closes: in no call of its own, by no number that its call was given. */
static void test_removed_by_a_ring(void **state)
{
	const struct finding *f;
	struct stream s;
	char unused[24];

	stream_begin(&s);
	CALL(&s, .call = CALL_IO_URING_SETUP, .ret = 3, .arg = RING_TOLD);
	OPEN(&s, 7, .stack = 1);
	CALL(&s, .call = CALL_REMOVED, .nr = nr_of("io_uring_enter"), .fd = 7, .stack = 2);
	assert_int_equal(stream_counts(&s).live, 1);
	BAD_CLOSE(&s, 7);
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->closed.stack_id, 2);
	assert_string_equal(call_name(f->closed.call, f->closed.nr, unused), "io_uring_enter");
	stream_end(&s);
}

/* Numbers that it opens and closes unseen would make every miss doubtful. */
static void expect_doubt(bool told, bool listed)
{
	struct fd_what ring = {.path = "anon_inode:[io_uring]", .arg = told ? RING_TOLD : 0};
	struct stream s;

	stream_begin_with(&s, NULL, listed ? FD_FROM_ATTACH : FD_FROM_START);
	if (listed) {
		fd_snapshot_fd(s.world, PID, 3, &ring, true);
		stream_listed(&s, 64, stream_last(&s));
	} else {
		CALL(&s, .call = CALL_IO_URING_SETUP, .ret = 3, .arg = ring.arg);
	}
	OPEN(&s, 10); /* what this thread does from here on is later than the list */
	OPEN(&s, 7);
	CALL(&s, .call = CALL_CLOSE_RANGE, .fd = 5, .fd2 = 9);
	BAD_CLOSE(&s, 7);
	stream_only(&s, FINDING_DOUBLE_CLOSE, told ? CERTAINTY_FACT : CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_a_ring_that_is_told_leaves_no_doubt(void **state)
{
	expect_doubt(true, false);
	expect_doubt(true, true);
	expect_doubt(false, false);
	expect_doubt(false, true);
}

/* What the kernel's table held: a file system's EBADF frees the number. */

#define FOUND(state) .still_open = (state) << 2

static void test_a_file_systems_ebadf_ends_a_generation(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	BAD_CLOSE(&s, 7, .stack = 2, FOUND(TABLE_HELD));
	assert_int_equal(stream_settle(&s), 0);
	BAD_CLOSE(&s, 7, .stack = 3, FOUND(TABLE_MISSED));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[0].certainty, CERTAINTY_FACT);
	assert_int_equal(s.findings[0].closed.stack_id, 2);
	stream_end(&s);
}

/* Opened again in a way that nobody saw. */
static void test_a_file_systems_ebadf_accuses_nobody(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7, FOUND(TABLE_HELD));
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_what_may_be_a_file_systems_is_no_fact(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	BAD_CLOSE(&s, 7, FOUND(TABLE_MAY_HOLD));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].certainty, CERTAINTY_SUSPECTED);
	assert_true(s.findings[0].notes & NOTE_FLUSH);
	stream_end(&s);
}

static void test_it_ends_a_generation_that_no_other_close_ended(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	BAD_CLOSE(&s, 7, .stack = 2, FOUND(TABLE_MAY_HOLD));
	stream_wait(&s, SETTLE_NS + 1);
	BAD_CLOSE(&s, 7, .stack = 3, FOUND(TABLE_MISSED));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].certainty, CERTAINTY_SUSPECTED);
	assert_int_equal(s.findings[0].closed.stack_id, 2);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_systems_ebadf_ends_a_generation),
		cmocka_unit_test(test_a_file_systems_ebadf_accuses_nobody),
		cmocka_unit_test(test_what_may_be_a_file_systems_is_no_fact),
		cmocka_unit_test(test_it_ends_a_generation_that_no_other_close_ended),
		cmocka_unit_test(test_it_is_where_the_generation_began),
		cmocka_unit_test(test_the_call_says_what_it_is),
		cmocka_unit_test(test_close_on_exec),
		cmocka_unit_test(test_the_end_of_the_call_tells_more),
		cmocka_unit_test(test_both_of_a_pair),
		cmocka_unit_test(test_closed_before_the_call_is_over),
		cmocka_unit_test(test_another_call),
		cmocka_unit_test(test_the_childs_pidfd_is_the_parents_alone),
		cmocka_unit_test(test_removed_by_a_ring),
		cmocka_unit_test(test_a_ring_that_is_told_leaves_no_doubt),
	};

	return cmocka_run_group_tests_name("installed", tests, NULL, NULL);
}
