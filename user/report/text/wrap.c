/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/text/wrap.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define STYLE_END "\033[0m"
/* Columns by which what is left of a broken word stands deeper. */
#define BROKEN	  4
#define ELLIPSIS  "\xe2\x80\xa6" /* U+2026 */

/*
 * East Asian wide and fullwidth (Unicode's EastAsianWidth.txt, joined generously) and emoji.
 * A table of our own: wcwidth() knows nothing beyond ASCII in the C locale.
 */
static const struct {
	unsigned int from, to;
} wide[] = {
	{0x1100, 0x115f},   {0x231a, 0x231b},	{0x2329, 0x232a},   {0x23e9, 0x23f3},
	{0x25fd, 0x25fe},   {0x2614, 0x2615},	{0x2630, 0x2637},   {0x2648, 0x2653},
	{0x267f, 0x27bf},   {0x2b1b, 0x2b1c},	{0x2b50, 0x2b55},   {0x2e80, 0x303e},
	{0x3041, 0x4dff},   {0x4e00, 0xa4cf},	{0xa960, 0xa97f},   {0xac00, 0xd7a3},
	{0xf900, 0xfaff},   {0xfe10, 0xfe6f},	{0xff00, 0xff60},   {0xffe0, 0xffe6},
	{0x16fe0, 0x1b2ff}, {0x1d300, 0x1d37f}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd},
};

static size_t char_columns(unsigned int c)
{
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (c >= wide[i].from && c <= wide[i].to)
			return 2;
	return 1;
}

/* The bytes of the character at p, one for a byte that is none; its columns. */
static size_t next_char(const char *p, size_t size, size_t *ret_columns)
{
	unsigned int c = 0;
	size_t used = text_utf8((const unsigned char *)p, size, &c);

	*ret_columns = used ? char_columns(c) : 1;
	return used ? used : 1;
}

static size_t columns_of(const char *text, size_t size)
{
	size_t columns = 0, one;

	for (size_t i = 0; i < size; columns += one)
		i += next_char(text + i, size - i, &one);
	return columns;
}

size_t layout_columns(const char *text)
{
	return columns_of(text, strlen(text));
}

/* The longest head of text, in bytes, that takes at most so many columns. */
static size_t head_bytes(const char *text, size_t size, size_t columns)
{
	size_t at = 0, taken = 0;

	while (at < size) {
		size_t one, used = next_char(text + at, size - at, &one);

		if (taken + one > columns)
			break;
		taken += one;
		at += used;
	}
	return at;
}

/* Where the shortest tail begins that leaves at most so many columns. */
static size_t tail_start(const char *text, size_t size, size_t columns)
{
	size_t left = columns_of(text, size), at = 0;

	while (at < size && left > columns) {
		size_t one, used = next_char(text + at, size - at, &one);

		left -= one;
		at += used;
	}
	return at;
}

char *layout_shorten(const char *text, size_t columns, char *out, size_t size)
{
	size_t length = strlen(text), head, tail;

	if (columns_of(text, length) <= columns) {
		snprintf(out, size, "%s", text);
		return out;
	}
	/* The end of a path or of a qualified name says more than its beginning. */
	head = head_bytes(text, length, (columns - 1) / 3);
	tail = tail_start(text, length, columns - 1 - (columns - 1) / 3);
	snprintf(out, size, "%.*s" ELLIPSIS "%s", (int)head, text, text + tail);
	return out;
}

char *layout_name(const char *name, size_t columns, char *out, size_t size)
{
	_cleanup_free_ char *safe = text_for_terminal(name, strlen(name));

	layout_shorten(safe ? safe : "?", columns, out, size);
	for (char *p = out; *p; p++)
		if (*p == ' ')
			*p = TEXT_SOLID_SPACE;
	return out;
}

static void put_bytes(const struct page *page, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fputc(text[i] == TEXT_SOLID_SPACE ? ' ' : text[i], page->out);
}

static void styled(const struct page *page, const char *style, const char *text, size_t size)
{
	bool color = page->color && style && size;

	if (color)
		fputs(style, page->out);
	put_bytes(page, text, size);
	if (color)
		fputs(STYLE_END, page->out);
}

static size_t new_line(const struct page *page, unsigned int indent)
{
	fprintf(page->out, "\n%*s", (int)indent, "");
	return indent;
}

static size_t room(const struct page *page, size_t column)
{
	return column < page->width ? page->width - column : 0;
}

/* One word; broken wherever a line is full if it is wider than a line. Returns the column. */
static size_t put_word(const struct page *page, unsigned int rest, size_t column, const char *word,
		       size_t size)
{
	while (columns_of(word, size) > room(page, column)) {
		size_t fits = head_bytes(word, size, room(page, column));

		put_bytes(page, word, fits);
		word += fits;
		size -= fits;
		column = new_line(page, rest + BROKEN);
	}
	put_bytes(page, word, size);
	return column + columns_of(word, size);
}

void layout_paragraph(const struct page *page, const char *style, const char *label,
		      unsigned int first, unsigned int rest, const char *text)
{
	size_t column = first + layout_columns(label);
	bool fresh = !*label;

	fprintf(page->out, "%*s", (int)first, "");
	styled(page, style, label, strlen(label));
	while (*text) {
		size_t size = strcspn(text, " "), columns = columns_of(text, size);

		if (!fresh && column + 1 + columns > page->width && rest + columns <= page->width) {
			column = new_line(page, rest);
		} else if (!fresh && column < page->width) {
			fputc(' ', page->out);
			column++;
		}
		column = put_word(page, rest, column, text, size);
		fresh = false;
		text += size;
		text += *text == ' ';
	}
	fputc('\n', page->out);
}

void layout_line(const struct page *page, const char *style, unsigned int indent, const char *text)
{
	size_t size = strlen(text);

	fprintf(page->out, "%*s", (int)indent, "");
	if (columns_of(text, size) <= room(page, indent)) {
		styled(page, style, text, size);
	} else {
		styled(page, style, text, head_bytes(text, size, room(page, indent + 1)));
		fputs(ELLIPSIS, page->out);
	}
	fputc('\n', page->out);
}
