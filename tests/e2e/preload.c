/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * LD_PRELOAD: before each close(2), CPython's own word on where this thread is.
 *
 * Owns: a wrapper of libc's close that writes a block into a log: "close TID FD", what
 * faulthandler prints on SIGUSR2 at that very call, from 3.9 on also what the C API's frame objects
 * say ("frame NAME LINE FILE", of any number), and "= RESULT". One block at a time.
 * Never: logs before faultlog_enable(), nor in a vfork child (its memory is the parent's).
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void faultlog_enable(int fd);

static int (*real_close)(int fd);
static int log_fd = -1;
static pthread_mutex_t *lock; /* shared with forked children, as the log is */
static pid_t owner;

#ifndef __GLIBC__
/* musl has none; of what close() gives no other error is met. */
static const char *strerrorname_np(int err)
{
	return err == EBADF ? "EBADF" : "another error";
}
#endif

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
	pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(lock, &shared);
}

/* A child that was killed while it logged leaves the lock to the next one. */
static void take_lock(void)
{
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		pthread_mutex_consistent(lock);
}

/* At shutdown faulthandler puts the default back, and SIGUSR2 would kill. */
static int handler_is_there(void)
{
	struct sigaction action;

	return sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler != SIG_DFL;
}

/* What we use of the stable C API; frames: of this thread state. */
static struct {
	int (*ensure)(void);
	void (*release)(int);
	void *(*this_thread)(void);
	void *(*frame)(void *), *(*back)(void *), *(*code)(void *);
	int (*line)(void *);
	void *(*attribute)(void *, const char *), *(*encode)(void *, const char *, const char *);
	char *(*text)(void *);
	void (*fetch)(void **, void **, void **), (*restore)(void *, void *, void *);
	void (*drop)(void *);
} api;

static void find_api(void)
{
	*(void **)&api.ensure = dlsym(RTLD_DEFAULT, "PyGILState_Ensure");
	*(void **)&api.release = dlsym(RTLD_DEFAULT, "PyGILState_Release");
	*(void **)&api.this_thread = dlsym(RTLD_DEFAULT, "PyGILState_GetThisThreadState");
	*(void **)&api.frame = dlsym(RTLD_DEFAULT, "PyThreadState_GetFrame");
	*(void **)&api.back = dlsym(RTLD_DEFAULT, "PyFrame_GetBack");
	*(void **)&api.code = dlsym(RTLD_DEFAULT, "PyFrame_GetCode");
	*(void **)&api.line = dlsym(RTLD_DEFAULT, "PyFrame_GetLineNumber");
	*(void **)&api.attribute = dlsym(RTLD_DEFAULT, "PyObject_GetAttrString");
	*(void **)&api.encode = dlsym(RTLD_DEFAULT, "PyUnicode_AsEncodedString");
	*(void **)&api.text = dlsym(RTLD_DEFAULT, "PyBytes_AsString");
	*(void **)&api.fetch = dlsym(RTLD_DEFAULT, "PyErr_Fetch");
	*(void **)&api.restore = dlsym(RTLD_DEFAULT, "PyErr_Restore");
	*(void **)&api.drop = dlsym(RTLD_DEFAULT, "Py_DecRef");
}

/* A name of a code object in ASCII, with escapes; no blanks in it. */
static void write_name(FILE *to, void *code, const char *name, const char *other)
{
	void *text = api.attribute(code, name), *bytes = NULL, *type, *value, *trace;

	if (!text) {
		api.fetch(&type, &value, &trace);
		api.drop(type), api.drop(value), api.drop(trace);
		text = api.attribute(code, other);
	}
	if (text)
		bytes = api.encode(text, "unicode_escape", NULL);
	for (const char *c = bytes ? api.text(bytes) : "?"; *c; c++)
		fputs(*c == ' ' ? "\\x20" : (char[]){*c, '\0'}, to);
	api.drop(bytes);
	api.drop(text);
}

static void write_frame(FILE *to, void *frame)
{
	void *code = api.code(frame);

	fputs("frame ", to);
	write_name(to, code, "co_qualname", "co_name");
	fprintf(to, " %d ", api.line(frame));
	write_name(to, code, "co_filename", "co_filename");
	fputs("\n", to);
	api.drop(code);
}

/* All frames of this thread; the caller frees the text. What is pending, an exception, stays. */
static char *frames_of_objects(void)
{
	void *type, *value, *trace, *frame;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	api.fetch(&type, &value, &trace);
	frame = api.frame(api.this_thread());
	while (frame) {
		void *back;

		write_frame(to, frame);
		back = api.back(frame);
		api.drop(frame);
		frame = back;
	}
	api.restore(type, value, trace);
	fputs("frames end\n", to);
	fclose(to);
	return text;
}

/*
 * Leaves the log locked. Python's lock is taken before the log's, which is held over a close that
 * has let Python's go; and it is held while faulthandler prints, for that of 3.9 counts references
 * to frames and to code that other threads run (_Py_DumpTraceback, Python/traceback.c).
 */
static void log_stack(int fd)
{
	int asked = handler_is_there(), held = asked && api.frame && api.this_thread();
	int gil = held ? api.ensure() : 0;
	char *frames = held ? frames_of_objects() : NULL;

	take_lock();
	dprintf(log_fd, "close %ld %d\n", syscall(SYS_gettid), fd);
	if (asked)
		raise(SIGUSR2);
	if (frames)
		dprintf(log_fd, "%s", frames);
	free(frames);
	if (held)
		api.release(gil);
}

void faultlog_enable(int fd)
{
	make_lock();
	find_api();
	owner = getpid();
	log_fd = fd;
	close(-4242); /* where the log begins: seen by the tracer and by us */
}

int close(int fd)
{
	int ret, saved;

	if (log_fd < 0 || getpid() != owner)
		return real_close(fd);
	log_stack(fd);
	ret = real_close(fd);
	saved = errno;
	dprintf(log_fd, "= %s\n", ret < 0 ? strerrorname_np(saved) : "0");
	pthread_mutex_unlock(lock);
	errno = saved;
	return ret;
}
