/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Looking for os.close() and a finalizer in files that are incomplete, broken or hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "noise.h"
#include "owner_function_file.h"

static void expect_incomplete(size_t at, uint64_t value, size_t size)
{
	struct file file;
	struct made made;

	file_new(&file, FIXED);
	made = add_type(&file, KIND_OBJECT, "_io._IOBase");
	put(&file, made.at + at, value, size);
	expect_found(&file, 0, 0, 0);
}

static void test_incomplete_objects(void **state)
{
	static const size_t needed[] = {24, 48, 392};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		expect_incomplete(needed[i], 0, 8);
		expect_incomplete(needed[i], vaddr(DYNAMIC_AT), 8); /* no code */
		expect_incomplete(needed[i], vaddr(TEXT_AT) + TEXT_SIZE, 8);
		expect_incomplete(needed[i], UINT64_MAX - 15, 8);
	}
	expect_incomplete(32, 0, 8);
	expect_incomplete(32, 15, 8);
	expect_incomplete(32, 4097, 8);
	expect_incomplete(32, 96 | 1ull << 32, 8);
	expect_incomplete(40, 1, 8);
}

/* Code, but no function begins there. */
static void test_in_the_midst_of_a_function(void **state)
{
	expect_incomplete(392, vaddr(TEXT_AT) + 1, 8);
	expect_incomplete(392, vaddr(TEXT_AT) + TEXT_SIZE - 1, 8);
}

/* slot: counted from tp_dealloc; -1: the spec itself. */
static void expect_broken_spec(int slot, size_t at, uint64_t value, size_t size)
{
	struct file file;
	struct made made;

	file_new(&file, FIXED);
	made = add_type(&file, KIND_SPEC, "_io._IOBase");
	at += slot < 0 ? made.at : made.at - SPEC_SLOTS_SIZE + 16 * (size_t)slot;
	put(&file, at, value, size);
	expect_found(&file, 0, 0, 0);
}

static void test_incomplete_specs(void **state)
{
	expect_broken_spec(-1, 8, 0, 4);
	expect_broken_spec(-1, 8, 15, 4);
	expect_broken_spec(-1, 8, 4097, 4);
	expect_broken_spec(-1, 8, UINT32_MAX, 4);
	expect_broken_spec(-1, 12, 1, 4);
	expect_broken_spec(-1, 24, 0, 8);
	expect_broken_spec(-1, 24, UINT64_MAX - 7, 8);
	expect_broken_spec(0, 0, 0, 4);		 /* no slots */
	expect_broken_spec(1, 0, 91, 4);	 /* no such slot */
	expect_broken_spec(1, 0, UINT32_MAX, 4); /* nor this one */
	expect_broken_spec(1, 0, 0, 4);		 /* ended before tp_finalize */
	expect_broken_spec(2, 0, 79, 4);	 /* no tp_finalize */
	expect_broken_spec(2, 8, 0, 8);		 /* it is NULL */
	expect_broken_spec(2, 8, vaddr(NAMES_AT), 8);
}

static void test_slots_without_end(void **state)
{
	struct file file;
	struct made made;

	file_new(&file, FIXED);
	made = add_type(&file, KIND_SPEC, "_io._IOBase");
	for (size_t at = made.at - 16; at + 16 <= FILE_SIZE; at += 16) {
		if (at != made.at && at != made.at + 16)
			put(&file, at, 80, 4);
	}
	put_pointer(&file, made.at + 24, made.at + 32);
	expect_found(&file, 0, 0, 0);
}

/* In a file that is relocated, words that no relocation knows are no pointers. */
static void test_unrelocated(void **state)
{
	struct file file;
	struct made made;

	file_new(&file, FIXED);
	made = add_everything(&file, KIND_OBJECT);
	file_header(&file)->e_type = ET_DYN;
	expect_found(&file, 0, 0, 0);
	file.form = RELR;
	expect_found(&file, 0, 0, 0);
	file_header(&file)->e_phnum = SEGMENTS;
	expect_found(&file, 0, made.os_close, made.finalize);
}

