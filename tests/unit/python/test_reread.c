/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Code objects that the kernel side could not read whole, read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/records.h"
#include "made_code.h"
#include "python/layout.h"
#include "python/reread.h"

static const unsigned int versions[] = {0x0306, 0x0308, 0x030a, 0x030b, 0x030c, 0x030d, 0x030f};

static const struct record_code missing = {
	.h = {.size = sizeof(missing), .type = RECORD_CODE, .tgid = 7, .time_ns = 99},
	.code = CODE_AT,
	.ident = 12345,
	.table_missing = 1,
};

static struct memory *memory_of(const struct py_layout *layout)
{
	struct memory *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	made_code(m, layout, 41, 3);
	made_str(m, layout, FILE_AT, "/srv/app.py", 11, 1, true);
	made_str(m, layout, NAME_AT, "C.run", 5, 1, true);
	made_bytes(m, layout, TABLE_AT, "\x80\x01\x02", 3);
	return m;
}

static struct record_code *reread(const struct py_layout *layout, struct memory *m)
{
	struct record_code record = missing;

	record.version = layout->version;
	return reread_code(&record, layout, TYPE, memory_read, m);
}

static void test_what_is_wanted(void **state)
{
	struct record_code record = {.file_width = 1, .name_width = 2};

	assert_false(reread_wanted(&record));
	record.table_missing = 1;
	assert_true(reread_wanted(&record));
	record.no_code = 1;
	assert_false(reread_wanted(&record));
	record = (struct record_code){.file_width = 1};
	assert_true(reread_wanted(&record));
	record = (struct record_code){.name_width = 1};
	assert_true(reread_wanted(&record));
}

static void test_whole(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		const struct py_layout *layout = python_layout(versions[i], false);
		_cleanup_free_ struct memory *m = memory_of(layout);
		_cleanup_free_ struct record_code *code = reread(layout, m);
		bool prologue = layout->code_firsttraceable != LAYOUT_NONE;

		assert_non_null(code);
		assert_int_equal(code->h.size, sizeof(*code) + 11 + 5 + 3);
		assert_int_equal(code->h.time_ns, 99);
		assert_int_equal(code->ident, 12345);
		assert_int_equal(code->version, versions[i]);
		assert_int_equal(code->firstlineno, 41);
		assert_int_equal(code->firsttraceable, prologue ? 6 : 0);
		assert_memory_equal(code->data, "/srv/app.pyC.run\x80\x01\x02", 19);
		assert_int_equal(code->name_ascii, 3);
		assert_int_equal(code->table_missing, 0);
		assert_int_equal(code->table_total, 3);
		assert_false(reread_wanted(code));
	}
}

/* What was told of the first local at that moment is kept, behind all that there is now. */
static void test_first_local(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	const struct record_first_local told = {.type = TYPE, .arguments = 2, .type_name = "C"};
	_cleanup_free_ struct memory *m = memory_of(layout);
	_cleanup_free_ struct record_code *code = NULL;
	struct record_first_local local;
	_cleanup_free_ struct record_code *record = malloc(sizeof(*record) + sizeof(told));

	assert_non_null(record);
	*record = missing;
	record->version = layout->version;
	record->first_local = 1;
	memcpy(record->data, &told, sizeof(told));
	code = reread_code(record, layout, TYPE, memory_read, m);
	assert_non_null(code);
	assert_int_equal(code->h.size, sizeof(*code) + 11 + 5 + 3 + sizeof(told));
	assert_true(record_code_first_local(code, &local));
	assert_memory_equal(&local, &told, sizeof(told));
}

static void test_any_width(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	_cleanup_free_ struct memory *m = memory_of(layout);
	_cleanup_free_ struct record_code *code = NULL;

	made_str(m, layout, FILE_AT, "\xe9", 1, 1, false);
	made_str(m, layout, NAME_AT, U"\U0001f40d", 1, 4, false);
	code = reread(layout, m);
	assert_non_null(code);
	assert_int_equal(code->file_width, 1);
	assert_int_equal(code->name_width, 4);
	assert_int_equal(code->name_bytes, 4);
	assert_int_equal(code->name_ascii, 0);
	assert_memory_equal(code->data, "\xe9\x0d\xf4\x01\x00", 5);
}

