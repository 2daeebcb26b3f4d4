/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a runtime publishes of itself, what its code and its types tell, and other Pythons. */
#include "made_python.h"

#include <errno.h>

static void check_published(unsigned int minor, bool without_gil, const char *text)
{
	struct python_runtime found;
	struct image image;

	image_published(&image, minor, without_gil);
	assert_int_equal(find(&image, &found), 0);
	assert_string_equal(found.version_text, text);
	assert_int_equal(found.version, 0x0300 | minor);
	assert_memory_equal(&found.layout, python_layout(0x0300 | minor, without_gil),
			    sizeof(found.layout));
}

static void test_published_offsets(void **state)
{
	check_published(13, false, "3.13.0");
	check_published(14, false, "3.14.0");
	check_published(15, false, "3.15.0");
	check_published(13, true, "3.13.0t");
	check_published(14, true, "3.14.0t");
	check_published(15, true, "3.15.0t");
}

/* What only the table can complete: such a build is refused when it differs. */
static void test_published_objects(void **state)
{
	/* cookie, version; code objects, object header, bytes, str */
	static const unsigned int checked[] = {0,   8,	 280, 296, 304, 312, 344, 320,
					       336, 360, 392, 520, 528, 544, 552, 560};

	for (size_t i = 0; i < ARRAY_SIZE(checked); i++) {
		struct python_runtime found;
		struct image image;

		image_313(&image);
		image.bytes[RUNTIME_AT + checked[i]] ^= 0x80;
		assert_int_equal(find(&image, &found), -ENOTSUP);
	}
}

/* What stands for itself is believed, as far as it makes sense. */
static void test_published_otherwise(void **state)
{
	struct python_runtime found;
	struct image image;

	image_313(&image);
	image_put(&image, RUNTIME_AT + 184, 80);
	image_put(&image, RUNTIME_AT + 264, 81);
	assert_int_equal(find(&image, &found), -ENOTSUP); /* that is within the locals */
	image_put(&image, RUNTIME_AT + 256, 88);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.layout.frame_local, 88);
	assert_int_equal(found.layout.tstate_frame, 80);
	assert_int_equal(found.layout.tstate_status, LAYOUT_NONE);
	assert_int_equal(found.layout.frame_owner, 81);
	assert_int_equal(found.layout.frame_size, 88);
	assert_int_equal(found.layout.key, PY_KEY_TSS);

	/* Another runtime: the key may be anywhere. */
	image_313(&image);
	image_put(&image, RUNTIME_AT + 40, 640);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.layout.runtime_interp, 640);
	assert_int_equal(found.layout.key, PY_KEY_NONE);

	image_put(&image, RUNTIME_AT + 40, 641);
	assert_int_equal(find(&image, &found), -ENOTSUP);
	image_313(&image);
	image_put(&image, RUNTIME_AT + 184, 2048);
	assert_int_equal(find(&image, &found), -ENOTSUP);
	image_put(&image, RUNTIME_AT + 184, UINT64_MAX);
	assert_int_equal(find(&image, &found), -ENOTSUP);
}

/* A version that nobody has seen yet, if it describes itself as the newest known one does. */
static void test_later_versions(void **state)
{
	struct python_runtime found;
	struct image image;

	image_published(&image, 16, false);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.version, 0x0310);
	assert_int_equal(found.layout.version, 0x0310);
	assert_int_equal(found.layout.key, PY_KEY_NONE);
	assert_int_equal(found.layout.code_size, 208);
	image_put(&image, RUNTIME_AT + 448, 216);
	assert_int_equal(find(&image, &found), -ENOTSUP);
	assert_string_equal(found.version_text, "3.16.0");
}

static void image_add_function(struct image *image, const char *name, unsigned int at,
			       const char *code, size_t size)
{
	image_add_symbol(image, name, TEXT_AT + at, size, SECTION_DATA);
	image_symbol(image, image->symbols)->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	memcpy(image->bytes + TEXT_AT + at, code, size);
}

#ifdef __x86_64__

/* Before 3.7 the list of interpreters and the key are where two functions say. */
static void test_36(void **state)
{
	struct python_runtime found;
	struct image image;

	image_new(&image);
	image_add_symbol(&image, "PyCode_Type", TYPE_AT, 400, SECTION_DATA);
	image_put(&image, TYPE_AT + 32, 144);
	expect(&image, -ENOTSUP, 0x0306, "3.6");
	/* mov interp_head(%rip),%rax; ret */
	image_add_function(&image, "PyInterpreterState_Head", 0x40,
			   "\x48\x8b\x05\xf9\x0f\x00\x00\xc3", 8);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.runtime, BASE + TEXT_AT + 0x47 + 0xff9);
	assert_int_equal(found.layout.key, PY_KEY_NONE);
	/* mov autoTLSkey(%rip),%edi; jmp */
	image_add_function(&image, "PyGILState_GetThisThreadState", 0x80,
			   "\x8b\x3d\x0a\x10\x00\x00\xe9\x00\x00\x00\x00", 11);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.layout.key, PY_KEY_INT);
	assert_int_equal(found.runtime + (uint64_t)found.layout.runtime_key,
			 BASE + TEXT_AT + 0x86 + 0x100a);
}

