/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Finding Python's descriptor owners in small ELF files that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "owner_file.h"
#include "python/layout.h"
#include "python/owner_layout.h"

static void expect_probe(const struct owner_probe *probes, size_t count, enum owner_type type,
			 enum owner_point point, uint64_t offset)
{
	unsigned int found = 0;

	for (size_t i = 0; i < count; i++) {
		if (probes[i].type != type || probes[i].point != point)
			continue;
		assert_int_equal(probes[i].offset, offset);
		found++;
	}
	assert_int_equal(found, 1);
}

static const struct {
	enum owner_type type;
	enum owner_point point;
} all_points[] = {
	{OWNER_NONE, OWNER_OS_CLOSE}, {OWNER_FILEIO, OWNER_INIT},     {OWNER_FILEIO, OWNER_CLOSE},
	{OWNER_SOCKET, OWNER_INIT},   {OWNER_SOCKET, OWNER_CLOSE},    {OWNER_SOCKET, OWNER_DETACH},
	{OWNER_EPOLL, OWNER_NEW},     {OWNER_SOCKET, OWNER_FINALIZE}, {OWNER_EPOLL, OWNER_FROMFD},
	{OWNER_EPOLL, OWNER_CLOSE},   {OWNER_EPOLL, OWNER_DEALLOC},   {OWNER_FILEIO, OWNER_WARN},
};

static void check_everything(enum form form, enum kind kind, uint16_t machine)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	struct made made[OWNER_TYPES];
	struct file file;
	size_t count;

	file_new(&file, form);
	file_header(&file)->e_machine = machine;
	add_everything(&file, kind, made);
	assert_int_equal(finish_and_find(&file, probes, &count), 0);
	assert_int_equal(count, ARRAY_SIZE(all_points));
	for (size_t i = 0; i < count; i++)
		expect_probe(probes, count, all_points[i].type, all_points[i].point,
			     made[all_points[i].type].offset[all_points[i].point]);
}

static void test_everything(void **state)
{
	for (enum form form = 0; form < FORMS; form++) {
		for (enum kind kind = 0; kind < KINDS; kind++) {
			check_everything(form, kind, EM_X86_64);
			check_everything(form, kind, EM_AARCH64);
		}
	}
}

static void test_one_module(void **state)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	struct file file;
	size_t count;

	file_new(&file, RELA);
	add_type(&file, KIND_SPEC, "_socket.socket");
	assert_int_equal(finish_and_find(&file, probes, &count), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(probes[i].type, OWNER_SOCKET);
}

static void test_no_python(void **state)
{
	struct file file;

	for (enum form form = 0; form < FORMS; form++) {
		file_new(&file, form);
		expect_count(&file, 0, 0);
		/* Names that nobody points to, and names that only begin alike. */
		file_new(&file, form);
		add_text(&file, "_io.FileIO");
		add_type(&file, KIND_OBJECT, "_socket.socketpair");
		expect_count(&file, 0, 0);
	}
}

/* The linker may put a name at the end of another one. */
static void test_merged_name(void **state)
{
	struct made made = {0};
	struct file file;
	size_t text, methods;

	file_new(&file, RELA);
	text = add_text(&file, "type _io.FileIO") + strlen("type ");
	methods = add_methods(&file, &made);
	made.offset[OWNER_INIT] = add_function(&file);
	made.offset[OWNER_DEALLOC] = add_function(&file);
	add_object(&file, text, methods, &made);
	expect_count(&file, 0, 3);
}

/* FileIO's tp_init begins with this code, and ends, with its segment, after room bytes. */
static void expect_moved(uint16_t machine, const char *code, size_t size, size_t room,
			 uint64_t moved)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	struct file file;
	struct made made;
	size_t count;

	file_new(&file, FIXED);
	file_header(&file)->e_machine = machine;
	made = add_type(&file, KIND_OBJECT, "_io.FileIO");
	memcpy(file.bytes + made.offset[OWNER_INIT], code, size);
	file_segments(&file)[0].p_filesz = made.offset[OWNER_INIT] + room - TEXT_AT;
	assert_int_equal(finish_and_find(&file, probes, &count), 0);
	expect_probe(probes, count, OWNER_FILEIO, OWNER_INIT, made.offset[OWNER_INIT] + moved);
	expect_probe(probes, count, OWNER_FILEIO, OWNER_CLOSE, made.offset[OWNER_CLOSE]);
}

