/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * ELF files of traced processes: is it a Python, which, and where are its functions? The input is
 * a list of pieces, {offset, length, bytes}, of a file that is empty elsewhere: real ones are
 * mostly of no interest.
 */
#include "fuzz.h"

#include <errno.h>

#include "python/destructor.h"
#include "python/owner_functions.h"
#include "python/runtime.h"

#define FILE_MAX     (48u << 10)
#define FUNCTION_MAX (64u << 20)

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

static void find_owner_functions(int fd)
{
	struct code_range code[OWNER_CODES] = {0};
	int err = python_owner_functions_find(fd, code);

	must(err <= 0);
	for (size_t i = 0; i < OWNER_CODES; i++) {
		must(!err || !code[i].size);
		must(!code[i].size == !code[i].start && code[i].size <= FUNCTION_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	struct input in = {data, size};
	size_t end = take_file(&in, file, FILE_MAX);
	int fd = file_of_bytes(file, end);

	find_runtime(fd);
	find_owner_functions(fd);
	close(fd);
	return 0;
}
