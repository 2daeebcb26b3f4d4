/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The search for descriptor owners in made-up processes: children of this one, which fill memory
 * whose addresses are known here with type objects and objects, and then wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "made_owners.h"
#include "process/owner_scan.h"
#include "process/proc.h"
#include "python/layout.h"

#define PIECE	    (256 << 10) /* as owner_scan.c reads */
#define MEMORY_SIZE (4 * PIECE)
#define SPARSE_SIZE (900ull << 30)
#define FILE_FD	    200
#define SOCKET_FD   201
#define EPOLL_FD    202
#define CLOSED_FD   203
#define CLAIMS_MAX  1024

enum { CODE, TYPE, OBJECT, FILEIO, SOCKET, EPOLL, TYPES };

/* The memory that a child fills: here it is never touched. */
static char *memory, *sparse;

static uint64_t address(const void *at)
{
	return (uintptr_t)at;
}

static char *type_at(unsigned int number)
{
	return memory + (size_t)number * MADE_TYPE_SIZE;
}

static void make_class(void *at, const char *name, const void *base)
{
	make_type(at, OBJECT_HEAD,
		  &(struct made_type){.type = address(type_at(TYPE)),
				      .name = address(name),
				      .base = address(base)});
}

static void make_types(void)
{
	make_class(type_at(CODE), "code", type_at(OBJECT));
	make_class(type_at(TYPE), "type", type_at(OBJECT));
	make_class(type_at(FILEIO), "_io.FileIO", type_at(OBJECT));
	make_class(type_at(SOCKET), "_socket.socket", type_at(OBJECT));
	make_class(type_at(EPOLL), "select.epoll", type_at(OBJECT));
}

static char *make_file(char *at, int32_t fd)
{
	make_owner(at, OBJECT_HEAD, address(type_at(FILEIO)), fd, CLOSEFD);
	return at;
}

static void move_fd(int from, int to)
{
	dup2(from, to);
	close(from);
}

static void open_numbers(void)
{
	move_fd(open("/dev/null", O_RDONLY), FILE_FD);
	move_fd(socket(AF_UNIX, SOCK_STREAM, 0), SOCKET_FD);
	move_fd(epoll_create1(0), EPOLL_FD);
	close(CLOSED_FD);
}

