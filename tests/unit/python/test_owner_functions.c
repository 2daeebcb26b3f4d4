/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Finding os.close() and the finalizer of Python's files in small ELF files that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "owner_function_file.h"
#include "python/layout.h"
#include "python/owner_layout.h"

static void check_everything(enum form form, enum kind kind, uint16_t machine)
{
	struct file file;
	struct made made;

	file_new(&file, form);
	file_header(&file)->e_machine = machine;
	made = add_everything(&file, kind);
	expect_found(&file, 0, made.os_close, made.finalize);
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

static void test_one_alone(void **state)
{
	struct file file;
	struct made made;

	file_new(&file, RELA);
	made = add_type(&file, KIND_SPEC, "_io._IOBase");
	expect_found(&file, 0, 0, made.finalize);
	file_new(&file, RELA);
	made.os_close = add_os_methods(&file, "close", "closerange");
	expect_found(&file, 0, made.os_close, 0);
}

static void test_no_python(void **state)
{
	struct file file;

	for (enum form form = 0; form < FORMS; form++) {
		file_new(&file, form);
		expect_found(&file, 0, 0, 0);
		/* Names that nobody points to, and names that only begin alike. */
		file_new(&file, form);
		add_text(&file, "_io._IOBase");
		add_type(&file, KIND_OBJECT, "_io._IOBases");
		add_os_methods(&file, "close", "closeranges");
		expect_found(&file, 0, 0, 0);
	}
}

/* The linker may put a name at the end of another one. */
static void test_merged_name(void **state)
{
	struct made made = {0};
	struct file file;

	file_new(&file, RELA);
	made.finalize = add_function(&file);
	add_object(&file, add_text(&file, "type _io._IOBase") + strlen("type "), &made);
	expect_found(&file, 0, 0, made.finalize);
}

/* os.read() and os.write() stand behind os.close(), in its table alone. */
static void test_os_read_and_write(void **state)
{
	struct code_range code[OWNER_CODES];
	struct made made = {0};
	struct file file;

	file_new(&file, RELA);
	add_method(&file, "read");
	add_room(&file, 32);
	made.os_close = add_method(&file, "close");
	add_method(&file, "closerange");
	add_method(&file, "pread");
	made.os_read = add_method(&file, "read");
	made.os_write = add_method(&file, "write");
	add_room(&file, 32);
	add_method(&file, "write");
	file_finish(&file);
	assert_int_equal(find(&file, code), 0);
	expect_range(&code[CODE_OS_CLOSE], made.os_close);
	expect_range(&code[CODE_OS_READ], made.os_read);
	expect_range(&code[CODE_OS_WRITE], made.os_write);
	expect_range(&code[CODE_FILE_WRITE], 0);
}

/* _io._RawIOBase has the same methods as FileIO, but nothing behind them. */
static void test_file_methods(void **state)
{
	struct code_range code[OWNER_CODES];
	struct made made = {0}, base;
	struct file file;

	for (enum form form = 0; form < FORMS; form++) {
		file_new(&file, form);
		add_file_methods(&file, NULL, &base);
		add_file_methods(&file, "seek", &made);
		file_finish(&file);
		assert_int_equal(find(&file, code), 0);
		expect_range(&code[CODE_FILE_READ], made.file_read);
		expect_range(&code[CODE_FILE_READALL], made.file_readall);
		expect_range(&code[CODE_FILE_READINTO], made.file_readinto);
		expect_range(&code[CODE_FILE_WRITE], made.file_write);
	}
	add_file_methods(&file, "seek", &base);
	file_finish(&file);
	assert_int_equal(find(&file, code), 0);
	for (enum owner_code at = CODE_FILE_READ; at <= CODE_FILE_WRITE; at++)
		expect_range(&code[at], 0);
}

/* Of a Python that has its modules in it. */
static void test_socket_methods(void **state)
{
	static const char *const names[] = {
		"recv",	   "recv_into", "recvfrom", "recvfrom_into", "send",
		"sendall", "sendto",	"recvmsg",  "recvmsg_into",  "sendmsg"};
	struct code_range code[OWNER_CODES];
	size_t functions[ARRAY_SIZE(names)];
	struct file file;

	file_new(&file, RELA);
	add_method(&file, "listen");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		functions[i] = add_method(&file, names[i]);
	add_room(&file, 32);
	file_finish(&file);
	assert_int_equal(find(&file, code), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect_range(&code[CODE_SOCKET_RECV + i], functions[i]);
}

/* What is there twice is not offered; the other is. */
static void test_twice(void **state)
{
	struct file file;
	struct made made;

	for (enum kind kind = 0; kind < KINDS; kind++) {
		file_new(&file, RELA);
		made = add_everything(&file, kind);
		add_type(&file, KIND_SPEC, "_io._IOBase");
		expect_found(&file, 0, made.os_close, 0);
	}
	file_new(&file, FIXED);
	made = add_everything(&file, KIND_OBJECT);
	add_os_methods(&file, "close", "closerange");
	expect_found(&file, 0, 0, made.finalize);
}

/* No Python has as many copies of the names. */
static void test_many_names(void **state)
{
	struct file file;

	file_new(&file, FIXED);
	add_type(&file, KIND_SPEC, "_io._IOBase");
	for (int i = 0; i < 40; i++)
		add_text(&file, "_io._IOBase");
	expect_found(&file, -ENOTSUP, 0, 0);
}

static void test_os_close(void **state)
{
	struct file file;

	file_new(&file, RELA);
	add_os_methods(&file, "closefd", "closerange");
	expect_found(&file, 0, 0, 0);
	/* First of all: nothing is before it. */
	file_new(&file, RELA);
	add_method(&file, "closerange");
	expect_found(&file, 0, 0, 0);
}

/* Files are searched in windows: a name lies across the end of one, wherever that is. */
static void test_large_file(void **state)
{
	static const char name[] = "_io._IOBase";
	const size_t more = 1 << 20;
	struct code_range code[OWNER_CODES];
	struct file file;
	struct made made;

	file_new(&file, FIXED);
	made = add_type(&file, KIND_OBJECT, name);
	file_finish(&file);
	for (size_t at = 0x10000 - sizeof(name); at <= 0x10000 + 1; at++) {
		_cleanup_close_ int fd = -1;

		file_segments(&file)[SEGMENT_DYNAMIC] = segment_of(PT_LOAD, PF_R, FILE_SIZE, more);
		file_header(&file)->e_phnum = SEGMENTS;
		put(&file, made.at + 24, BASE + FILE_SIZE + at, 8);
		fd = file_of(file.bytes, sizeof(file.bytes));
		assert_int_equal(ftruncate(fd, (off_t)(FILE_SIZE + more)), 0);
		assert_int_equal(pwrite(fd, name, sizeof(name), (off_t)(FILE_SIZE + at)),
				 sizeof(name));
		memset(code, 0, sizeof(code));
		assert_int_equal(python_owner_functions_find(fd, code), 0);
		expect_range(&code[CODE_FINALIZE_IO], made.finalize);
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
	assert_int_equal(layout->finalizing_at, head + 5);
	assert_int_equal(layout->dict_at, head + 24);
	assert_int_equal(layout->type_name, head + 8);
	assert_int_equal(layout->type_base, head + 240);
	assert_int_equal(layout->type_dict, head + 248);
	assert_int_equal(layout->sockets_late, version < 0x0308);
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
		cmocka_unit_test(test_everything),	  cmocka_unit_test(test_one_alone),
		cmocka_unit_test(test_no_python),	  cmocka_unit_test(test_merged_name),
		cmocka_unit_test(test_os_read_and_write), cmocka_unit_test(test_file_methods),
		cmocka_unit_test(test_socket_methods),	  cmocka_unit_test(test_twice),
		cmocka_unit_test(test_many_names),	  cmocka_unit_test(test_os_close),
		cmocka_unit_test(test_large_file),	  cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
