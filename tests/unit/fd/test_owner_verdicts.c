/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Whose descriptor a close ended: what Python's objects say, and what speaks where none does. */
#include "fd_stream.h"

#define A_FILE	 0x7f0000001000u
#define ANOTHER	 0x7f0000002000u
#define A_SOCKET 0x7f0000003000u
#define OTHER	 101u /* another thread */

/* What a thread's object says; what is not given is the first thread's file object's. */
struct said {
	uint32_t tid;
	uint64_t object;
	int32_t fd;
	uint8_t type, point, flags;
};

#define SAYS(s, which, number, ...)                           \
	stream_owner(s, &(struct said){.tid = PID,            \
				       .object = A_FILE,      \
				       .fd = number,          \
				       .type = OWNER_FILEIO,  \
				       .point = which,        \
				       .flags = OWNER_CLOSES, \
				       __VA_ARGS__})
#define OS_CLOSE(s, number, ...) CLOSE(s, number, .point = OWNER_OS_CLOSE, __VA_ARGS__)

static int stream_owner(struct stream *s, const struct said *said)
{
	struct record_owner record = {
		.h = {.size = sizeof(record), .type = RECORD_OWNER, .tgid = PID, .tid = said->tid},
		.table = TABLE,
		.object = said->object,
		.fd = said->fd,
		.type = said->type,
		.point = said->point,
		.flags = said->flags,
	};

	record.h.time_ns = s->now += 1000;
	return fd_owner(s->world, &record);
}

/* The object at its own close, which the kernel shows to have the number no more. */
#define OBJECT_CLOSES(s, number, ...) \
	(SAYS(s, OWNER_CLOSE, number, __VA_ARGS__), CLOSE(s, number, .owner = OWNER_LET_GO))

/* Open 7 at stack 1 by an object; os.close(7) at stack 2 behind its back. */
static void close_behind(struct stream *s)
{
	stream_begin(s);
	OPEN(s, 7, .name = "/first", .stack = 1);
	SAYS(s, OWNER_INIT, 7);
	OS_CLOSE(s, 7, .stack = 2, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
}

static void test_right_uses(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 3; i++) {
		OPEN(&s, 7, .stack = 1);
		SAYS(&s, OWNER_INIT, 7);
		OBJECT_CLOSES(&s, 7);
		OPEN(&s, 7, .stack = 2);
		OS_CLOSE(&s, 7);
		OPEN(&s, 7, .stack = 1);
		SAYS(&s, OWNER_INIT, 7, .object = A_SOCKET, .type = OWNER_SOCKET);
		SAYS(&s, OWNER_DETACH, 7, .object = A_SOCKET, .type = OWNER_SOCKET);
		OS_CLOSE(&s, 7, .owner = OWNER_LET_GO);
	}
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* Where a record of its own tells of os.close, as in older recordings. */
static void test_a_record_of_os_close(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	SAYS(&s, OWNER_INIT, 7);
	SAYS(&s, OWNER_OS_CLOSE, -1, .object = 0, .type = OWNER_NONE, .flags = 0);
	CLOSE(&s, 7, .stack = 2, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
	f = stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->bad.origin, ORIGIN_OS_CLOSE);
	stream_end(&s);
}

static void test_close_behind_the_owner(void **state)
{
	struct stream s;
	const struct finding *f;

	close_behind(&s);
	f = stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->owner.type, OWNER_FILEIO);
	assert_int_equal(f->bad.stack_id, 2);
	assert_int_equal(f->bad.origin, ORIGIN_OS_CLOSE);
	assert_int_equal(f->opened.stack_id, 1);
	assert_string_equal(f->what.path, "/first");
	assert_int_equal(f->closed.missing, SITE_NOT_APPLICABLE);
	stream_end(&s);
}

static void test_owner_fails_after(void **state)
{
	struct stream s;

	close_behind(&s);
	SAYS(&s, OWNER_WARN, 7);
	SAYS(&s, OWNER_CLOSE, 7);
	BAD_CLOSE(&s, 7, .stack = 3);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[1].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[1].culprit, CULPRIT_CLOSED);
	assert_int_equal(s.findings[1].bad.origin, ORIGIN_FINALIZER);
	assert_int_equal(s.findings[1].closed.stack_id, 2);
	assert_true(s.findings[1].proofs & PROOF_BEHIND);
	stream_end(&s);
}