/* Forks one that fills its memory and stops. It ends with this process at the latest. */
static pid_t start(void (*fill)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		open_numbers();
		make_types();
		fill();
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct claims {
	struct owner_claim list[CLAIMS_MAX];
	char names[CLAIMS_MAX][OWNER_CLAIM_NAME_SIZE];
	size_t count;
	struct owner_scan_progress progress;
};

static int keep(void *arg, const struct owner_claim *claim)
{
	struct claims *claims = arg;

	assert_true(claims->count < CLAIMS_MAX);
	snprintf(claims->names[claims->count], OWNER_CLAIM_NAME_SIZE, "%s", claim->name);
	claims->list[claims->count++] = *claim;
	return 0;
}

static struct owner_scan *prepare(pid_t pid, const struct owner_scan_limits *limits)
{
	struct owner_scan *scan = NULL;

	assert_int_equal(owner_scan_new(pid, python_layout(0x030b, false), address(type_at(CODE)),
					limits, &scan),
			 0);
	return scan;
}

static void scan_limited(pid_t pid, const struct owner_scan_limits *limits, struct claims *ret)
{
	struct owner_scan *scan = prepare(pid, limits);

	*ret = (struct claims){0};
	assert_int_equal(owner_scan_step(scan, UINT64_MAX, keep, ret), 0);
	owner_scan_progress(scan, &ret->progress);
	assert_int_equal(ret->progress.claims, ret->count);
	owner_scan_free(scan);
}

static void scan_all(void (*fill)(void), struct claims *ret)
{
	pid_t pid = start(fill);

	scan_limited(pid, NULL, ret);
	assert_false(ret->progress.limited);
	assert_int_equal(ret->progress.done, ret->progress.total);
	end(pid);
}

/* The one claim of this object; NULL: none. */
static const struct owner_claim *claim_of(const struct claims *claims, const void *object)
{
	const struct owner_claim *found = NULL;

	for (size_t i = 0; i < claims->count; i++) {
		if (claims->list[i].object != address(object))
			continue;
		assert_null(found);
		found = &claims->list[i];
	}
	return found;
}

static void assert_claim(const struct claims *claims, const void *object, const void *type,
			 enum owner_type kind, int32_t fd)
{
	const struct owner_claim *claim = claim_of(claims, object);

	assert_non_null(claim);
	assert_int_equal(claim->type, address(type));
	assert_int_equal(claim->kind, kind);
	assert_int_equal(claim->fd, fd);
	assert_int_equal(claim->flags, OWNER_CLOSES);
}

/* Places of objects: in the middle, across pieces, at the end. */
static char *object(size_t number)
{
	return memory + 16384 + number * 64;
}

static char *across(void)
{
	return memory + PIECE - OBJECT_HEAD;
}

static char *last(void)
{
	return memory + MEMORY_SIZE - 40 /* what is read of an object */;
}

static void fill_each_kind(void)
{
	make_file(object(0), FILE_FD);
	make_file(object(1), FILE_FD); /* the same number */
	make_file(object(2), SOCKET_FD);
	make_owner(object(3), OBJECT_HEAD, address(type_at(SOCKET)), SOCKET_FD, AF_UNIX);
	make_owner(object(4), OBJECT_HEAD, address(type_at(EPOLL)), EPOLL_FD, 0);
	make_file(across(), FILE_FD);
	make_file(last(), FILE_FD);
}

static void test_each_kind(void **state)
{
	static struct claims claims;

	scan_all(fill_each_kind, &claims);
	assert_int_equal(claims.count, 7);
	assert_claim(&claims, object(0), type_at(FILEIO), OWNER_FILEIO, FILE_FD);
	assert_claim(&claims, object(1), type_at(FILEIO), OWNER_FILEIO, FILE_FD);
	assert_claim(&claims, object(2), type_at(FILEIO), OWNER_FILEIO, SOCKET_FD);
	assert_claim(&claims, object(3), type_at(SOCKET), OWNER_SOCKET, SOCKET_FD);
	assert_claim(&claims, object(4), type_at(EPOLL), OWNER_EPOLL, EPOLL_FD);
	assert_claim(&claims, across(), type_at(FILEIO), OWNER_FILEIO, FILE_FD);
	assert_claim(&claims, last(), type_at(FILEIO), OWNER_FILEIO, FILE_FD);
	assert_string_equal(claims.names[0], "_io.FileIO");
	assert_int_equal(claims.progress.owner_types, 3);
}

static void fill_wrong_ones(void)
{
	make_file(object(0), CLOSED_FD);
	make_file(object(1), -1);
	make_file(object(2) + 4, FILE_FD); /* no object lies there */
	make_owner(object(4), OBJECT_HEAD, address(type_at(SOCKET)), FILE_FD, AF_UNIX);
	make_owner(object(5), OBJECT_HEAD, address(type_at(EPOLL)), SOCKET_FD, 0);
	make_owner(object(6), OBJECT_HEAD, address(type_at(SOCKET)), EPOLL_FD, AF_UNIX);
	make_owner(object(7), OBJECT_HEAD, address(type_at(FILEIO)), FILE_FD, 0);
	put_word(make_file(object(8), FILE_FD), 0, 0); /* no reference */
	make_owner(object(9), OBJECT_HEAD, address(type_at(OBJECT)), FILE_FD, CLOSEFD);
	/* Its number would lie behind the memory. */
	put_word(memory + MEMORY_SIZE - 16, 0, 1);
	put_word(memory + MEMORY_SIZE - 8, 0, address(type_at(FILEIO)));
	make_file(object(20), FILE_FD); /* the only right one */
}

static void test_wrong_ones(void **state)
{
	static struct claims claims;

	scan_all(fill_wrong_ones, &claims);
	assert_int_equal(claims.count, 1);
	assert_claim(&claims, object(20), type_at(FILEIO), OWNER_FILEIO, FILE_FD);
}

/* More classes than one round looks for, each derived from the one before or a base. */
#define CLASSES 100

static char *class_at(unsigned int number)
{
	return memory + 2 * PIECE + (size_t)number * MADE_TYPE_SIZE;
}

static char *object_of(unsigned int number)
{
	return memory + PIECE + 4096 + (size_t)number * 64;
}

static void fill_classes(void)
{
	for (unsigned int i = 0; i < CLASSES; i++) {
		make_class(class_at(i),
			   "A class whose name is longer than what is told of a name "
			   "in a claim, by far",
			   i % 5 ? class_at(i - 1) : type_at(FILEIO));
		make_owner(object_of(i), OBJECT_HEAD, address(class_at(i)), FILE_FD, CLOSEFD);
	}
}

static void test_classes(void **state)
{
	static struct claims claims;

	scan_all(fill_classes, &claims);
	assert_int_equal(claims.count, CLASSES);
	for (unsigned int i = 0; i < CLASSES; i++)
		assert_claim(&claims, object_of(i), class_at(i), OWNER_FILEIO, FILE_FD);
	assert_int_equal(strlen(claims.names[0]), OWNER_CLAIM_NAME_SIZE - 1);
	assert_int_equal(claims.progress.owner_types, CLASSES + 3);
}

/* Before their class and behind it, in each piece; the class's base may lie behind it as well. */
static char *object_in(unsigned int piece, unsigned int number)
{
	return memory + piece * PIECE + 100000 + (size_t)number * 64;
}

static char *scattered_class(unsigned int number)
{
	return memory + number % 4 * PIECE + 32768 + (size_t)number * MADE_TYPE_SIZE;
}

static void fill_scattered(void)
{
	for (unsigned int i = 0; i < CLASSES; i++) {
		make_class(scattered_class(i), "Own",
			   i % 5 == 4 ? type_at(FILEIO) : scattered_class(i + 1));
		for (unsigned int piece = 0; piece < 4; piece++)
			make_owner(object_in(piece, i), OBJECT_HEAD, address(scattered_class(i)),
				   FILE_FD, CLOSEFD);
	}
}

static void test_scattered(void **state)
{
	static struct claims claims;

	scan_all(fill_scattered, &claims);
	assert_int_equal(claims.count, 4 * CLASSES);
	for (unsigned int i = 0; i < 4 * CLASSES; i++)
		assert_claim(&claims, object_in(i % 4, i / 4), scattered_class(i / 4), OWNER_FILEIO,
			     FILE_FD);
}

/* class Own(io.FileIO, metaclass=Meta), of which only the base is found by PyType_Type. */
static void fill_metaclass(void)
{
	make_type(class_at(0), OBJECT_HEAD,
		  &(struct made_type){.type = address(type_at(TYPE)),
				      .name = address("Meta"),
				      .base = address(type_at(TYPE)),
				      .flags = READY | TYPE_SUBCLASS});
	make_class(class_at(1), "Own", type_at(FILEIO));
	put_word(class_at(1), OBJECT_HEAD - 8, address(class_at(0)));
	make_class(class_at(2), "Derived", class_at(1));
	put_word(class_at(2), OBJECT_HEAD - 8, address(class_at(0)));
	make_owner(object_of(0), OBJECT_HEAD, address(class_at(1)), FILE_FD, CLOSEFD);
	make_owner(object_of(1), OBJECT_HEAD, address(class_at(2)), FILE_FD, CLOSEFD);
}

static void test_metaclass(void **state)
{
	static struct claims claims;

	scan_all(fill_metaclass, &claims);
	assert_int_equal(claims.count, 2);
	assert_claim(&claims, object_of(0), class_at(1), OWNER_FILEIO, FILE_FD);
	assert_claim(&claims, object_of(1), class_at(2), OWNER_FILEIO, FILE_FD);
}

/* All that is behind the types, one word over and over. */
static void fill_words(uint64_t word)
{
	for (size_t at = 16384; at < MEMORY_SIZE; at += sizeof(word))
		put_word(memory, at, word);
}

static void fill_type_words(void)
{
	fill_words(address(type_at(TYPE)));
}

static void fill_owner_words(void)
{
	fill_words(address(type_at(SOCKET)));
}

/* Types by the thousand: each a copy of FileIO that overlaps the last ones. */
static void fill_forged_types(void)
{
	for (size_t at = 16384; at + MADE_TYPE_SIZE < MEMORY_SIZE; at += 24)
		make_class(memory + at, "_io.FileIO", type_at(OBJECT));
}

static void test_hostile(void **state)
{
	static void (*const fills[])(void) = {fill_type_words, fill_owner_words, fill_forged_types};
	const struct owner_scan_limits limits = {.max_types = 1000};
	static struct claims claims;

	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		pid_t pid = start(fills[i]);

		scan_limited(pid, &limits, &claims);
		assert_int_equal(claims.count, 0);
		assert_true(claims.progress.types <= 1000);
		end(pid);
	}
}

