/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* From which closes a finding may follow. */
#include "callers.h"

#include <sys/syscall.h>

#define THIRD 102u

/* The finding about the call at this stack. */
static const struct finding *about(struct stream *s, uint64_t stack)
{
	stream_settle(s);
	for (size_t i = 0; i < s->count; i++)
		if (s->findings[i].bad.stack_id == stack)
			return &s->findings[i];
	fail();
	return NULL;
}

static void expect(const struct finding *f, bool cut, unsigned int count, uint64_t stack)
{
	assert_int_equal(f->suspects_cut, cut);
	assert_int_equal(f->suspect_count, count);
	if (count)
		assert_int_equal(f->suspects[0].stack_id, stack);
}

/* Who opened it closed it. */
static void open_and_close(struct stream *s, uint64_t object, uint32_t tid)
{
	OPEN(s, 7, .stack = 10, .tid = tid, BY(METHOD(INIT, object)));
	CLOSE(s, 7, .stack = 11, .tid = tid, BY(METHOD(CLOSE_IT, object)));
}

/* A function closes what another thread's function has opened. */
static void rob(struct stream *s, uint64_t stack)
{
	OPEN(s, 7, .stack = 20, .tid = OTHER, BY(PLAIN(OPEN_B)));
	CLOSE(s, 7, .stack = stack, .point = OWNER_OS_CLOSE, BY(PLAIN(CLOSE_B)));
}

/* Both closes are the object's own: the bug is told by itself. */
static void test_own_closes(void **state)
{
	struct stream s;

	stream_begin(&s);
	rob(&s, 21);
	open_and_close(&s, AN_A, PID);
	BAD_CLOSE(&s, 7, .stack = 12, BY(METHOD(CLOSE_IT, AN_A)));
	expect(about(&s, 12), false, 0, 0);
	stream_end(&s);
}

/* Who reads is not known: the one close that was not its opener's may be why. */
static void test_open_one(void **state)
{
	struct stream s;

	stream_begin(&s);
	open_and_close(&s, AN_A, PID);
	rob(&s, 21);
	open_and_close(&s, ANOTHER, THIRD);
	borrow(&s, 7);
	READ(&s, 7, .stack = 30, .tid = THIRD, BY(PLAIN(HELP)));
	assert_int_equal(about(&s, 30)->attribution, ATTRIBUTION_OPEN);
	expect(about(&s, 30), false, 1, 21);
	stream_end(&s);
}

/* Two such closes are two suspects; of more than the history keeps some are not known any more. */
static void test_many(void **state)
{
	struct stream s;

	stream_begin(&s);
	rob(&s, 21);
	open_and_close(&s, AN_A, PID);
	rob(&s, 22);
	READ(&s, 7, .stack = 30, .tid = THIRD, BY(PLAIN(HELP)));
	expect(about(&s, 30), false, 2, 22);
	for (int i = 0; i < 3; i++)
		rob(&s, 23 + i);
	OPEN(&s, 7, .stack = 20, .tid = THIRD, BY(PLAIN(TAKE)));
	CLOSE(&s, 7, .stack = 26, .point = OWNER_OS_CLOSE, BY(PLAIN(CLOSE_B)));
	for (int i = 4; i < 7; i++)
		rob(&s, 23 + i);
	READ(&s, 7, .stack = 31, .tid = THIRD, BY(PLAIN(HELP)));
	expect(about(&s, 31), true, 5, 29);
	stream_end(&s);
}

/* One function may be called by many threads: that it opens and closes is no word for a close. */
static void test_one_function_two_threads(void **state)
{
	struct stream s;

	stream_begin(&s);
	open_and_close(&s, AN_A, PID);
	OPEN(&s, 7, .stack = 20, .tid = OTHER, BY(PLAIN(STEP, .address = 1)));
	CLOSE(&s, 7, .stack = 21, .tid = THIRD, .point = OWNER_OS_CLOSE,
	      BY(PLAIN(STEP, .address = 2)));
	READ(&s, 7, .stack = 30, .tid = PID, BY(PLAIN(HELP)));
	expect(about(&s, 30), false, 1, 21);
	stream_end(&s);
}

