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

#define FIELD(member)                                           \
	{                                                       \
#member, offsetof(struct py_layout, member),    \
			sizeof(((struct py_layout *)0)->member) \
	}

static const struct field fields[] = {
	FIELD(frames),
	FIELD(lasti_scale),
	FIELD(runtime_key),
	FIELD(runtime_interp),
	FIELD(key),
	FIELD(ob_type),
	FIELD(interp_next),
	FIELD(interp_threads),
	FIELD(tstate_next),
	FIELD(tstate_interp),
	FIELD(tstate_status),
	FIELD(tstate_cframe),
	FIELD(tstate_frame),
	FIELD(tstate_thread_id),
	FIELD(cframe_current),
	FIELD(frame_size),
	FIELD(frame_back),
	FIELD(frame_code),
	FIELD(frame_lasti),
	FIELD(frame_owner),
	FIELD(frame_entry),
	FIELD(frame_tlbc),
	FIELD(frame_object),
	FIELD(object_line),
	FIELD(frame_local),
	FIELD(shim_owner),
	FIELD(code_tag_mask),
	FIELD(code_size),
	FIELD(code_firstlineno),
	FIELD(code_version),
	FIELD(code_filename),
	FIELD(code_name),
	FIELD(code_table),
	FIELD(code_adaptive),
	FIELD(code_tlbc),
	FIELD(code_firsttraceable),
	FIELD(code_arguments),
	FIELD(code_keywords),
	FIELD(code_flags),
	FIELD(code_kinds),
	FIELD(type_flags),
	FIELD(bytes_size),
	FIELD(bytes_data),
	FIELD(str_length),
	FIELD(str_hash),
	FIELD(str_state),
	FIELD(str_ascii),
	FIELD(str_data),
	FIELD(str_kind_shift),
	FIELD(str_kind_mask),
	FIELD(str_compact_bit),
	FIELD(str_ascii_bit),
};

static const struct {
	const char *word;
	long number;
} words[] = {
	{"PY_FRAMES_OBJECT", PY_FRAMES_OBJECT},
	{"PY_FRAMES_CFRAME", PY_FRAMES_CFRAME},
	{"PY_FRAMES_CURRENT", PY_FRAMES_CURRENT},
	{"PY_KEY_NONE", PY_KEY_NONE},
	{"PY_KEY_TSS", PY_KEY_TSS},
};

static long number_of(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	for (size_t i = 0; *end && i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].word, text))
			return words[i].number;
	assert_int_equal(*end, '\0');
	return number;
}

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
	if (version > 0x0306 && version < 0x030c && !strcmp(name, "runtime_key"))
		return number + 16;
#endif
	return number;
}

static void check_field(unsigned int version, bool without_gil, const char *name, long number)
{
	const struct py_layout *layout = python_layout(version, without_gil);

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

static unsigned int count_layouts(bool without_gil)
{
	unsigned int count = 0;

	while (python_layouts(without_gil)[count].version)
		count++;
	return count;
}

static void test_headers(void **state)
{
	const char *folder = getenv("FDTRACE_TEST_DATA");
	_cleanup_fclose_ FILE *f = NULL;
	unsigned int version, checked = 0;
	char path[PATH_MAX], build[8], name[64], value[64];

	snprintf(path, sizeof(path), "%s/layouts.txt", folder ? folder : "tests/unit/data");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fscanf(f, "%7s %63s %63s", build, name, value) == 3) {
		if (!strcmp(name, "key_mutexes"))
			continue; /* no field, but see expected() */
		assert_int_equal(sscanf(build, "%x", &version), 1);
		check_field(version, strchr(build, 't'), name, number_of(value));
		checked++;
	}
	assert_true(feof(f));
	assert_int_equal(checked,
			 (count_layouts(false) + count_layouts(true)) * ARRAY_SIZE(fields));
}

static void check_order(bool without_gil)
{
	unsigned int last = 0;

	for (const struct py_layout *l = python_layouts(without_gil); l->version; l++) {
		assert_true(l->version > last);
		assert_ptr_equal(python_layout(l->version, without_gil), l);
		last = l->version;
	}
	assert_int_equal(last, PYTHON_NEWEST);
}

static void test_versions(void **state)
{
	check_order(false);
	check_order(true);
	assert_true(count_layouts(false) + count_layouts(true) < LAYOUTS_MAX);
	for (unsigned int version = 0x0306; version <= 0x030f; version++) {
		assert_non_null(python_layout(version, false));
		assert_int_equal(python_layout(version, true) != NULL, version >= 0x030d);
	}
	assert_null(python_layout(0, false));
	assert_null(python_layout(0x0207, false));
	assert_null(python_layout(0x0305, false));
	assert_null(python_layout(0x0310, false));
}

static void test_frames(void **state)
{
	static const enum py_frames frames[] = {
		PY_FRAMES_OBJECT,  PY_FRAMES_OBJECT, PY_FRAMES_OBJECT, PY_FRAMES_OBJECT,
		PY_FRAMES_OBJECT,  PY_FRAMES_CFRAME, PY_FRAMES_CFRAME, PY_FRAMES_CURRENT,
		PY_FRAMES_CURRENT, PY_FRAMES_CURRENT};

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		const struct py_layout *l = python_layout(0x0306 + (unsigned int)i, false);
		bool by_lists = l->version == 0x0306 || l->version == 0x030f;

		assert_int_equal(l->frames, frames[i]);
		assert_int_equal(l->lasti_scale, l->version == 0x030a ? 2 : 1);
		assert_int_equal(l->code_tag_mask, l->version < 0x030e ? 0 : 7);
		assert_int_equal(l->key, by_lists ? PY_KEY_NONE : PY_KEY_TSS);
	}
}

static bool fits(uint16_t at, size_t size, uint16_t room)
{
	return at == LAYOUT_NONE || at + size <= room;
}

/* One read of frame_size, one of code_size bytes must hold all that is needed. */
static void check_fields_fit(bool without_gil)
{
	for (const struct py_layout *l = python_layouts(without_gil); l->version; l++) {
		bool object = l->frames == PY_FRAMES_OBJECT;

		assert_true(fits(l->frame_back, 8, l->frame_size));
		assert_true(fits(l->frame_code, 8, l->frame_size));
		assert_true(fits(l->frame_lasti, object ? 4 : 8, l->frame_size));
		assert_true(fits(l->frame_owner, 1, l->frame_size));
		assert_true(fits(l->frame_entry, 1, l->frame_size));
		assert_true(fits(l->frame_tlbc, 4, l->frame_size));
		/* The kernel side masks what it reads of a frame and of a thread state. */
		assert_true(l->frame_local <= 511);
		assert_true(l->frame_size <= 128 && l->tstate_thread_id <= 255);
		assert_true(fits(l->tstate_status, 4, 128) && fits(l->tstate_cframe, 8, 128));
		assert_true(fits(l->code_firstlineno, 4, l->code_size));
		assert_true(fits(l->code_version, 4, l->code_size));
		assert_true(fits(l->code_filename, 8, l->code_size));
		assert_true(fits(l->code_name, 8, l->code_size));
		assert_true(fits(l->code_table, 8, l->code_size));
		assert_true(fits(l->code_firsttraceable, 4, l->code_size));
		assert_true(fits(l->code_arguments, 4, l->code_size));
		assert_true(fits(l->code_keywords, 4, l->code_size));
		assert_true(fits(l->code_flags, 4, l->code_size));
		assert_true(fits(l->code_kinds, 8, l->code_size));
	}
}

static void test_fields_fit(void **state)
{
	check_fields_fit(false);
	check_fields_fit(true);
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
