/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The tables of calls: sound in themselves, and true of the kernel that the test runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compat_calls.h"
#include "base/mem.h"
#include "base/syscalls.h"

#define BAD_FD 1000000

static unsigned int number_of(const char *name)
{
	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++) {
		const char *found = syscall_name(nr);

		if (found && !strcmp(found, name))
			return nr;
	}
	return SYSCALLS_MAX;
}

static void test_names(void **state)
{
	assert_string_equal(syscall_name(SYS_close), "close");
	assert_string_equal(syscall_name(SYS_openat), "openat");
	assert_string_equal(syscall_name(SYS_getpid), "getpid");
	assert_string_equal(syscall_name(SYS_newfstatat), "newfstatat");
	/* Newer than the headers of the oldest system that we build on. */
	assert_string_equal(syscall_name(451), "cachestat");
	assert_string_equal(syscall_name(469), "file_setattr");
	assert_null(syscall_name(SYSCALLS_MAX));
	assert_null(syscall_name(SYSCALLS_MAX - 1));
	assert_null(syscall_name(UINT32_MAX));
}

static void test_every_number_has_one_name(void **state)
{
	unsigned int named = 0;

	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++) {
		const char *name = syscall_name(nr);

		if (!name)
			continue;
		named++;
		assert_int_equal(number_of(name), nr);
	}
	assert_true(named > 300);
}

static void test_call_names(void **state)
{
	char buf[24];

	assert_string_equal(call_name(CALL_CLOSE, SYS_close, buf), "close");
	assert_string_equal(call_name(CALL_FCNTL_DUPFD, SYS_fcntl, buf), "fcntl(F_DUPFD)");
	assert_string_equal(call_name(CALL_OTHER, SYS_read, buf), "read");
	assert_string_equal(call_name(CALL_OTHER, 511, buf), "syscall 511");
	assert_string_equal(call_name(CALL_OTHER, UINT16_MAX, buf), "syscall 65535");
	/* A call of a later version. */
	assert_string_equal(call_name(UINT16_MAX, SYS_write, buf), "write");
	assert_string_equal(call_name(0, 511, buf), "syscall 511");
	assert_string_equal(call_name(CALL_INSTALLED, SYS_recvmsg, buf), "recvmsg");
	assert_string_equal(call_name(CALL_REMOVED, SYS_read, buf), "read");
}

static void test_shapes(void **state)
{
	assert_int_equal(call_shape(CALL_CLOSE), SHAPE_CLOSE);
	assert_int_equal(call_shape(CALL_OPEN_TREE_ATTR), SHAPE_MAKE);
	assert_int_equal(call_shape(CALL_OTHER), SHAPE_OTHER);
	assert_int_equal(call_shape(CALL_DUP3), SHAPE_DUP_ONTO);
	assert_int_equal(call_shape(0), 0);
	assert_int_equal(call_shape(CALL_TRANSFERRED + 1), 0);
	assert_int_equal(call_shape(UINT16_MAX), 0);
}

/* A system call that has a call of its own is that call's, by name. */
static void test_calls(void **state)
{
	uint64_t seen = 0;

	for (unsigned int nr = 0; nr < SYSCALLS_MAX; nr++) {
		uint8_t call = syscall_call(nr);
		char buf[24];

		if (!call)
			continue;
		assert_string_equal(call_name(call, 0, buf), syscall_name(nr));
		assert_false(seen >> call & 1);
		seen |= UINT64_C(1) << call;
	}
	assert_int_equal(syscall_call(SYS_fcntl), 0);
	assert_int_equal(syscall_call(SYS_ioctl), 0);
	assert_int_equal(syscall_call(SYS_bpf), 0);
	assert_int_equal(syscall_call(SYSCALLS_MAX), 0);
#ifdef __x86_64__ /* the architecture that has all of them */
	static const uint8_t by_command[] = {CALL_FCNTL_DUPFD, CALL_FCNTL_DUPFD_CLOEXEC,
					     CALL_FCNTL_SETFD, CALL_IOCTL_CLOEXEC,
					     CALL_BPF,	       CALL_OTHER,
					     CALL_INSTALLED,   CALL_REMOVED,
					     CALL_ADDRESSED,   CALL_TRANSFERRED};

	for (size_t i = 0; i < ARRAY_SIZE(by_command); i++)
		seen |= UINT64_C(1) << by_command[i];
	for (unsigned int call = 1; call_shape(call); call++)
		assert_true(seen >> call & 1);
#endif
}

