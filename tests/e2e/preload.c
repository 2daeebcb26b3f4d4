/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * LD_PRELOAD: before each close(2), CPython's own word on where this thread is.
 *
 * Owns: a wrapper of libc's close that writes a block into a log: "close TID FD", what
 * faulthandler prints on SIGUSR2 at that very call, and "= RESULT". One block at a time.
 * Never: logs before faultlog_enable(), nor in a vfork child (its memory is the parent's).
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void faultlog_enable(int fd);

static int (*real_close)(int fd);
static int log_fd = -1;
static pthread_mutex_t *lock; /* shared with forked children, as the log is */
static pid_t owner;

static void after_fork(void)
{
	owner = getpid();
}

__attribute__((constructor)) static void start(void)
{
	real_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
	pthread_atfork(NULL, NULL, after_fork);
}

static void make_lock(void)
{
	pthread_mutexattr_t shared;

	lock = mmap(NULL, sizeof(*lock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &shared);
}

void faultlog_enable(int fd)
{
	make_lock();
	owner = getpid();
	log_fd = fd;
	close(-4242); /* where the log begins: seen by the tracer and by us */
}

/* At shutdown faulthandler puts the default back, and SIGUSR2 would kill. */
static int handler_is_there(void)
{
	struct sigaction action;

	return sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler != SIG_DFL;
}

static int logged_close(int fd)
{
	int ret, saved;

	dprintf(log_fd, "close %ld %d\n", syscall(SYS_gettid), fd);
	if (handler_is_there())
		raise(SIGUSR2);
	ret = real_close(fd);
	saved = errno;
	dprintf(log_fd, "= %s\n", ret < 0 ? strerrorname_np(saved) : "0");
	errno = saved;
	return ret;
}

int close(int fd)
{
	int ret;

	if (log_fd < 0 || getpid() != owner)
		return real_close(fd);
	pthread_mutex_lock(lock);
	ret = logged_close(fd);
	pthread_mutex_unlock(lock);
	return ret;
}
