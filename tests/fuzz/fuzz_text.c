/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * str objects as code records carry them, of every width, and what becomes of them on a terminal
 * and in JSON: no control characters there, valid UTF-8 here.
 */
#include "fuzz.h"

#include "base/text.h"
#include "python/code.h"

static bool is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text), used;
	unsigned int c;

	for (; left; left -= used, p += used) {
		used = text_utf8(p, left, &c);
		if (!used)
			return false;
	}
	return true;
}

static void check_escapes(const char *bytes, size_t size)
{
	char *shown = text_for_terminal(bytes, size), *json = text_for_json(bytes, size);

	must(shown && json);
	must(is_harmless(shown, strlen(shown)) && !strchr(shown, '\n'));
	must(is_utf8(shown) && is_utf8(json));
	free(shown);
	free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	unsigned int width = take(&in, 1) % 6;
	size_t bytes = in.left, chars = width ? bytes / width : bytes;
	char *raw = take_text(&in), *text;

	check_escapes(raw, bytes);
	raw = realloc(raw, bytes ? bytes : 1);
	must(raw != NULL);
	if (width == 1 || width == 2 || width == 4) {
		text = python_text((uint8_t *)raw, chars, width);
		must(text != NULL);
		check_escapes(text, strlen(text));
		free(text);
	}
	free(raw);
	return 0;
}
