/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Loops over numbers in any order, and those that closed what others had: told, but as info. */
#include "fd_stream.h"

#define LOOP		 99u
#define LOOPS(s, number) BAD_CLOSE(s, number, .stack = LOOP, .point = OWNER_OS_CLOSE)

/* Opens count numbers from 3 on, and closes them, at as many places as there are. */
static void once_open(struct stream *s, int count, unsigned int openers, unsigned int closers)
{
	for (int fd = 3; fd < 3 + count; fd++)
		OPEN(s, fd, .stack = 100 + (unsigned int)fd % openers);
	for (int fd = 3; fd < 3 + count; fd++)
		CLOSE(s, fd, .stack = 200 + (unsigned int)fd % closers);
}

/* Every number of 3..2+count once, in disorder, where 7 does not divide count. */
static int disordered(int i, int count)
{
	return 3 + i * 7 % count;
}

static void expect_double_closes(struct stream *s, size_t count, enum severity severity)
{
	assert_int_equal(stream_settle(s), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(s->findings[i].kind, FINDING_DOUBLE_CLOSE);
		assert_int_equal(s->findings[i].severity, severity);
		assert_int_equal(s->findings[i].notes, severity == SEVERITY_INFO ? NOTE_LOOP : 0);
	}
	stream_end(s);
}

static void test_a_sweep_in_disorder(void **state)
{
	struct stream s;
	const struct finding *f;

	stream_begin(&s);
	once_open(&s, 10, 1, 1);
	for (int i = 0; i < 60; i++)
		LOOPS(&s, disordered(i, 60));
	f = stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT);
	assert_int_equal(f->fd, 3);
	assert_int_equal(f->last_fd, 62);
	assert_int_equal(f->calls, 60);
	stream_end(&s);
}

/* The numbers that show that the loop is blind come last. */
static void test_a_sweep_over_a_thousand_once_open(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 1000, 1, 1);
	for (int fd = 3; fd < 1024; fd++)
		LOOPS(&s, fd);
	assert_int_equal(stream_only(&s, FINDING_CLOSE_SWEEP, CERTAINTY_FACT)->calls, 1021);
	stream_end(&s);
}

/* A list in disorder that is closed twice, with some numbers that never were: no sweep. */
static void test_a_list_in_disorder_closed_twice(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 20, 20, 1);
	for (int i = 0; i < 20; i++)
		LOOPS(&s, disordered(i, 20));
	expect_double_closes(&s, 20, SEVERITY_ERROR);
}

/* A list in order, and one number more that never was: it does not hide the list. */
static void test_one_stray_number_hides_no_list(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 20, 1, 1);
	for (int fd = 3; fd < 23; fd++)
		LOOPS(&s, fd);
	LOOPS(&s, 77);
	assert_int_equal(stream_settle(&s), 21);
	for (int i = 0; i < 20; i++)
		assert_int_equal(s.findings[i].severity, SEVERITY_ERROR);
	assert_int_equal(s.findings[20].kind, FINDING_BAD_FD);
	stream_end(&s);
}

/* One that closes all that others close never keeps a run: its failures are told soon. */
static void test_a_closer_of_everything_is_no_run(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 3; fd < 43; fd++)
		OPEN(&s, fd, .stack = 1);
	CLOSE(&s, 39, .stack = 2);
	LOOPS(&s, 39);
	for (int i = 0; i < 30; i++) {
		CLOSE(&s, disordered(i, 31), .stack = LOOP);
		stream_wait(&s, SETTLE_NS / 10);
	}
	assert_int_equal(s.count, 1);
	assert_int_equal(s.findings[0].severity, SEVERITY_ERROR);
	stream_end(&s);
}

static void test_many_places_opened_and_closed_them(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 16, 5, 7);
	for (int fd = 3; fd < 19; fd++)
		LOOPS(&s, fd);
	expect_double_closes(&s, 16, SEVERITY_INFO);
}

static void test_one_place_opened_or_closed_most_of_them(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 16, 1, 7);
	for (int fd = 3; fd < 19; fd++)
		LOOPS(&s, fd);
	expect_double_closes(&s, 16, SEVERITY_ERROR);
	stream_begin(&s);
	once_open(&s, 16, 5, 1);
	for (int fd = 3; fd < 19; fd++)
		LOOPS(&s, fd);
	expect_double_closes(&s, 16, SEVERITY_ERROR);
}

/* Seven are too few to tell by them whose they were. */
static void test_few_numbers_of_many_places(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 7, 7, 7);
	for (int fd = 3; fd < 10; fd++)
		LOOPS(&s, fd);
	expect_double_closes(&s, 7, SEVERITY_ERROR);
}

/* Objects that close their own, or C code, take no numbers from a loop. */
static void test_only_os_close_is_a_loop_over_numbers(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 16, 5, 7);
	for (int fd = 3; fd < 19; fd++)
		BAD_CLOSE(&s, fd, .stack = LOOP);
	expect_double_closes(&s, 16, SEVERITY_ERROR);
}

/* Where the loop itself had closed one of them, it may have thought them its own. */
static void test_a_loop_that_closes_again_what_it_closed(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 15, 5, 7);
	OPEN(&s, 18, .stack = 100);
	CLOSE(&s, 18, .stack = LOOP);
	for (int fd = 3; fd < 19; fd++)
		LOOPS(&s, fd);
	expect_double_closes(&s, 16, SEVERITY_ERROR);
}

static void test_a_short_loop_over_what_never_was(void **state)
{
	struct stream s;

	stream_begin(&s);
	once_open(&s, 2, 1, 1);
	for (int fd = 3; fd < 7; fd++)
		LOOPS(&s, fd);
	assert_int_equal(stream_settle(&s), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(s.findings[i].severity, SEVERITY_INFO);
	assert_int_equal(s.findings[0].notes, NOTE_LOOP);
	stream_end(&s);
	/* One that never was, beside two that were, may be in a list. */
	stream_begin(&s);
	once_open(&s, 2, 1, 1);
	for (int fd = 3; fd < 6; fd++)
		LOOPS(&s, fd);
	assert_int_equal(stream_settle(&s), 3);
	assert_int_equal(s.findings[0].severity, SEVERITY_ERROR);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sweep_in_disorder),
		cmocka_unit_test(test_a_sweep_over_a_thousand_once_open),
		cmocka_unit_test(test_a_list_in_disorder_closed_twice),
		cmocka_unit_test(test_one_stray_number_hides_no_list),
		cmocka_unit_test(test_a_closer_of_everything_is_no_run),
		cmocka_unit_test(test_many_places_opened_and_closed_them),
		cmocka_unit_test(test_one_place_opened_or_closed_most_of_them),
		cmocka_unit_test(test_few_numbers_of_many_places),
		cmocka_unit_test(test_only_os_close_is_a_loop_over_numbers),
		cmocka_unit_test(test_a_loop_that_closes_again_what_it_closed),
		cmocka_unit_test(test_a_short_loop_over_what_never_was),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