static void fill_claims(void)
{
	for (size_t i = 0; i < 100; i++)
		make_file(object(i), FILE_FD);
}

/* least: what only looks like an object may take a place among those that are kept. */
static void test_limits(void **state)
{
	const struct {
		struct owner_scan_limits limits;
		size_t least, most;
	} cases[] = {
		{{.max_claims = 50}, 1, 50}, {{.max_claims = 1000}, 100, 100},
		{{.max_bytes = 4096}, 0, 0}, {{.max_types = 1}, 0, 0},
		{{.max_regions = 1}, 0, 0},
	};
	pid_t pid = start(fill_claims);
	static struct claims claims;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scan_limited(pid, &cases[i].limits, &claims);
		assert_in_range(claims.count, cases[i].least, cases[i].most);
		assert_int_equal(claims.progress.limited, cases[i].most != 100);
	}
	end(pid);
}

/* In the smallest steps: what is said on the way is sane, and nothing is told twice. */
static void test_steps(void **state)
{
	pid_t pid = start(fill_each_kind);
	struct owner_scan *scan = prepare(pid, NULL);
	struct owner_scan_progress before = {0}, now;
	static struct claims claims;
	unsigned int steps = 0;
	int more;

	claims = (struct claims){0};
	do {
		more = owner_scan_step(scan, 0, keep, &claims);
		owner_scan_progress(scan, &now);
		assert_true(now.done >= before.done && now.total >= before.total);
		assert_true(now.done <= now.total && now.bytes_read <= now.done);
		assert_true(now.claims - before.claims <= 1);
		before = now;
		steps++;
	} while (more == 1);
	assert_int_equal(more, 0);
	assert_true(steps > 20);
	assert_int_equal(claims.count, 7);
	assert_int_equal(owner_scan_step(scan, 0, keep, &claims), 0);
	assert_int_equal(claims.count, 7);
	owner_scan_free(scan);
	end(pid);
}

