/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The code-object cache: what it keeps, what it refuses, what it forgets; Python's texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "python/code.h"
#include "python/linetable.h"

/* A record as the kernel side sends it: exactly h.size bytes, so that ASan sees one more. */
struct code_parts {
	uint32_t tgid;
	uint64_t code, ident;
	unsigned int version;
	int firstlineno;
	const void *file, *name, *table;
	uint32_t file_bytes, file_chars, name_bytes, name_chars, table_bytes, table_total;
	unsigned int file_width, name_width;
};

static const struct code_parts plain = {
	.tgid = 10,
	.code = 0x7f0000001000,
	.ident = 42,
	.version = 0x0309,
	.firstlineno = 7,
	.file = "/srv/app.py",
	.file_bytes = 11,
	.file_chars = 11,
	.file_width = 1,
	.name = "run",
	.name_bytes = 3,
	.name_chars = 3,
	.name_width = 1,
	.table = "\4\1\2\2",
	.table_bytes = 4,
	.table_total = 4,
};

static struct record_code *make_code(const struct code_parts *p)
{
	size_t size = sizeof(struct record_code) + p->file_bytes + p->name_bytes + p->table_bytes;
	struct record_code *r = calloc(1, size);

	assert_non_null(r);
	r->h = (struct record_header){.size = (uint32_t)size, .type = RECORD_CODE, .tgid = p->tgid};
	r->code = p->code;
	r->ident = p->ident;
	r->firstlineno = p->firstlineno;
	r->version = (uint16_t)p->version;
	r->file_bytes = p->file_bytes;
	r->file_chars = p->file_chars;
	r->file_width = (uint8_t)p->file_width;
	r->name_bytes = p->name_bytes;
	r->name_chars = p->name_chars;
	r->name_width = (uint8_t)p->name_width;
	r->table_bytes = p->table_bytes;
	r->table_total = p->table_total;
	if (p->file_bytes)
		memcpy(r->data, p->file, p->file_bytes);
	if (p->name_bytes)
		memcpy(r->data + p->file_bytes, p->name, p->name_bytes);
	if (p->table_bytes)
		memcpy(r->data + p->file_bytes + p->name_bytes, p->table, p->table_bytes);
	return r;
}

static int add(struct code_cache *cache, const struct code_parts *parts)
{
	_cleanup_free_ struct record_code *r = make_code(parts);

	return code_cache_add(cache, r);
}

static int add_table(struct code_cache *cache, uint32_t offset, const void *data, uint32_t bytes)
{
	_cleanup_free_ struct record_code_table *r = calloc(1, sizeof(*r) + bytes);

	assert_non_null(r);
	r->h = (struct record_header){.size = (uint32_t)sizeof(*r) + bytes,
				      .type = RECORD_CODE_TABLE,
				      .tgid = plain.tgid};
	r->code = plain.code;
	r->ident = plain.ident;
	r->offset = offset;
	r->bytes = bytes;
	memcpy(r->data, data, bytes);
	return code_cache_add_table(cache, r);
}

static const struct code_info *find(struct code_cache *cache, uint32_t tgid, uint64_t ident)
{
	return code_cache_find(cache, tgid, plain.code, ident);
}

static int line(struct code_cache *cache, int lasti)
{
	return code_cache_line(cache, plain.tgid, plain.code, plain.ident, lasti);
}

static struct code_cache *cache_new(size_t max)
{
	struct code_cache *cache = NULL;

	assert_int_equal(code_cache_new(max, 0, &cache), 0);
	return cache;
}

static void test_found_again(void **state)
{
	struct code_cache *cache = cache_new(0);
	const struct code_info *info;

	assert_int_equal(add(cache, &plain), 0);
	info = find(cache, 10, 42);
	assert_non_null(info);
	assert_string_equal(info->file, "/srv/app.py");
	assert_string_equal(info->function, "run");
	assert_int_equal(info->firstlineno, 7);
	assert_int_equal(info->version, 0x0309);
	assert_true(info->table_whole);
	assert_false(info->file_cut || info->function_cut);
	assert_int_equal(line(cache, 0), 7);
	assert_int_equal(line(cache, 4), 8);
	assert_int_equal(line(cache, 6), 10);

	/* Every part of the key counts. */
	assert_null(find(cache, 11, 42));
	assert_null(find(cache, 10, 43));
	assert_null(code_cache_find(cache, 10, plain.code + 8, 42));
	assert_int_equal(code_cache_line(cache, 11, plain.code, 42, 0), LINE_UNKNOWN);
	code_cache_free(cache);
}