static void test_owner_takes_anothers(void **state)
{
	struct stream s;
	const struct finding *f;

	close_behind(&s);
	OPEN(&s, 7, .name = "/second", .stack = 4, .tid = OTHER);
	SAYS(&s, OWNER_INIT, 7, .object = ANOTHER, .tid = OTHER);
	SAYS(&s, OWNER_CLOSE, 7, .flags = OWNER_CLOSES | OWNER_FINALIZING);
	CLOSE(&s, 7, .stack = 5, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(ANOTHER));
	SAYS(&s, OWNER_CLOSE, 7, .object = ANOTHER, .tid = OTHER);
	BAD_CLOSE(&s, 7, .stack = 6, .tid = OTHER);
	assert_int_equal(stream_settle(&s), 3);
	f = &s.findings[1];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->certainty, CERTAINTY_FACT);
	assert_int_equal(f->culprit, CULPRIT_CLOSED); /* the first close, behind its back */
	assert_int_equal(f->bad.stack_id, 5);
	assert_int_equal(f->bad.origin, ORIGIN_FINALIZER);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	assert_string_equal(f->what.path, "/first");
	assert_true(f->victim.known);
	assert_int_equal(f->victim.opened.stack_id, 4);
	assert_int_equal(f->victim.owner.type, OWNER_FILEIO);
	f = &s.findings[2];
	assert_int_equal(f->kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	assert_int_equal(f->closed.stack_id, 5);
	assert_int_equal(f->proofs, PROOF_STOLEN);
	stream_end(&s);
}

static void test_two_objects_one_number(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	SAYS(&s, OWNER_INIT, 7);
	SAYS(&s, OWNER_INIT, 7, .object = ANOTHER);
	OBJECT_CLOSES(&s, 7); /* no verdict: it may have meant to */
	assert_int_equal(s.count, 0);
	OPEN(&s, 7, .stack = 2);
	OBJECT_CLOSES(&s, 7, .object = ANOTHER);
	f = stream_only(&s, FINDING_REUSED_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->victim.opened.stack_id, 2);
	stream_end(&s);
}

/* libuv closes, and has the object let go of the number after. */
static void test_library_closes_then_detaches(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	SAYS(&s, OWNER_INIT, 7, .object = A_SOCKET, .type = OWNER_SOCKET);
	CLOSE(&s, 7, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_SOCKET));
	SAYS(&s, OWNER_DETACH, 7, .object = A_SOCKET, .type = OWNER_SOCKET);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_library_closes_then_the_object(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .name = "/first", .stack = 1);
	SAYS(&s, OWNER_INIT, 7);
	CLOSE(&s, 7, .stack = 2, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
	assert_int_equal(s.count, 0);
	SAYS(&s, OWNER_CLOSE, 7);
	BAD_CLOSE(&s, 7, .stack = 3);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[0].kind, FINDING_OWNED_CLOSE);
	assert_string_equal(s.findings[0].what.path, "/first");
	assert_int_equal(s.findings[1].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[1].culprit, CULPRIT_CLOSED);
	stream_end(&s);
}

