/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Runs Python code in a libpython that it loads itself: embed LIBRARY CODE. Between the two it
 * waits: a tracer learns of the library when it is mapped, and reads it beside the program.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	void (*start)(int);
	int (*run)(const char *, void *), (*end)(void);
	void *library;
	int failed;

	if (argc != 3)
		return 2;
	library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&start = dlsym(library, "Py_InitializeEx");
	*(void **)&run = dlsym(library, "PyRun_SimpleStringFlags");
	*(void **)&end = dlsym(library, "Py_FinalizeEx");
	start(0);
	usleep(500000);
	failed = run(argv[2], NULL);
	return end() || failed;
}
