/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/text/wrap.h"

static void expect_terminal(const char *bytes, size_t size, const char *expected)
{
	_cleanup_free_ char *text = text_for_terminal(bytes, size);

	assert_string_equal(text, expected);
}

static void expect_json(const char *bytes, size_t size, const char *expected)
{
	_cleanup_free_ char *text = text_for_json(bytes, size);

	assert_string_equal(text, expected);
}

#define TERMINAL(literal, expected) expect_terminal(literal, sizeof(literal) - 1, expected)
#define JSON(literal, expected)	    expect_json(literal, sizeof(literal) - 1, expected)

static void test_terminal_keeps_plain_text(void **state)
{
	TERMINAL("", "");
	TERMINAL("/srv/app.py \\n \"'", "/srv/app.py \\n \"'");
	TERMINAL("caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\x8d",
		 "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\x8d");
}

static void test_terminal_escapes(void **state)
{
	TERMINAL("a\nb\tc\rd", "a\\nb\\tc\\x0dd");
	TERMINAL("\0\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f");
	TERMINAL("\xc2\x9b", "\\u009b");				       /* CSI, 8 bits */
	TERMINAL("\xe2\x80\xae\xe2\x81\xa6\xd8\x9c", "\\u202e\\u2066\\u061c"); /* bidirectional */
	TERMINAL("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");		       /* line separators */
	TERMINAL("\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "\\u200b\\ufeff\\u00ad"); /* invisible */
	TERMINAL("\xf3\xa0\x80\x81", "\\U000e0001");			       /* a tag */
	TERMINAL("\xe2\x80\x8d", "\xe2\x80\x8d"); /* a joiner: scripts need it */
	TERMINAL("\xff\x80"
		 "a\xc3",
		 "\\xff\\x80a\\xc3");
	TERMINAL("\xc0\x80\xed\xa0\x80", "\\xc0\\x80\\xed\\xa0\\x80"); /* overlong, surrogate */
}

static void test_json_bytes(void **state)
{
	JSON("", "");
	JSON("plain \xc3\xa9 \"\\ \n", "plain \xc3\xa9 \"\\ \n");
	JSON("a\0b", "a\xef\xbf\xbd"
		     "b");
	JSON("\xff", "\xc3\xbf");
	JSON("\x80z\xc3", "\xc2\x80z\xc3\x83");
	JSON("\xc0\x80\xed\xa0\x80", "\xc3\x80\xc2\x80\xc3\xad\xc2\xa0\xc2\x80");
	JSON("\xf4\x90\x80\x80", "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80"); /* beyond U+10FFFF */
}

static void test_utf8_bounds(void **state)
{
	static const struct {
		const char *bytes;
		size_t size, used;
		unsigned int c;
	} cases[] = {
		{"\x7f", 1, 1, 0x7f},
		{"\xc2\x80", 2, 2, 0x80},
		{"\xdf\xbf", 2, 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 3, 0x800},
		{"\xef\xbf\xbf", 3, 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
		{"\xc1\xbf", 2, 0, 0},
		{"\xe0\x9f\xbf", 3, 0, 0},
		{"\xf0\x8f\xbf\xbf", 4, 0, 0},
		{"\xf8\x88\x80\x80\x80", 5, 0, 0},
		{"\xe2\x82", 2, 0, 0},
		{"\x80", 1, 0, 0},
		{"", 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int c = 0;
		size_t used = text_utf8((const unsigned char *)cases[i].bytes, cases[i].size, &c);

		assert_int_equal(used, cases[i].used);
		assert_int_equal(c, cases[i].c);
	}
}

/* No byte below ' ' and no DEL, and valid UTF-8 throughout. */
static void assert_safe(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t size = strlen(text);

	while (size) {
		unsigned int c = 0;
		size_t used = text_utf8(p, size, &c);

		assert_true(used > 0);
		assert_true(c >= ' ' && (c < 0x7f || c > 0x9f));
		p += used;
		size -= used;
	}
}

static void test_random_bytes(void **state)
{
	char bytes[512];

	srand(1);
	for (int round = 0; round < 2000; round++) {
		_cleanup_free_ char *terminal = NULL, *json = NULL;
		size_t size = rand() % sizeof(bytes);

		for (size_t i = 0; i < size; i++)
			bytes[i] = rand();
		terminal = text_for_terminal(bytes, size);
		assert_safe(terminal);
		json = text_for_json(bytes, size);
		for (size_t i = 0, used; json[i]; i += used) {
			unsigned int c;

			used = text_utf8((const unsigned char *)json + i, strlen(json + i), &c);
			assert_true(used > 0);
		}
	}
}

/* What the C library takes two columns for must never be counted as one. */
static void test_columns_never_too_few(void **state)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	locale_t before;

	assert_non_null(utf8);
	before = uselocale(utf8);
	for (wchar_t c = ' '; c <= 0x10ffff; c++) {
		char text[8] = "";
		int width = wcwidth(c);

		if (width <= 0)
			continue;
		assert_true(wctomb(text, c) > 0);
		assert_true((int)layout_columns(text) >= width);
	}
	uselocale(before);
	freelocale(utf8);
}

static void test_shorten(void **state)
{
	char out[64];

	assert_string_equal(layout_shorten("/etc/hostname", 20, out, sizeof(out)), "/etc/hostname");
	assert_string_equal(layout_shorten("/usr/lib/very/deep/app.py", 13, out, sizeof(out)),
			    "/usr\xe2\x80\xa6p/app.py");
	/* A wide character is not cut in two: the line is a column shorter instead. */
	assert_string_equal(
		layout_shorten("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, out, sizeof(out)),
		"\xe2\x80\xa6\xe8\xaa\x9e");
}

static char *paragraph(unsigned int width, bool color, const char *label, const char *text)
{
	char *buf = NULL;
	size_t size;
	struct page page = {.out = open_memstream(&buf, &size), .width = width, .color = color};

	layout_paragraph(&page, STYLE_BOLD, label, 2, 4, text);
	fclose(page.out);
	return buf;
}

static void test_paragraph(void **state)
{
	_cleanup_free_ char *plain = paragraph(20, false, "Note:", "one two three four");
	_cleanup_free_ char *color = paragraph(20, true, "Note:", "one two three four");
	_cleanup_free_ char *broken = paragraph(10, false, "", "a bcdefghijklmnopqrstu v");

	assert_string_equal(plain, "  Note: one two\n    three four\n");
	assert_string_equal(color, "  \033[1mNote:\033[0m one two\n    three four\n");
	assert_string_equal(broken, "  a bcdefg\n        hi\n        jk\n        lm\n        no\n"
				    "        pq\n        rs\n        tu\n    v\n");
}

/* However long what stands before it is, a name never begins a line. */
static void test_name_begins_no_line(void **state)
{
	static const char hostile[] = "\x1f\x1b[1m x\n  error[double_close]: not ours";
	char name[256], before[101] = "", text[512];

	assert_string_equal(layout_name("a b", 3, name, sizeof(name)), "a\x1f"
								       "b");
	assert_string_equal(layout_name("\x1f \n", 60, name, sizeof(name)), "\\x1f\x1f\\n");
	layout_name(hostile, 60, name, sizeof(name));
	for (size_t i = 0; i < sizeof(before) - 1; i++) {
		_cleanup_free_ char *shown = NULL, *escaped = NULL;

		before[i] = i % 7 ? 'a' : ' ';
		snprintf(text, sizeof(text), "%s\"%s\", and more", before, name);
		escaped = text_for_layout(text, strlen(text));
		shown = paragraph(80, false, "Note:", escaped);
		assert_null(strstr(shown, "\n    error"));
		assert_null(strchr(shown, TEXT_SOLID_SPACE));
		assert_non_null(strstr(shown, "x\\n  error[double_close]: not ours\""));
	}
}

static void test_soften(void **state)
{
	char text[] = "a\x1f"
		      "b c";

	assert_string_equal(text_soften(text), "a b c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal_keeps_plain_text),
		cmocka_unit_test(test_terminal_escapes),
		cmocka_unit_test(test_json_bytes),
		cmocka_unit_test(test_utf8_bounds),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_columns_never_too_few),
		cmocka_unit_test(test_shorten),
		cmocka_unit_test(test_paragraph),
		cmocka_unit_test(test_name_begins_no_line),
		cmocka_unit_test(test_soften),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
