/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Finding the runtime in small ELF files that are made here, of every version, and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "python/layout.h"
#include "python/runtime.h"

#ifdef __aarch64__
#define MACHINE	     EM_AARCH64
#define MUTEX_GROWTH 16
#else
#define MACHINE	     EM_X86_64
#define MUTEX_GROWTH 0
#endif

#define TEXT_AT	    0x1000
#define DATA_AT	    0x2000
#define TYPE_AT	    (DATA_AT + 0x000)
#define HEX_AT	    (DATA_AT + 0x200)
#define RUNTIME_AT  (DATA_AT + 0x400)
#define NAMES_AT    0x3000
#define SYMBOLS_AT  0x3400
#define SECTIONS_AT 0x3800
#define IMAGE_SIZE  0x4000
#define BASE	    0x400000 /* vaddr of the file's first byte */

struct image {
	uint8_t bytes[IMAGE_SIZE];
	unsigned int symbols;
	size_t names;
};

enum image_sections { SECTION_DATA = 1, SECTION_RUNTIME, SECTION_NAMES, SECTION_SYMBOLS, SECTIONS };

static const char section_names[] = "\0.data\0.PyRuntime\0.names\0.symbols";

static Elf64_Ehdr *image_header(struct image *image)
{
	return (Elf64_Ehdr *)image->bytes;
}

static Elf64_Phdr *image_segments(struct image *image)
{
	return (Elf64_Phdr *)(image->bytes + sizeof(Elf64_Ehdr));
}

static Elf64_Shdr *image_sections(struct image *image)
{
	return (Elf64_Shdr *)(image->bytes + SECTIONS_AT);
}

static Elf64_Sym *image_symbol(struct image *image, unsigned int index)
{
	return (Elf64_Sym *)(image->bytes + SYMBOLS_AT) + index;
}

static void image_put(struct image *image, size_t at, uint64_t value)
{
	memcpy(image->bytes + at, &value, sizeof(value));
}

static void image_add_symbol(struct image *image, const char *name, uint64_t at, uint64_t size,
			     unsigned int section)
{
	*image_symbol(image, ++image->symbols) = (Elf64_Sym){
		.st_name = (Elf64_Word)image->names,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
		.st_shndx = (Elf64_Section)section,
		.st_value = BASE + at,
		.st_size = size,
	};
	strcpy((char *)image->bytes + NAMES_AT + image->names, name);
	image->names += strlen(name) + 1;
	image_sections(image)[SECTION_SYMBOLS].sh_size = (image->symbols + 1) * sizeof(Elf64_Sym);
}

static void image_fill_sections(struct image *image)
{
	Elf64_Shdr *sections = image_sections(image);

	sections[SECTION_DATA] = (Elf64_Shdr){
		.sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = DATA_AT, .sh_size = 0x400};
	sections[SECTION_RUNTIME] = (Elf64_Shdr){
		.sh_name = 7, .sh_type = SHT_PROGBITS, .sh_offset = RUNTIME_AT, .sh_size = 0x400};
	sections[SECTION_NAMES] = (Elf64_Shdr){
		.sh_name = 18, .sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_size = 0x400};
	sections[SECTION_SYMBOLS] = (Elf64_Shdr){.sh_name = 25,
						 .sh_type = SHT_DYNSYM,
						 .sh_offset = SYMBOLS_AT,
						 .sh_link = SECTION_NAMES,
						 .sh_entsize = sizeof(Elf64_Sym)};
	memcpy(image->bytes + NAMES_AT, section_names, sizeof(section_names));
	image->names = sizeof(section_names);
}

/* An ELF file with a text and a data segment, and no symbols. */
static void image_new(struct image *image)
{
	memset(image, 0, sizeof(*image));
	*image_header(image) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = MACHINE,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_shoff = SECTIONS_AT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SECTION_NAMES,
	};
	image_segments(image)[0] = (Elf64_Phdr){.p_type = PT_LOAD,
						.p_flags = PF_R | PF_X,
						.p_offset = TEXT_AT + 0x40,
						.p_vaddr = BASE + TEXT_AT + 0x40,
						.p_filesz = 0x100,
						.p_memsz = 0x100};
	image_segments(image)[1] = (Elf64_Phdr){.p_type = PT_LOAD,
						.p_flags = PF_R | PF_W,
						.p_offset = DATA_AT,
						.p_vaddr = BASE + DATA_AT,
						.p_filesz = 0x1000,
						.p_memsz = 0x100000};
	image_fill_sections(image);
}

