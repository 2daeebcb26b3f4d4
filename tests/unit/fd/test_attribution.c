/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Whose number it was, by the objects that open and close: proven, likely, or left open. */
#include "callers.h"

/* Receivers */

/* close() and __exit__ of one object; a file had the number between, and has it no more. */
static void test_receiver_closes_twice(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	borrow(&s, 7);
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(AGAIN, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->bad.stack_id, 4);
	assert_true(f->notes & NOTE_REOPENED_SINCE);
	assert_true(f->proofs & PROOF_RECEIVER);
	stream_end(&s);
}

/* However many generations there were since. */
static void test_receiver_is_remembered(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	for (int i = 0; i < 60; i++)
		borrow(&s, 7);
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* The second close succeeds: it takes a file's number. */
static void test_receiver_robs_an_object(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)), .point = OWNER_OS_CLOSE);
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)), .point = OWNER_OS_CLOSE,
	      FILE_CLAIM(&s, OWNER_HOLDS));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->victim.opened.stack_id, 3);
	stream_end(&s);
}

/* The same, and the victim is a bare number: another object of the class may have been given it. */
static void test_receiver_robs_a_number(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)));
	READ(&s, 7, .stack = 5, BY(PLAIN(OPEN_B)));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.failed.stack_id, 5);
	stream_end(&s);
}

/* An object that had its number taken by a double close of another: it did nothing wrong. */
static void test_victim_with_receiver(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, ANOTHER)));
	CLOSE(&s, 7, .stack = 3, BY(METHOD(CLOSE_IT, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, ANOTHER)));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.failed.stack_id, 2);
	stream_end(&s);
}

/* A chain of thefts: the first wrong close counts. */
static void test_root_of_a_chain(void **state)
{
	const struct finding *f;
	struct stream s;
	uint64_t object = AN_A;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, object)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, object)));
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, object + 64)));
	CLOSE(&s, 7, .stack = 3, BY(METHOD(AGAIN, object)));
	for (int i = 2; i < 12; i++) {
		OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, object + 64 * i)));
		CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, object + 64 * (i - 1))));
	}
	BAD_CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, object + 64 * 11)));
	assert_int_equal(stream_settle(&s), 1);
	f = &s.findings[0];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->bad.stack_id, 3);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.failed.stack_id, 2);
	assert_int_not_equal(f->attribution, ATTRIBUTION_OPEN);
	stream_end(&s);
}

/* Another class at the address of a dead object is nobody who opened. */
static void test_type_is_identity(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(TAKE, AN_A, .type = B_CLASS)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(CLOSE_B)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_OPEN);
	assert_int_equal(s.findings[0].culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* One class opens its number or is given one; address and number come again. Never proven. */
static void test_adopters(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 12; i++) {
		OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
		CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
		OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
		CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)));
		stream_wait(&s, SETTLE_NS);
	}
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(CLOSE_B)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_OPEN);
	stream_end(&s);
}

/* The same where each object lies elsewhere: that the class closes what the function opens is its
 * habit, and no theft. */
static void test_adopters_elsewhere(void **state)
{
	struct stream s;
	uint64_t object = AN_A;

	stream_begin(&s);
	for (int i = 0; i < 7; i++, object += 0x40) {
		if (i % 2)
			OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
		else
			OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, object)));
		CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, object)));
	}
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, object)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(HELPER(CLOSE_B), PLAIN(MAIN)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_OPEN);
	stream_end(&s);
}

/* A manager gets the number again, and closes the old one late: object and function are right. */
static void test_receiver_with_several(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 3, BY(METHOD(AGAIN, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f->closed.stack_id, 3);
	stream_end(&s);
}

/* One that closes what others open: that it has closed the number before accuses nobody. */
static void test_closer_service(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 4; i++) {
		OPEN(&s, 7, .stack = 1, BY(PLAIN(OPEN_B)));
		CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)));
	}
	BAD_CLOSE(&s, 7, .stack = 3, BY(PLAIN(CLOSE_B)));
	assert_int_equal(stream_settle(&s), 1);
	assert_int_equal(s.findings[0].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[0].attribution, ATTRIBUTION_LIKELY);
	assert_int_equal(s.findings[0].culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* It hands its number to another, and closes it itself later: handed on, or stolen. */
static void test_handover_is_open(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 8, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 9, BY(PLAIN(OPEN_B)));
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, ANOTHER, .type = B_CLASS)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(METHOD(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_OPEN);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f->candidate_count, 1);
	assert_int_equal(f->candidates[0].opened.stack_id, 1);
	stream_end(&s);
}

