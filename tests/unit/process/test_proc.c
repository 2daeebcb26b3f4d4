/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Reading /proc: this very process, its threads, its children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "process/proc.h"

#define NO_PID (1 << 30)

/* A child that waits; ended by end_child(). */
static pid_t start_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_existence(void **state)
{
	pid_t zombie = fork();

	if (zombie == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, zombie, NULL, WEXITED | WNOWAIT), 0);
	assert_true(proc_exists(getpid()));
	assert_false(proc_exists(zombie));
	assert_int_equal(waitpid(zombie, NULL, 0), zombie);
	assert_false(proc_exists(zombie));
	assert_false(proc_exists(NO_PID));
	assert_false(proc_exists(0));
	assert_false(proc_exists(-1));
}

static void test_start(void **state)
{
	uint64_t before = clock_boot_ns(), start_ns = 0;
	pid_t pid = start_child();

	assert_int_equal(proc_start_ns(pid, &start_ns), 0);
	assert_true(start_ns + 10000000 > before);
	assert_true(start_ns <= clock_boot_ns());
	/* As exact as a record has it, it is the same; a tick more or less is another. */
	assert_true(proc_same_process(pid, start_ns));
	assert_true(proc_same_process(pid, start_ns + 9999999));
	assert_false(proc_same_process(pid, start_ns + 10000000));
	assert_false(proc_same_process(pid, start_ns - 1));
	end_child(pid);
	assert_false(proc_same_process(pid, start_ns));
	assert_int_equal(proc_start_ns(pid, &start_ns), -ESRCH);
}

#define SEEN_MAX 64

struct seen {
	size_t count;
	struct {
		int32_t fd;
		enum fd_type type;
		bool cloexec;
		bool path_from_proc;
		char path[128];
	} fds[SEEN_MAX];
	int stop; /* returned from the first on */
};

static int see_fd(void *arg, int32_t fd, const char *link, bool cloexec)
{
	struct fd_what what = {.type = FD_UNKNOWN};
	struct seen *seen = arg;
	char text[PATH_MAX];

	assert_true(seen->count < SEEN_MAX);
	if (link) {
		snprintf(text, sizeof(text), "%s", link);
		proc_parse_fd_link(text, &what);
	}
	seen->fds[seen->count].fd = fd;
	seen->fds[seen->count].type = what.type;
	seen->fds[seen->count].cloexec = cloexec;
	seen->fds[seen->count].path_from_proc = what.path_from_proc;
	snprintf(seen->fds[seen->count++].path, 128, "%s", what.path ? what.path : "-");
	return seen->stop;
}

static void close_all(void)
{
	assert_int_equal(syscall(SYS_close_range, 0, ~0u, 0), 0);
}

/* Numbers 0, 1, 2… in the order of the table below. */
static void open_all_kinds(void)
{
	sigset_t none;
	int pipes[2];

	sigemptyset(&none);
	assert_int_equal(open("/dev/null", O_RDONLY), 0);
	assert_int_equal(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 1);
	assert_int_equal(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 2);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(epoll_create1(EPOLL_CLOEXEC), 5);
	assert_int_equal(eventfd(0, 0), 6);
	assert_int_equal(timerfd_create(CLOCK_MONOTONIC, 0), 7);
	assert_int_equal(signalfd(-1, &none, 0), 8);
	assert_int_equal(inotify_init1(0), 9);
	assert_int_equal(memfd_create("a \"name\"", 0), 10);
	assert_int_equal(syscall(SYS_pidfd_open, getpid(), 0), 11);
	assert_int_equal(open("/proc/self/ns/uts", O_RDONLY), 12);
	assert_int_equal(dup2(0, 300), 300);
}

static const struct {
	int32_t fd;
	enum fd_type type;
	bool cloexec;
	const char *path; /* its beginning */
} kinds[] = {
	{0, FD_FILE, false, "/dev/null"},
	{1, FD_FILE, true, "/"},
	{2, FD_SOCKET, true, "-"},
	{3, FD_PIPE, false, "-"},
	{4, FD_PIPE, false, "-"},
	{5, FD_EPOLL, true, "-"},
	{6, FD_EVENTFD, false, "-"},
	{7, FD_TIMERFD, false, "-"},
	{8, FD_SIGNALFD, false, "-"},
	{9, FD_INOTIFY, false, "-"},
	{10, FD_MEMFD, false, "a \"name\""},
	{11, FD_PIDFD, true, "-"},
	{12, FD_OTHER, false, "uts:["},
	{300, FD_FILE, false, "/dev/null"},
};

/* The child keeps a pipe to say that it is ready: only what open_all_kinds() made is compared. */
static void *ready_then_exit_first_thread(void *arg)
{
	int *ready = arg;

	/* Only once the first thread is a zombie. */
	while (proc_living_thread(getpid()) == getpid())
		usleep(1000);
	if (write(ready[0], "", 1) == 1)
		pause();
	return NULL;
}