static const struct {
	const char *name;
	uint8_t fds;
} rows[] = {
#define CALL(ID, number, call, shape, fds, ...) {#call, FDS_CELL_##fds},
#define PART(...)
#define USE(call, fds, ...) {#call, FDS_CELL_##fds},
	CALL_ROWS(CALL, PART, USE)
#undef CALL
#undef PART
#undef USE
};

/* They are searched for by halves: each is found where it stands, as far as it is a call here. */
static void test_rows_are_sorted(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int nr = number_of(rows[i].name);

		assert_true(!i || strcmp(rows[i - 1].name, rows[i].name) < 0);
		if (nr == SYSCALLS_MAX)
			continue;
		assert_true(syscall_concerns_fds(nr));
		assert_int_equal(syscall_fd_args(nr), rows[i].fds);
	}
}

static void test_what_changes_a_table(void **state)
{
	static const unsigned int changing[] = {SYS_close, SYS_openat, SYS_pipe2, SYS_unshare,
						SYS_fcntl, SYS_ioctl,  SYS_bpf};
	static const unsigned int using[] = {SYS_read, SYS_fstat, SYS_waitid, SYS_sendmsg};

	for (size_t i = 0; i < ARRAY_SIZE(changing); i++)
		assert_true(syscall_concerns_fds(changing[i]) && syscall_changes_fds(changing[i]));
	for (size_t i = 0; i < ARRAY_SIZE(using); i++)
		assert_true(syscall_concerns_fds(using[i]) && !syscall_changes_fds(using[i]));
	assert_false(syscall_concerns_fds(SYS_getpid) || syscall_changes_fds(SYS_getpid));
	assert_false(syscall_concerns_fds(SYSCALLS_MAX) || syscall_changes_fds(SYSCALLS_MAX));
}

static void test_owner_calls(void **state)
{
	assert_int_equal(syscall_owner_call(SYS_fstat), OWNER_CALL_FSTAT);
	assert_int_equal(syscall_owner_call(SYS_newfstatat), OWNER_CALL_FSTATAT);
	assert_int_equal(syscall_owner_call(SYS_socket), OWNER_CALL_SOCKET);
	assert_int_equal(syscall_owner_call(SYS_getsockname), OWNER_CALL_SOCKNAME);
	assert_int_equal(syscall_owner_call(SYS_epoll_create1), OWNER_CALL_EPOLL);
	assert_int_equal(syscall_owner_call(SYS_recvmsg), OWNER_CALL_MESSAGE);
	assert_int_equal(syscall_owner_call(SYS_write), OWNER_CALL_IO);
	assert_int_equal(syscall_owner_call(SYS_close), OWNER_CALL_NONE);
	assert_int_equal(syscall_owner_call(SYSCALLS_MAX), OWNER_CALL_NONE);
}

/* arch/x86/entry/syscalls/syscall_32.tbl */
static void test_32_bit_numbers(void **state)
{
#ifdef __x86_64__
	assert_int_equal(syscall_of_compat(6), SYS_close);
	assert_int_equal(syscall_of_compat(5), SYS_open);
	assert_int_equal(syscall_of_compat(221), SYS_fcntl); /* fcntl64 */
	assert_int_equal(syscall_of_compat(55), SYS_fcntl);
	assert_int_equal(syscall_of_compat(357), SYS_bpf);
	assert_int_equal(syscall_of_compat(417), SYS_recvmmsg);
	assert_int_equal(syscall_of_compat(436), SYS_close_range);
	assert_int_equal(syscall_of_compat(1), -1);   /* exit */
	assert_int_equal(syscall_of_compat(90), -1);  /* the old mmap */
	assert_int_equal(syscall_of_compat(339), -1); /* fanotify_mark */
#endif
	assert_int_equal(syscall_of_compat(0), -1);
	assert_int_equal(syscall_of_compat(SYSCALLS_MAX), -1);
}