static void test_version_selects_the_decoder(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct code_parts parts = plain;

	parts.version = 0x030a;
	assert_int_equal(add(cache, &parts), 0);
	assert_int_equal(line(cache, 0), 8);
	assert_int_equal(line(cache, 6), LINE_UNKNOWN);
	parts.version = 0x030b;
	parts.table = "\xd9\x00\x00\xf8";
	assert_int_equal(add(cache, &parts), 0);
	assert_int_equal(line(cache, 2), 8);
	assert_int_equal(line(cache, 4), LINE_NONE);
	assert_int_equal(line(cache, -1), 7);
	code_cache_free(cache);
}

static void test_repeated(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct code_parts parts = plain;

	assert_int_equal(add(cache, &plain), 0);
	parts.name = "ran";
	assert_int_equal(add(cache, &parts), 0);
	assert_string_equal(find(cache, 10, 42)->function, "ran");
	code_cache_free(cache);
}

static void test_the_oldest_go(void **state)
{
	struct code_cache *cache = cache_new(3);
	struct code_parts parts = plain;

	for (parts.ident = 1; parts.ident <= 3; parts.ident++)
		assert_int_equal(add(cache, &parts), 0);
	parts.ident = 1; /* sent again: now the youngest */
	assert_int_equal(add(cache, &parts), 0);
	parts.ident = 4;
	assert_int_equal(add(cache, &parts), 0);
	assert_non_null(find(cache, 10, 1));
	assert_null(find(cache, 10, 2));
	assert_non_null(find(cache, 10, 3));
	assert_non_null(find(cache, 10, 4));
	code_cache_free(cache);
}

static void test_relief_takes_a_quarter(void **state)
{
	struct code_cache *cache = cache_new(8);
	struct code_parts parts = plain;

	for (parts.ident = 1; parts.ident <= 8; parts.ident++)
		assert_int_equal(add(cache, &parts), 0);
	assert_false(code_cache_relieve(cache));
	assert_int_equal(add(cache, &parts), 0);
	assert_true(code_cache_relieve(cache));
	assert_false(code_cache_relieve(cache));
	for (uint64_t ident = 1; ident <= 9; ident++)
		assert_int_equal(find(cache, 10, ident) != NULL, ident > 3);
	code_cache_free(cache);
}

/* 32 MiB: five tables of 8 MiB do not fit. */
static void test_bytes_are_bounded(void **state)
{
	struct code_parts parts = plain;
	struct code_cache *cache;

	assert_int_equal(code_cache_new(0, 32 << 20, &cache), 0);
	parts.table_bytes = parts.table_total = 8u << 20;
	parts.table = calloc(1, parts.table_total);
	assert_non_null(parts.table);
	for (parts.ident = 1; parts.ident <= 5; parts.ident++)
		assert_int_equal(add(cache, &parts), 0);
	assert_null(find(cache, 10, 1));
	assert_null(find(cache, 10, 2));
	assert_non_null(find(cache, 10, 3));
	assert_non_null(find(cache, 10, 5));
	assert_int_equal(code_cache_forgotten(cache), 2);
	free((void *)parts.table);
	code_cache_free(cache);
}

static void test_table_in_pieces(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct code_parts parts = plain;

	parts.version = 0x030a;
	parts.table_total = 8;
	assert_int_equal(add(cache, &parts), 0);
	assert_false(find(cache, 10, 42)->table_whole);
	assert_int_equal(line(cache, 5), 10);
	assert_int_equal(line(cache, 6), LINE_UNKNOWN);
	assert_int_equal(add_table(cache, 4, "\2\1", 2), 0);
	assert_int_equal(line(cache, 6), 11);
	assert_int_equal(line(cache, 8), LINE_UNKNOWN);
	assert_int_equal(add_table(cache, 4, "\2\1", 2), 0); /* the same once more */
	assert_int_equal(add_table(cache, 4, "\2\1\2\1", 4), 0);
	assert_true(find(cache, 10, 42)->table_whole);
	assert_int_equal(line(cache, 8), 12);
	code_cache_free(cache);
}