static void all_kinds_then_wait(int ready, bool lose_first_thread)
{
	static int fds[1];
	pthread_t thread;

	fds[0] = fcntl(ready, F_DUPFD_CLOEXEC, 400);
	close(ready);
	assert_int_equal(syscall(SYS_close_range, 0, 399, 0), 0);
	open_all_kinds();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (lose_first_thread) {
		assert_int_equal(pthread_create(&thread, NULL, ready_then_exit_first_thread, fds),
				 0);
		pthread_exit(NULL);
	}
	if (write(fds[0], "", 1) == 1)
		pause();
	_exit(1);
}

static pid_t start_with_all_kinds(bool lose_first_thread)
{
	int ready[2];
	char byte = 0;
	pid_t pid = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		all_kinds_then_wait(ready[1], lose_first_thread);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void assert_all_kinds(pid_t pid, uint32_t expected_threads)
{
	struct seen seen = {0};
	uint32_t size = 0, threads = 0;

	assert_int_equal(proc_each_fd(pid, see_fd, &seen), 0);
	assert_int_equal(seen.count, ARRAY_SIZE(kinds) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(seen.fds[i].fd, kinds[i].fd);
		assert_int_equal(seen.fds[i].type, kinds[i].type);
		assert_int_equal(seen.fds[i].cloexec, kinds[i].cloexec);
		assert_int_equal(strncmp(seen.fds[i].path, kinds[i].path, strlen(kinds[i].path)),
				 0);
	}
	assert_int_equal(seen.fds[ARRAY_SIZE(kinds)].type, FD_PIPE);
	assert_int_equal(proc_fd_size(pid, &size, &threads), 0);
	assert_int_equal(threads, expected_threads);
	assert_true(size > 400);
}

static void test_fds(void **state)
{
	pid_t pid = start_with_all_kinds(false);
	struct seen seen = {.stop = -ENOMEM};

	assert_all_kinds(pid, 1);
	/* The callback's word ends the walk. */
	assert_int_equal(proc_each_fd(pid, see_fd, &seen), -ENOMEM);
	assert_int_equal(seen.count, 1);
	end_child(pid);
	assert_int_equal(proc_each_fd(pid, see_fd, &seen), -ESRCH);
	assert_int_equal(proc_fd_size(pid, &(uint32_t){0}, &(uint32_t){0}), -ESRCH);
}

static int count_mapping(void *arg, const struct proc_mapping *mapping)
{
	++*(int *)arg;
	return 0;
}

/* /proc/PID shows the first thread, a zombie with nothing open: the process lives on. */
static void test_first_thread_gone(void **state)
{
	pid_t pid = start_with_all_kinds(true);
	int mappings = 0;

	assert_true(proc_living_thread(pid) > pid);
	assert_true(proc_exists(pid));
	assert_all_kinds(pid, 2); /* that one counts */
	assert_int_equal(proc_each_exec_mapping(pid, count_mapping, &mappings), 0);
	assert_true(mappings >= 2);
	end_child(pid);
}

static void test_no_fds(void **state)
{
	struct seen seen = {0};
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_all();
		for (;;)
			pause();
	}
	do {
		seen.count = 0;
		assert_int_equal(proc_each_fd(pid, see_fd, &seen), 0);
	} while (seen.count);
	end_child(pid);
}

struct wanted {
	const char *name; /* the end of its path */
	struct proc_mapping mapping;
	char path[PATH_MAX];
};

static int find_mapping(void *arg, const struct proc_mapping *mapping)
{
	struct wanted *wanted = arg;
	size_t length = strlen(mapping->path), tail = strlen(wanted->name);

	if (length < tail || strcmp(mapping->path + length - tail, wanted->name))
		return 0;
	wanted->mapping = *mapping;
	snprintf(wanted->path, sizeof(wanted->path), "%s", mapping->path);
	wanted->mapping.path = wanted->path;
	return 1;
}

static void assert_same_file(int fd, int other)
{
	struct stat a, b;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(other, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_dev, b.st_dev);
	close(fd);
}

/* A file that we map executable, as a copy of nothing but its pages. */
static int map_file(const char *path, void **ret_address)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	*ret_address = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	assert_true(*ret_address != MAP_FAILED);
	return fd;
}

