/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Where a function ends, by .eh_frame_hdr: in files that are made here, sane ones and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "owner_function_file.h"

#define MADE 17 /* functions */

static size_t row_at(size_t index)
{
	return UNWIND_AT + UNWIND_HEAD + index * UNWIND_ROW;
}

static size_t frame_at(size_t index)
{
	return FRAMES_AT + index * FRAME_SIZE;
}

static void make(struct file *file)
{
	file_new(file, FIXED);
	for (size_t i = 0; i < MADE; i++)
		add_function(file);
	file_finish(file);
}

static int size_of(const struct file *file, uint64_t address, uint64_t *ret)
{
	_cleanup_close_ int fd = file_of(file->bytes, sizeof(file->bytes));
	struct elf_image image;
	int err;

	assert_int_equal(image_open(fd, &image), 0);
	*ret = 0;
	err = elf_function_size(&image, address, ret);
	image_close(&image);
	return err;
}

static void expect_size(const struct file *file, size_t index)
{
	uint64_t size;

	assert_int_equal(size_of(file, vaddr(function_at(index)), &size), 0);
	assert_int_equal(size, function_size(function_at(index)));
}

static void expect_none(const struct file *file, size_t index, int err)
{
	uint64_t size;

	assert_int_equal(size_of(file, vaddr(function_at(index)), &size), err);
	assert_int_equal(size, 0);
}

/* Nothing is told of any of them. */
static void expect_nothing(const struct file *file, int err)
{
	for (size_t i = 0; i < MADE; i++)
		expect_none(file, i, err);
}

static void test_each(void **state)
{
	struct file file;

	make(&file);
	for (size_t i = 0; i < MADE; i++)
		expect_size(&file, i);
}

/* Tables of every size: the first, the last, and none. */
static void test_counts(void **state)
{
	struct file file;

	for (size_t count = 0; count <= MADE; count++) {
		make(&file);
		put(&file, UNWIND_AT + 8, count, 4);
		for (size_t i = 0; i < count; i++)
			expect_size(&file, i);
		for (size_t i = count; i < MADE; i++)
			expect_none(&file, i, -ENOENT);
	}
}

/* No function begins there. */
static void test_not_a_begin(void **state)
{
	static const uint64_t others[] = {0, 1, BASE, BASE + UNWIND_AT, UINT64_MAX};
	struct file file;
	uint64_t size;

	make(&file);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(size_of(&file, others[i], &size), -ENOENT);
	for (size_t i = 1; i < 32; i++)
		assert_int_equal(size_of(&file, vaddr(function_at(3)) + i, &size), -ENOENT);
	assert_int_equal(size_of(&file, vaddr(TEXT_AT) - 1, &size), -ENOENT);
}

static void test_no_table(void **state)
{
	struct file file;

	make(&file);
	file_segments(&file)[SEGMENT_UNWIND].p_type = PT_NULL;
	expect_nothing(&file, -ENOENT);
	for (size_t size = 0; size < UNWIND_HEAD; size++) {
		make(&file);
		file_segments(&file)[SEGMENT_UNWIND].p_filesz = size;
		expect_nothing(&file, -ENOENT);
	}
}

/* Other encodings are possible, of which it is not known how long a row is. */
static void test_other_encodings(void **state)
{
	for (size_t field = 0; field < 4; field++) {
		for (unsigned int value = 0; value < 256; value += field ? 1 : 17) {
			struct file file;

			make(&file);
			if (file.bytes[UNWIND_AT + field] == value)
				continue;
			file.bytes[UNWIND_AT + field] = (uint8_t)value;
			expect_none(&file, 3, -ENOENT);
		}
	}
}

/* More rows than the table has room for. */
static void test_count_too_large(void **state)
{
	static const uint32_t counts[] = {MADE + 1, 1u << 28, 1u << 29, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct file file;

		make(&file);
		file_segments(&file)[SEGMENT_UNWIND].p_filesz = UNWIND_HEAD + MADE * UNWIND_ROW;
		put(&file, UNWIND_AT + 8, counts[i], 4);
		expect_nothing(&file, -EINVAL);
	}
}

/* A table that is not sorted hides functions, and tells nothing that is wrong. */
static void test_unsorted(void **state)
{
	struct file file, sorted;
	unsigned int found = 0;

	make(&sorted);
	file = sorted;
	for (size_t i = 0; i < MADE; i++)
		memcpy(file.bytes + row_at(i), sorted.bytes + row_at(MADE - 1 - i), UNWIND_ROW);
	for (size_t i = 0; i < MADE; i++) {
		uint64_t size;
		int err = size_of(&file, vaddr(function_at(i)), &size);

		assert_true(!err || err == -ENOENT);
		if (err)
			continue;
		assert_int_equal(size, function_size(function_at(i)));
		found++;
	}
	assert_true(found < MADE);
}

/* What a row leads to is the description of another function, or none at all. */
static void test_description_elsewhere(void **state)
{
	static const uint32_t places[] = {0,
					  TEXT_AT,
					  (uint32_t)INT32_MIN,
					  INT32_MAX,
					  UINT32_MAX,
					  DATA_AT - UNWIND_AT - 15,
					  RELOCS_AT - UNWIND_AT};
	struct file file;

	make(&file);
	put(&file, row_at(3) + 4, vaddr(frame_at(4)) - vaddr(UNWIND_AT), 4);
	expect_none(&file, 3, -EINVAL);
	expect_size(&file, 4);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		make(&file);
		put(&file, row_at(3) + 4, places[i], 4);
		expect_none(&file, 3, -EINVAL);
		expect_size(&file, 2);
	}
}

/* Its pointers are of another encoding, or its size is none. */
static void test_broken_description(void **state)
{
	struct file file;

	make(&file);
	put(&file, frame_at(3) + 8, vaddr(function_at(3)), 4); /* absolute */
	expect_none(&file, 3, -EINVAL);
	make(&file);
	put(&file, frame_at(3) + 12, 0, 4);
	expect_none(&file, 3, -EINVAL);
	put(&file, frame_at(3) + 12, (64u << 20) + 1, 4);
	expect_none(&file, 3, -EINVAL);
	put(&file, frame_at(3) + 12, UINT32_MAX, 4);
	expect_none(&file, 3, -EINVAL);
}

/* Rows and descriptions that the file does not hold. */
static void test_beyond_the_file(void **state)
{
	struct file file;

	make(&file);
	file_segments(&file)[SEGMENT_CONST].p_filesz = row_at(MADE / 2) + 4 - NAMES_AT;
	expect_nothing(&file, -EINVAL);
	make(&file);
	file_segments(&file)[SEGMENT_CONST].p_filesz = frame_at(3) + FRAME_SIZE - 1 - NAMES_AT;
	expect_size(&file, 2);
	expect_none(&file, 3, -EINVAL);
	make(&file);
	file_segments(&file)[SEGMENT_UNWIND].p_vaddr = 1ull << 60;
	expect_nothing(&file, -EINVAL);
	file_segments(&file)[SEGMENT_UNWIND].p_vaddr = BASE + FILE_SIZE - 4;
	expect_nothing(&file, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_not_a_begin),
		cmocka_unit_test(test_no_table),
		cmocka_unit_test(test_other_encodings),
		cmocka_unit_test(test_count_too_large),
		cmocka_unit_test(test_unsorted),
		cmocka_unit_test(test_description_elsewhere),
		cmocka_unit_test(test_broken_description),
		cmocka_unit_test(test_beyond_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
