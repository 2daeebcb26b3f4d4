/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Finding the runtime in small ELF files that are made here, of every version, and broken. */
#include "made_python.h"
#include "noise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void test_addresses(void **state)
{
	struct python_runtime found;
	struct image image;

	image_hex(&image, 0x030b02f0, 184);
	assert_int_equal(find(&image, &found), 0);
	assert_false(found.fixed);
	assert_int_equal(found.runtime, BASE + RUNTIME_AT);
	assert_int_equal(found.code_type, BASE + TYPE_AT);
	assert_int_equal(found.text_vaddr, BASE + TEXT_AT);
	assert_int_equal(found.text_offset, TEXT_AT);

	image_header(&image)->e_type = ET_EXEC;
	assert_int_equal(find(&image, &found), 0);
	assert_true(found.fixed);
}

static void test_old_versions(void **state)
{
	struct python_runtime found;
	struct image image;

	image_old(&image, 1520 + MUTEX_GROWTH, false, 144);
	expect(&image, 0, 0x0307, "3.7");
	image_old(&image, 1464 + MUTEX_GROWTH, false, 176);
	expect(&image, 0, 0x0308, "3.8");
	image_old(&image, 656 + MUTEX_GROWTH, false, 176);
	expect(&image, 0, 0x0309, "3.9");
	image_old(&image, 672 + MUTEX_GROWTH, true, 176);
	expect(&image, 0, 0x030a, "3.10");
	/* 3.7.0, whose gilstate lies elsewhere. */
	image_old(&image, 1432 + MUTEX_GROWTH, false, 144);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.version, 0x0307);
	assert_int_equal(found.layout.runtime_key, 1416 + MUTEX_GROWTH);
	/* The size of one version, the section of the other: neither. */
	image_old(&image, 672 + MUTEX_GROWTH, false, 176);
	expect(&image, -ENOTSUP, 0, "3");
	/* A debug build of 3.7: two pointers more in front of every object. */
	image_old(&image, 1520 + MUTEX_GROWTH, false, 160);
	expect(&image, -ENOTSUP, 0x0307, "3.7");
}

static void test_versions_with_a_number(void **state)
{
	struct image image;

	image_hex(&image, 0x030b02f0, 184);
	expect(&image, 0, 0x030b, "3.11.2");
	image_hex(&image, 0x030c0cf0, 192);
	expect(&image, 0, 0x030c, "3.12.12");
	image_hex(&image, 0x030e01f0, 208);
	expect(&image, -ENOTSUP, 0x030e, "3.14.1");
	image_hex(&image, 0x030c00b3, 192);
	expect(&image, -ENOTSUP, 0x030c, "3.12.0b3");
	image_hex(&image, 0x030c00c1, 192);
	expect(&image, -ENOTSUP, 0x030c, "3.12.0rc1");
	image_hex(&image, 0x030c00f0, 200);
	expect(&image, -ENOTSUP, 0x030c, "3.12.0");
	image_hex(&image, 0x040000f0, 192);
	expect(&image, -ENOTSUP, 0, "3");
}

static void test_symbol_tables(void **state)
{
	struct image image;

	/* Not exported, but not stripped either. */
	image_hex(&image, 0x030b02f0, 184);
	image_sections(&image)[SECTION_SYMBOLS].sh_type = SHT_SYMTAB;
	expect(&image, 0, 0x030b, "3.11.2");

	/* An extension module: all of it is somebody else's. */
	for (unsigned int i = 1; i <= image.symbols; i++)
		image_symbol(&image, i)->st_shndx = SHN_UNDEF;
	expect(&image, -ENOENT, 0, "");

	/* Names that merely end like ours. */
	image_new(&image);
	image_add_symbol(&image, "xPyCode_Type", TYPE_AT, 408, SECTION_DATA);
	image_add_symbol(&image, "x_PyRuntime", RUNTIME_AT, 656, SECTION_DATA);
	expect(&image, -ENOENT, 0, "");

	image_new(&image);
	expect(&image, -ENOENT, 0, "");
	image_header(&image)->e_shoff = 0;
	image_header(&image)->e_shnum = 0;
	expect(&image, -ENOENT, 0, "");
}

static void test_impossible(void **state)
{
	struct python_runtime found;
	struct image image;

	/* A runtime outside of what is loaded, or without room. */
	image_hex(&image, 0x030b02f0, 184);
	image_symbol(&image, 2)->st_value = 16;
	assert_int_equal(find(&image, &found), -EINVAL);
	image_symbol(&image, 2)->st_value = UINT64_MAX - 8;
	assert_int_equal(find(&image, &found), -EINVAL);
	image_symbol(&image, 2)->st_value = BASE + RUNTIME_AT;
	image_symbol(&image, 2)->st_size = UINT64_MAX;
	assert_int_equal(find(&image, &found), -EINVAL);

	/* A version that is not in the file. */
	image_hex(&image, 0x030b02f0, 184);
	image_symbol(&image, 3)->st_value = BASE + DATA_AT + 0x1000;
	assert_int_equal(find(&image, &found), -EINVAL);
	image_symbol(&image, 3)->st_value = UINT64_MAX - 3;
	assert_int_equal(find(&image, &found), -EINVAL);

	/* A type at the end of the address space. */
	image_hex(&image, 0x030b02f0, 184);
	image_symbol(&image, 1)->st_value = UINT64_MAX - 16;
	assert_int_equal(find(&image, &found), -ENOTSUP);

	/* No text; text that can't be mapped. */
	image_hex(&image, 0x030b02f0, 184);
	image_segments(&image)[0].p_vaddr++;
	assert_int_equal(find(&image, &found), -EINVAL);
	image_segments(&image)[0].p_flags = PF_R;
	assert_int_equal(find(&image, &found), -EINVAL);
}

static void test_not_an_elf_of_ours(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {
		{0, 0},
		{EI_CLASS, ELFCLASS32},
		{EI_DATA, ELFDATA2MSB},
		{offsetof(Elf64_Ehdr, e_machine), EM_386},
		{offsetof(Elf64_Ehdr, e_type), ET_REL},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE},
		{offsetof(Elf64_Ehdr, e_shnum), 0},
	};
	struct python_runtime found;
	struct image image;
	int ends[2];

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		image_hex(&image, 0x030b02f0, 184);
		image.bytes[changes[i].at] = changes[i].value;
		assert_int_equal(find(&image, &found), -EINVAL);
	}
	for (size_t size = 0; size < sizeof(Elf64_Ehdr); size++) {
		_cleanup_close_ int fd = file_of(image.bytes, size);

		assert_int_equal(python_runtime_find(fd, &found), -EINVAL);
	}
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(python_runtime_find(ends[0], &found), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(python_runtime_find(ends[0], &found), -EBADF);
}

/* Bytes by chance in headers, names, symbols, sections: an answer, whatever it is. */
static void test_broken(void **state)
{
	static const size_t parts[] = {0, NAMES_AT, SYMBOLS_AT, SECTIONS_AT, RUNTIME_AT};
	struct image image;

	image_313(&image);
	for (int round = 0; round < 20000; round++) {
		struct image broken = image;
		struct python_runtime found;
		size_t places = 1 + noise() % 3;

		for (size_t i = 0; i < places; i++)
			broken.bytes[parts[noise() % ARRAY_SIZE(parts)] + noise() % 0x180] =
				(uint8_t)noise();
		if (!find(&broken, &found))
			assert_int_equal(found.layout.version, found.version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_versions_with_a_number),
		cmocka_unit_test(test_symbol_tables),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_not_an_elf_of_ours),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
