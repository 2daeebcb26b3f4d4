/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Finding os.close() and methods of files in the CPythons of this machine, each asked where
 * its own tables have these functions, and how long they are where it has symbols; and in broken
 * copies of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "noise.h"
#include "python/elf_image.h"
#include "python/owner_functions.h"

#define FUNCTION_MAX (64u << 20)

/* What one interpreter says of these, in this order. */
static const enum owner_code asked[] = {CODE_OS_CLOSE, CODE_FINALIZE_IO, CODE_OS_WRITE,
					CODE_FILE_READINTO, CODE_FILE_WRITE};
#define LIVE_POINTS ARRAY_SIZE(asked)

struct live {
	struct live_point {
		uint64_t offset; /* in the file: where the function begins */
		char path[4096];
	} points[LIVE_POINTS];
};

/* PyCFunctionObject's m_ml, PyMethodDescrObject's d_method, PyMethodDef's ml_meth; tp_finalize. */
static const char ask_python[] =
	"import ctypes, os, sysconfig, _io\n"
	"assert not sysconfig.get_config_var('Py_GIL_DISABLED')\n"
	"maps = []\n"
	"for line in open('/proc/self/maps'):\n"
	"    words = line.split()\n"
	"    start, end = (int(word, 16) for word in words[0].split('-'))\n"
	"    maps.append((start, end, int(words[2], 16), words[-1]))\n"
	"def word(at):\n"
	"    return ctypes.c_uint64.from_address(at).value\n"
	"def say(address):\n"
	"    m = [m for m in maps if m[0] <= address < m[1]][0]\n"
	"    print('%x' % (address - m[0] + m[2]), m[3])\n"
	"say(word(word(id(os.close) + 16) + 8))\n"
	"say(word(id(_io._IOBase) + 392))\n"
	"say(word(word(id(os.write) + 16) + 8))\n"
	"say(word(word(id(_io.FileIO.__dict__['readinto']) + 40) + 8))\n"
	"say(word(word(id(_io.FileIO.__dict__['write']) + 40) + 8))\n";

/* Asks one interpreter; false: it does not answer (it has no ctypes, or no GIL, say). */
static bool ask(const char *python, struct live *live)
{
	char command[8192];
	size_t count = 0;
	FILE *f;

	*live = (struct live){0};
	snprintf(command, sizeof(command), "%s -I -S -c \"%s\" 2>&1", python, ask_python);
	f = popen(command, "r");
	assert_non_null(f);
	while (count < LIVE_POINTS) {
		struct live_point *point = &live->points[count];

		if (fscanf(f, "%lx %4095s", &point->offset, point->path) != 2)
			break;
		count++;
	}
	return pclose(f) == 0 && count == LIVE_POINTS;
}

static void find_pythons(glob_t *found)
{
	static const char *const patterns[] = {
		"/usr/bin/python3",
		"/usr/local/bin/python3",
		"/opt/*/bin/python3",
		"~/.pyenv/versions/3*/bin/python3",
	};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		glob(patterns[i], GLOB_TILDE | (i ? GLOB_APPEND : 0), NULL, found);
}

static void for_each_python(void (*check)(const struct live *live))
{
	unsigned int checked = 0;
	glob_t pythons;

	find_pythons(&pythons);
	for (size_t i = 0; i < pythons.gl_pathc; i++) {
		static struct live live;

		if (!ask(pythons.gl_pathv[i], &live))
			continue;
		print_message("%s\n", pythons.gl_pathv[i]);
		check(&live);
		checked++;
	}
	globfree(&pythons);
	assert_true(checked > 0);
}

/* The size of the function of this address, by the symbols of one section; 0: none tells. */
static uint64_t size_in(Elf *elf, Elf_Scn *section, uint64_t address)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Shdr header;
	GElf_Sym symbol;

	if (!gelf_getshdr(section, &header) || !data || !header.sh_entsize)
		return 0;
	for (size_t i = 0; i < header.sh_size / header.sh_entsize; i++) {
		assert_non_null(gelf_getsym(data, (int)i, &symbol));
		if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_value == address &&
		    symbol.st_size)
			return symbol.st_size;
	}
	return 0;
}

static uint64_t size_by_symbols(int fd, uint64_t address)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	uint64_t size = 0;
	Elf *elf;

	assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(elf);
	while (!size && (section = elf_nextscn(elf, section))) {
		assert_non_null(gelf_getshdr(section, &header));
		if (header.sh_type == SHT_SYMTAB)
			size = size_in(elf, section, address);
	}
	elf_end(elf);
	return size;
}