/* What a record holds, and how much there is. */
static void test_too_long(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	_cleanup_free_ struct memory *m = memory_of(layout);
	_cleanup_free_ struct record_code *code = NULL;
	uint64_t chars = RECORD_CODE_FILE_MAX + 1, bytes = RECORD_TABLE_CHUNK + 1;

	memory_put(m, FILE_AT + layout->str_length, &chars, sizeof(chars));
	memory_put(m, TABLE_AT + layout->bytes_size, &bytes, sizeof(bytes));
	code = reread(layout, m);
	assert_non_null(code);
	assert_int_equal(code->file_bytes, RECORD_CODE_FILE_MAX);
	assert_int_equal(code->file_chars, RECORD_CODE_FILE_MAX + 1);
	assert_int_equal(code->table_bytes, RECORD_TABLE_CHUNK);
	assert_int_equal(code->table_total, RECORD_TABLE_CHUNK + 1);
}

static void test_still_not_there(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	const uint64_t places[] = {CODE_AT + layout->ob_type, FILE_AT + layout->str_ascii,
				   NAME_AT + layout->str_state, TABLE_AT + layout->bytes_data};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ struct memory *m = memory_of(layout);

		m->gone = places[i];
		assert_null(reread(layout, m));
	}
}

/* Something else lies there by now. */
static void test_no_code_object(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	_cleanup_free_ struct memory *m = memory_of(layout);
	const uint64_t type = TYPE + 8;
	const uint32_t legacy = 1u << layout->str_kind_shift;

	memory_put(m, FILE_AT + layout->str_state, &legacy, sizeof(legacy));
	assert_null(reread(layout, m)); /* no compact str */
	made_str(m, layout, FILE_AT, "", 0, 3, false);
	assert_null(reread(layout, m)); /* of no width that there is */
	made_str(m, layout, FILE_AT, "", 0, 1, true);
	memory_put(m, CODE_AT + layout->ob_type, &type, sizeof(type));
	assert_null(reread(layout, m));
}

static void test_another_version(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	_cleanup_free_ struct memory *m = memory_of(layout);
	struct record_code record = missing;

	record.version = 0x030c;
	assert_null(reread_code(&record, layout, TYPE, memory_read, m));
}

static struct record_code_table *reread_piece(const struct memory *m, uint32_t offset)
{
	const struct record_code_table from = {
		.h = {.type = RECORD_CODE_TABLE, .tgid = 7}, .code = CODE_AT, .ident = 12345};

	return reread_table(&from, offset, python_layout(0x030b, false), TYPE, memory_read,
			    (void *)(uintptr_t)m);
}

static void test_pieces(void **state)
{
	const struct py_layout *layout = python_layout(0x030b, false);
	_cleanup_free_ struct memory *m = memory_of(layout);
	const uint64_t size = 2 * RECORD_TABLE_CHUNK + 3, data = TABLE_AT + layout->bytes_data;
	uint32_t at = 0;

	memory_put(m, TABLE_AT + layout->bytes_size, &size, sizeof(size));
	memory_put(m, data + 2 * RECORD_TABLE_CHUNK, "end", 3);
	for (uint32_t left = (uint32_t)size; left; at++) {
		uint32_t bytes = left < RECORD_TABLE_CHUNK ? left : RECORD_TABLE_CHUNK;
		_cleanup_free_ struct record_code_table *piece =
			reread_piece(m, at * RECORD_TABLE_CHUNK);

		assert_non_null(piece);
		assert_int_equal(piece->h.size, sizeof(*piece) + bytes);
		assert_int_equal(piece->h.type, RECORD_CODE_TABLE);
		assert_int_equal(piece->ident, 12345);
		assert_int_equal(piece->offset, at * RECORD_TABLE_CHUNK);
		assert_int_equal(piece->bytes, bytes);
		left -= bytes;
		if (!left)
			assert_memory_equal(piece->data, "end", 3);
	}
	assert_int_equal(at, 3);
	assert_null(reread_piece(m, (uint32_t)size));
	assert_null(reread_piece(m, UINT32_MAX));
	m->gone = data + RECORD_TABLE_CHUNK;
	assert_null(reread_piece(m, RECORD_TABLE_CHUNK));
	m->gone = 0;
	memory_put(m, CODE_AT + layout->ob_type, &size, sizeof(size));
	assert_null(reread_piece(m, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_wanted), cmocka_unit_test(test_whole),
		cmocka_unit_test(test_first_local),    cmocka_unit_test(test_any_width),
		cmocka_unit_test(test_too_long),       cmocka_unit_test(test_still_not_there),
		cmocka_unit_test(test_no_code_object), cmocka_unit_test(test_another_version),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests_name("mend", tests, NULL, NULL);
}
