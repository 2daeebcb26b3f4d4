/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Whose number it was, where no object tells; and what keeps it from being proven. */
#include "callers.h"

/* Activations */

/* A thread closes its number twice; another connects between. */
static void test_activation_robs_an_object(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(STEP)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(STEP)), .point = OWNER_OS_CLOSE);
	OPEN(&s, 7, .stack = 3, .tid = OTHER, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 3, .tid = OTHER, BY(PLAIN(OPEN_B)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	OPEN(&s, 7, .stack = 5, .tid = OTHER, BY(PLAIN(OPEN_B)));
	stream_wait(&s, 2 * SETTLE_NS);
	CLOSE(&s, 7, .stack = 6, .enter_ns = stream_last(&s), BY(PLAIN(STEP)),
	      .point = OWNER_OS_CLOSE, FILE_CLAIM(&s, OWNER_HOLDS));
	assert_int_equal(stream_settle(&s), 1);
	f = &s.findings[0];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->attribution, ATTRIBUTION_PROVEN);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->bad.stack_id, 6);
	assert_true(f->proofs & PROOF_ACTIVATION);
	stream_end(&s);
}

/* A pipe is closed, an import borrows its number, the pipe is closed again, by other functions. */
static void test_import_between(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_PIPE2, .fd = 7, .fd2 = 8, .stack = 1, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(HELPER(CLOSE_IT), PLAIN(MAIN)));
	OPEN(&s, 7, .stack = 90, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 91, BY(PLAIN(OPEN_B), PLAIN(MAIN)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	BAD_CLOSE(&s, 7, .stack = 4, BY(HELPER(AGAIN), PLAIN(MAIN)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* The same with a use. */
static void test_use_after_import(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_PIPE2, .fd = 7, .fd2 = 8, .stack = 1, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(HELPER(CLOSE_IT), PLAIN(MAIN)));
	OPEN(&s, 7, .stack = 90, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 91, BY(PLAIN(OPEN_B), PLAIN(MAIN)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	READ(&s, 7, .stack = 4, BY(PLAIN(MAIN)));
	f = only(&s, FINDING_USE_AFTER_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* Called from one line in a loop: a new activation at the address of the old one. Never proven. */
static void test_dispatcher(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(STEP)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(STEP)));
	OPEN(&s, 7, .stack = 3, .tid = OTHER, BY(PLAIN(OPEN_B)));
	/* The other thread's number, which it has been given. */
	CLOSE(&s, 7, .stack = 4, .enter_ns = stream_last(&s), BY(PLAIN(STEP)));
	BAD_CLOSE(&s, 7, .stack = 5, .enter_ns = stream_last(&s), .tid = OTHER, BY(PLAIN(OPEN_B)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_not_equal(s.findings[0].attribution, ATTRIBUTION_PROVEN);
	stream_end(&s);
}

/* A text that says what to do is another activation's if it is another. */
static void test_first_local_differs(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(STEP, 0x77, .kind = LOCAL_COMMON)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(STEP, 0x78, .kind = LOCAL_COMMON)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(METHOD(STEP, 0x78, .kind = LOCAL_COMMON)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_LIKELY);
	stream_end(&s);
}

/* A number that is a function's own, closed twice by it. */
static void test_activation_closes_twice(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(STEP)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(STEP)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(PLAIN(STEP)));
	only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	stream_end(&s);
}

/* Functions */

/* Two functions that close what they are given: one has closed its own twice. */
static void test_raw_number(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(HELPER(CLOSE_IT), PLAIN(MAIN)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 4, BY(HELPER(CLOSE_IT), PLAIN(MAIN)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(HELPER(CLOSE_B), PLAIN(MAIN)));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.failed.stack_id, 5);
	stream_end(&s);
}

/* A function that closes whatever it is given is not accused so. */
static void test_common_closer(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 5; i++) {
		OPEN(&s, 7, .stack = 10 + i, BY(PLAIN(MAIN)));
		CLOSE(&s, 7, .stack = 20 + i, BY(HELPER(CLOSE_IT), PLAIN(MAIN)));
	}
	BAD_CLOSE(&s, 7, .stack = 5, BY(HELPER(CLOSE_B), PLAIN(MAIN)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[0].culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* What a function closes tells what it means: the pool's is not what was opened last. */
static void test_pair_tells(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 3; i++) {
		OPEN(&s, 7, .stack = 1, BY(PLAIN(OPEN_B)));
		CLOSE(&s, 7, .stack = 2, BY(PLAIN(CLOSE_B)));
	}
	OPEN(&s, 7, .stack = 3, BY(PLAIN(TAKE)));
	CLOSE(&s, 7, .stack = 4, BY(PLAIN(STEP)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(CLOSE_B)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_OPEN);
	assert_int_equal(f->candidates[0].closed.stack_id, 2);
	stream_end(&s);
}

/* Order and gaps */

/* A number that was opened in a way that was not seen, after the one that was meant. */
static void test_gap_is_not_proven(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	CLOSE(&s, 7, .stack = 3, BY(PLAIN(CLOSE_B)));
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)));
	assert_int_equal(stream_settle(&s), 1);
	f = &s.findings[0];
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->attribution, ATTRIBUTION_LIKELY);
	assert_int_equal(f->certainty, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

/* The same when it has left the history. */
static void test_forgotten_gap(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	CLOSE(&s, 7, .stack = 3, BY(PLAIN(CLOSE_B)));
	for (int i = 0; i < 10; i++)
		borrow(&s, 7);
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].closed.stack_id, 2);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_LIKELY);
	stream_end(&s);
}

/* Programs */

/* A child has its parent's objects, and what they opened. */
static void test_fork_inherits(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	stream_fork(&s, CHILD, TABLE2, false);
	CLOSE(&s, 7, .stack = 2, .tgid = CHILD, .tid = CHILD, .table = TABLE2,
	      BY(METHOD(CLOSE_IT, AN_A)));
	OPEN(&s, 7, .stack = 3, .tgid = CHILD, .tid = CHILD, .table = TABLE2, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 3, .tgid = CHILD, .tid = CHILD, .table = TABLE2, BY(PLAIN(OPEN_B)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	BAD_CLOSE(&s, 7, .stack = 4, .tgid = CHILD, .tid = CHILD, .table = TABLE2,
		  BY(METHOD(CLOSE_IT, AN_A)));
	assert_int_equal(stream_settle(&s), 1);
	f = &s.findings[0];
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->attribution, ATTRIBUTION_PROVEN);
	/* The parent has its own still. */
	assert_int_equal(CLOSE(&s, 7, .stack = 5, BY(METHOD(CLOSE_IT, AN_A))), 0);
	assert_int_equal(stream_settle(&s), 1);
	stream_end(&s);
}

/* Another program has nobody of those; at the same addresses others lie. */
static void test_exec_forgets(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	OPEN(&s, 8, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 8, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	stream_exec(&s, PID, TABLE);
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(METHOD(CLOSE_IT, AN_A)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_LIKELY);
	stream_end(&s);
}

/* Nobody knows who called: all as it was. */
static void test_unknown_callers(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1);
	CLOSE(&s, 7, .stack = 2);
	OPEN(&s, 7, .stack = 3);
	CLOSE(&s, 7, .stack = 4);
	BAD_CLOSE(&s, 7, .stack = 5);
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_NONE);
	assert_int_equal(f->closed.stack_id, 4);
	stream_end(&s);
}

/* What holders keep is bounded, and given back. */
static void test_holders_are_bounded(void **state)
{
	const struct fd_limits limits = {.bytes = 1 << 20};
	struct stream s;

	stream_begin_with(&s, &limits, FD_FROM_START);
	for (int i = 0; i < 100000; i++) {
		OPEN(&s, i % 50, .stack = 1, BY(METHOD(INIT, AN_A + 64 * i)));
		CLOSE(&s, i % 50, .stack = 2, BY(METHOD(CLOSE_IT, AN_A + 64 * i)));
		assert_true(stream_counts(&s).bytes < limits.bytes);
	}
	assert_true(stream_counts(&s).bytes > 100000);
	assert_int_equal(stream_counts(&s).forgotten, 0);
	stream_exit(&s, PID, TABLE);
	assert_true(stream_counts(&s).bytes < 1000);
	stream_end(&s);
}

/* A function opens and closes within itself: who called it need not mean that, where another had
 * the number before. */
static void test_use_after_a_function(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A), PLAIN(MAIN)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 4, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	READ(&s, 7, .stack = 5, BY(HELPER(HELP), PLAIN(MAIN)));
	f = only(&s, FINDING_USE_AFTER_CLOSE, CERTAINTY_FACT, ATTRIBUTION_OPEN);
	assert_int_equal(f->candidate_count, 2);
	stream_end(&s);
}

/* Whichever number was meant, the function at hand had closed it. */
static void test_one_closer(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(STEP)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(TAKE, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_LIKELY);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* That goes for what the history has no room for: there, too, one function may have closed all. */
static void test_one_closer_of_many(void **state)
{
	for (int other = 0; other < 2; other++) {
		struct stream s;

		stream_begin(&s);
		OPEN(&s, 7, .stack = 5, BY(PLAIN(BASE)));
		if (other)
			CLOSE(&s, 7, .stack = 6, BY(METHOD(CLOSE_IT, AN_A)));
		else
			CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A)));
		for (int i = 0; i < 4; i++) {
			OPEN(&s, 7, .stack = 1, BY(PLAIN(OPEN_B)));
			CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A)));
			OPEN(&s, 7, .stack = 3, BY(PLAIN(STEP)));
			CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A)));
		}
		BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(TAKE, AN_A)));
		only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT,
		     other ? ATTRIBUTION_OPEN : ATTRIBUTION_LIKELY);
		stream_end(&s);
	}
}

