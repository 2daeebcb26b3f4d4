/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Smallest character that a sequence of so many bytes may stand for (RFC 3629). */
static const unsigned int utf8_min[] = {0, 0, 0x80, 0x800, 0x10000};

size_t text_utf8(const unsigned char *p, size_t size, unsigned int *ret_char)
{
	unsigned int c;
	size_t need;

	if (!size)
		return 0;
	if (p[0] < 0x80) {
		*ret_char = p[0];
		return 1;
	}
	need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc0 || p[0] > 0xf7 || need > size)
		return 0;
	c = p[0] & (0xff >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < utf8_min[need] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	*ret_char = c;
	return need;
}

/* Characters that move the cursor, reorder what is shown or do not show, ASCII left aside. */
static bool misleads_terminal(unsigned int c)
{
	return (c >= 0x7f && c <= 0x9f) ||		    /* DEL and the C1 controls */
	       c == 0x061c || c == 0x200e || c == 0x200f || /* bidirectional marks */
	       (c >= 0x2028 && c <= 0x202e) ||		    /* separators, embeddings, overrides */
	       (c >= 0x2060 && c <= 0x206f) ||		    /* isolates, and what is invisible */
	       c == 0x00ad || c == 0x200b || c == 0xfeff || /* no width; joiners have a meaning */
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f); /* tags */
}

static size_t escape_char(unsigned int c, char *out)
{
	if (c == '\n' || c == '\t')
		return sprintf(out, c == '\n' ? "\\n" : "\\t");
	if (c < 0x80)
		return sprintf(out, "\\x%02x", c);
	return sprintf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

static char *escape(const char *bytes, size_t size, char kept)
{
	const unsigned char *p = (const unsigned char *)bytes;
	/* The longest escapes: 4 characters for a byte, 6 for two or three, 10 for four. */
	char *text = size < SIZE_MAX / 4 ? malloc(size * 4 + 1) : NULL;
	char *out = text;

	if (!text)
		return NULL;
	while (size) {
		unsigned int c = 0;
		size_t used = text_utf8(p, size, &c);

		if (!used) {
			out += sprintf(out, "\\x%02x", *p);
			used = 1;
		} else if ((c < ' ' && c != (unsigned char)kept) || misleads_terminal(c)) {
			out += escape_char(c, out);
		} else {
			memcpy(out, p, used);
			out += used;
		}
		p += used;
		size -= used;
	}
	*out = '\0';
	return text;
}

char *text_for_terminal(const char *bytes, size_t size)
{
	return escape(bytes, size, ' ');
}

char *text_for_layout(const char *bytes, size_t size)
{
	return escape(bytes, size, TEXT_SOLID_SPACE);
}

char *text_soften(char *text)
{
	for (char *p = text; *p; p++)
		if (*p == TEXT_SOLID_SPACE)
			*p = ' ';
	return text;
}

char *text_for_json(const char *bytes, size_t size)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	const unsigned char *p = (const unsigned char *)bytes;
	char *text = size < SIZE_MAX / 3 ? malloc(size * 3 + 1) : NULL;
	char *out = text;

	if (!text)
		return NULL;
	while (size) {
		unsigned int c = 0;
		size_t used = text_utf8(p, size, &c);

		if (!used) {
			*out++ = 0xc0 | *p >> 6;
			*out++ = 0x80 | (*p & 0x3f);
			used = 1;
		} else if (!c) {
			memcpy(out, replacement, 3);
			out += 3;
		} else {
			memcpy(out, p, used);
			out += used;
		}
		p += used;
		size -= used;
	}
	*out = '\0';
	return text;
}

const char *text_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}
