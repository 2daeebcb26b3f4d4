/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The layouts against what each CPython's own headers say (data/layouts.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "python/layout.h"

struct field {
	const char *name;
	size_t at, size;
};

#define FIELD(name, member)                                                                       \
	{                                                                                         \
		name, offsetof(struct py_layout, member), sizeof(((struct py_layout *)0)->member) \
	}
#define SAME(member) FIELD(#member, member)

static const struct field fields[] = {
	SAME(runtime_tss),	SAME(runtime_interp),
	SAME(tstate_interp),	SAME(tstate_frame),
	SAME(tstate_thread_id), SAME(cframe_current),
	SAME(frame_back),	SAME(frame_code),
	SAME(frame_lasti),	SAME(frame_owner),
	SAME(frame_entry),	SAME(shim_owner),
	SAME(code_size),	SAME(code_firstlineno),
	SAME(code_version),	SAME(code_filename),
	SAME(code_name),	SAME(code_table),
	SAME(code_adaptive),	SAME(code_firsttraceable),
	SAME(bytes_size),	SAME(bytes_data),
	SAME(str_length),	SAME(str_hash),
	SAME(str_state),	SAME(str_ascii),
	SAME(str_data),		SAME(str_kind_shift),
	SAME(str_kind_mask),	SAME(str_compact_bit),
	SAME(str_ascii_bit),	FIELD("frame_end", frame_size),
};

static long field_value(const struct py_layout *layout, const struct field *field)
{
	uint32_t value = 0;

	/* Little-endian: the low bytes come first. */
	memcpy(&value, (const char *)layout + field->at, field->size);
	return field->size == 2 && value == LAYOUT_NONE ? -1 : (long)value;
}

/* The headers were x86_64's: glibc's mutexes on arm64 move one field. */
static long expected(unsigned int version, const char *name, long number)
{
#ifdef __aarch64__
	if (version < 0x030c && !strcmp(name, "runtime_tss"))
		return number + 16;
#endif
	return number;
}

static void check_field(unsigned int version, const char *name, long number)
{
	const struct py_layout *layout = python_layout(version);

	assert_non_null(layout);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name))
			continue;
		if (field_value(layout, &fields[i]) != expected(version, name, number))
			fail_msg("%x: %s is %ld, not %ld", version, name,
				 field_value(layout, &fields[i]), number);
		return;
	}
	fail_msg("what is %s?", name);
}

static void test_headers(void **state)
{
	const char *folder = getenv("FDTRACE_TEST_DATA");
	_cleanup_fclose_ FILE *f = NULL;
	unsigned int version, checked = 0, layouts = 0;
	char path[PATH_MAX], name[64];
	long number;

	snprintf(path, sizeof(path), "%s/layouts.txt", folder ? folder : "tests/unit/data");
	f = fopen(path, "r");
	assert_non_null(f);
	for (; fscanf(f, "%x %63s %ld", &version, name, &number) == 3; checked++)
		check_field(version, name, number);
	assert_true(feof(f));
	while (python_layouts()[layouts].version)
		layouts++;
	assert_int_equal(checked, layouts * ARRAY_SIZE(fields));
}

static void test_versions(void **state)
{
	unsigned int last = 0, count = 0;

	for (const struct py_layout *l = python_layouts(); l->version; l++, count++) {
		assert_true(l->version > last);
		assert_ptr_equal(python_layout(l->version), l);
		last = l->version;
	}
	assert_true(count < LAYOUTS_MAX);
	for (unsigned int version = 0x0308; version <= 0x030d; version++)
		assert_non_null(python_layout(version));
	assert_null(python_layout(0));
	assert_null(python_layout(0x0207));
	assert_null(python_layout(0x0306));
	assert_null(python_layout(0x030e));
}

static void test_frames(void **state)
{
	static const enum py_frames frames[] = {
		PY_FRAMES_OBJECT, PY_FRAMES_OBJECT, PY_FRAMES_OBJECT, PY_FRAMES_OBJECT,
		PY_FRAMES_CFRAME, PY_FRAMES_CFRAME, PY_FRAMES_CURRENT};

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		const struct py_layout *l = python_layout(0x0307 + (unsigned int)i);

		assert_non_null(l);
		assert_int_equal(l->frames, frames[i]);
		assert_int_equal(l->lasti_scale, l->version == 0x030a ? 2 : 1);
		assert_int_equal(l->code_tag_mask, 0);
	}
}

static bool fits(uint16_t at, size_t size, uint16_t room)
{
	return at == LAYOUT_NONE || at + size <= room;
}

/* One read of frame_size, one of code_size bytes must hold all that is needed. */
static void test_fields_fit(void **state)
{
	for (const struct py_layout *l = python_layouts(); l->version; l++) {
		bool object = l->frames == PY_FRAMES_OBJECT;

		assert_true(fits(l->frame_back, 8, l->frame_size));
		assert_true(fits(l->frame_code, 8, l->frame_size));
		assert_true(fits(l->frame_lasti, object ? 4 : 8, l->frame_size));
		assert_true(fits(l->frame_owner, 1, l->frame_size));
		assert_true(fits(l->frame_entry, 1, l->frame_size));
		assert_true(fits(l->code_firstlineno, 4, l->code_size));
		assert_true(fits(l->code_version, 4, l->code_size));
		assert_true(fits(l->code_filename, 8, l->code_size));
		assert_true(fits(l->code_name, 8, l->code_size));
		assert_true(fits(l->code_table, 8, l->code_size));
		assert_true(fits(l->code_firsttraceable, 4, l->code_size));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_fields_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
