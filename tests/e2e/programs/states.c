/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Embedders that run a Python thread state in another thread than made it: states LIBRARY CODE
 *HOW...
 *
 *   passed   made by the main thread, run by another, which has none of its own
 *   third    the same, after a second thread has run it, too
 *   keyed    made by a thread without a state, so that the runtime takes it for that thread's own,
 *	      and run by another one, while its maker makes calls in C: of the number -8
 *   swapped  the thread has a state of its own, and runs one of another interpreter inside of it
 *   inner    made, as a new interpreter's, inside of PyGILState_Ensure(), and run after the release
 *   none     a thread that runs no Python, beside one that does: of the number -8
 *
 * CODE is run once by that thread. With keyed and none it has two numbers, ready and go: it writes
 *a byte to the one, and goes on when there is one in the other. In 'none' the main thread runs it.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	void (*start)(int);
	int (*run)(const char *, void *);
	int (*ensure)(void);
	void (*release)(int);
	void *(*interpreter)(void); /* the newest */
	void *(*new_interpreter)(void);
	void *(*new_state)(void *);
	void *(*current)(void);
	void *(*swap)(void *);
	void *(*save)(void);
	void (*restore)(void *);
} python;

static const char *code;
static int ready[2], go[2];

static int load(const char *path)
{
	const struct {
		void **into;
		const char *name;
	} wanted[] = {
		{(void **)&python.start, "Py_InitializeEx"},
		{(void **)&python.run, "PyRun_SimpleStringFlags"},
		{(void **)&python.ensure, "PyGILState_Ensure"},
		{(void **)&python.release, "PyGILState_Release"},
		{(void **)&python.interpreter, "PyInterpreterState_Head"},
		{(void **)&python.new_interpreter, "Py_NewInterpreter"},
		{(void **)&python.new_state, "PyThreadState_New"},
		{(void **)&python.current, "PyThreadState_Get"},
		{(void **)&python.swap, "PyThreadState_Swap"},
		{(void **)&python.save, "PyEval_SaveThread"},
		{(void **)&python.restore, "PyEval_RestoreThread"},
	};
	void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);

	for (size_t i = 0; library && i < sizeof(wanted) / sizeof(*wanted); i++) {
		*wanted[i].into = dlsym(library, wanted[i].name);
		if (!*wanted[i].into)
			library = NULL;
	}
	if (!library)
		fprintf(stderr, "%s\n", dlerror());
	return library ? 0 : 1;
}

static void run_in(void *state, const char *what)
{
	python.restore(state);
	python.run(what, NULL);
	python.save();
}

static void *run_code(void *state)
{
	run_in(state, code);
	return NULL;
}

static void *run_nothing(void *state)
{
	run_in(state, "len('')");
	return NULL;
}

static void finish(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	pthread_create(&thread, NULL, function, argument);
	pthread_join(thread, NULL);
}

/* Calls of its own, in C, while Python code waits. */
static void close_meanwhile(void)
{
	char byte;

	if (read(ready[0], &byte, 1) == 1)
		close(-8);
	if (write(go[1], "", 1) != 1)
		perror("write");
}

static void *make_and_pass(void *interpreter)
{
	void *state = python.new_state(interpreter);
	pthread_t thread;

	pthread_create(&thread, NULL, run_code, state);
	close_meanwhile();
	pthread_join(thread, NULL);
	return NULL;
}

static void *only_close(void *unused)
{
	close_meanwhile();
	return NULL;
}

static void *swap_inside(void *state)
{
	int held = python.ensure();
	void *own = python.swap(state);

	python.run(code, NULL);
	python.swap(own);
	python.release(held);
	return NULL;
}

static void *enter_later(void *unused)
{
	int held = python.ensure();
	void *own = python.current(), *inner = python.new_interpreter();

	python.swap(own);
	python.release(held);
	run_in(inner, code);
	return NULL;
}

static void *of_new_interpreter(void)
{
	void *own = python.current(), *state;

	python.new_interpreter();
	state = python.new_state(python.interpreter());
	python.swap(own);
	return state;
}

/* The main thread's state, saved, is own. */
static void run_by_other(const char *how, void *own, void *interpreter, void *made)
{
	pthread_t thread;

	if (!strcmp(how, "third"))
		finish(run_nothing, made);
	if (!strcmp(how, "passed") || !strcmp(how, "third"))
		finish(run_code, made);
	if (!strcmp(how, "keyed"))
		finish(make_and_pass, interpreter);
	if (!strcmp(how, "swapped"))
		finish(swap_inside, made);
	if (!strcmp(how, "inner"))
		finish(enter_later, NULL);
	if (!strcmp(how, "none")) {
		pthread_create(&thread, NULL, only_close, NULL);
		run_in(own, code);
		pthread_join(thread, NULL);
	}
}

static void embed(const char *how, void *interpreter)
{
	bool answered = !strcmp(how, "keyed") || !strcmp(how, "none");
	void *made = NULL, *own;
	char byte;

	if (!strcmp(how, "passed") || !strcmp(how, "third"))
		made = python.new_state(interpreter);
	if (!strcmp(how, "swapped"))
		made = of_new_interpreter();
	if (!answered && write(go[1], "", 1) != 1)
		perror("write");
	own = python.save();
	run_by_other(how, own, interpreter, made);
	python.restore(own);
	if (!answered && read(ready[0], &byte, 1) != 1)
		perror("read");
}

int main(int argc, char **argv)
{
	char with_numbers[4096];
	void *interpreter;

	if (argc < 3 || pipe(ready) || pipe(go) || load(argv[1]))
		return 2;
	snprintf(with_numbers, sizeof(with_numbers), "ready, go = %d, %d\n%s", ready[1], go[0],
		 argv[2]);
	code = with_numbers;
	if (getenv("FDTRACE_SIM_PAUSE"))
		usleep((useconds_t)(1e6 * atof(getenv("FDTRACE_SIM_PAUSE"))));
	python.start(0);
	interpreter = python.interpreter();
	for (int i = 3; i < argc; i++)
		embed(argv[i], interpreter);
	fflush(NULL);
	_exit(0); /* states are left where they are */
}
