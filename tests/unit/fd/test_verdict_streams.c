/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Standard streams that are not there: who asks for one, and who believes in it. */
#include <sys/syscall.h>

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
		bool asks = s.findings[i].fd <= 2 && i % 4 < 3;

		assert_int_equal(s.findings[i].kind, FINDING_USE_AFTER_CLOSE);
		assert_int_equal(s.findings[i].severity, asks ? SEVERITY_INFO : SEVERITY_ERROR);
		assert_int_equal(s.findings[i].notes & NOTE_STANDARD_STREAM,
				 asks ? NOTE_STANDARD_STREAM : 0);
	}
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions_about_standard_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