/* In 3.15 the key is a thread-local, at a fixed place or in a module's block. */
static void test_thread_local(void **state)
{
	struct python_runtime found;
	struct image image;

	image_published(&image, 15, false);
	image_add_function(&image, "PyGILState_GetThisThreadState", 0x40,
			   "\x64\x48\x8b\x04\x25\xd8\xff\xff\xff\xc3", 10);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.layout.key, PY_KEY_LOCAL);
	assert_int_equal(found.layout.key_offset, -0x28);

	image_published(&image, 15, false);
	image_add_function(&image, "PyGILState_GetThisThreadState", 0x40,
			   "\x48\x8d\x3d\x00\x01\x00\x00\xe8\x00\x00\x00\x00"
			   "\x48\x8b\x80\x28\x00\x00\x00\xc3",
			   20);
	assert_int_equal(find(&image, &found), 0);
	assert_int_equal(found.layout.key, PY_KEY_MODULE);
	assert_int_equal(found.layout.key_offset, 0x28);
	assert_int_equal(found.runtime + (uint64_t)(int64_t)found.layout.runtime_key,
			 BASE + TEXT_AT + 0x47 + 0x100);
}

#endif

static void test_other_pythons(void **state)
{
	struct python_runtime found;
	struct image image;

	image_new(&image);
	image_add_symbol(&image, "PyCode_Type", TYPE_AT, 400, SECTION_DATA);
	expect(&image, -ENOTSUP, 0, "before 3.6");
	image_add_symbol(&image, "PyString_Type", TYPE_AT, 392, SECTION_DATA);
	expect(&image, -ENOTSUP, 0, "2");
	image_put(&image, TYPE_AT + 32, 128);
	expect(&image, -ENOTSUP, 0, "2.7");

	image_new(&image);
	image_add_function(&image, "pypy_main_startup", 0x40, "\xc3", 1);
	assert_int_equal(find(&image, &found), -ENOTSUP);
	assert_true(found.pypy);

	/* GraalPy: the C API of CPython, without its runtime. */
	image_new(&image);
	image_add_symbol(&image, "PyCode_Type", TYPE_AT, 400, SECTION_DATA);
	image_add_symbol(&image, "Py_Version", HEX_AT, 8, SECTION_DATA);
	expect(&image, -ENOENT, 0, "");
}

#define NAME_AT	   (DATA_AT + 0x320)
#define MEMBERS_AT (DATA_AT + 0x340)

/* One member of code objects, as PyCode_Type tells of it. */
static void image_add_member(struct image *image, const char *name, uint64_t offset)
{
	strcpy((char *)image->bytes + NAME_AT, name);
	image_put(image, TYPE_AT + 240, BASE + MEMBERS_AT);
	image_put(image, MEMBERS_AT, BASE + NAME_AT);
	image_put(image, MEMBERS_AT + 16, offset);
	image_put(image, MEMBERS_AT + 40, 0);
	image_header(image)->e_type = ET_EXEC; /* no relocations */
}

/* A build whose code objects are as large as others', and still not the same. */
static void test_members(void **state)
{
	struct image image;

	image_hex(&image, 0x030b02f0, 184);
	image_add_member(&image, "co_filename", 112);
	expect(&image, 0, 0x030b, "3.11.2");
	image_add_member(&image, "co_filename", 120);
	expect(&image, -ENOTSUP, 0x030b, "3.11.2");
	image_add_member(&image, "co_qualname", 136);
	expect(&image, -ENOTSUP, 0x030b, "3.11.2");
	image_add_member(&image, "co_name", 7);
	expect(&image, 0, 0x030b, "3.11.2");
	image_old(&image, 656 + MUTEX_GROWTH, false, 176);
	image_add_member(&image, "co_name", 7);
	expect(&image, -ENOTSUP, 0x0309, "3.9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_offsets),
		cmocka_unit_test(test_published_objects),
		cmocka_unit_test(test_published_otherwise),
		cmocka_unit_test(test_later_versions),
#ifdef __x86_64__
		cmocka_unit_test(test_36),
		cmocka_unit_test(test_thread_local),
#endif
		cmocka_unit_test(test_other_pythons),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
