/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Finding the descriptor owners in the CPythons of this machine and their modules, each asked
 * where its own type objects have their functions; and in broken copies of them.
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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "python/owners.h"

/* What one interpreter says. */
struct live {
	struct live_point {
		int type, point;
		uint64_t offset; /* in the file: where the function begins */
		char path[4096];
	} points[OWNER_PROBES_MAX];
	size_t count;
};

/* Type and point as in bpf/owner.h; the fields of PyTypeObject; PyMethodDef. */
static const char ask_python[] =
	"import ctypes, os, select, sysconfig, _io, _socket\n"
	"assert not sysconfig.get_config_var('Py_GIL_DISABLED')\n"
	"maps = []\n"
	"for line in open('/proc/self/maps'):\n"
	"    words = line.split()\n"
	"    start, end = (int(word, 16) for word in words[0].split('-'))\n"
	"    maps.append((start, end, int(words[2], 16), words[-1]))\n"
	"def word(at):\n"
	"    return ctypes.c_uint64.from_address(at).value\n"
	"def say(type, point, address):\n"
	"    m = [m for m in maps if m[0] <= address < m[1]][0]\n"
	"    print(type, point, '%x' % (address - m[0] + m[2]), m[3])\n"
	"def method(type, name):\n"
	"    at = word(id(type) + 232)\n"
	"    while ctypes.string_at(word(at)) != name:\n"
	"        at += 32\n"
	"    return word(at + 8)\n"
	"file, socket, epoll = _io.FileIO, _socket.socket, select.epoll\n"
	"say(0, 8, word(word(id(os.close) + 16) + 8))\n"
	"say(1, 1, word(id(file) + 296))\n"
	"say(1, 4, method(file, b'close'))\n"
	"say(1, 9, method(file, b'_dealloc_warn'))\n"
	"say(2, 1, word(id(socket) + 296))\n"
	"say(2, 4, method(socket, b'close'))\n"
	"say(2, 5, method(socket, b'detach'))\n"
	"say(2, 6, word(id(socket) + 392))\n"
	"say(3, 2, word(id(epoll) + 312))\n"
	"say(3, 3, method(epoll, b'fromfd'))\n"
	"say(3, 4, method(epoll, b'close'))\n"
	"say(3, 7, word(id(epoll) + 48))\n";

/* Asks one interpreter; false: it does not answer (it has no ctypes, or no GIL, say). */
static bool ask(const char *python, struct live *live)
{
	char command[8192];
	FILE *f;

	*live = (struct live){0};
	snprintf(command, sizeof(command), "%s -I -S -c \"%s\" 2>&1", python, ask_python);
	f = popen(command, "r");
	assert_non_null(f);
	while (live->count < OWNER_PROBES_MAX) {
		struct live_point *point = &live->points[live->count];

		if (fscanf(f, "%d %d %lx %4095s", &point->type, &point->point, &point->offset,
			   point->path) != 4)
			break;
		live->count++;
	}
	return pclose(f) == 0 && live->count == OWNER_PROBES_MAX;
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

/* The function's start, but behind what is not emulated there: endbr64, movabs. */
static uint64_t expected_offset(int fd, uint64_t start)
{
#ifdef __x86_64__
	uint8_t code[16] = {0};
	size_t at;

	assert_true(pread(fd, code, sizeof(code), (off_t)start) > 0);
	at = memcmp(code, "\xf3\x0f\x1e\xfa", 4) ? 0 : 4;
	if (code[at] == 0x48 && code[at + 1] >= 0xb8 && code[at + 1] < 0xbf)
		at += 10;
	start += at;
#endif
	return start;
}

static void check_point(int fd, const struct live_point *point, const struct owner_probe *probes,
			size_t count)
{
	unsigned int found = 0;

	for (size_t i = 0; i < count; i++) {
		if ((int)probes[i].type != point->type || (int)probes[i].point != point->point)
			continue;
		assert_int_equal(probes[i].offset, expected_offset(fd, point->offset));
		found++;
	}
	assert_int_equal(found, 1);
}

/* All that the process has in one of its files, and no more than that. */
static void check_file(const struct live *live, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct owner_probe probes[OWNER_PROBES_MAX];
	size_t count, expected = 0;

	assert_true(fd >= 0);
	assert_int_equal(python_owners_find(fd, probes, OWNER_PROBES_MAX, &count), 0);
	for (size_t i = 0; i < live->count; i++) {
		if (strcmp(live->points[i].path, path))
			continue;
		check_point(fd, &live->points[i], probes, count);
		expected++;
	}
	assert_int_equal(count, expected);
}

static void check_live(const struct live *live)
{
	for (size_t i = 0; i < live->count; i++)
		check_file(live, live->points[i].path);
}

static void test_live(void **state)
{
	for_each_python(check_live);
}

static void test_no_python(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/bin/sh", "/bin/ls"};
	struct owner_probe probes[OWNER_PROBES_MAX];
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(python_owners_find(fd, probes, OWNER_PROBES_MAX, &count), 0);
		assert_int_equal(count, 0);
	}
}

static uint64_t noise(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
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

static void check_answer(int fd, size_t size)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	size_t count;
	int err = python_owners_find(fd, probes, OWNER_PROBES_MAX, &count);

	assert_true(err == 0 || err == -ENOTSUP || err == -EINVAL || err == -EFBIG);
	assert_true(count <= OWNER_PROBES_MAX);
	for (size_t i = 0; i < count; i++)
		assert_true(probes[i].offset < size);
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
	check_answer(fd, size);
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
		check_answer(fd, size);
	}
	munmap(bytes, size);
}

/* os.close is in the interpreter itself, epoll often in a module. */
static void break_live(const struct live *live)
{
	break_file(live->points[0].path, 50);
	break_file(live->points[live->count - 1].path, 50);
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