static int refuse(void *arg, const struct owner_claim *claim)
{
	return -ENOBUFS;
}

static void test_errors(void **state)
{
	pid_t pid = start(fill_each_kind);
	struct owner_scan *scan = prepare(pid, NULL);
	struct py_layout unknown = *python_layout(0x030b, false);

	assert_int_equal(owner_scan_step(scan, UINT64_MAX, refuse, NULL), -ENOBUFS);
	owner_scan_free(scan);
	unknown.version = 0x0363;
	assert_int_equal(owner_scan_new(pid, &unknown, address(type_at(CODE)), NULL, &scan),
			 -ENOTSUP);
	assert_int_equal(owner_scan_new(pid, python_layout(0x030b, false), 4096, NULL, &scan),
			 -ESRCH);
	end(pid);
	assert_int_equal(owner_scan_new(pid, python_layout(0x030b, false), address(type_at(CODE)),
					NULL, &scan),
			 -ESRCH);
	owner_scan_free(NULL);
}

/* It ends before the scan, within it, or between the search and the last look. */
static void test_ends(void **state)
{
	for (unsigned int after = 0; after < 40; after++) {
		pid_t pid = start(fill_each_kind);
		struct owner_scan *scan = prepare(pid, NULL);
		static struct claims claims;
		int more = 1;

		claims = (struct claims){0};
		for (unsigned int i = 0; i < after && more == 1; i++)
			more = owner_scan_step(scan, 0, keep, &claims);
		end(pid);
		if (more == 1)
			assert_int_equal(owner_scan_step(scan, UINT64_MAX, keep, &claims), -ESRCH);
		owner_scan_free(scan);
	}
}

