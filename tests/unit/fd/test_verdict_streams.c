/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Closed numbers: who asks whether one is there, and who believes in it. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "fd_stream.h"

/* CPython asks whether its standard streams are there; whoever reads from one believes it. */
static void test_questions_about_standard_streams(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int fd = 0; fd <= 3; fd++) {
		OPEN(&s, fd);
		CLOSE(&s, fd);
		CALL(&s, .call = CALL_DUP, .fd = fd, .ret = -EBADF);
		READ(&s, fd, .nr = __NR_ioctl);
		READ(&s, fd, .nr = __NR_fstat);
		READ(&s, fd);
	}
	assert_int_equal(stream_settle(&s), 16);
	for (int i = 0; i < 16; i++) {
		bool stream = s.findings[i].fd <= 2 && i % 4 < 3;
		bool question = s.findings[i].fd > 2 && (i % 4 == 0 || i % 4 == 2);

		assert_int_equal(s.findings[i].kind, FINDING_USE_AFTER_CLOSE);
		assert_int_equal(s.findings[i].severity,
				 stream || question ? SEVERITY_INFO : SEVERITY_ERROR);
		assert_int_equal(s.findings[i].notes, (stream ? NOTE_STANDARD_STREAM : 0) |
							      (question ? NOTE_QUESTION : 0));
	}
	stream_end(&s);
}

/* What the call asks is known by its argument; another question is none. */
static void test_questions_about_any_number(void **state)
{
	static const struct {
		uint16_t nr;
		uint32_t arg;
		enum severity severity;
	} asked[] = {
		{__NR_newfstatat, AT_EMPTY_PATH, SEVERITY_INFO},
		{__NR_newfstatat, 0, SEVERITY_ERROR}, /* of a path below it */
		{__NR_statx, AT_EMPTY_PATH, SEVERITY_INFO},
		{__NR_statx, 0, SEVERITY_ERROR},
		{__NR_fcntl, F_DUPFD_CLOEXEC, SEVERITY_INFO},
		{__NR_fcntl, F_SETFL, SEVERITY_ERROR},
		{__NR_ioctl, TCGETS, SEVERITY_INFO},
		{__NR_ioctl, TCSETS, SEVERITY_ERROR},
		{__NR_lseek, 0, SEVERITY_ERROR},
	};
	struct stream s;

	stream_begin(&s);
	OPEN(&s, 7);
	CLOSE(&s, 7);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		READ(&s, 7, .nr = asked[i].nr, .arg = asked[i].arg);
	assert_int_equal(stream_settle(&s), ARRAY_SIZE(asked));
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		assert_int_equal(s.findings[i].severity, asked[i].severity);
	stream_end(&s);
}

/* The list of the open numbers, which has its own */

#define LIST(s, listed, ...) \
	OPEN(s, 7, .flags = O_DIRECTORY, .name = listed, .stack = 1, __VA_ARGS__)

static enum severity of_the_only_one(struct stream *s)
{
	const struct finding *f = stream_only(s, FINDING_DOUBLE_CLOSE, CERTAINTY_FACT);

	assert_int_equal(!!(f->notes & NOTE_LISTING), f->severity == SEVERITY_INFO);
	return f->severity;
}

static enum severity list_and_close(const char *path)
{
	enum severity severity;
	struct stream s;

	stream_begin(&s);
	LIST(&s, path);
	CLOSE(&s, 7, .stack = 1);
	BAD_CLOSE(&s, 7, .stack = 2);
	severity = of_the_only_one(&s);
	stream_end(&s);
	return severity;
}

static void test_the_number_of_the_list_itself(void **state)
{
	static const char *const lists[] = {
		"/proc/self/fd",      "/proc/self/fd/",	      "/dev/fd",
		"/proc/1/fd",	      "/proc/thread-self/fd", "/dev/fd/",
		"/proc/12/task/34/fd"};
	static const char *const others[] = {
		"/proc/self", "/proc/self/fd/3",    "/proc//fd", "/proc/self/fdx", "/dev/f",
		"/tmp",	      "/proc/self/task/fd", ""};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		assert_int_equal(list_and_close(lists[i]), SEVERITY_INFO);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(list_and_close(others[i]), SEVERITY_ERROR);
}

/* os.scandir() ends it where its loop ends; who closes it with os.close() has read its number. */
static void test_a_directory_of_the_c_library(void **state)
{
	struct stream s;

	stream_begin(&s);
	LIST(&s, "/proc/self/fd", .flags = O_DIRECTORY | O_NONBLOCK);
	CLOSE(&s, 7, .stack = 2);
	BAD_CLOSE(&s, 7, .stack = 3, .point = OWNER_OS_CLOSE);
	assert_int_equal(of_the_only_one(&s), SEVERITY_INFO);
	stream_end(&s);
	/* It was closed behind its back: it is closedir() that fails. */
	stream_begin(&s);
	LIST(&s, "/proc/self/fd", .flags = O_DIRECTORY | O_NONBLOCK);
	CLOSE(&s, 7, .stack = 2, .point = OWNER_OS_CLOSE);
	BAD_CLOSE(&s, 7, .stack = 3);
	assert_int_equal(of_the_only_one(&s), SEVERITY_ERROR);
	stream_end(&s);
}

/* A program that opens the list itself and closes it twice; another thread's close. */
static void test_a_list_that_the_program_opened(void **state)
{
	struct stream s;

	stream_begin(&s);
	LIST(&s, "/proc/self/fd");
	CLOSE(&s, 7, .stack = 2);
	BAD_CLOSE(&s, 7, .stack = 3);
	assert_int_equal(of_the_only_one(&s), SEVERITY_ERROR);
	stream_end(&s);
	stream_begin(&s);
	LIST(&s, "/proc/self/fd");
	CLOSE(&s, 7, .stack = 1);
	stream_wait(&s, 2 * SETTLE_NS);
	BAD_CLOSE(&s, 7, .stack = 3, .tid = PID + 1);
	assert_int_equal(of_the_only_one(&s), SEVERITY_ERROR);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions_about_standard_streams),
		cmocka_unit_test(test_questions_about_any_number),
		cmocka_unit_test(test_the_number_of_the_list_itself),
		cmocka_unit_test(test_a_directory_of_the_c_library),
		cmocka_unit_test(test_a_list_that_the_program_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
