/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which of two closes is the wrong one: a function's, or that of an object's method. */
#include "callers.h"

#define FUNCTION(...) PLAIN(__VA_ARGS__, .role = ROLE_FUNCTION)
#define KEEPER(...)   METHOD(__VA_ARGS__, .role = ROLE_METHOD)

static void test_function_first(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(KEEPER(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(HELPER(HELP), FUNCTION(MAIN)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(KEEPER(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	assert_true(f->proofs & PROOF_METHOD);
	stream_end(&s);
}

/* It is given the object, and is no method for that. */
static void test_function_of_an_object(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(KEEPER(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A, .role = ROLE_FUNCTION)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(KEEPER(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	stream_end(&s);
}

/* Neither is named of two methods, nor where the function comes last. */
static void test_method_first(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(KEEPER(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(KEEPER(CLOSE_IT, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(KEEPER(AGAIN, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 4, BY(METHOD(TAKE, AN_A, .role = ROLE_FUNCTION)));
	assert_int_equal(stream_settle(&s), 2);
	for (size_t i = 0; i < s.count; i++) {
		f = &s.findings[i];
		assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
		assert_int_equal(f->attribution, ATTRIBUTION_PROVEN);
	}
	stream_end(&s);
}

/* What a method calls may close what the method's object has. */
static void test_function_of_a_method(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(KEEPER(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(FUNCTION(HELP), KEEPER(CLOSE_IT, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(KEEPER(AGAIN, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* Before 3.11, or within a function: what it is is not known. */
static void test_unknown_role(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(METHOD(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(HELPER(HELP), PLAIN(MAIN)));
	BAD_CLOSE(&s, 7, .stack = 3, BY(METHOD(CLOSE_IT, AN_A)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* It closes what such objects open, as a rule. */
static void test_habit(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 3; i++) {
		OPEN(&s, 7, .stack = 1, BY(KEEPER(INIT, AN_A + 64 * i)));
		CLOSE(&s, 7, .stack = 2, BY(METHOD(TAKE, AN_A + 64 * i, .role = ROLE_FUNCTION)));
	}
	BAD_CLOSE(&s, 7, .stack = 3, BY(KEEPER(CLOSE_IT, AN_A + 128)));
	f = only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, ATTRIBUTION_PROVEN);
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* To use a number an object need not keep it; unless it does so on its way to close it. */
static void test_uses(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(FUNCTION(OPEN_B)));
	CLOSE(&s, 7, .stack = 2, BY(FUNCTION(CLOSE_B)));
	READ(&s, 7, .stack = 3, BY(KEEPER(STEP, AN_A)));
	READ(&s, 7, .stack = 4, BY(KEEPER(STEP, AN_A), KEEPER(CLOSE_IT, AN_A, .closes = true)));
	assert_int_equal(stream_settle(&s), 2);
	f = s.findings;
	assert_int_equal(f[0].culprit, CULPRIT_UNKNOWN);
	assert_int_equal(f[1].culprit, CULPRIT_CLOSED);
	assert_int_equal(f[1].attribution, ATTRIBUTION_LIKELY);
	stream_end(&s);
}

/* What an object of C code's closes is its own. */
static void test_objects_own_close(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(FUNCTION(OPEN_B)));
	CLOSE(&s, 7, .stack = 2, BY(FUNCTION(CLOSE_B)),
	      FILE_CLAIM(&s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
	BAD_CLOSE(&s, 7, .stack = 3, BY(KEEPER(CLOSE_IT, AN_A)));
	assert_int_equal(stream_settle(&s), 1);
	f = s.findings;
	assert_int_equal(f->culprit, CULPRIT_UNKNOWN);
	stream_end(&s);
}

/* What a function is given it does not act for, where it has a number of its own. */
static void test_function_with_a_number(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7, .stack = 1, BY(KEEPER(INIT, AN_A)));
	CLOSE(&s, 7, .stack = 2, BY(KEEPER(CLOSE_IT, AN_A)));
	OPEN(&s, 7, .stack = 3, BY(PLAIN(OPEN_B), METHOD(TAKE, AN_A, .role = ROLE_FUNCTION)));
	CLOSE(&s, 7, .stack = 4, BY(KEEPER(CLOSE_IT, AN_A)));
	BAD_CLOSE(&s, 7, .stack = 5, BY(METHOD(TAKE, AN_A, .role = ROLE_FUNCTION)));
	f = only(&s, FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->victim.failed.stack_id, 5);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_function_first),
		cmocka_unit_test(test_function_of_an_object),
		cmocka_unit_test(test_function_of_a_method),
		cmocka_unit_test(test_method_first),
		cmocka_unit_test(test_unknown_role),
		cmocka_unit_test(test_habit),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_objects_own_close),
		cmocka_unit_test(test_function_with_a_number),
	};

	return cmocka_run_group_tests_name("intruder", tests, NULL, NULL);
}