static void exec_on_signal(int signal)
{
	execl("/bin/sleep", "sleep", "60", (char *)NULL);
}

static void fill_and_exec(void)
{
	fill_each_kind();
	signal(SIGUSR1, exec_on_signal);
}

/* Another program in the same process: its memory is not what was searched. */
static void test_exec(void **state)
{
	pid_t pid = start(fill_and_exec);
	struct owner_scan *scan = prepare(pid, NULL);
	static struct claims claims;
	char comm[32] = "";

	claims = (struct claims){0};
	for (int i = 0; i < 5; i++)
		assert_int_equal(owner_scan_step(scan, 0, keep, &claims), 1);
	kill(pid, SIGUSR1);
	kill(pid, SIGCONT);
	while (strcmp(comm, "sleep\n"))
		assert_true(proc_read(pid, "comm", comm, sizeof(comm)) > 0);
	assert_int_equal(owner_scan_step(scan, UINT64_MAX, keep, &claims), -ESRCH);
	assert_int_equal(claims.count, 0);
	owner_scan_free(scan);
	end(pid);
}

/* kB, of /proc/PID/status. */
static unsigned long status_value(pid_t pid, const char *key)
{
	char text[8192];
	const char *at;

	assert_true(proc_read(pid, "status", text, sizeof(text)) > 0);
	at = strstr(text, key);
	assert_non_null(at);
	return strtoul(at + strlen(key), NULL, 10);
}

static void fill_sparse(void)
{
	make_file(object(0), FILE_FD);
	make_file(sparse + SPARSE_SIZE / 2, FILE_FD);
	make_file(sparse + SPARSE_SIZE - 64, FILE_FD);
}

/* What is only reserved is neither read nor made. */
static void test_sparse(void **state)
{
	static struct claims claims;
	unsigned long tables;
	pid_t pid;

	sparse = mmap(NULL, SPARSE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sparse == MAP_FAILED) {
		print_message("skipped: this machine reserves no 900 GiB\n");
		skip();
	}
	pid = start(fill_sparse);
	tables = status_value(pid, "VmPTE:");
	scan_limited(pid, NULL, &claims);
	assert_int_equal(claims.count, 3);
	assert_claim(&claims, sparse + SPARSE_SIZE / 2, type_at(FILEIO), OWNER_FILEIO, FILE_FD);
	assert_claim(&claims, sparse + SPARSE_SIZE - 64, type_at(FILEIO), OWNER_FILEIO, FILE_FD);
	assert_true(claims.progress.total > SPARSE_SIZE);
	assert_int_equal(claims.progress.done, claims.progress.total);
	assert_false(claims.progress.limited);
	/* To have read all of it would have made 1.8 GB of page tables. */
	assert_in_range(status_value(pid, "VmPTE:"), 0, tables + 1024);
	end(pid);
	munmap(sparse, SPARSE_SIZE);
}

static int reserve(void **state)
{
	/* What a search has read here must not lie in the heap of the next child. */
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	memory =
		mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind), cmocka_unit_test(test_wrong_ones),
		cmocka_unit_test(test_classes),	  cmocka_unit_test(test_scattered),
		cmocka_unit_test(test_metaclass), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_steps),
		cmocka_unit_test(test_errors),	  cmocka_unit_test(test_ends),
		cmocka_unit_test(test_exec),	  cmocka_unit_test(test_sparse),
	};

	return cmocka_run_group_tests(tests, reserve, NULL);
}