/* The same, and an object had the number since: its close is not the one before. */
static void test_one_closer_before_an_object(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(INIT)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(STEP)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, ANOTHER)), .tid = OTHER);
	borrow(&s, 7);
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(TAKE, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	stream_end(&s);
}

/* An object's method uses what its thread has lost to a thief, not what a file of its had before.
 */
static void test_use_of_what_was_taken(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, .tid = OTHER, BY(METHOD(TAKE, ANOTHER)));
	CLOSE(&s, 7, .stack = 2, .tid = OTHER, BY(METHOD(TAKE, ANOTHER)));
	OPEN(&s, 7, .stack = 90, BY(METHOD(STEP, AN_A)));
	CLOSE(&s, 7, .stack = 91, BY(METHOD(STEP, AN_A)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	stream_wait(&s, 2 * SETTLE_NS);
	CLOSE(&s, 7, .stack = 4, .tid = OTHER, .enter_ns = stream_last(&s),
	      BY(METHOD(TAKE, ANOTHER)));
	READ(&s, 7, .stack = 5, .enter_ns = stream_last(&s), BY(METHOD(AGAIN, AN_A)));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.opened.stack_id, 3);
	stream_end(&s);
}

/*
 * A file's number is closed, and a socket gets it, before the file's object shows: the object is
 * not the socket's, whose thread closes it by right.
 */