static void test_moved(void **state)
{
	static const char movabs[] = "\x48\xb8\xb9\xba\xbb\xbd\xbe";
	static const char endbr64[] = "\xf3\x0f\x1e\xfa\x48\xba";

	for (size_t i = 1; i < sizeof(movabs) - 1; i++) {
		const char code[] = {movabs[0], movabs[i]};

		expect_moved(EM_X86_64, code, 2, 32, 10);
	}
	expect_moved(EM_X86_64, endbr64, 4, 32, 4);
	expect_moved(EM_X86_64, endbr64, 6, 32, 14);
	/* To rsp; to rdi, which holds the object; to r10; to edx; no movabs; another machine. */
	expect_moved(EM_X86_64, "\x48\xbc", 2, 32, 0);
	expect_moved(EM_X86_64, "\x48\xbf", 2, 32, 0);
	expect_moved(EM_X86_64, "\x49\xba", 2, 32, 0);
	expect_moved(EM_X86_64, "\xba\x48", 2, 32, 0);
	expect_moved(EM_X86_64, "\x48\x89", 2, 32, 0);
	expect_moved(EM_X86_64, endbr64, 3, 32, 0);
	expect_moved(EM_AARCH64, "\x48\xba", 2, 32, 0);
	expect_moved(EM_AARCH64, endbr64, 6, 32, 0);
}

/* Nothing is behind it. */
static void test_moved_to_the_end(void **state)
{
	expect_moved(EM_X86_64, "\x48\xba", 2, 11, 10);
	expect_moved(EM_X86_64, "\x48\xba", 2, 10, 0);
	expect_moved(EM_X86_64, "\x48", 1, 1, 0);
	expect_moved(EM_X86_64, "\xf3\x0f\x1e\xfa", 4, 4, 0);
	expect_moved(EM_X86_64, "\xf3\x0f\x1e\xfa\x48\xba", 6, 14, 4);
	expect_moved(EM_X86_64, "\xf3\x0f\x1e\xfa\x48\xba", 6, 15, 14);
}

/* A type that is there twice is not offered; the others are. */
static void test_twice(void **state)
{
	struct file file;

	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct made made[OWNER_TYPES];

		file_new(&file, RELA);
		add_everything(&file, kind, made);
		add_type(&file, KIND_SPEC, "_socket.socket");
		expect_count(&file, -ENOTSUP, 8);
	}
	file_new(&file, FIXED);
	add_os_methods(&file, "close", "closerange");
	add_os_methods(&file, "close", "closerange");
	add_type(&file, KIND_SPEC, "_io.FileIO");
	expect_count(&file, -ENOTSUP, 3);
}

static void test_many_names(void **state)
{
	struct file file;

	file_new(&file, FIXED);
	add_type(&file, KIND_SPEC, "_io.FileIO");
	for (int i = 0; i < 40; i++)
		add_text(&file, "_io.FileIO");
	expect_count(&file, -ENOTSUP, 0);
}

/* Two functions folded into one: whose object it gets can't be told. */
static void test_shared_function(void **state)
{
	struct file file;
	struct made made[OWNER_TYPES];

	file_new(&file, FIXED);
	add_everything(&file, KIND_OBJECT, made);
	put_pointer(&file, made[OWNER_SOCKET].at + 296, made[OWNER_FILEIO].offset[OWNER_INIT]);
	expect_count(&file, -ENOTSUP, 5);
}

static void test_methods_twice(void **state)
{
	struct made made = {0};
	struct file file;
	size_t methods;

	file_new(&file, RELA);
	methods = file.data;
	add_method(&file, "close");
	add_methods(&file, &made);
	made.offset[OWNER_INIT] = add_function(&file);
	made.offset[OWNER_DEALLOC] = add_function(&file);
	add_object(&file, add_text(&file, "_io.FileIO"), methods, &made);
	expect_count(&file, 0, 0);
}

