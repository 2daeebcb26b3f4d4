/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The first line of a COMMAND that is a script, which names the interpreter. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "python/locate.h"

static void on_file(void *arg, const char *path)
{
	must(path[0] == '/' && strlen(path) < SIZE_MAX);
}

/* One file for all inputs: to make it costs more than all else. */
static int script(char path[64])
{
	static int fd = -1;
	static char name[64];

	if (fd < 0) {
		snprintf(name, sizeof(name), "/dev/shm/fdtrace-fuzz-XXXXXX");
		fd = mkstemp(name);
		must(fd >= 0 && !fchmod(fd, 0700) && !setenv("PATH", "/nonexistent", 1));
	}
	memcpy(path, name, sizeof(name));
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = script(path);

	must(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	python_locate(path, on_file, NULL);
	return 0;
}
