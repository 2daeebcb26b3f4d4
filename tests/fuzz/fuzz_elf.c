/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ELF files of traced processes: is it a Python, which, and where are its functions? The input is
 * a list of pieces, {offset, length, bytes}, of a file that is empty elsewhere: real ones are
 * mostly of no interest.
 */
#include "fuzz.h"

#include <errno.h>

#include "python/destructor.h"
#include "python/owners.h"
#include "python/runtime.h"

#define FILE_MAX (48u << 10)

static void find_runtime(int fd)
{
	struct python_runtime runtime = {0};
	uint64_t offset;
	int err = python_runtime_find(fd, &runtime);

	must(err <= 0);
	must(memchr(runtime.version_text, '\0', sizeof(runtime.version_text)) != NULL);
	must(is_ascii(runtime.version_text, strlen(runtime.version_text)));
	if (!err)
		must(python_code_destructor(fd, &runtime, &offset) <= 0);
}

static void find_owners(int fd)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	size_t count = 0;
	int err = python_owners_find(fd, probes, OWNER_PROBES_MAX, &count);

	must(err <= 0 && count <= OWNER_PROBES_MAX);
	must(!err || err == -ENOTSUP || !count);
	for (size_t i = 0; i < count; i++)
		must(probes[i].type < OWNER_TYPES && probes[i].offset < FILE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	struct input in = {data, size};
	size_t end = take_file(&in, file, FILE_MAX);
	int fd = file_of_bytes(file, end);

	find_runtime(fd);
	find_owners(fd);
	close(fd);
	return 0;
}