static void test_a_piece_is_lost(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct code_parts parts = plain;

	parts.table_total = 8;
	assert_int_equal(add(cache, &parts), 0);
	assert_int_equal(add_table(cache, 6, "\2\1", 2), 0);
	assert_false(find(cache, 10, 42)->table_whole);
	/* Up to 3.9 the last line of a table holds for all that follows: not so of a part. */
	assert_int_equal(line(cache, 4), LINE_UNKNOWN);
	assert_int_equal(line(cache, 100), LINE_UNKNOWN);
	code_cache_free(cache);
}

static void test_a_piece_of_nothing(void **state)
{
	struct code_cache *cache = cache_new(0);

	assert_int_equal(add_table(cache, 4, "\2\1", 2), 0);
	assert_null(find(cache, 10, 42));
	code_cache_free(cache);
}

static void test_nothing_readable(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct code_parts parts = {.tgid = 10, .code = plain.code, .ident = 42, .version = 0x0309};
	_cleanup_free_ struct record_code *r = make_code(&parts);
	const struct code_info *info;

	r->table_missing = 1;
	assert_int_equal(code_cache_add(cache, r), 0);
	info = find(cache, 10, 42);
	assert_null(info->file);
	assert_null(info->function);
	assert_false(info->table_whole);
	assert_int_equal(line(cache, 4), LINE_UNKNOWN);
	code_cache_free(cache);
}

static void test_cut_texts(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct code_parts parts = plain;

	parts.file_chars = 12;
	parts.name = u"naïve";
	parts.name_bytes = 6;
	parts.name_width = 2;
	parts.name_chars = 5;
	assert_int_equal(add(cache, &parts), 0);
	assert_true(find(cache, 10, 42)->file_cut);
	assert_true(find(cache, 10, 42)->function_cut);
	assert_string_equal(find(cache, 10, 42)->function, "naï");
	code_cache_free(cache);
}

#define REFUSED(change)                                                   \
	do {                                                              \
		_cleanup_free_ struct record_code *r = make_code(&plain); \
		change;                                                   \
		assert_int_equal(code_cache_add(cache, r), -EINVAL);      \
		assert_null(find(cache, 10, 42));                         \
	} while (0)

static void test_refused(void **state)
{
	struct code_cache *cache = cache_new(0);

	REFUSED(r->h.size--);
	REFUSED(r->h.size = sizeof(*r) - 1);
	REFUSED(r->h.size = 0);
	REFUSED(r->h.type = RECORD_STACK);
	REFUSED(r->file_bytes = UINT32_MAX);
	REFUSED(r->name_bytes = UINT32_MAX);
	REFUSED(r->table_bytes = UINT32_MAX);
	REFUSED(r->file_bytes = r->name_bytes = r->table_bytes = 0x55555556);
	REFUSED(r->file_width = 3);
	REFUSED(r->name_width = 8);
	REFUSED(r->file_width = 0); /* unreadable, but there are bytes */
	REFUSED(r->file_width = 2); /* eleven bytes */
	REFUSED(r->file_chars = 10);
	REFUSED(r->table_total = 3);
	REFUSED(r->table_missing = 1);
	code_cache_free(cache);
}

static void test_refused_tables(void **state)
{
	struct record_code_table r = {.h.size = sizeof(r),
				      .h.type = RECORD_CODE_TABLE,
				      .h.tgid = 10,
				      .code = plain.code,
				      .ident = 42};
	struct code_cache *cache = cache_new(0);

	assert_int_equal(add(cache, &plain), 0);
	assert_int_equal(add_table(cache, 4, "\2", 1), -EINVAL); /* behind table_total */
	assert_int_equal(add_table(cache, UINT32_MAX, "\2", 1), -EINVAL);
	assert_int_equal(code_cache_add_table(cache, &r), 0);
	r.bytes = 1;
	assert_int_equal(code_cache_add_table(cache, &r), -EINVAL);
	r.bytes = 0;
	r.h.size--;
	assert_int_equal(code_cache_add_table(cache, &r), -EINVAL);
	r.h.size++;
	r.h.type = RECORD_CODE;
	assert_int_equal(code_cache_add_table(cache, &r), -EINVAL);
	code_cache_free(cache);
}

