/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Numbers that dup2() and close_range() take from an object that has them. */
#include "callers.h"

#define DUP_ONTO(s, number, ...) \
	CALL(s, .call = CALL_DUP2, .fd = 20, .fd2 = number, .ret = number, __VA_ARGS__)
#define RANGE(s, first, last, ...)                                                          \
	CALL(s, .call = CALL_CLOSE_RANGE, .fd = first, .fd2 = last, .arg = RANGE_MADE_TOLD, \
	     .point = OWNER_ELSEWHERE, __VA_ARGS__)

static void open_file(struct stream *s, int32_t fd)
{
	OPEN(s, fd, .stack = 3, BY(PLAIN(OPEN_B)));
}

/* close_range() of one number is os.close() by another name. */
static void test_range_of_one(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	open_file(&s, 7);
	RANGE(&s, 7, 7, .stack = 4, BY(PLAIN(CLOSE_B)), FILE_CLAIM(&s, OWNER_HOLDS));
	f = only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->bad.call, CALL_CLOSE_RANGE);
	assert_int_equal(f->bad.origin, ORIGIN_UNKNOWN);
	stream_end(&s);
}

/* The number had been the caller's own before. */
static void test_range_of_a_stale_one(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	open_file(&s, 7);
	RANGE(&s, 7, 7, .stack = 4, BY(METHOD(AGAIN, AN_A)), FILE_CLAIM(&s, OWNER_HOLDS));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.opened.stack_id, 3);
	stream_end(&s);
}

/* An object that lets go of its number at a close_range has nothing taken away. */
static void test_range_of_who_lets_go(void **state)
{
	struct stream s;

	stream_begin(&s);
	open_file(&s, 7);
	RANGE(&s, 7, 7, .stack = 4, BY(PLAIN(CLOSE_B)), FILE_CLAIM(&s, OWNER_LET_GO));
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* A sweep is nothing, until the object closes its number. */
static void test_range_of_many(void **state)
{
	const struct finding *f;
	struct stream s;
	uint64_t since;

	stream_begin(&s);
	open_file(&s, 7);
	since = stream_last(&s);
	RANGE(&s, 3, 1000, .stack = 4, BY(PLAIN(CLOSE_B)));
	assert_int_equal(s.count, 0);
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(MAIN)), .point = OWNER_ELSEWHERE,
		  FILE_CLAIM_SINCE(since, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	f = stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	assert_int_equal(f->closed.stack_id, 4);
	stream_end(&s);
}

/* The child of a fork may be about to exec. */
static void test_range_in_a_child(void **state)
{
	struct stream s;
	uint64_t since;

	stream_begin(&s);
	open_file(&s, 7);
	since = stream_last(&s);
	assert_int_equal(stream_fork(&s, CHILD, TABLE2, false), 0);
	RANGE(&s, 7, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2, .stack = 4,
	      BY(PLAIN(CLOSE_B)), FILE_CLAIM_SINCE(since, OWNER_HOLDS, .flags = CLAIM_PARENTS));
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* Who redirects what an object has does so on purpose. */
static void test_dup_redirects(void **state)
{
	struct stream s;

	stream_begin(&s);
	open_file(&s, 7);
	OPEN(&s, 20, .stack = 1, BY(METHOD(INIT, AN_A)));
	DUP_ONTO(&s, 7, .stack = 4, BY(METHOD(AGAIN, AN_A)), FILE_CLAIM(&s, OWNER_HOLDS));
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void rob_by_dup(struct stream *s, int32_t fd, uint64_t closer)
{
	stream_begin(s);
	OPEN(s, 20, .stack = 9, BY(PLAIN(MAIN)));
	OPEN(s, fd, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(s, fd, .stack = 2, BY(METHOD(CLOSE_IT, closer)));
	open_file(s, fd);
	DUP_ONTO(s, fd, .stack = 4, BY(METHOD(AGAIN, AN_A)), FILE_CLAIM(s, OWNER_HOLDS));
}

/* But not what it had closed itself, before the object got it. */
static void test_dup_onto_a_stale_one(void **state)
{
	const struct finding *f;
	struct stream s;

	rob_by_dup(&s, 7, AN_A);
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->fd, 7);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.opened.stack_id, 3);
	stream_end(&s);
}

/* Standard streams are there to be redirected; and what another closed may have been its own. */
static void test_dup_onto_what_may_be(void **state)
{
	struct stream s;

	rob_by_dup(&s, 1, AN_A);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
	rob_by_dup(&s, 7, ANOTHER);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_of_one),
		cmocka_unit_test(test_range_of_a_stale_one),
		cmocka_unit_test(test_range_of_who_lets_go),
		cmocka_unit_test(test_range_of_many),
		cmocka_unit_test(test_range_in_a_child),
		cmocka_unit_test(test_dup_redirects),
		cmocka_unit_test(test_dup_onto_a_stale_one),
		cmocka_unit_test(test_dup_onto_what_may_be),
	};

	return cmocka_run_group_tests_name("other_ends", tests, NULL, NULL);
}
