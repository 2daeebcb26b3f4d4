/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A walk at random through all that opens and closes descriptors, seen and unseen: threads, forked
 * processes, processes that share their parent's table (CLONE_FILES), unshare(), exec, dup3(),
 * close_range(), 32-bit calls, and an io_uring that all of them have inherited.
 *
 * usage: walk OPS SEED WITHOUT [now]
 *	WITHOUT	the sum of what is left out: 1 the ring, 2 shared tables, 4 32-bit calls, 8 the
 *		ring until the walk begins
 *
 * It makes one call at a time, whoever makes it, and logs each with the table that it was made in:
 * so the log tells, for each number of each table, which call ended it last. The log lies at
 * descriptor LOG_FD: a file of zeros with room enough (struct shared, struct entry). Unless it is
 * to go on now, it says "ready" once its processes are there, and waits for a line. It ends once
 * OPS calls are made.
 *
 * Linked statically at fixed addresses: the loader opens nothing, and 32-bit calls reach a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"
#include "uring.h"

/* Numbers that the walk opens and closes; beyond are its own. */
#define FIRST	 3
#define LAST	 15
#define RING_FD	 100
#define LOG_FD	 101
#define TABLES	 65536
#define CHILDREN 6
#define THREADS	 3

enum op { OPEN = 1, CLOSE, ONTO, RANGE, PAIR, COPY, EXEC, USE };
enum how { NATIVE, COMPAT, RING };
enum without { NO_RING = 1, NO_SHARING = 2, NO_COMPAT = 4, NO_EARLY_RING = 8 };

struct entry {
	uint64_t began_ns, ended_ns; /* CLOCK_BOOTTIME */
	uint32_t pid, tid, table;
	uint16_t op, how;
	int32_t fd, fd2, ret; /* ret: -errno */
	uint32_t other;	      /* COPY, EXEC: the new table */
	uint64_t left;	      /* EXEC: the numbers that stay open */
};

struct shared {
	uint64_t count, most, ops;
	uint32_t lock, go, tables, children;
	uint64_t compat;  /* 32-bit calls work here */
	uint64_t without; /* enum without */
	struct io_uring_params ring;
	uint64_t open[TABLES], cloexec[TABLES]; /* by table: numbers, as bits */
	struct entry log[];
};

/* Who walks. */
struct actor {
	uint64_t random;
	uint32_t pid, tid, table;
	bool threaded; /* its table is its threads' too */
};

static struct shared *shared;
static struct uring ring; /* rings NULL: there is none */
static char name[] = "/dev/null";

static void fail(const char *what)
{
	perror(what);
	_exit(1);
}

static uint32_t any(struct actor *a, uint32_t below)
{
	return draw(&a->random, below);
}

