/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Line tables against what each CPython itself says (data/lines-3.*.txt, by dump_lines.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "python/linetable.h"

struct dump {
	unsigned int version;
	int firstlineno;
	uint8_t *table;
	size_t size;
	unsigned long codes, compared, wrong;
};

static void read_hex(struct dump *dump, const char *hex)
{
	size_t size = *hex == '-' ? 0 : strspn(hex, "0123456789abcdef") / 2;
	unsigned int byte;

	free(dump->table);
	dump->table = malloc(size + 1);
	assert_non_null(dump->table);
	dump->size = size;
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		dump->table[i] = (uint8_t)byte;
	}
}

/* Python's -1 is "no line", and a line 0 stands for none as well. */
static void compare(struct dump *dump, int lasti, long line)
{
	int want = line > 0 ? (int)line : LINE_NONE;
	int got = linetable_line(dump->version, dump->table, dump->size, dump->firstlineno, lasti);

	dump->compared++;
	if (got == want)
		return;
	if (!dump->wrong++)
		print_error("%x: firstlineno %d, offset %d: %d, not %d\n", dump->version,
			    dump->firstlineno, lasti, got, want);
}

static void check_lines(struct dump *dump, const char *runs)
{
	int lasti = 0;
	char *end;

	while (*runs == ' ') {
		long line = strtol(runs + 1, &end, 10), count = 1;

		if (*end == '*')
			count = strtol(end + 1, &end, 10);
		for (; count; count--, lasti += 2)
			compare(dump, lasti, line);
		runs = end;
	}
	assert_int_equal(*runs, '\n');
	dump->codes++;
}

static void check_dump(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	_cleanup_free_ char *line = NULL;
	struct dump dump = {0};
	size_t room = 0;
	int skip;

	assert_non_null(f);
	while (getline(&line, &room, f) > 0) {
		if (sscanf(line, "python %x", &dump.version) == 1)
			continue;
		if (sscanf(line, "code %d %n", &dump.firstlineno, &skip) == 1)
			read_hex(&dump, line + skip);
		else if (!strncmp(line, "lines", 5))
			check_lines(&dump, line + 5);
		else
			fail_msg("%s: what is this? %.60s", path, line);
	}
	free(dump.table);
	print_message("%s: %lu code objects, %lu instructions, %lu wrong\n", path, dump.codes,
		      dump.compared, dump.wrong);
	assert_true(dump.compared > 5000);
	assert_int_equal(dump.wrong, 0);
}

static void test_every_version(void **state)
{
	const char *folder = getenv("FDTRACE_TEST_DATA");
	char pattern[PATH_MAX];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/lines-3.*.txt", folder ? folder : "tests/unit/data");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_dump(found.gl_pathv[i]);
	if (!folder)
		assert_int_equal(found.gl_pathc, 7);
	globfree(&found);
}

#define LINE(version, first, lasti, ...)                                     \
	({                                                                   \
		const uint8_t bytes[] = {__VA_ARGS__};                       \
		linetable_line(version, bytes, sizeof(bytes), first, lasti); \
	})

static void test_before_the_first(void **state)
{
	for (unsigned int version = 0x0306; version <= 0x030f; version++) {
		assert_int_equal(LINE(version, 7, -1, 0x82, 1), 7);
		assert_int_equal(LINE(version, 7, -2, 0x82, 1), 7);
		assert_int_equal(LINE(version, -7, -2, 0x82, 1), LINE_UNKNOWN);
		assert_int_equal(LINE(version, 0, -2, 0x82, 1), LINE_NONE);
	}
}

static void test_lnotab(void **state)
{
	assert_int_equal(linetable_line(0x0309, NULL, 0, 7, 100), 7);
	assert_int_equal(LINE(0x0309, 7, 3, 4, 1), 7);
	assert_int_equal(LINE(0x0309, 7, 4, 4, 1), 8);
	assert_int_equal(LINE(0x0309, 7, 4, 4, 0xff), 6); /* lines are signed */
	assert_int_equal(LINE(0x0309, 7, 4, 0, 127, 4, 1), 135);
	assert_int_equal(LINE(0x0309, 7, 500, 255, 0, 245, 1), 8);
	assert_int_equal(LINE(0x0309, 7, 4, 4, 1, 9), 8);
	assert_int_equal(LINE(0x0309, 1, 9, 4, 0x80), LINE_UNKNOWN);
}