static void test_object_of_what_was_taken(void **state)
{
	const struct finding *f;
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, .name = "/first", BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 2, .tid = OTHER, BY(PLAIN(STEP)), .point = OWNER_OS_CLOSE);
	CALL(&s, .call = CALL_ACCEPT4, .fd = 3, .ret = 7, .stack = 3, .tid = OTHER,
	     BY(PLAIN(STEP)));
	claim = (struct record_claim){.object = A_FILE,
				      .type = FILES,
				      .since_ns = stream_last(&s),
				      .kind = OWNER_FILEIO,
				      .state = OWNER_HOLDS};
	CLOSE(&s, 7, .stack = 4, .tid = OTHER, BY(PLAIN(STEP)), .point = OWNER_OS_CLOSE,
	      .claims = &claim, .nclaims = 1);
	claim.state = OWNER_LET_GO;
	claim.flags = CLAIM_AT_HAND;
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(OPEN_B)), .point = OWNER_ELSEWHERE, .claims = &claim,
		  .nclaims = 1);
	assert_int_equal(stream_settle(&s), 1);
	f = &s.findings[0];
	assert_int_equal(f->bad.stack_id, 5);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_closer),
		cmocka_unit_test(test_one_closer_of_many),
		cmocka_unit_test(test_one_closer_before_an_object),
		cmocka_unit_test(test_use_of_what_was_taken),
		cmocka_unit_test(test_object_of_what_was_taken),
		cmocka_unit_test(test_activation_robs_an_object),
		cmocka_unit_test(test_import_between),
		cmocka_unit_test(test_use_after_import),
		cmocka_unit_test(test_use_after_a_function),
		cmocka_unit_test(test_dispatcher),
		cmocka_unit_test(test_first_local_differs),
		cmocka_unit_test(test_activation_closes_twice),
		cmocka_unit_test(test_raw_number),
		cmocka_unit_test(test_common_closer),
		cmocka_unit_test(test_pair_tells),
		cmocka_unit_test(test_gap_is_not_proven),
		cmocka_unit_test(test_forgotten_gap),
		cmocka_unit_test(test_fork_inherits),
		cmocka_unit_test(test_exec_forgets),
		cmocka_unit_test(test_unknown_callers),
		cmocka_unit_test(test_holders_are_bounded),
	};

	return cmocka_run_group_tests_name("attribution_code", tests, NULL, NULL);
}