/* The same, but nobody can have had an earlier generation: it was handed on. */
static void test_handover_of_the_first(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 9, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 9, BY(PLAIN(OPEN_B)));
	borrow(&s, 7);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, ANOTHER, .type = B_CLASS)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(METHOD(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_LIKELY);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* An activation closes its number, and again after a helper has had the number for itself. */
static void test_activation_after_a_helper(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(MAIN)));
	for (int i = 0; i < 9; i++) {
		OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
		CLOSE(&s, 7, .stack = 4, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	}
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(MAIN)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* The same, but a helper's number was closed by another: the activation may have been given it. */
static void test_activation_after_a_gift(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(MAIN)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 4, BY(PLAIN(CLOSE_B), PLAIN(MAIN)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(MAIN)));
	only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_OPEN);
	stream_end(&s);
}

/* It was handed on or stolen; and its opener closes it when a file has the number: not the file's
 * owner, but whether that close or the one before was wrong is open. */
static void test_robs_after_a_stranger(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(CLOSE_B)), .point = OWNER_OS_CLOSE);
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)), .point = OWNER_OS_CLOSE,
	      FILE_CLAIM(&s, OWNER_HOLDS));
	BAD_CLOSE(&s, 7, .stack = 5, BY(PLAIN(OPEN_B)),
		  FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	assert_int_equal(stream_settle(&s), 2);
	f = &s.findings[0];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->attribution, ATTRIBUTION_OPEN);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->victim.opened.stack_id, 3);
	assert_int_equal(f->candidates[0].closed.stack_id, 2);
	f = &s.findings[1];
	assert_int_equal(f->attribution, ATTRIBUTION_OPEN);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f->candidates[0].closed.stack_id, 4);
	assert_int_equal(f->candidates[1].closed.stack_id, 2);
	stream_end(&s);
}

/* A socket object that a method makes gives its number away: the method's object has it then. */
#define SOCKET_CLAIM(does, ...)                                                            \
	FILE_CLAIM(&s, does, .object = ANOTHER, .type = A_CLASS + 1, .kind = OWNER_SOCKET, \
		   __VA_ARGS__)

static void test_detached_to_a_receiver(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1,
	     BY(METHOD(OPEN_B, ANOTHER, .type = A_CLASS + 1), METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A)), .point = OWNER_OS_CLOSE,
	      SOCKET_CLAIM(OWNER_LET_GO));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_IT, AN_A)), .point = OWNER_OS_CLOSE,
	      FILE_CLAIM(&s, OWNER_HOLDS));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

/* A generator with a text first closes what it opened; who resumes it had closed that, and then
 * opened what it takes. */
static void test_generator_closes_late(void **state)
{
	const struct caller_frame generator = {.code = INIT,
					       .address = 0x7000,
					       .local = 0x99,
					       .kind = LOCAL_PLAIN,
					       .generator = true};
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(generator, PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 2, BY(PLAIN(MAIN)), .point = OWNER_OS_CLOSE);
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 4, BY(generator, PLAIN(MAIN)), .point = OWNER_OS_CLOSE,
	      FILE_CLAIM(&s, OWNER_HOLDS));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_OPEN);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->candidates[0].opened.stack_id, 1);
	assert_int_equal(f->candidates[0].closed.stack_id, 2);
	stream_end(&s);
}

/* An object closes a number that it has not opened, and which a file owns. If another had been
 * closed by somebody else before, it may have been the object's: nobody is accused. */
