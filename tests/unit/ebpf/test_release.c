/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who holds the last of a descriptor, and until when. Writers of pipes stand for hooks. */
#include "ebpf/release.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define SHARED	  20 /* more than there are holders */
#define AGES_MS	  30000
#define MOMENT_MS 50

/* Whether the last writer of a pipe has gone, or goes within this time. */
static bool goes_within(int reader, int ms)
{
	struct pollfd poller = {.fd = reader};

	return poll(&poller, 1, ms) == 1 && (poller.revents & POLLHUP);
}

static void make_pipe(int *ret_reader, int *ret_writer)
{
	int ends[2];

	assert_return_code(pipe2(ends, O_CLOEXEC), 0);
	*ret_reader = ends[0];
	*ret_writer = ends[1];
}

static void test_held_until_let_go(void **state)
{
	int readers[SHARED], writers[SHARED], other_reader, other_writer, shared;

	for (size_t i = 0; i < SHARED; i++)
		make_pipe(&readers[i], &writers[i]);
	make_pipe(&other_reader, &other_writer);
	shared = release_share(writers, SHARED);
	assert_true(shared >= 0);
	for (size_t i = 0; i < SHARED; i++)
		close(writers[i]);
	close(other_writer);

	/* What was not asked for nobody holds, not even meanwhile. */
	assert_true(goes_within(other_reader, AGES_MS));
	for (size_t i = 0; i < SHARED; i++)
		assert_false(goes_within(readers[i], i ? 0 : MOMENT_MS));
	close(shared);
	for (size_t i = 0; i < SHARED; i++) {
		assert_true(goes_within(readers[i], AGES_MS));
		close(readers[i]);
	}
	close(other_reader);
	assert_true(wait(NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_until_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
