/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Threads that open and close recycled numbers as fast as they can, and keep a log of it.
 *
 *   race LOG THREADS MILLISECONDS SEED DOUBLES
 *
 * One close in DOUBLES is made twice (0: none, the program is correct). Every call is logged
 * with the times (CLOCK_BOOTTIME) just before and just after it, its thread, the number and
 * the result; LOG gets struct entry after struct entry, in no order.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define THREADS_MAX 16
#define ENTRIES_MAX (1 << 20) /* of each thread */
#define KEPT	    4
#define SLOTS	    8

enum op {
	OP_OPEN = 1,
	OP_CLOSE,
};

struct entry {
	uint64_t enter_ns;
	uint64_t exit_ns;
	uint32_t tid;
	uint32_t op;
	int32_t fd;
	int32_t ret;
};

struct worker {
	pthread_t thread;
	uint64_t seed;
	struct entry *log;
	size_t count;
	int kept[KEPT];
};

static struct worker workers[THREADS_MAX];
static _Atomic int slots[SLOTS]; /* handed over: number + 1; 0: empty */
static uint64_t end_ns;
static unsigned int doubles;

static int call(struct worker *w, enum op op, int fd)
{
	struct entry *e = &w->log[w->count++];

	e->tid = gettid();
	e->op = op;
	e->enter_ns = now_ns();
	e->ret = op == OP_OPEN ? open("/dev/null", O_RDONLY) : close(fd);
	e->exit_ns = now_ns();
	e->fd = op == OP_OPEN ? e->ret : fd;
	if (e->ret < 0)
		e->ret = -errno;
	return e->ret;
}

static void end_one(struct worker *w, int fd)
{
	call(w, OP_CLOSE, fd);
	if (!doubles || draw(&w->seed, doubles))
		return;
	for (unsigned int spins = draw(&w->seed, 2000); spins; spins--)
		__asm__ volatile("");
	call(w, OP_CLOSE, fd);
}

/* Another thread's number, for one of ours. */
static int swap(struct worker *w, int fd)
{
	return atomic_exchange(&slots[draw(&w->seed, SLOTS)], fd + 1) - 1;
}

static void step(struct worker *w)
{
	int *kept = &w->kept[draw(&w->seed, KEPT)], fd;

	if (*kept >= 0) {
		fd = *kept;
		*kept = -1;
		if (!draw(&w->seed, 4))
			fd = swap(w, fd);
		if (fd >= 0)
			end_one(w, fd);
	} else {
		fd = call(w, OP_OPEN, -1);
		*kept = fd < 0 ? -1 : fd;
	}
}

/* In bursts, so that the tracer keeps up. */
static void *work(void *arg)
{
	struct worker *w = arg;

	while (now_ns() < end_ns && w->count < ENTRIES_MAX - 256) {
		for (unsigned int steps = draw(&w->seed, 64); steps; steps--)
			step(w);
		usleep(draw(&w->seed, 500));
	}
	for (unsigned int i = 0; i < KEPT; i++)
		if (w->kept[i] >= 0)
			end_one(w, w->kept[i]);
	return NULL;
}

static void write_log(const char *path, unsigned int count)
{
	FILE *file = fopen(path, "w");

	if (!file)
		err(1, "%s", path);
	for (unsigned int i = 0; i < count; i++)
		fwrite(workers[i].log, sizeof(struct entry), workers[i].count, file);
	if (fclose(file))
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	unsigned int count;

	if (argc != 6)
		errx(2, "usage: race LOG THREADS MILLISECONDS SEED DOUBLES");
	count = strtoul(argv[2], NULL, 0);
	if (count > THREADS_MAX)
		errx(2, "at most %d threads", THREADS_MAX);
	doubles = strtoul(argv[5], NULL, 0);
	for (unsigned int i = 0; i < count; i++) {
		workers[i].seed = strtoull(argv[4], NULL, 0) * THREADS_MAX + i;
		workers[i].log = calloc(ENTRIES_MAX, sizeof(struct entry));
		memset(workers[i].kept, -1, sizeof(workers[i].kept));
	}
	wait_for_tracer();
	end_ns = now_ns() + strtoull(argv[3], NULL, 0) * 1000000;
	for (unsigned int i = 0; i < count; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	write_log(argv[1], count);
	return 0;
}