/* 0: free, 1: taken, 2: and somebody waits. False: the walk is over; it is taken all the same. */
static bool take(void)
{
	uint32_t was = 0;

	if (!__atomic_compare_exchange_n(&shared->lock, &was, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		while (__atomic_exchange_n(&shared->lock, 2, __ATOMIC_ACQUIRE))
			syscall(SYS_futex, &shared->lock, FUTEX_WAIT, 2, NULL, NULL, 0);
	return shared->count < shared->ops && shared->count + 16 < shared->most;
}

static void leave(void)
{
	if (__atomic_exchange_n(&shared->lock, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, &shared->lock, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static struct entry *begin(struct actor *a, enum op op, enum how how, int fd, int fd2)
{
	struct entry *e = &shared->log[shared->count];

	*e = (struct entry){.pid = a->pid,
			    .tid = a->tid,
			    .table = a->table,
			    .op = op,
			    .how = how,
			    .fd = fd,
			    .fd2 = fd2};
	e->began_ns = now_ns();
	return e;
}

static void end(struct entry *e, int ret)
{
	e->ended_ns = now_ns();
	e->ret = ret;
	shared->count++;
}

static uint64_t bit(int fd)
{
	return 1ull << fd;
}

static void opened(struct actor *a, int fd, bool cloexec)
{
	if (fd < 0)
		return;
	if (fd > 63)
		fail("a number beyond the walk's");
	shared->open[a->table] |= bit(fd);
	shared->cloexec[a->table] &= ~bit(fd);
	if (cloexec)
		shared->cloexec[a->table] |= bit(fd);
}

static void closed(struct actor *a, int fd)
{
	shared->open[a->table] &= ~bit(fd);
}

static int result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static int compat(int nr, long a, long b, long c)
{
	int ret = -ENOSYS;

#if defined(__x86_64__)
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
#endif
	return ret;
}

/* Steps: each one call, and its entry */

static void do_open(struct actor *a, enum how how)
{
	bool cloexec = any(a, 4) == 0;
	int flags = O_RDONLY | (cloexec ? O_CLOEXEC : 0), ret;
	struct entry *e = begin(a, OPEN, how, -1, -1);

	if (how == COMPAT)
		ret = compat(5, (long)name, flags, 0);
	else if (how == RING)
		ret = uring_do(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
							     .fd = AT_FDCWD,
							     .addr = (uintptr_t)name,
							     .open_flags = flags});
	else
		ret = result(syscall(SYS_openat, AT_FDCWD, name, flags));
	end(e, ret);
	opened(a, ret, cloexec);
}

static void do_close(struct actor *a, enum how how, int fd)
{
	struct entry *e = begin(a, CLOSE, how, fd, -1);
	int ret;

	if (how == COMPAT)
		ret = compat(6, fd, 0, 0);
	else if (how == RING)
		ret = uring_close(&ring, fd);
	else
		ret = result(syscall(SYS_close, fd));
	end(e, ret);
	if (!ret)
		closed(a, fd);
}

static void do_dup(struct actor *a, enum how how, int fd)
{
	struct entry *e = begin(a, OPEN, how, fd, -1);
	int ret = how == COMPAT ? compat(41, fd, 0, 0) : result(syscall(SYS_dup, fd));

	end(e, ret);
	opened(a, ret, false);
}

static void do_dup_above(struct actor *a, int fd, int least)
{
	struct entry *e = begin(a, OPEN, NATIVE, fd, -1);
	int ret = result(syscall(SYS_fcntl, fd, F_DUPFD, least));

	end(e, ret);
	opened(a, ret, false);
}

static void do_onto(struct actor *a, enum how how, int fd, int onto)
{
	bool cloexec = any(a, 2);
	int flags = cloexec ? O_CLOEXEC : 0, ret;
	struct entry *e;

	if (fd == onto)
		return;
	e = begin(a, ONTO, how, fd, onto);
	ret = how == COMPAT ? compat(330, fd, onto, flags)
			    : result(syscall(SYS_dup3, fd, onto, flags));
	end(e, ret);
	opened(a, ret, cloexec);
}

static void do_pair(struct actor *a, bool sockets)
{
	int pair[2] = {-1, -1}, ret;
	struct entry *e = begin(a, PAIR, NATIVE, -1, -1);

	ret = sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, pair) : pipe(pair);
	e->fd = pair[0];
	e->fd2 = pair[1];
	end(e, result(ret));
	opened(a, pair[0], false);
	opened(a, pair[1], false);
}

static void do_range(struct actor *a, int from, int to)
{
	struct entry *e = begin(a, RANGE, NATIVE, from, to);
	int ret = result(syscall(SYS_close_range, from, to, 0));

	end(e, ret);
	for (int fd = from; !ret && fd <= to; fd++)
		closed(a, fd);
}

static void do_use(struct actor *a, int fd)
{
	struct entry *e = begin(a, USE, NATIVE, fd, -1);

	end(e, result(syscall(SYS_fdatasync, fd)));
}

static void map_ring(void)
{
	ring.params = shared->ring;
	ring.fd = RING_FD;
	uring_map(&ring);
}

/* Its number is out of the walk's way, and its making in the log. */
static void make_ring(struct actor *a)
{
	struct entry *e = begin(a, OPEN, NATIVE, -1, -1);
	int fd = result(syscall(SYS_io_uring_setup, 4, &shared->ring));

	if (fd < 0)
		return;
	end(e, fd);
	if (dup2(fd, RING_FD) != RING_FD)
		fail("dup2");
	do_close(a, NATIVE, fd);
	map_ring();
}

/* A number that is open in this table, or any if none is. */
static int open_number(struct actor *a)
{
	int from = any(a, LAST - FIRST + 1);

	for (int i = 0; i <= LAST - FIRST; i++) {
		int fd = FIRST + (from + i) % (LAST - FIRST + 1);

		if (shared->open[a->table] & bit(fd))
			return fd;
	}
	return FIRST + from;
}

static int any_number(struct actor *a)
{
	return FIRST + any(a, LAST - FIRST + 1);
}

static bool is_full(struct actor *a)
{
	return __builtin_popcountll(shared->open[a->table]) > 9;
}

static enum how any_way(struct actor *a)
{
	uint32_t dice = any(a, 16);

	if (dice < 3 && shared->compat)
		return COMPAT;
	/* What closes unseen leaves nothing certain: not from the beginning. */
	return dice == 3 && ring.rings && shared->count > shared->ops / 2 ? RING : NATIVE;
}

static void step(struct actor *a)
{
	uint32_t dice = any(a, 100);
	enum how how = any_way(a);

	if (dice < 6)
		do_close(a, how, any_number(a));
	else if (dice < 40 || is_full(a))
		do_close(a, how, open_number(a));
	else if (dice < 80)
		do_open(a, how);
	else if (dice < 84)
		do_dup(a, how == RING ? NATIVE : how, open_number(a));
	else if (dice < 87)
		do_dup_above(a, open_number(a), any_number(a));
	else if (dice < 92)
		do_onto(a, how == RING ? NATIVE : how, open_number(a), any_number(a));
	else if (dice < 94)
		do_pair(a, dice == 92);
	else if (dice < 96)
		do_range(a, FIRST + any(a, 4), FIRST + any(a, 8));
	else
		do_use(a, any_number(a));
}

/* Tables */

static uint32_t new_table(const struct actor *a)
{
	uint32_t table = shared->tables++;

	if (table >= TABLES)
		fail("tables");
	shared->open[table] = shared->open[a->table];
	shared->cloexec[table] = shared->cloexec[a->table];
	return table;
}

static void do_unshare(struct actor *a)
{
	struct entry *e = begin(a, COPY, NATIVE, -1, -1);

	e->other = new_table(a);
	if (unshare(CLONE_FILES))
		fail("unshare");
	end(e, 0);
	a->table = e->other;
}

static void walk(struct actor *a, uint32_t steps);

/* The lock is held, and let go by what runs afterwards. */
static void do_exec(struct actor *a)
{
	char random[32], table[16];
	char *argv[] = {"walk", "again", random, table, NULL};
	struct entry *e = begin(a, EXEC, NATIVE, -1, -1);

	e->other = new_table(a);
	e->left = shared->open[a->table] & ~shared->cloexec[a->table];
	shared->open[e->other] = e->left;
	snprintf(random, sizeof(random), "%llu", (unsigned long long)a->random);
	snprintf(table, sizeof(table), "%u", e->other);
	end(e, 0);
	execv("/proc/self/exe", argv);
	fail("exec");
}

static void child(struct actor *parent, uint32_t table)
{
	struct actor a = {.random = parent->random ^ 0x5bd1e995u,
			  .table = table,
			  .pid = getpid(),
			  .tid = syscall(SYS_gettid)};

	any(&a, 1);
	walk(&a, 5 + any(&a, 60));
	if (any(&a, 3) == 0) {
		if (take())
			do_exec(&a);
		leave();
	}
	__atomic_fetch_sub(&shared->children, 1, __ATOMIC_RELAXED);
	_exit(0);
}

/* flags: CLONE_FILES or 0. */
static void do_fork(struct actor *a, unsigned long flags)
{
	struct entry *e;
	uint32_t table;
	long pid;

	if (shared->children >= CHILDREN)
		return;
	__atomic_fetch_add(&shared->children, 1, __ATOMIC_RELAXED);
	any(a, 1);
	e = begin(a, COPY, NATIVE, -1, -1);
	e->other = table = flags ? a->table : new_table(a);
	pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		child(a, table);
	end(e, result(pid));
	if (pid < 0)
		fail("clone");
}

/* A few calls at a time, so that a thread's later ones have come after others' for sure. */
static void walk(struct actor *a, uint32_t steps)
{
	bool on = true;

	while (on && steps) {
		uint32_t dice = any(a, 4096), burst = 1 + any(a, 6);

		on = take();
		if (on && dice == 0 && a->threaded)
			do_unshare(a);
		else if (on && dice < 8)
			do_fork(a, 0);
		else if (on && dice < 16)
			do_fork(a, shared->without & NO_SHARING ? 0 : CLONE_FILES);
		for (; on && burst && steps; burst--, steps--)
			step(a);
		leave();
		sched_yield();
	}
}

static void *thread(void *arg)
{
	struct actor a = *(struct actor *)arg;

	a.tid = syscall(SYS_gettid);
	walk(&a, UINT32_MAX);
	return NULL;
}

/* One that goes on to the end, and was there before the walk began. */
static void old_child(struct actor *a, unsigned long flags, uint32_t table)
{
	struct actor b = *a;
	struct entry *e = begin(a, COPY, NATIVE, -1, -1);

	any(a, 1);
	e->other = table;
	if (syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0)) {
		end(e, 0);
		return;
	}
	b.table = table;
	b.pid = getpid();
	b.tid = syscall(SYS_gettid);
	b.random ^= b.pid;
	while (!__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE))
		usleep(1000);
	walk(&b, UINT32_MAX);
	_exit(0);
}

static bool has_compat(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(compat(20, 0, 0, 0) != getpid());
	return waitpid(pid, &status, 0) == pid && !status;
}

static void map_log(void)
{
	struct stat st;

	if (fstat(LOG_FD, &st))
		fail("the log");
	shared = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, LOG_FD, 0);
	if (shared == MAP_FAILED)
		fail("map the log");
	shared->most = (st.st_size - sizeof(*shared)) / sizeof(struct entry);
}