/* A word with a name's address, in a table that is complete, but which nothing relocates. */
static void test_unrelocated_name(void **state)
{
	struct file file;
	struct made made;

	file_new(&file, RELR);
	made = add_type(&file, KIND_OBJECT, "_io._IOBase");
	for (size_t i = 0; i < file.slot_count; i++) {
		if (file.slots[i] == vaddr(made.at + 24))
			file.slots[i] = file.slots[--file.slot_count];
	}
	expect_found(&file, 0, 0, 0);
}

/* The last pointer of a type lies half beyond what the file loads. */
static void test_cut_segment(void **state)
{
	for (size_t cut = 0; cut <= 8; cut++) {
		struct file file;
		struct made made;

		file_new(&file, FIXED);
		made = add_type(&file, KIND_OBJECT, "_io._IOBase");
		file_segments(&file)[SEGMENT_DATA].p_filesz = made.at + 392 + 8 - cut - DATA_AT;
		expect_found(&file, 0, 0, cut ? 0 : made.finalize);
	}
}

/* Functions whose end is not known are not offered. */
static void test_without_ends(void **state)
{
	struct file file;

	for (enum form form = 0; form < FORMS; form++) {
		file_new(&file, form);
		add_everything(&file, KIND_SPEC);
		file_segments(&file)[SEGMENT_UNWIND].p_type = PT_NULL;
		expect_found(&file, 0, 0, 0);
	}
}

static void expect_nowhere(const struct code_range code[OWNER_CODES])
{
	for (size_t i = 0; i < OWNER_CODES; i++)
		assert_true(!code[i].start && !code[i].size);
}

/* Makes a file longer by zeros that are no bytes on disk, and looks into it. */
static int find_longer(const struct file *file, uint64_t size)
{
	_cleanup_close_ int fd = file_of(file->bytes, sizeof(file->bytes));
	struct code_range code[OWNER_CODES] = {0};
	int err;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	err = python_owner_functions_find(fd, code);
	expect_nowhere(code);
	return err;
}

static void test_too_large(void **state)
{
	const uint64_t size = 1ull << 40;
	struct file file;

	file_new(&file, FIXED);
	file_segments(&file)[SEGMENT_CONST].p_filesz = size;
	assert_int_equal(find_longer(&file, 2 * size), -EFBIG);
	/* Each of them would do. */
	for (size_t i = 0; i < 3; i++)
		file_segments(&file)[i].p_filesz = 300u << 20;
	assert_int_equal(find_longer(&file, 2 * size), -EFBIG);
}

/* Bitmaps of nothing but ones: 63 pointers in eight bytes. */
static void test_too_many_pointers(void **state)
{
	static uint8_t ones[1 << 20];
	struct code_range code[OWNER_CODES] = {0};
	_cleanup_close_ int fd = -1;
	struct file file;

	file_new(&file, RELR);
	add_text(&file, "_io._IOBase");
	file_segments(&file)[SEGMENT_CONST].p_filesz = FILE_SIZE - NAMES_AT + sizeof(ones);
	file_finish(&file);
	put(&file, DYNAMIC_AT + 8, BASE + FILE_SIZE, 8);
	put(&file, DYNAMIC_AT + 24, sizeof(ones), 8);
	memset(ones, 0xff, sizeof(ones));
	fd = file_of(file.bytes, sizeof(file.bytes));
	assert_int_equal(pwrite(fd, ones, sizeof(ones), FILE_SIZE), sizeof(ones));
	assert_int_equal(python_owner_functions_find(fd, code), -EFBIG);
}