static void test_fd_args(void **state)
{
	assert_int_equal(syscall_fd_args(SYS_dup3), 0x21);
	assert_int_equal(syscall_fd_args(SYS_pipe2), 0x01 | FDS_PAIR);
	assert_int_equal(syscall_fd_args(SYS_socketpair), 0x04 | FDS_PAIR);
	assert_int_equal(syscall_fd_args(SYS_close_range), 0x21 | FDS_RANGE);
	assert_int_equal(syscall_fd_args(SYS_read), 0x01);
	assert_int_equal(syscall_fd_args(SYS_mmap), 0x05);
	assert_int_equal(syscall_fd_args(SYS_splice), 0x31);
	assert_int_equal(syscall_fd_args(SYS_epoll_ctl), 0x31);
	assert_int_equal(syscall_fd_args(SYS_tee), 0x21);
	assert_int_equal(syscall_fd_args(SYS_symlinkat), 0x02);
	assert_int_equal(syscall_fd_args(SYS_fanotify_mark), 0x41);
	assert_int_equal(syscall_fd_args(SYS_fcntl), 0x01);
	assert_int_equal(syscall_fd_args(SYS_ioctl), 0x01);
	assert_int_equal(syscall_fd_args(SYS_bpf), 0);
	assert_int_equal(syscall_fd_args(SYS_getpid), 0);
	assert_int_equal(syscall_fd_args(SYSCALLS_MAX), 0);
}

static char zeros[4096];
static const char path[] = "no-such-file";

#define P (long)path
#define Z (long)zeros

/* What the kernel wants to see before it looks at the descriptor. -1: the descriptor itself. */
static const struct sample {
	const char *name;
	long args[6];
} samples[] = {
	{"flock", {-1, 1}},
	{"fsetxattr", {-1, P, Z}},
	{"fgetxattr", {-1, P}},
	{"fremovexattr", {-1, P}},
	{"epoll_ctl", {-1, 1, 0, Z}},
	{"waitid", {3, -1, 0, 4}},
	{"inotify_add_watch", {-1, P, 1}},
	{"openat", {-1, P}},
	{"mkdirat", {-1, P}},
	{"mknodat", {-1, P}},
	{"fchownat", {-1, P}},
	{"newfstatat", {-1, P, Z}},
	{"unlinkat", {-1, P}},
	{"renameat", {-1, P, 0, P}},
	{"renameat2", {-1, P, 0, P}},
	{"linkat", {-1, P, 0, P}},
	{"symlinkat", {P, -1, P}},
	{"readlinkat", {-1, P, Z, 10}},
	{"fchmodat", {-1, P}},
	{"faccessat", {-1, P}},
	{"faccessat2", {-1, P}},
	{"splice", {-1, 0, 0, 0, 1}},
	{"tee", {-1, 0, 1}},
	{"timerfd_settime", {-1, 0, Z}},
	{"statx", {-1, P}},
	{"execveat", {-1, P}},
	{"mmap", {0, 4096, 1, 2, -1}},
	{"name_to_handle_at", {-1, P, Z, Z}},
};

/* Each call that needs no privilege fails with EBADF because of the argument that we name. */
static void test_the_kernel_agrees(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		unsigned int nr = number_of(samples[i].name);
		long args[6];

		if (nr == SYSCALLS_MAX)
			continue; /* not on this architecture */
		memcpy(args, samples[i].args, sizeof(args));
		assert_int_equal(args[(syscall_fd_args(nr) & 0xf) - 1], -1);
		args[(syscall_fd_args(nr) & 0xf) - 1] = BAD_FD;
		errno = 0;
		syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
		if (errno != EBADF)
			fail_msg("%s: %s", samples[i].name, strerror(errno));
	}
}

/* The second descriptor, too, with a first that is open. */
static void test_second_descriptors(void **state)
{
	int pipes[2];
	int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(splice(pipes[0], NULL, BAD_FD, NULL, 1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(tee(pipes[0], BAD_FD, 1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(linkat(dir, "dev", BAD_FD, path, 0), -1);
	assert_int_equal(errno, EBADF);
	close(pipes[0]);
	close(pipes[1]);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_number_has_one_name),
		cmocka_unit_test(test_call_names),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_rows_are_sorted),
		cmocka_unit_test(test_what_changes_a_table),
		cmocka_unit_test(test_owner_calls),
		cmocka_unit_test(test_32_bit_numbers),
		cmocka_unit_test(test_fd_args),
		cmocka_unit_test(test_the_kernel_agrees),
		cmocka_unit_test(test_second_descriptors),
	};

	return cmocka_run_group_tests_name("syscalls", tests, NULL, NULL);
}