/*
 * _PyFrame_IsIncomplete. Seen in 3.11.7: a collection inside MAKE_CELL, the instruction right
 * before RESUME (offset 0, firsttraceable 2), does not show the function's frame.
 */
static void test_incomplete(void **state)
{
	struct code_info info = {.version = 0x030b, .firsttraceable = 2};

	for (info.version = 0x030b; info.version <= 0x030f; info.version++) {
		assert_true(code_frame_incomplete(&info, 0, -2));
		assert_true(code_frame_incomplete(&info, 0, 0));
		assert_true(code_frame_incomplete(&info, 2, 0));
		assert_false(code_frame_incomplete(&info, 0, 2));
		assert_false(code_frame_incomplete(&info, 0, 4));
		assert_false(code_frame_incomplete(&info, 1, 0)); /* a generator's */
	}
	/* The C stack's frames (3.12 on) are nobody's. */
	info.version = 0x030b;
	assert_false(code_frame_incomplete(&info, 3, 4));
	info.version = 0x030c;
	assert_true(code_frame_incomplete(&info, 3, 4));
	info.version = 0x030d;
	assert_true(code_frame_incomplete(&info, 3, 4));
	/* Up to 3.10 every frame in the chain runs. */
	info.version = 0x030a;
	assert_false(code_frame_incomplete(&info, 0, -2));
}

/* Something that is no code object: no name, no line. */
static void test_no_code(void **state)
{
	struct code_cache *cache = cache_new(0);
	struct record_code r = {.h = {.size = sizeof(r), .type = RECORD_CODE, .tgid = plain.tgid},
				.code = plain.code,
				.ident = plain.ident,
				.version = 0x030e,
				.table_missing = 1,
				.no_code = 1};
	const struct code_info *info;

	assert_int_equal(add(cache, &plain), 0);
	info = find(cache, plain.tgid, plain.ident);
	assert_true(info && info->consistent);
	assert_int_equal(code_cache_add(cache, &r), 0);
	info = find(cache, plain.tgid, plain.ident);
	assert_non_null(info);
	assert_false(info->consistent);
	assert_null(info->file);
	assert_null(info->function);
	assert_int_equal(line(cache, 4), LINE_UNKNOWN);
	code_cache_free(cache);
}

static void check_text(const void *data, size_t chars, unsigned int width, const char *want)
{
	size_t bytes = chars * width;
	_cleanup_free_ uint8_t *copy = malloc(bytes + 1);
	_cleanup_free_ char *text = NULL;

	/* At an odd address, as in a record. */
	memcpy(copy + 1, data, bytes);
	text = python_text(copy + 1, chars, width);
	assert_non_null(text);
	assert_string_equal(text, want);
}

static void test_texts(void **state)
{
	static const uint32_t wide[] = {'a', 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};

	check_text("", 0, 1, "");
	check_text("plain", 5, 1, "plain");
	check_text("na\xefve\xff", 6, 1, "naïveÿ"); /* Latin-1 */
	check_text(u"п\x00ff€", 3, 2, "пÿ€");
	check_text(U"p😀", 2, 4, "p😀");
	check_text(wide, ARRAY_SIZE(wide), 4,
		   "a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	check_text("a\0b", 3, 1, "a␀b");
}

static void test_surrogates(void **state)
{
	/* os.fsdecode(b"caf\xe9\x80") */
	static const uint16_t escaped[] = {'c', 'a', 'f', 0xdce9, 0xdc80};
	static const uint16_t lone[] = {0xd800, 0xdc7f, 0xdd00, 0xdfff};
	static const uint32_t beyond[] = {0x110000, UINT32_MAX, 0xdcff};

	check_text(escaped, 5, 2, "caf\xe9\x80");
	check_text(lone, 4, 2, "\xed\xa0\x80\xed\xb1\xbf\xed\xb4\x80\xed\xbf\xbf");
	check_text(beyond, 3, 4, "\xef\xbf\xbd\xef\xbf\xbd\xff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_again),
		cmocka_unit_test(test_version_selects_the_decoder),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_the_oldest_go),
		cmocka_unit_test(test_relief_takes_a_quarter),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_table_in_pieces),
		cmocka_unit_test(test_a_piece_is_lost),
		cmocka_unit_test(test_a_piece_of_nothing),
		cmocka_unit_test(test_nothing_readable),
		cmocka_unit_test(test_cut_texts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_tables),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_no_code),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_surrogates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
