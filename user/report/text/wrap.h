/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Lines for a terminal: columns, wrapping, shortening, colour.
 *
 * Owns: that no line is wider than the page, and that none begins with part of a name as if it
 * were a line of the report. Never: escapes: what is printed here has gone through
 * text_for_terminal or text_for_layout (layout_name does it itself).
 */
#ifndef FDTRACE_REPORT_TEXT_WRAP_H
#define FDTRACE_REPORT_TEXT_WRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define STYLE_ERROR   "\033[1;31m"
#define STYLE_WARNING "\033[1;33m"
#define STYLE_INFO    "\033[1;36m"
#define STYLE_BOLD    "\033[1m"
#define STYLE_DIM     "\033[2m"

struct page {
	FILE *out;
	unsigned int width; /* columns */
	bool color;
};

/* Columns that text takes at most: 2 for East Asian wide characters and emoji, else 1. */
size_t layout_columns(const char *text);

/*
 * text in at most so many columns: the middle gives way to "…". out holds at least
 * columns * 4 + 1 bytes. Returns out.
 */
char *layout_shorten(const char *text, size_t columns, char *out, size_t size);

/*
 * The same of a name as a traced process gave it, for a paragraph: escaped, its spaces solid
 * (TEXT_SOLID_SPACE). Without memory "?".
 */
char *layout_name(const char *name, size_t columns, char *out, size_t size);

/*
 * A paragraph: label (styled; "" for none) at column first, a space, then text, wrapped between
 * words; further lines begin at column rest. A word that is wider than a line is broken
 * anywhere: what follows stands deeper, where no line of the report begins.
 */
void layout_paragraph(const struct page *page, const char *style, const char *label,
		      unsigned int first, unsigned int rest, const char *text);

/* One line at column indent, all in one style (NULL: plain), cut at the end with "…". */
void layout_line(const struct page *page, const char *style, unsigned int indent, const char *text);

#endif