static void test_not_an_elf_of_ours(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t size;
	} changes[] = {
		{0, 0, 1},
		{EI_CLASS, ELFCLASS32, 1},
		{EI_DATA, ELFDATA2MSB, 1},
		{offsetof(Elf64_Ehdr, e_machine), EM_386, 2},
		{offsetof(Elf64_Ehdr, e_type), ET_REL, 2},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE, 2},
		{offsetof(Elf64_Ehdr, e_phentsize), 32, 2},
		{offsetof(Elf64_Ehdr, e_phnum), PN_XNUM, 2},
		{offsetof(Elf64_Ehdr, e_phoff), FILE_SIZE - 8, 8},
		{offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX, 8},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 8, 8},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), FILE_SIZE - 8, 8},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz), UINT64_MAX, 8},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_vaddr), UINT64_MAX - 8, 8},
	};
	struct code_range code[OWNER_CODES] = {0};
	struct file file;
	int ends[2];

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		file_new(&file, RELA);
		put(&file, changes[i].at, changes[i].value, changes[i].size);
		expect_in(&file, -EINVAL, 0, 0);
	}
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(python_owner_functions_find(ends[0], code), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(python_owner_functions_find(ends[0], code), -EBADF);
}

/* The dynamic section says where the relocations are; what it says may be anything. */
static void test_broken_dynamic(void **state)
{
	static const uint64_t values[] = {1, 0x7fff, FILE_SIZE, INT64_MAX, UINT64_MAX - 23};

	for (enum form form = RELA; form < FORMS; form++) {
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			struct file file;

			file_new(&file, form);
			add_everything(&file, KIND_SPEC);
			file_finish(&file);
			put(&file, DYNAMIC_AT + 8, values[i], 8);
			expect_in(&file, -EINVAL, 0, 0);
			put(&file, DYNAMIC_AT + 8, vaddr(RELOCS_AT), 8);
			put(&file, DYNAMIC_AT + 24, values[i], 8);
			expect_in(&file, values[i] == 1 ? 0 : -EINVAL, 0, 0);
		}
	}
}

static void test_truncated(void **state)
{
	struct file file;

	file_new(&file, RELR);
	add_everything(&file, KIND_SPEC);
	file_finish(&file);
	for (size_t size = 0; size < FILE_SIZE; size += size < 512 ? 1 : 97) {
		_cleanup_close_ int fd = file_of(file.bytes, size);
		struct code_range code[OWNER_CODES] = {0};

		assert_int_equal(python_owner_functions_find(fd, code), -EINVAL);
		expect_nowhere(code);
	}
}

/* Bytes by chance in headers, tables and relocations: no more than an answer. */
static void test_broken(void **state)
{
	static const size_t parts[] = {0,	  DYNAMIC_AT, UNWIND_AT,      FRAMES_AT,
				       RELOCS_AT, DATA_AT,    DATA_AT + 0x400};
	static struct file file, broken;

	for (int round = 0; round < 20000; round++) {
		struct code_range code[OWNER_CODES];
		size_t places = 1 + noise() % 3;
		int err;

		if (round % 1000 == 0) {
			file_new(&file, noise() % FORMS);
			add_everything(&file, noise() % KINDS);
			file_finish(&file);
		}
		broken = file;
		for (size_t i = 0; i < places; i++)
			broken.bytes[parts[noise() % ARRAY_SIZE(parts)] + noise() % 0x120] =
				(uint8_t)noise();
		err = find(&broken, code);
		assert_true(!err || err == -EINVAL || err == -ENOTSUP || err == -EFBIG);
		if (err)
			expect_nowhere(code);
		for (size_t i = 0; i < OWNER_CODES; i++)
			assert_true(code[i].size <= 64u << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_incomplete_objects),
		cmocka_unit_test(test_in_the_midst_of_a_function),
		cmocka_unit_test(test_incomplete_specs),
		cmocka_unit_test(test_slots_without_end),
		cmocka_unit_test(test_unrelocated),
		cmocka_unit_test(test_unrelocated_name),
		cmocka_unit_test(test_cut_segment),
		cmocka_unit_test(test_without_ends),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_many_pointers),
		cmocka_unit_test(test_not_an_elf_of_ours),
		cmocka_unit_test(test_broken_dynamic),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