/*
 * A thread that was robbed closes what has the number by then: that close is a consequence, and
 * the one that robbed it is the suspect.
 */
static void test_robbed_thread(void **state)
{
	struct stream s;

	stream_begin(&s);
	rob(&s, 21);
	OPEN(&s, 7, .stack = 22, .tid = THIRD, BY(PLAIN(TAKE)));
	CLOSE(&s, 7, .stack = 23, .tid = OTHER, .point = OWNER_ELSEWHERE, BY(PLAIN(BASE)));
	READ(&s, 7, .stack = 30, .tid = THIRD, BY(PLAIN(HELP)));
	expect(about(&s, 30), false, 1, 21);
	stream_end(&s);
}

/* An object closes the number whose own generation of it is not known any more. */
static void rob_by_stale(struct stream *s, uint64_t stack)
{
	CLOSE(s, 7, .stack = stack, .tid = OTHER, BY(PLAIN(TAKE)),
	      FILE_CLAIM_SINCE(1, OWNER_LET_GO, .flags = CLAIM_AT_HAND | CLAIM_STALE));
}

/* Nor is an object that was robbed before one of those who are right. */
static void test_robbed_by_a_robbed_object(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 20, BY(PLAIN(MAIN)));
	rob_by_stale(&s, 21);
	OPEN(&s, 7, .stack = 22, .tid = THIRD, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 23, .point = OWNER_OS_CLOSE, BY(PLAIN(BASE)));
	READ(&s, 7, .stack = 30, .tid = THIRD, BY(PLAIN(HELP)));
	expect(about(&s, 30), true, 0, 0);
	stream_end(&s);
}

/* What a stale object writes goes to another; who had closed its number had been robbed, too. */
static void test_lost_to_a_robbed_object(void **state)
{
	struct record_claim stale = {.object = A_FILE + 64,
				     .type = FILES,
				     .kind = OWNER_FILEIO,
				     .state = OWNER_HOLDS,
				     .flags = CLAIM_STALE | CLAIM_RECEIVER};
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 20, BY(PLAIN(MAIN)));
	stale.since_ns = stream_last(&s);
	rob_by_stale(&s, 21);
	OPEN(&s, 7, .stack = 22, .tid = THIRD, BY(PLAIN(OPEN_B)));
	stream_wait(&s, SETTLE_NS + 1);
	CALL(&s, .call = CALL_TRANSFERRED, .nr = SYS_write, .fd = 7, .ret = 4, .stack = 30,
	     .point = OWNER_FILE_IO, .claims = &stale, .nclaims = 1);
	f = about(&s, 30);
	assert_int_equal(f->kind, FINDING_MISDIRECTED_IO);
	assert_int_equal(f->closed.stack_id, 21);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	assert_true(f->proofs & PROOF_STOLEN);
	expect(f, true, 0, 0);
	stream_end(&s);
}

/* The same, if the close that robbed it is not known, but a call of its has failed. */
static void test_who_missed_it(void **state)
{
	const struct finding *f;
	struct stream s;
	uint64_t missed_ns;

	stream_begin(&s);
	open_and_close(&s, AN_A, PID);
	READ(&s, 7, .stack = 20, .tid = OTHER, BY(PLAIN(STEP)));
	missed_ns = stream_last(&s);
	OPEN(&s, 7, .stack = 22, .tid = THIRD, BY(PLAIN(TAKE)));
	CLOSE(&s, 7, .stack = 23, .tid = OTHER, .point = OWNER_ELSEWHERE, BY(PLAIN(BASE)));
	READ(&s, 7, .stack = 30, .tid = THIRD, BY(PLAIN(HELP)));
	f = about(&s, 30);
	expect(f, false, 1, 0);
	assert_int_equal(f->suspects[0].time_ns, missed_ns);
	assert_int_equal(f->suspects[0].tid, OTHER);
	stream_end(&s);
}

