/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The confined helper: it answers, it can do nothing else, and it dies without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "security/elf_helper.h"
#include "python/destructor.h"
#include "security/confine.h"
#include "security/helper_process.h"

/* Bytes that the helper may take. */
#define MEMORY (64u << 20)

enum task {
	ECHO,
	CRASH,
	OPEN,
	SOCKET,
	FORK,
	MAP_CODE,
	WRITE_FILE,
	SPIN,
	ALLOCATE,
};

struct job {
	enum task task;
	uint32_t number;
};

static volatile int spinning = 1;

/* Most of these end the helper; those that come back were let through. */
static int do_job(int fd, const void *question, void *answer)
{
	const struct job *job = question;
	char *volatile room; /* else a compiler may leave the allocation out */

	switch (job->task) {
	case ECHO:
		memcpy(answer, &job->number, sizeof(job->number));
		return pread(fd, (char *)answer + 4, 4, 0) == 4 ? 0 : -EIO;
	case CRASH:
		abort();
	case OPEN:
		return open("/etc/passwd", O_RDONLY);
	case SOCKET:
		return socket(AF_INET, SOCK_STREAM, 0);
	case FORK:
		return fork();
	case MAP_CODE:
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
	case WRITE_FILE:
		return write(fd, "x", 1) < 0 ? -errno : 1;
	case SPIN:
		while (spinning)
			;
		return 0;
	case ALLOCATE:
		room = malloc(MEMORY + 1);
		free(room);
		return room ? 1 : -ENOMEM;
	}
	return 0;
}

static struct sandbox *start(void)
{
	const struct sandbox_options options = {
		.work = do_job,
		.question_size = sizeof(struct job),
		.answer_size = 8,
		.timeout_ms = 3000,
		.memory = MEMORY,
	};
	struct sandbox *sandbox;

	assert_int_equal(sandbox_new(&options, &sandbox), 0);
	return sandbox;
}

static int ask(struct sandbox *sandbox, enum task task, int fd, int *ret_result)
{
	struct job job = {.task = task, .number = 77};
	char answer[8];

	return sandbox_ask(sandbox, fd, &job, answer, ret_result);
}

static int some_file(void)
{
	int fd = memfd_create("fdtrace-test", MFD_CLOEXEC);

	assert_int_equal(write(fd, "text", 4), 4);
	return fd;
}

static void expect_answer(struct sandbox *sandbox, int fd, uint32_t number)
{
	struct job job = {.task = ECHO, .number = number};
	struct {
		uint32_t number;
		char text[4];
	} answer;
	int result = -1;

	assert_int_equal(sandbox_ask(sandbox, fd, &job, &answer, &result), 0);
	assert_int_equal(result, 0);
	assert_int_equal(answer.number, number);
	assert_memory_equal(answer.text, "text", 4);
}

static void test_answers(void **state)
{
	_cleanup_close_ int fd = some_file();
	struct sandbox *sandbox = start();

	for (uint32_t number = 1; number < 1000; number++)
		expect_answer(sandbox, fd, number);
	sandbox_free(sandbox);
}

/* Each is tried, fails, and the next file has its answer. */
static void test_deaths(void **state)
{
	static const enum task deadly[] = {CRASH, OPEN, SOCKET, FORK, MAP_CODE, SPIN};
	_cleanup_close_ int fd = some_file();
	struct sandbox *sandbox = start();
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
		assert_int_equal(ask(sandbox, deadly[i], fd, &result), -ECANCELED);
		expect_answer(sandbox, fd, 100 + i);
	}
	sandbox_free(sandbox);
}

/* It may write to the socket alone. */
static void test_writes_no_file(void **state)
{
	_cleanup_close_ int fd = some_file();
	struct sandbox *sandbox = start();
	int result = 0, err = ask(sandbox, WRITE_FILE, fd, &result);

	assert_true(err == -ECANCELED || result == -EFBIG); /* SIGXFSZ */
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	sandbox_free(sandbox);
}

static void test_memory_is_bounded(void **state)
{
	_cleanup_close_ int fd = some_file();
	struct sandbox *sandbox = start();
	int result = 0;

	assert_int_equal(ask(sandbox, ALLOCATE, fd, &result), 0);
	assert_int_equal(result, CONFINED_MEMORY ? -ENOMEM : 1);
	sandbox_free(sandbox);
}

static void test_deaths_are_bounded(void **state)
{
	_cleanup_close_ int fd = some_file();
	struct sandbox *sandbox = start();
	int result, deaths = 0, err;

	while ((err = ask(sandbox, CRASH, fd, &result)) == -ECANCELED)
		deaths++;
	assert_int_equal(err, -ENOTRECOVERABLE);
	assert_in_range(deaths, SANDBOX_DEATHS_MAX / 2 - 1, SANDBOX_DEATHS_MAX / 2);
	assert_int_equal(ask(sandbox, ECHO, fd, &result), -ENOTRECOVERABLE);
	sandbox_free(sandbox);
}

/* What is found in the helper is what is found here. */
static void same_as_here(struct elf_helper *elf_helper, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct python_runtime here = {0}, there = {0};
	uint64_t offset_here = 0, offset_there = 0;
	int err;

	if (fd < 0)
		return;
	err = python_runtime_find(fd, &here);
	assert_int_equal(elf_helper_runtime_find(elf_helper, fd, &there), err);
	assert_memory_equal(&here, &there, sizeof(here));
	if (err)
		return;
	assert_int_equal(python_code_destructor(fd, &here, &offset_here),
			 elf_helper_code_destructor(elf_helper, fd, &there, &offset_there));
	assert_int_equal(offset_here, offset_there);
	assert_int_equal(elf_helper_owner_functions(elf_helper, fd, there.code),
			 python_owner_functions_find(fd, here.code));
	assert_memory_equal(here.code, there.code, sizeof(here.code));
}

static void test_foreign(void **state)
{
	struct elf_helper *elf_helper;
	glob_t found;

	assert_int_equal(elf_helper_new(&elf_helper), 0);
	same_as_here(elf_helper, "/bin/true");
	same_as_here(elf_helper, "/etc/passwd");
	if (!glob("/usr/bin/python3.*[0-9]", 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			same_as_here(elf_helper, found.gl_pathv[i]);
		globfree(&found);
	}
	assert_int_equal(elf_helper_failures(elf_helper), 0);
	elf_helper_free(elf_helper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_writes_no_file),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_deaths_are_bounded),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
