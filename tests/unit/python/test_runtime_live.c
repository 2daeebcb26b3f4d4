/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Finding the runtime in the CPythons of this machine, each asked where its own is, and in
 * broken copies of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "noise.h"
#include "python/layout.h"
#include "python/runtime.h"

struct live {
	char path[4096], version[16];
	uint64_t runtime, code_type; /* addresses in that process; runtime 0: none */
	uint64_t start, offset;	     /* its executable mapping of path */
	int gil;
};

static const char ask_python[] =
	"import ctypes, sys, sysconfig, types\n"
	"try:\n"
	"    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, '_PyRuntime'))\n"
	"except ValueError:\n"
	"    runtime = 0\n"
	"maps = []\n"
	"for line in open('/proc/self/maps'):\n"
	"    words = line.split()\n"
	"    start, end = (int(word, 16) for word in words[0].split('-'))\n"
	"    maps.append((start, end, words[1], int(words[2], 16), words[-1]))\n"
	"path = [m[4] for m in maps if m[0] <= id(types.CodeType) < m[1]][0]\n"
	"text = [m for m in maps if m[4] == path and 'x' in m[2]][0]\n"
	"print(path, '%d.%d.%d' % sys.version_info[:3], '%x %x %x %x' % (runtime,\n"
	"      id(types.CodeType), text[0], text[3]),\n"
	"      int(not sysconfig.get_config_var('Py_GIL_DISABLED')))\n";

/* Asks one interpreter; false: it does not answer (it has no ctypes, say). */
static bool ask(const char *python, struct live *live)
{
	char command[8192];
	FILE *f;
	int n;

	snprintf(command, sizeof(command), "%s -I -S -c \"%s\"", python, ask_python);
	f = popen(command, "r");
	assert_non_null(f);
	n = fscanf(f, "%4095s %15s %lx %lx %lx %lx %d", live->path, live->version, &live->runtime,
		   &live->code_type, &live->start, &live->offset, &live->gil);
	return pclose(f) == 0 && n == 7;
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

static bool is_supported(const struct live *live, unsigned int *ret_version)
{
	unsigned int minor, micro;

	assert_int_equal(sscanf(live->version, "3.%u.%u", &minor, &micro), 2);
	*ret_version = 0x0300 | minor;
	return minor >= 6;
}

static void check_found(const struct live *live, const struct python_runtime *found)
{
	uint64_t bias = live->start - found->text_vaddr;

	assert_int_equal(found->text_offset, live->offset);
	if (found->version > 0x0306)
		assert_int_equal(bias + found->runtime, live->runtime);
	assert_int_equal(bias + found->code_type, live->code_type);
	if (found->fixed)
		assert_int_equal(bias, 0);
	/* "3.9" stands for 3.9.18, "3.11.2" for itself alone. */
	assert_memory_equal(found->version_text, live->version, strlen(found->version_text));
	if (found->version >= 0x030b)
		assert_string_equal(found->version_text, live->version);
}

static bool check_live(const struct live *live)
{
	_cleanup_close_ int fd = open(live->path, O_RDONLY | O_CLOEXEC);
	struct python_runtime found;
	unsigned int version;
	bool supported = is_supported(live, &version);

	assert_true(fd >= 0);
	assert_int_equal(python_runtime_find(fd, &found), supported ? 0 : -ENOTSUP);
	print_message("%s: %s\n", live->path, found.version_text);
	if (!supported)
		return false;
	assert_int_equal(found.version, version);
	check_found(live, &found);
	return true;
}

static void for_each_python(bool (*check)(const struct live *live))
{
	unsigned int checked = 0;
	glob_t pythons;

	find_pythons(&pythons);
	for (size_t i = 0; i < pythons.gl_pathc; i++) {
		struct live live = {0};

		if (ask(pythons.gl_pathv[i], &live))
			checked += check(&live);
	}
	globfree(&pythons);
	assert_true(checked > 0);
}

static void test_live(void **state)
{
	for_each_python(check_live);
}

static void test_no_python(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/bin/sh", "/bin/ls"};
	struct python_runtime found;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(python_runtime_find(fd, &found), -ENOENT);
	}
}

/* Somewhere in what the search reads: headers, section headers, symbols, their names. */
static size_t pick_place(const uint8_t *bytes, size_t size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(bytes + header->e_shoff);
	const Elf64_Shdr *section = &sections[noise() % header->e_shnum];
	size_t table = header->e_shnum * sizeof(Elf64_Shdr);

	switch (noise() % 4) {
	case 0:
		return noise() % (sizeof(*header) + header->e_phnum * sizeof(Elf64_Phdr));
	case 1:
		return header->e_shoff + noise() % table;
	case 2:
		if ((section->sh_type == SHT_DYNSYM || section->sh_type == SHT_STRTAB) &&
		    section->sh_size)
			return section->sh_offset + noise() % section->sh_size;
		return header->e_shoff + noise() % table;
	default:
		return noise() % size;
	}
}

static void check_answer(int fd)
{
	struct python_runtime found = {0};
	int err = python_runtime_find(fd, &found);

	assert_true(err == 0 || err == -ENOENT || err == -ENOTSUP || err == -EINVAL);
	if (!err)
		assert_int_equal(found.layout.version, found.version);
	if (!err || err == -ENOTSUP)
		assert_true(found.pypy || strlen(found.version_text) > 0);
}

/* One to four places changed, asked, changed back. */
static void break_once(int fd, const uint8_t *bytes, size_t size)
{
	static const uint64_t values[] = {0, 1, 0x7f, 0x80000000, INT64_MAX, UINT64_MAX};
	size_t places[4], count = 1 + noise() % 4;

	for (size_t i = 0; i < count; i++) {
		uint64_t value = noise() % 2 ? noise() : values[noise() % ARRAY_SIZE(values)];
		size_t width = (size_t)1 << noise() % 4;

		places[i] = pick_place(bytes, size - 8);
		assert_int_equal(pwrite(fd, &value, width, (off_t)places[i]), width);
	}
	check_answer(fd);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pwrite(fd, bytes + places[i], 8, (off_t)places[i]), 8);
}

static bool break_live(const struct live *live)
{
	_cleanup_close_ int source = open(live->path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint8_t *bytes;
	size_t size;

	assert_int_equal(fstat(source, &st), 0);
	size = (size_t)st.st_size;
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, source, 0);
	assert_true(bytes != MAP_FAILED);
	fd = memfd_create("fdtrace-test", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, size), size);
	for (int i = 0; i < 3000; i++)
		break_once(fd, bytes, size);
	for (size_t cut = size; cut > size / 512; cut -= size / 512) {
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		check_answer(fd);
	}
	munmap(bytes, size);
	return true;
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
