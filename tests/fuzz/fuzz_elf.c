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

static size_t assemble(struct input *in, uint8_t *file)
{
	size_t end = 0;

	memset(file, 0, FILE_MAX);
	while (in->left) {
		size_t at = take(in, 2) % FILE_MAX, size = take(in, 1);

		if (size > FILE_MAX - at)
			size = FILE_MAX - at;
		if (size > in->left)
			size = in->left;
		take_bytes(in, file + at, size);
		if (at + size > end)
			end = at + size;
	}
	return end;
}

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
	size_t end = assemble(&in, file);
	int fd = file_of_bytes(file, end);

	find_runtime(fd);
	find_owners(fd);
	close(fd);
	return 0;
}