/* A CPython up to 3.10. */
static void image_old(struct image *image, uint64_t runtime_size, bool own_section, int code_size)
{
	image_new(image);
	image_add_symbol(image, "PyCode_Type", TYPE_AT, 408, SECTION_DATA);
	image_put(image, TYPE_AT + 32, (uint64_t)code_size);
	image_add_symbol(image, "_PyRuntime", RUNTIME_AT, runtime_size,
			 own_section ? SECTION_RUNTIME : SECTION_DATA);
}

/* A CPython from 3.11 on. */
static void image_hex(struct image *image, uint32_t hex, int code_size)
{
	image_old(image, 0x1000, true, code_size);
	image_add_symbol(image, "Py_Version", HEX_AT, 8, SECTION_DATA);
	image_put(image, HEX_AT, hex);
}

/* CPython 3.13.0, with the values of _Py_DebugOffsets as its own headers give them. */
static void image_313(struct image *image)
{
	static const struct {
		unsigned int at, value;
	} debug[] = {
		{8, 0x030d00f0}, {40, 632},  {176, 16}, {184, 72},  {192, 152},
		{232, 8},	 {240, 0},   {248, 56}, {264, 70},  {280, 112},
		{296, 128},	 {304, 136}, {312, 68}, {344, 200}, {520, 16},
		{528, 32},	 {544, 32},  {552, 16}, {560, 40},
	};

	image_hex(image, 0x030d00f0, 200);
	memcpy(image->bytes + RUNTIME_AT, "xdebugpy", 8);
	for (size_t i = 0; i < ARRAY_SIZE(debug); i++)
		image_put(image, RUNTIME_AT + debug[i].at, debug[i].value);
}

static int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("fdtrace-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static int find(const struct image *image, struct python_runtime *ret)
{
	_cleanup_close_ int fd = file_of(image->bytes, sizeof(image->bytes));

	memset(ret, 0, sizeof(*ret));
	return python_runtime_find(fd, ret);
}

static void expect(const struct image *image, int err, unsigned int version, const char *text)
{
	struct python_runtime found;

	assert_int_equal(find(image, &found), err);
	assert_int_equal(found.version, version);
	assert_string_equal(found.version_text, text);
}

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
	expect(&image, -ENOTSUP, 0, "3");
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

static void test_published_offsets(void **state)
{
	/* cookie, version; then one or two offsets of each structure */
	static const unsigned int checked[] = {0,   8,	 40,  176, 184, 192, 232, 240, 248, 264,
					       280, 296, 304, 312, 344, 520, 528, 544, 552, 560};
	struct image image;

	image_313(&image);
	expect(&image, 0, 0x030d, "3.13.0");
	image_put(&image, RUNTIME_AT + 16, 1);
	expect(&image, -ENOTSUP, 0x030d, "3.13.0t");
	for (size_t i = 0; i < ARRAY_SIZE(checked); i++) {
		struct python_runtime found;

		image_313(&image);
		image.bytes[RUNTIME_AT + checked[i]] ^= 0x80;
		assert_int_equal(find(&image, &found), -ENOTSUP);
	}
}

static void test_before_37(void **state)
{
	struct image image;

	image_new(&image);
	image_add_symbol(&image, "PyCode_Type", TYPE_AT, 400, SECTION_DATA);
	expect(&image, -ENOTSUP, 0, "before 3.7");
	/* GraalPy: the C API of CPython, without its runtime. */
	image_add_symbol(&image, "Py_Version", HEX_AT, 8, SECTION_DATA);
	expect(&image, -ENOENT, 0, "");
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

static uint64_t noise(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
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
			assert_non_null(python_layout(found.version));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_versions_with_a_number),
		cmocka_unit_test(test_published_offsets),
		cmocka_unit_test(test_before_37),
		cmocka_unit_test(test_symbol_tables),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_not_an_elf_of_ours),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
