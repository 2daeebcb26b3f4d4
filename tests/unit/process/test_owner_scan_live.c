/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The search for descriptor owners in the CPythons of this machine: each tells which of its
 * objects have a number, and exactly those must be found, at rest and at work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "find_python.h"
#include "process/owner_scan.h"

#define OWNERS_MAX 256

/* Owners of every kind, and what must not be taken for one; then it waits, or goes on. */
static const char script[] =
	"import abc, io, os, select, socket, sys, threading\n"
	"class Plain(socket.socket): pass\n"
	"class Slots(io.FileIO): __slots__ = ('a', 'b')\n"
	"class Abstract(io.FileIO, metaclass=abc.ABCMeta): pass\n"
	"class Derived(Abstract): pass\n"
	"late = []\n"
	"def make():\n"
	"    class Late(socket.socket): pass\n"
	"    class LateFile(io.FileIO, metaclass=abc.ABCMeta): pass\n"
	"    late.append(Late())\n"
	"    late.append(LateFile('/dev/null'))\n"
	"thread = threading.Thread(target=make)\n"
	"thread.start()\n"
	"thread.join()\n"
	"def use(fd):\n"
	"    return os.open('/dev/null', os.O_RDONLY) if fd is None else fd\n"
	"files = [open('/etc/passwd') for _ in range(20)]\n"
	"raw = [file.buffer.raw for file in files] + [late.pop()]\n"
	"raw += [io.FileIO(use(None)), Slots('/dev/null'), Abstract('/dev/null'),\n"
	"        Derived('/dev/null'), open('/dev/null', 'wb', buffering=0)]\n"
	"raw += [io.FileIO(raw[0].fileno())]\n" /* two have one number */
	"reader, writer = os.pipe()\n"
	"raw += [io.FileIO(reader), io.FileIO(writer, 'w')]\n"
	"pair = socket.socketpair()\n"
	"sockets = [socket.socket() for _ in range(20)] + list(pair) + [Plain()] + late\n"
	"detached = socket.socket()\n"
	"raw += [io.FileIO(detached.detach(), 'r+')]\n" /* a file that is a socket */
	"epolls = [select.epoll()]\n"
	"epolls.append(select.epoll.fromfd(os.dup(epolls[0].fileno())))\n"
	"lent = [io.FileIO(raw[0].fileno(), closefd=False), open(use(None), closefd=False)]\n"
	"closed = [open('/dev/null') for _ in range(50)] + [socket.socket() for _ in range(50)]\n"
	"for each in closed: each.close()\n"
	"gone = open('/dev/null')\n"
	"os.close(gone.fileno())\n"
	"kept = [raw, sockets, epolls]\n"
	"for kind, owners in enumerate(kept, 1):\n"
	"    for owner in owners:\n"
	"        print('%x %x %d %d' % (id(owner), id(type(owner)), owner.fileno(), kind))\n"
	"print('0 0 0 0', flush=True)\n"
	"data = []\n"
	"while sys.argv[1] == 'busy':\n"
	"    with open('/dev/null'): data.append({'a': [len(data)]})\n"
	"    socket.socket().close()\n"
	"    if len(data) > 10000: data = []\n"
	"sys.stdin.read()\n";

struct owners {
	struct owner_claim list[OWNERS_MAX];
	size_t count;
};

struct live {
	pid_t pid;
	FILE *output;
	int input;
	struct found_python python;
	struct owners expected;
};

static void read_expected(struct live *live)
{
	struct owner_claim claim = {0};
	unsigned int kind;

	while (fscanf(live->output, "%lx %lx %d %u", &claim.object, &claim.type, &claim.fd,
		      &kind) == 4 &&
	       claim.object) {
		assert_true(live->expected.count < OWNERS_MAX);
		claim.kind = kind;
		live->expected.list[live->expected.count++] = claim;
	}
}

static void run(const char *path, const char *mode, int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not end it */
	dup2(in, 0);
	dup2(out, 1);
	close_range(3, ~0u, 0);
	execl(path, path, "-I", "-S", "-W", "ignore", "-c", script, mode, (char *)NULL);
	_exit(127);
}