static void test_pep626(void **state)
{
	assert_int_equal(linetable_line(0x030a, NULL, 0, 7, 0), LINE_UNKNOWN);
	assert_int_equal(LINE(0x030a, 7, 2, 4, 1, 2, 2), 8);
	assert_int_equal(LINE(0x030a, 7, 4, 4, 1, 2, 2), 10);
	assert_int_equal(LINE(0x030a, 7, 6, 4, 1, 2, 2), LINE_UNKNOWN);
	/* A range of no line leaves the running line alone. */
	assert_int_equal(LINE(0x030a, 7, 2, 4, 0x80, 2, 2), LINE_NONE);
	assert_int_equal(LINE(0x030a, 7, 4, 4, 0x80, 2, 2), 9);
	/* An empty range moves the line, and is never the answer. */
	assert_int_equal(LINE(0x030a, 7, 0, 0, 100, 2, 1), 108);
	assert_int_equal(LINE(0x030a, 7, 0, 2), LINE_UNKNOWN);
}

static void test_locations(void **state)
{
	assert_int_equal(linetable_line(0x030b, NULL, 0, 7, 0), LINE_UNKNOWN);
	/* ONE_LINE1, two units; NONE, one unit; ONE_LINE2, one unit. */
	assert_int_equal(LINE(0x030b, 7, 2, 0xd9, 0, 0, 0xf8, 0xe0, 0, 0), 8);
	assert_int_equal(LINE(0x030b, 7, 4, 0xd9, 0, 0, 0xf8, 0xe0, 0, 0), LINE_NONE);
	assert_int_equal(LINE(0x030b, 7, 6, 0xd9, 0, 0, 0xf8, 0xe0, 0, 0), 10);
	assert_int_equal(LINE(0x030b, 7, 8, 0xd9, 0, 0, 0xf8, 0xe0, 0, 0), LINE_UNKNOWN);
	/* LONG and NO_COLUMNS: a signed number of one, two groups. */
	assert_int_equal(LINE(0x030d, 7, 0, 0xf0, 0x05, 0, 1, 1), 5);
	assert_int_equal(LINE(0x030d, 7, 0, 0xe8, 0x64, 0x06), 7 + 210);
}

static void test_locations_of_nonsense(void **state)
{
	assert_int_equal(LINE(0x030b, 7, 0, 0x59, 0, 0), LINE_UNKNOWN); /* no first byte */
	assert_int_equal(LINE(0x030b, 7, 0, 0xe8), LINE_UNKNOWN);
	assert_int_equal(LINE(0x030b, 7, 0, 0xe8, 0x44), LINE_UNKNOWN);
	assert_int_equal(LINE(0x030b, 7, 0, 0xe8, 0x44, 0xd9), LINE_UNKNOWN);
	assert_int_equal(LINE(0x030b, 7, 0, 0xe8, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f),
			 LINE_UNKNOWN);
	assert_int_equal(LINE(0x030b, INT_MAX, 0, 0xd8, 0, 0), LINE_UNKNOWN);
	assert_int_equal(LINE(0x030b, 1, 0, 0xe8, 0x0d), LINE_UNKNOWN); /* line -5 */
}

static void test_other_versions(void **state)
{
	assert_int_equal(LINE(0x0207, 7, 0, 4, 1), LINE_UNKNOWN);
	assert_int_equal(LINE(0x0305, 7, 0, 4, 1), LINE_UNKNOWN);
	assert_int_equal(LINE(0x0305, 7, 0, 0xd9, 0, 0), LINE_UNKNOWN);
}

/* Bytes by chance: an answer, and nothing read behind the table. */
static void test_noise(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)round % 64;
		uint8_t *table = malloc(size);

		for (size_t i = 0; i < size; i++) {
			seed = seed * 1664525 + 1013904223;
			table[i] = (uint8_t)(seed >> 24);
		}
		for (unsigned int version = 0x0306; version <= 0x0310; version++)
			assert_true(linetable_line(version, table, size, (int)seed,
						   (int)(seed >> 20)) >= LINE_UNKNOWN);
		free(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_version),  cmocka_unit_test(test_before_the_first),
		cmocka_unit_test(test_lnotab),	       cmocka_unit_test(test_pep626),
		cmocka_unit_test(test_locations),      cmocka_unit_test(test_locations_of_nonsense),
		cmocka_unit_test(test_other_versions), cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