static void robs_as_given(bool opened_by_closer, enum attribution attribution)
{
	const struct caller_frame closer =
		METHOD(CLOSE_IT, AN_A, .role = ROLE_METHOD, .closes = true);
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	if (opened_by_closer)
		OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, ANOTHER)));
	else
		OPEN(&s, 7, .stack = 1, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(AGAIN, ANOTHER)), .point = OWNER_OS_CLOSE);
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 4, BY(closer), .point = OWNER_OS_CLOSE, FILE_CLAIM(&s, OWNER_HOLDS));
	f = only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT, attribution);
	assert_int_equal(f->culprit,
			 attribution == ATTRIBUTION_OPEN ? CULPRIT_UNKNOWN : CULPRIT_BAD);
	assert_int_equal(f->candidate_count, attribution == ATTRIBUTION_OPEN);
	stream_end(&s);
}

static void test_robbed_or_given(void **state)
{
	robs_as_given(false, ATTRIBUTION_OPEN);
	robs_as_given(true, ATTRIBUTION_PROVEN);
}

/* An object closes twice what it was given; its method is given no number, so that it can mean no
 * other. */
static void closes_given_twice(bool alone)
{
	const struct caller_frame closer =
		METHOD(CLOSE_IT, AN_A, .role = ROLE_METHOD, .closes = true, .alone = alone);
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 2, BY(closer), .point = OWNER_OS_CLOSE);
	OPEN(&s, 7, .stack = 3, BY(PLAIN(TAKE)));
	CLOSE(&s, 7, .stack = 4, BY(closer), .point = OWNER_OS_CLOSE, FILE_CLAIM(&s, OWNER_HOLDS));
	if (alone) {
		f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
		assert_int_equal(f->closed.stack_id, 2);
		assert_int_equal(f->opened.stack_id, 1);
	} else {
		f = only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	}
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->bad.stack_id, 4);
	stream_end(&s);
}

static void test_closes_given_twice(void **state)
{
	closes_given_twice(true);
	closes_given_twice(false);
}

/* cls, None, a module: the same for many, and nobody. */
static void test_common_locals(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A, .kind = LOCAL_COMMON)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(CLOSE_IT, AN_A, .kind = LOCAL_COMMON)));
	OPEN(&s, 7, .stack = 3, BY(METHOD(OPEN_B, AN_A, .kind = LOCAL_COMMON)));
	CLOSE(&s, 7, .stack = 4, BY(METHOD(CLOSE_B, AN_A, .kind = LOCAL_COMMON)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(METHOD(AGAIN, AN_A, .kind = LOCAL_COMMON)));
	only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_OPEN);
	stream_end(&s);
}

/* A function that the object calls, with the number. */
static void test_receiver_behind_a_helper(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(HELPER(HELP), METHOD(CLOSE_IT, AN_A)));
	borrow(&s, 7);
	BAD_CLOSE(&s, 7, .stack = 4, BY(HELPER(HELP), METHOD(AGAIN, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->closed.stack_id, 2);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receiver_closes_twice),
		cmocka_unit_test(test_receiver_is_remembered),
		cmocka_unit_test(test_receiver_robs_an_object),
		cmocka_unit_test(test_receiver_robs_a_number),
		cmocka_unit_test(test_victim_with_receiver),
		cmocka_unit_test(test_root_of_a_chain),
		cmocka_unit_test(test_type_is_identity),
		cmocka_unit_test(test_adopters),
		cmocka_unit_test(test_adopters_elsewhere),
		cmocka_unit_test(test_receiver_with_several),
		cmocka_unit_test(test_closer_service),
		cmocka_unit_test(test_handover_is_open),
		cmocka_unit_test(test_handover_of_the_first),
		cmocka_unit_test(test_activation_after_a_helper),
		cmocka_unit_test(test_activation_after_a_gift),
		cmocka_unit_test(test_robs_after_a_stranger),
		cmocka_unit_test(test_detached_to_a_receiver),
		cmocka_unit_test(test_generator_closes_late),
		cmocka_unit_test(test_robbed_or_given),
		cmocka_unit_test(test_closes_given_twice),
		cmocka_unit_test(test_common_locals),
		cmocka_unit_test(test_receiver_behind_a_helper),
	};

	return cmocka_run_group_tests_name("attribution", tests, NULL, NULL);
}