/* What the object looks like proves it, and only of this very object. */
static void test_not_without_the_object(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	SAYS(&s, OWNER_INIT, 7);
	OS_CLOSE(&s, 7, .owner = OWNER_UNKNOWN);
	OPEN(&s, 8);
	SAYS(&s, OWNER_INIT, 8);
	OS_CLOSE(&s, 8, .owner = OWNER_LET_GO);
	OPEN(&s, 9);
	SAYS(&s, OWNER_INIT, 9);
	OS_CLOSE(&s, 9, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(ANOTHER));
	OPEN(&s, 10);
	OS_CLOSE(&s, 10, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_not_across_a_gap(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	SAYS(&s, OWNER_INIT, 7);
	stream_gap(&s);
	OS_CLOSE(&s, 7, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
	OPEN(&s, 7);
	OBJECT_CLOSES(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_redirected_number_stays_the_objects(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	SAYS(&s, OWNER_INIT, 7);
	OPEN(&s, 8);
	CALL(&s, .call = CALL_DUP2, .fd = 8, .fd2 = 7, .ret = 7);
	OBJECT_CLOSES(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	CALL(&s, .call = CALL_DUP2, .fd = 8, .fd2 = 7, .ret = 7);
	SAYS(&s, OWNER_INIT, 7);
	CALL(&s, .call = CALL_DUP2, .fd = 8, .fd2 = 7, .ret = 7);
	OS_CLOSE(&s, 7, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
	stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_warning_in_between(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	SAYS(&s, OWNER_INIT, 7);
	SAYS(&s, OWNER_CLOSE, 7, .flags = OWNER_CLOSES | OWNER_FINALIZING);
	OPEN(&s, 8); /* the warning looks for the source line */
	SAYS(&s, OWNER_INIT, 8, .object = ANOTHER);
	OBJECT_CLOSES(&s, 8, .object = ANOTHER);
	CLOSE(&s, 7, .owner = OWNER_LET_GO);
	assert_int_equal(stream_settle(&s), 0);
	BAD_CLOSE(&s, 7);
	assert_int_equal(stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT)->closed.origin,
			 ORIGIN_FINALIZER);
	stream_end(&s);
}

/* A thread is kept from returning from its close while another uses the number many times. */
static void test_late_close_of_an_object(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	SAYS(&s, OWNER_INIT, 7);
	SAYS(&s, OWNER_CLOSE, 7);
	for (int i = 0; i < 20; i++) {
		OPEN(&s, 7, .tid = OTHER);
		SAYS(&s, OWNER_INIT, 7, .object = ANOTHER, .tid = OTHER);
		if (i == 19)
			CLOSE(&s, 7, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(ANOTHER));
		SAYS(&s, OWNER_CLOSE, 7, .object = ANOTHER, .tid = OTHER);
		CLOSE(&s, 7, .tid = OTHER, .owner = OWNER_LET_GO);
	}
	assert_int_equal(stream_settle(&s), 0);
	assert_int_equal(stream_counts(&s).live, 0);
	stream_end(&s);
}

static void test_late_close_of_a_bare_number(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	for (int i = 0; i < 20; i++) {
		OPEN(&s, 7, .tid = OTHER);
		SAYS(&s, OWNER_INIT, 7, .object = ANOTHER, .tid = OTHER);
		if (i == 19)
			OS_CLOSE(&s, 7, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(ANOTHER));
		SAYS(&s, OWNER_CLOSE, 7, .object = ANOTHER, .tid = OTHER);
		CLOSE(&s, 7, .tid = OTHER, .owner = OWNER_LET_GO);
	}
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_fork_inherits(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	SAYS(&s, OWNER_INIT, 7);
	assert_int_equal(stream_fork(&s, CHILD, TABLE2, false), 0);
	CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2, .owner = OWNER_HOLDS,
	      .owner_low =
		      (uint32_t)(A_FILE)); /* C code: not said before the object closes it, too */
	OBJECT_CLOSES(&s, 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_blind_loop_over_owned_numbers(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 5);
	SAYS(&s, OWNER_INIT, 5);
	for (int fd = 3; fd < 40; fd++) {
		if (fd == 5)
			OS_CLOSE(&s, fd, .stack = 9, .owner = OWNER_HOLDS,
				 .owner_low = (uint32_t)(A_FILE));
		else
			OS_CLOSE(&s, fd, .stack = 9, .ret = -EBADF);
	}
	stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_many_closed_behind(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 3; fd < 20; fd++) {
		OPEN(&s, fd);
		SAYS(&s, OWNER_INIT, fd, .object = A_FILE + fd);
	}
	for (int fd = 3; fd < 20; fd++)
		OS_CLOSE(&s, fd, .stack = 9, .owner = OWNER_HOLDS,
			 .owner_low = (uint32_t)(A_FILE + fd));
	assert_int_equal(stream_settle(&s), 17);
	stream_end(&s);
}

/* Bare numbers: thread PID opens 7 (stack 1), closes it (2); OTHER opens it anew (4). */
static void bare_numbers(struct stream *s)
{
	stream_begin(s);
	OPEN(s, 7, .stack = 1);
	CLOSE(s, 7, .stack = 2);
	OPEN(s, 7, .stack = 4, .tid = OTHER);
}

static void test_reused_by_thread(void **state)
{
	struct stream s;
	const struct finding *f;

	bare_numbers(&s);
	CLOSE(&s, 7, .stack = 3);
	READ(&s, 7, .stack = 5, .tid = OTHER);
	f = stream_only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->victim.opened.stack_id, 4);
	assert_int_equal(f->victim.failed.stack_id, 5);
	assert_int_equal(f->proofs, PROOF_SAME_THREAD | PROOF_VICTIM_FAILED);
	stream_end(&s);
}

static void test_reused_by_site(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 4); /* who opens there closes at stack 6 */
	CLOSE(&s, 7, .stack = 6);
	OPEN(&s, 7, .stack = 1);
	CLOSE(&s, 7, .stack = 3);
	OPEN(&s, 7, .stack = 4);
	CLOSE(&s, 7, .stack = 3);
	BAD_CLOSE(&s, 7, .stack = 6);
	f = stream_only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED);
	assert_int_equal(f->proofs, PROOF_SAME_SITE | PROOF_VICTIM_FAILED);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->victim.failed.stack_id, 6);
	stream_end(&s);
}

/* To close what others have opened is what this site does. */
static void test_not_a_site_that_closes_for_others(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 4, .tid = OTHER);
	CLOSE(&s, 7, .stack = 3);
	OPEN(&s, 7, .stack = 1);
	CLOSE(&s, 7, .stack = 3);
	OPEN(&s, 7, .stack = 4, .tid = OTHER);
	CLOSE(&s, 7, .stack = 3);
	BAD_CLOSE(&s, 7, .stack = 6, .tid = OTHER);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

/* Its own error is no victim's. */
static void test_not_its_own_failure(void **state)
{
	struct stream s;

	bare_numbers(&s);
	CLOSE(&s, 7, .stack = 3);
	BAD_CLOSE(&s, 7, .stack = 5);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

static void test_bare_number_that_an_object_has_now(void **state)
{
	struct stream s;
	const struct finding *f;

	bare_numbers(&s);
	SAYS(&s, OWNER_INIT, 7, .tid = OTHER);
	OS_CLOSE(&s, 7, .stack = 3, .owner = OWNER_HOLDS, .owner_low = (uint32_t)(A_FILE));
	f = stream_only(&s, FINDING_REUSED_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->victim.owner.type, OWNER_FILEIO);
	assert_int_equal(f->proofs, PROOF_SAME_THREAD | PROOF_OWNER_LIVES);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_uses),
		cmocka_unit_test(test_a_record_of_os_close),
		cmocka_unit_test(test_close_behind_the_owner),
		cmocka_unit_test(test_owner_fails_after),
		cmocka_unit_test(test_owner_takes_anothers),
		cmocka_unit_test(test_two_objects_one_number),
		cmocka_unit_test(test_library_closes_then_detaches),
		cmocka_unit_test(test_library_closes_then_the_object),
		cmocka_unit_test(test_not_without_the_object),
		cmocka_unit_test(test_not_across_a_gap),
		cmocka_unit_test(test_redirected_number_stays_the_objects),
		cmocka_unit_test(test_warning_in_between),
		cmocka_unit_test(test_late_close_of_an_object),
		cmocka_unit_test(test_late_close_of_a_bare_number),
		cmocka_unit_test(test_fork_inherits),
		cmocka_unit_test(test_blind_loop_over_owned_numbers),
		cmocka_unit_test(test_many_closed_behind),
		cmocka_unit_test(test_reused_by_thread),
		cmocka_unit_test(test_reused_by_site),
		cmocka_unit_test(test_not_a_site_that_closes_for_others),
		cmocka_unit_test(test_not_its_own_failure),
		cmocka_unit_test(test_bare_number_that_an_object_has_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