static void start(struct live *live, const char *path, const char *mode)
{
	int in[2], out[2];

	*live = (struct live){0};
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	live->pid = fork();
	assert_true(live->pid >= 0);
	if (!live->pid)
		run(path, mode, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	live->input = in[1];
	live->output = fdopen(out[0], "r");
	read_expected(live);
}

static void end(struct live *live)
{
	kill(live->pid, SIGKILL);
	waitpid(live->pid, NULL, 0);
	fclose(live->output);
	close(live->input);
}

static int keep(void *arg, const struct owner_claim *claim)
{
	struct owners *found = arg;

	assert_true(found->count < OWNERS_MAX);
	found->list[found->count++] = *claim;
	return 0;
}

static void scan(const struct live *live, struct owners *ret)
{
	struct owner_scan_progress progress;
	struct owner_scan *scan = NULL;
	int more = 1;

	ret->count = 0;
	assert_int_equal(owner_scan_new(live->pid, &live->python.runtime.layout,
					live->python.code_type, NULL, &scan),
			 0);
	while (more == 1)
		more = owner_scan_step(scan, 1000000, keep, ret);
	assert_int_equal(more, 0);
	owner_scan_progress(scan, &progress);
	assert_false(progress.limited);
	owner_scan_free(scan);
}

static bool is_same(const struct owner_claim *a, const struct owner_claim *b)
{
	return a->object == b->object && a->type == b->type && a->fd == b->fd && a->kind == b->kind;
}

static size_t times(const struct owners *owners, const struct owner_claim *claim)
{
	size_t count = 0;

	for (size_t i = 0; i < owners->count; i++)
		count += is_same(&owners->list[i], claim);
	return count;
}

static void show(const char *what, const struct owner_claim *claim)
{
	print_message("  %s: object %lx, type %lx, number %d, kind %d\n", what, claim->object,
		      claim->type, claim->fd, claim->kind);
}

/* spare: so many more may be there. */
static void check(const struct live *live, size_t spare)
{
	static struct owners found;
	size_t wrong = 0, more = 0;

	scan(live, &found);
	for (size_t i = 0; i < live->expected.count; i++) {
		if (times(&found, &live->expected.list[i]) == 1)
			continue;
		show("missed, or there twice", &live->expected.list[i]);
		wrong++;
	}
	for (size_t i = 0; i < found.count; i++) {
		if (times(&live->expected, &found.list[i]))
			continue;
		if (++more > spare)
			show("too many", &found.list[i]);
	}
	assert_int_equal(wrong, 0);
	assert_true(more <= spare);
}

static void check_at_rest(struct live *live)
{
	check(live, 0);
}

/*
 * It has a file or a socket open at times; and the file whose number was closed beneath it says
 * that it has that number, which is in use again.
 */
static void check_at_work(struct live *live)
{
	for (int i = 0; i < 10; i++)
		check(live, 2);
}

static void find_pythons(glob_t *found)
{
	static const char *const patterns[] = {
		"/usr/bin/python3",
		"/usr/local/bin/python3",
		"/opt/*/bin/python3",
		"~/.pyenv/versions/3*/bin/python3",
		"~/.cache/fdtrace/built/*/bin/python3.[0-9]*[0-9t]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		glob(patterns[i], GLOB_TILDE | (i ? GLOB_APPEND : 0), NULL, found);
}

static void for_each_python(const char *mode, void (*with)(struct live *live))
{
	unsigned int checked = 0;
	glob_t pythons;

	find_pythons(&pythons);
	for (size_t i = 0; i < pythons.gl_pathc; i++) {
		static struct live live;

		print_message("%s\n", pythons.gl_pathv[i]);
		start(&live, pythons.gl_pathv[i], mode);
		if (find_python(live.pid, &live.python) == 1) {
			assert_true(live.expected.count > 50);
			with(&live);
			checked++;
		}
		end(&live);
	}
	globfree(&pythons);
	assert_true(checked > 0);
}

static void test_at_rest(void **state)
{
	for_each_python("idle", check_at_rest);
}

static void test_at_work(void **state)
{
	for_each_python("busy", check_at_work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_rest),
		cmocka_unit_test(test_at_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