/* What was found begins where the interpreter says, and ends where the symbols say, if any do. */
static void check_range(int fd, const struct code_range *code, uint64_t offset)
{
	uint64_t found, to_end, size = size_by_symbols(fd, code->start);
	struct elf_image image;

	assert_int_equal(image_open(fd, &image), 0);
	assert_int_equal(image_code_offset(&image, code->start, &found, &to_end), 0);
	image_close(&image);
	assert_int_equal(found, offset);
	assert_true(code->size > 16 && code->size < 4096 && code->size <= to_end);
	if (size)
		assert_int_equal(code->size, size);
	print_message("  %llu bytes%s\n", (unsigned long long)code->size,
		      size ? ", as its symbol" : ", no symbol");
}

static void check_live(const struct live *live)
{
	const char *path = live->points[0].path;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct code_range code[OWNER_CODES] = {0};

	assert_true(fd >= 0);
	assert_int_equal(python_owner_functions_find(fd, code), 0);
	for (size_t i = 0; i < LIVE_POINTS; i++) {
		assert_string_equal(live->points[i].path, path);
		check_range(fd, &code[asked[i]], live->points[i].offset);
	}
}

static void test_live(void **state)
{
	for_each_python(check_live);
}

static void test_no_python(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/bin/sh", "/bin/ls"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		struct code_range code[OWNER_CODES] = {0};

		assert_true(fd >= 0);
		assert_int_equal(python_owner_functions_find(fd, code), 0);
		for (size_t j = 0; j < OWNER_CODES; j++)
			assert_int_equal(code[j].size, 0);
	}
}

/* In the headers, the last loaded segment (dynamic section, tables), or anywhere. */
static size_t pick_place(const uint8_t *bytes, size_t size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(bytes + header->e_phoff);
	const Elf64_Phdr *segment = &segments[noise() % header->e_phnum];

	switch (noise() % 3) {
	case 0:
		return noise() % (sizeof(*header) + header->e_phnum * sizeof(Elf64_Phdr));
	case 1:
		return segment->p_filesz ? segment->p_offset + noise() % segment->p_filesz : 0;
	default:
		return noise() % size;
	}
}

static void check_answer(int fd)
{
	struct code_range code[OWNER_CODES] = {0};
	int err = python_owner_functions_find(fd, code);

	assert_true(err == 0 || err == -ENOTSUP || err == -EINVAL || err == -EFBIG);
	for (size_t i = 0; i < OWNER_CODES; i++)
		assert_true(code[i].size <= FUNCTION_MAX && (!err || !code[i].size));
}

/* One to four places changed, asked, changed back. */
static void break_once(int fd, const uint8_t *bytes, size_t size)
{
	static const uint64_t values[] = {0, 1, 0x7f, 0x80000000, INT64_MAX, UINT64_MAX};
	size_t places[4], count = 1 + noise() % 4;

	for (size_t i = 0; i < count; i++) {
		uint64_t value = noise() % 2 ? noise() : values[noise() % ARRAY_SIZE(values)];
		size_t width = (size_t)1 << noise() % 4;

		places[i] = pick_place(bytes, size - 8) % (size - 8);
		assert_int_equal(pwrite(fd, &value, width, (off_t)places[i]), width);
	}
	check_answer(fd);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pwrite(fd, bytes + places[i], 8, (off_t)places[i]), 8);
}

static void break_file(const char *path, int rounds)
{
	_cleanup_close_ int source = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd = memfd_create("fdtrace-test", MFD_CLOEXEC);
	struct stat st;
	uint8_t *bytes;
	size_t size;

	assert_int_equal(fstat(source, &st), 0);
	size = (size_t)st.st_size;
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, source, 0);
	assert_true(bytes != MAP_FAILED);
	assert_int_equal(write(fd, bytes, size), size);
	for (int i = 0; i < rounds; i++)
		break_once(fd, bytes, size);
	for (size_t cut = size; cut > size / 64; cut -= size / 64) {
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		check_answer(fd);
	}
	munmap(bytes, size);
}

static void break_live(const struct live *live)
{
	break_file(live->points[0].path, 100);
}

static void test_broken_live(void **state)
{
	for_each_python(break_live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_no_python),
		cmocka_unit_test(test_broken_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