static void test_mappings(void **state)
{
	struct wanted wanted = {.name = "/mapped file"};
	char dir[] = "/tmp/fdtrace-process-XXXXXX", path[64];
	void *address = NULL;
	int fd = -1;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mapped file", dir);
	assert_int_equal(proc_each_exec_mapping(getpid(), find_mapping, &wanted), 0);
	fd = map_file(path, &address);
	assert_int_equal(proc_each_exec_mapping(getpid(), find_mapping, &wanted), 1);
	assert_string_equal(wanted.path, path);
	assert_true(wanted.mapping.start == (uintptr_t)address);
	assert_true(wanted.mapping.end == (uintptr_t)address + 4096);
	assert_int_equal(wanted.mapping.offset, 4096);
	assert_same_file(proc_open_mapping(getpid(), &wanted.mapping), fd);

	/* By its path alone, as where map_files is not allowed. */
	wanted.mapping.end += 4096;
	assert_same_file(proc_open_mapping(getpid(), &wanted.mapping), fd);
	wanted.mapping.inode++;
	assert_int_equal(proc_open_mapping(getpid(), &wanted.mapping), -ESTALE);
	wanted.mapping.path = NULL;
	assert_true(proc_open_mapping(getpid(), &wanted.mapping) < 0);

	munmap(address, 4096);
	close(fd);
	unlink(path);
	rmdir(dir);
	assert_int_equal(proc_each_exec_mapping(NO_PID, find_mapping, &wanted), -ESRCH);
	assert_int_equal(proc_open_mapping(NO_PID, &wanted.mapping), -ESRCH);
}

/* The path of a mapping may lead elsewhere by now; a symbolic link of the process, anywhere. */
static void test_mapping_replaced(void **state)
{
	struct wanted wanted = {.name = "/mapped file"};
	char dir[] = "/tmp/fdtrace-process-XXXXXX", path[64];
	void *address = NULL;
	int fd = -1;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mapped file", dir);
	fd = map_file(path, &address);
	assert_int_equal(proc_each_exec_mapping(getpid(), find_mapping, &wanted), 1);
	wanted.mapping.end += 4096; /* no such file in map_files */
	unlink(path);
	assert_int_equal(proc_open_mapping(getpid(), &wanted.mapping), -ENOENT);
	assert_int_equal(symlink("/proc/self/exe", path), 0);
	assert_true(proc_open_mapping(getpid(), &wanted.mapping) < 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(proc_open_mapping(getpid(), &wanted.mapping), -ESTALE);
	munmap(address, 4096);
	close(fd);
	unlink(path);
	rmdir(dir);
}

static int see_child(void *arg, pid_t pid)
{
	struct seen *seen = arg;

	assert_true(seen->count < SEEN_MAX);
	seen->fds[seen->count++].fd = pid;
	return seen->stop;
}

static void *fork_in_thread(void *arg)
{
	*(pid_t *)arg = fork();
	if (*(pid_t *)arg == 0) {
		/* Not the parent-death signal: the thread is about to end. */
		for (;;)
			pause();
	}
	return NULL;
}

static void test_children(void **state)
{
	struct seen seen = {0};
	pid_t first = start_child(), second = 0, zombie = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fork_in_thread, &second), 0);
	pthread_join(thread, NULL);
	zombie = fork();
	if (zombie == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, zombie, NULL, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_each_child(getpid(), see_child, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.fds[0].fd, first);
	assert_int_equal(seen.fds[1].fd, second);
	seen = (struct seen){.stop = 7};
	assert_int_equal(proc_each_child(getpid(), see_child, &seen), 7);
	assert_int_equal(seen.count, 1);
	seen = (struct seen){0};
	assert_int_equal(proc_each_descendant(getpid(), see_child, &seen), 0);
	assert_int_equal(seen.count, 2);
	seen = (struct seen){.stop = PROC_CHILDLESS};
	assert_int_equal(proc_each_descendant(getpid(), see_child, &seen), 0);
	assert_int_equal(seen.count, 2);
	seen = (struct seen){.stop = 7};
	assert_int_equal(proc_each_descendant(getpid(), see_child, &seen), 7);
	assert_int_equal(seen.count, 1);
	seen = (struct seen){0};
	assert_int_equal(proc_each_child(first, see_child, &seen), 0);
	assert_int_equal(seen.count, 0);
	end_child(first);
	end_child(second);
	assert_int_equal(waitpid(zombie, NULL, 0), zombie);
}

static void test_read_is_bounded(void **state)
{
	char text[8], link[4];

	assert_int_equal(proc_read(getpid(), "status", text, sizeof(text)), 7);
	assert_string_equal(text, "Name:\tt");
	assert_int_equal(proc_read(getpid(), "status", text, 1), 0);
	assert_int_equal(proc_read_link(getpid(), "exe", link, sizeof(link)), -ENAMETOOLONG);
	assert_int_equal(proc_read(NO_PID, "status", text, sizeof(text)), -ESRCH);
	assert_int_equal(proc_read_link(NO_PID, "exe", link, sizeof(link)), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_existence),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_first_thread_gone),
		cmocka_unit_test(test_no_fds),
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_mapping_replaced),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_read_is_bounded),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