static void test_os_close(void **state)
{
	struct file file;

	file_new(&file, RELA);
	add_os_methods(&file, "closefd", "closerange");
	expect_count(&file, 0, 0);
	file_new(&file, RELA);
	add_os_methods(&file, "close", "closeranges");
	expect_count(&file, 0, 0);
	/* First of all: nothing is before it. */
	file_new(&file, RELA);
	add_method(&file, "closerange");
	expect_count(&file, 0, 0);
}

static void test_max(void **state)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	struct made made[OWNER_TYPES];
	struct file file;
	size_t count;

	file_new(&file, FIXED);
	add_everything(&file, KIND_OBJECT, made);
	for (size_t max = 0; max < OWNER_PROBES_MAX; max++) {
		_cleanup_close_ int fd = file_of(file.bytes, sizeof(file.bytes));

		assert_int_equal(python_owners_find(fd, probes, max, &count), -ENOBUFS);
		assert_int_equal(count, 0);
	}
}

/* Files are searched in windows: a name lies across the end of one, wherever that is. */
static void test_large_file(void **state)
{
	const size_t more = 1 << 20;
	struct owner_probe probes[OWNER_PROBES_MAX];
	struct file file;
	struct made made;
	size_t count;

	file_new(&file, FIXED);
	made = add_type(&file, KIND_OBJECT, "_io.FileIO");
	for (size_t at = 0x10000 - 12; at <= 0x10000 + 1; at++) {
		_cleanup_close_ int fd = -1;
		uint64_t pointer = BASE + FILE_SIZE + at;

		file_segments(&file)[3] = segment_of(PT_LOAD, PF_R, FILE_SIZE, more);
		file_header(&file)->e_phnum = 4;
		put(&file, made.at + 24, pointer, 8);
		fd = file_of(file.bytes, sizeof(file.bytes));
		assert_int_equal(ftruncate(fd, (off_t)(FILE_SIZE + more)), 0);
		assert_int_equal(pwrite(fd, "_io.FileIO", 11, (off_t)(FILE_SIZE + at)), 11);
		assert_int_equal(python_owners_find(fd, probes, OWNER_PROBES_MAX, &count), 0);
		assert_int_equal(count, 3);
	}
}

static void check_layout(unsigned int version, bool without_gil, unsigned int head)
{
	const struct owner_layout *layout = python_owner_layout(version, without_gil);

	assert_non_null(layout);
	assert_int_equal(layout->version, version);
	assert_int_equal(layout->fd[OWNER_FILEIO], head);
	assert_int_equal(layout->fd[OWNER_SOCKET], head);
	assert_int_equal(layout->fd[OWNER_EPOLL], head);
	assert_int_equal(layout->closefd_at, head + 4);
	assert_int_equal(layout->closefd_mask, version == 0x030f ? 0x80 : 0x40);
	assert_ptr_equal(python_owners_of(python_layout(version, without_gil)), layout);
}

static void test_layouts(void **state)
{
	static const unsigned int unknown[] = {0, 0x0207, 0x0305, 0x0310};

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_null(python_owner_layout(unknown[i], false));
	for (unsigned int version = 0x0306; version <= 0x030f; version++)
		check_layout(version, false, 16);
	assert_null(python_owner_layout(0x030c, true));
	for (unsigned int version = 0x030d; version <= 0x030f; version++)
		check_layout(version, true, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),	cmocka_unit_test(test_one_module),
		cmocka_unit_test(test_no_python),	cmocka_unit_test(test_merged_name),
		cmocka_unit_test(test_moved),		cmocka_unit_test(test_moved_to_the_end),
		cmocka_unit_test(test_twice),		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_shared_function), cmocka_unit_test(test_methods_twice),
		cmocka_unit_test(test_os_close),	cmocka_unit_test(test_max),
		cmocka_unit_test(test_large_file),	cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
