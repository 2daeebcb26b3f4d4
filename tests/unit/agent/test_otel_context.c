/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/otel_context.h"
#include "base/mem.h"

#define ROOM 8192

static dev_t memfd_dev;

/* A private mapping of a memfd, as an SDK makes it. */
static struct otel_context_header *publish(const char *name, const void *payload, size_t size)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);
	struct otel_context_header *header;
	struct stat st;

	assert_true(fd >= 0 && !ftruncate(fd, ROOM) && !fstat(fd, &st));
	memfd_dev = st.st_dev;
	header = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(header, MAP_FAILED);
	*header = (struct otel_context_header){
		.signature = "OTEL_CTX",
		.version = 2,
		.payload_size = size,
		.published_ns = 1,
		.payload = (uintptr_t)payload,
	};
	return header;
}

static int read_own(char **ret, size_t *ret_size)
{
	*ret = NULL;
	return otel_context_read(getpid(), memfd_dev, ret, ret_size);
}

static void assert_none(void)
{
	size_t size;
	char *text;

	assert_int_equal(read_own(&text, &size), -ENOENT);
	assert_null(text);
}

static void test_where_it_lies(void **state)
{
	struct otel_context_header *header = publish("OTEL_CTX", NULL, 5);
	char *heap = strdup("other"), *text;
	size_t size;

	/* Behind the header. */
	memcpy(header + 1, "after", 5);
	header->payload = (uintptr_t)(header + 1);
	assert_int_equal(read_own(&text, &size), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(text, "after", 5);
	free(text);
	header->payload = (uintptr_t)heap;
	assert_int_equal(read_own(&text, &size), 0);
	assert_memory_equal(text, "other", 5);
	free(text);
	free(heap);
	munmap(header, ROOM);
	assert_none();
}

/* One of another name, and one without a header, before the one that it is. */
static void test_among_others(void **state)
{
	struct otel_context_header *wrong = publish("OTEL_CTX", "", 1);
	struct otel_context_header *other = publish("OTHER_CTX", "", 1), *right;
	size_t size;
	char *text;

	wrong->signature[0] = 'o';
	assert_none();
	right = publish("OTEL_CTX", NULL, 1);
	right->payload = (uintptr_t)(right + 1);
	assert_int_equal(read_own(&text, &size), 0);
	free(text);
	munmap(wrong, ROOM);
	munmap(other, ROOM);
	munmap(right, ROOM);
}

/* Each of what must not be taken. */
static void test_refused(void **state)
{
	struct otel_context_header *header = publish("OTEL_CTX", NULL, 4);
	FILE *file = tmpfile();
	char *mapped;

	header->payload = (uintptr_t)(header + 1);
	header->version = 1;
	assert_none();
	header->version = 2;
	header->published_ns = 0;
	assert_none();
	header->published_ns = 1;
	header->payload_size = OTEL_CONTEXT_MAX + 1;
	assert_none();
	header->payload_size = ROOM; /* beyond its end */
	assert_none();
	header->payload_size = 0;
	assert_none();
	header->payload_size = 4;
	header->payload = 0;
	assert_none();
	header->payload = UINT64_MAX - 1;
	assert_none();
	/* A file's: who knows what has to be done to read that. */
	assert_true(file && !ftruncate(fileno(file), ROOM));
	mapped = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	header->payload = (uintptr_t)mapped;
	assert_none();
	munmap(mapped, ROOM);
	munmap(header, ROOM);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_where_it_lies),
					   cmocka_unit_test(test_among_others),
					   cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
