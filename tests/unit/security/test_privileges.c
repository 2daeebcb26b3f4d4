/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The filter of system calls, and the capabilities kept: in children, which it may end. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "security/privileges.h"

/* Not const: a linker may take it for one with a string of the same text. */
static char exec_path[] = "/bin/true";

/* Runs call behind the filter in a child; what wait() says of it. */
static int behind_filter(int (*call)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(privileges_filter(exec_path, false) ? 99 : call());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int run_a_program(void)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

static int run_the_helper(void)
{
	char *argv[] = {"true", NULL};

	execve(exec_path, argv, NULL);
	return 1;
}

static int reach_the_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int change_a_process(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) < 0;
}

/* An old call that nothing here makes. */
static int make_an_unknown_call(void)
{
	return syscall(SYS_personality, 0xffffffff) == -1 && errno == ENOSYS ? 0 : 1;
}

static int do_our_work(void)
{
	struct timespec moment = {.tv_nsec = 1000};
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC), status;
	char text[64];
	void *memory;
	pid_t pid;

	if (fd < 0 || read(fd, text, sizeof(text)) <= 0 || close(fd))
		return 1;
	memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || munmap(memory, 4096) || nanosleep(&moment, NULL))
		return 2;
	/* Refused for want of arguments or privileges, but not by the filter. */
	if (syscall(SYS_bpf, -1, NULL, 0) != -1 || errno == ENOSYS)
		return 3;
	if (syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0) != -1 || errno == ENOSYS)
		return 4;
	pid = fork();
	if (!pid)
		_exit(0);
	return waitpid(pid, &status, 0) == pid && !status ? 0 : 5;
}

static void assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_forbidden_calls_end_it(void **state)
{
	assert_killed(behind_filter(run_a_program));
	assert_killed(behind_filter(reach_the_network));
	assert_killed(behind_filter(change_a_process));
}

static void test_the_helper_runs(void **state)
{
	assert_int_equal(behind_filter(run_the_helper), 0);
}

static void test_unknown_calls_are_refused(void **state)
{
	assert_int_equal(behind_filter(make_an_unknown_call), 0);
}

static void test_own_work_goes_on(void **state)
{
	assert_int_equal(behind_filter(do_our_work), 0);
}

static uint64_t status_value(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long value = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), ": %llx", &value);
	if (f)
		fclose(f);
	return value;
}

/* As any user: no more than before, and nothing beyond what is used. */
static void test_capabilities_are_dropped(void **state)
{
	/* KILL, DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN, PERFMON, BPF */
	const uint64_t used =
		1ull << 5 | 1ull << 2 | 1ull << 19 | 1ull << 21 | 1ull << 38 | 1ull << 39;
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		uint64_t before = status_value("CapPrm");
		int err = privileges_drop(false);

		_exit(err || status_value("CapPrm") != (before & used & ~(1ull << 5)) ||
		      status_value("CapEff") != status_value("CapPrm") || status_value("CapAmb"));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden_calls_end_it),
		cmocka_unit_test(test_the_helper_runs),
		cmocka_unit_test(test_unknown_calls_are_refused),
		cmocka_unit_test(test_own_work_goes_on),
		cmocka_unit_test(test_capabilities_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