static void again(char **argv)
{
	struct actor a = {.random = strtoull(argv[2], NULL, 10),
			  .table = strtoul(argv[3], NULL, 10),
			  .pid = getpid(),
			  .tid = getpid()};

	map_log();
	if (fcntl(RING_FD, F_GETFD) >= 0) /* not all have inherited it */
		map_ring();
	leave();
	walk(&a, 5 + any(&a, 60));
	__atomic_fetch_sub(&shared->children, 1, __ATOMIC_RELAXED);
	_exit(0);
}

static void run(struct actor *a)
{
	pthread_t threads[THREADS];

	if (shared->without & NO_EARLY_RING && !(shared->without & NO_RING))
		make_ring(a);
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++) {
		struct actor *own = malloc(sizeof(*own));

		any(a, 1);
		if (!own)
			fail("malloc");
		*own = *a;
		own->random ^= i + 1;
		if (pthread_create(&threads[i], NULL, thread, own))
			fail("pthread_create");
	}
	a->random ^= 0xfeedu;
	walk(a, UINT32_MAX);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (__atomic_load_n(&shared->children, __ATOMIC_ACQUIRE))
		usleep(1000);
}

int main(int argc, char **argv)
{
	struct actor a = {.pid = getpid(), .tid = getpid(), .threaded = true};
	char line[8];

	if (argc > 3 && !strcmp(argv[1], "again")) {
		signal(SIGCHLD, SIG_IGN);
		again(argv);
	}
	if (argc < 4)
		return 2;
	map_log();
	shared->ops = strtoull(argv[1], NULL, 10);
	a.random = strtoull(argv[2], NULL, 10);
	shared->without = strtoul(argv[3], NULL, 10);
	shared->compat = !(shared->without & NO_COMPAT) && has_compat();
	signal(SIGCHLD, SIG_IGN);
	a.table = shared->tables++;
	if (!(shared->without & (NO_RING | NO_EARLY_RING)))
		make_ring(&a);
	if (!(shared->without & NO_SHARING))
		old_child(&a, CLONE_FILES, a.table);
	old_child(&a, 0, new_table(&a));
	if (argc < 5) {
		puts("ready");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 1;
	}
	run(&a);
	return 0;
}
