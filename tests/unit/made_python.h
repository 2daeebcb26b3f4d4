/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Small ELF files that look like a CPython of any version, for the tests of its recognition. */
#ifndef FDTRACE_TESTS_MADE_PYTHON_H
#define FDTRACE_TESTS_MADE_PYTHON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "made_published.h"
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

__attribute__((noinline, unused)) static void image_put(struct image *image, size_t at,
							uint64_t value)
{
	memcpy(image->bytes + at, &value, sizeof(value));
}

static inline void image_add_symbol(struct image *image, const char *name, uint64_t at,
				    uint64_t size, unsigned int section)
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

static inline void image_fill_sections(struct image *image)
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
static inline void image_new(struct image *image)
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
static inline void image_old(struct image *image, uint64_t runtime_size, bool own_section,
			     int code_size)
{
	image_new(image);
	image_add_symbol(image, "PyCode_Type", TYPE_AT, 408, SECTION_DATA);
	image_put(image, TYPE_AT + 32, (uint64_t)code_size);
	image_add_symbol(image, "_PyRuntime", RUNTIME_AT, runtime_size,
			 own_section ? SECTION_RUNTIME : SECTION_DATA);
}

/* A CPython from 3.11 on. */
static inline void image_hex(struct image *image, uint32_t hex, int code_size)
{
	image_old(image, 0x1000, true, code_size);
	image_add_symbol(image, "Py_Version", HEX_AT, 8, SECTION_DATA);
	image_put(image, HEX_AT, hex);
}

/* CPython 3.13 and on; beyond 3.15 what is there is as in 3.15. */
static inline void image_published(struct image *image, unsigned int minor, bool without_gil)
{
	static const int sizes[2][3] = {{200, 208, 208}, {216, 232, 232}};
	unsigned int which = minor > 15 ? 2 : minor - 13;

	image_hex(image, 0x030000f0 | minor << 16, 0);
	image_put(image, TYPE_AT + (without_gil ? 48 : 32), (uint64_t)sizes[without_gil][which]);
	made_published(image->bytes + RUNTIME_AT, minor, without_gil);
}

static inline void image_313(struct image *image)
{
	image_published(image, 13, false);
}

static inline int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("fdtrace-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static inline int find(const struct image *image, struct python_runtime *ret)
{
	_cleanup_close_ int fd = file_of(image->bytes, sizeof(image->bytes));

	memset(ret, 0, sizeof(*ret));
	return python_runtime_find(fd, ret);
}

static inline void expect(const struct image *image, int err, unsigned int version,
			  const char *text)
{
	struct python_runtime found;

	assert_int_equal(find(image, &found), err);
	assert_int_equal(found.version, version);
	assert_string_equal(found.version_text, text);
}

#endif