/* So it is where a file that its object had before makes it likely that the close meant that. */
static void test_who_missed_it_with_an_object(void **state)
{
	const struct finding *f;
	struct stream s;
	uint64_t missed_ns;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 10, .tid = OTHER, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 11, .tid = OTHER, BY(METHOD(CLOSE_IT, AN_A)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	OPEN(&s, 7, .stack = 12, .tid = OTHER, BY(PLAIN(MAIN)));
	CLOSE(&s, 7, .stack = 13, .point = OWNER_OS_CLOSE, BY(PLAIN(CLOSE_B)));
	READ(&s, 7, .stack = 14, .tid = OTHER, BY(METHOD(STEP, AN_A)));
	missed_ns = stream_last(&s);
	OPEN(&s, 7, .stack = 22, .tid = THIRD, BY(PLAIN(TAKE)));
	stream_wait(&s, SETTLE_NS + 1);
	CLOSE(&s, 7, .stack = 23, .tid = OTHER, .enter_ns = stream_last(&s),
	      .point = OWNER_OS_CLOSE, BY(METHOD(STEP, AN_A)), FILE_CLAIM(&s, OWNER_HOLDS));
	f = about(&s, 23);
	assert_int_equal(f->kind, FINDING_OWNED_CLOSE);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	expect(f, false, 1, 0);
	assert_int_equal(f->suspects[0].time_ns, missed_ns);
	stream_end(&s);
}

/* It opened the number anew meanwhile: then it has not been robbed any more. */
static void test_who_has_it_again(void **state)
{
	struct stream s;

	stream_begin(&s);
	open_and_close(&s, AN_A, PID);
	READ(&s, 7, .stack = 20, .tid = OTHER, BY(PLAIN(STEP)));
	OPEN(&s, 7, .stack = 24, .tid = OTHER, BY(METHOD(INIT, ANOTHER)));
	CLOSE(&s, 7, .stack = 25, .tid = OTHER, BY(METHOD(CLOSE_IT, ANOTHER)));
	OPEN(&s, 7, .stack = 22, .tid = THIRD, BY(PLAIN(TAKE)));
	CLOSE(&s, 7, .stack = 23, .tid = OTHER, .point = OWNER_OS_CLOSE, BY(PLAIN(BASE)));
	READ(&s, 7, .stack = 30, .tid = PID, BY(PLAIN(HELP)));
	expect(about(&s, 30), false, 1, 23);
	stream_end(&s);
}

/* It is told that an object owned it: then that its own thread opened it is no word for the close.
 */
static void test_behind_an_object(void **state)
{
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 20, BY(PLAIN(OPEN_B)));
	CLOSE(&s, 7, .stack = 21, .point = OWNER_OS_CLOSE, BY(PLAIN(OPEN_B)),
	      FILE_CLAIM(&s, OWNER_HOLDS));
	open_and_close(&s, ANOTHER, THIRD);
	READ(&s, 7, .stack = 30, .tid = OTHER, BY(PLAIN(HELP)));
	expect(about(&s, 21), false, 0, 0);
	expect(about(&s, 30), false, 1, 21);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_closes),
		cmocka_unit_test(test_open_one),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_one_function_two_threads),
		cmocka_unit_test(test_robbed_thread),
		cmocka_unit_test(test_robbed_by_a_robbed_object),
		cmocka_unit_test(test_lost_to_a_robbed_object),
		cmocka_unit_test(test_who_missed_it),
		cmocka_unit_test(test_who_missed_it_with_an_object),
		cmocka_unit_test(test_who_has_it_again),
		cmocka_unit_test(test_behind_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
