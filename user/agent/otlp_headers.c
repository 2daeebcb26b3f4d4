/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otlp_headers.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* A token of RFC 9110. */
static bool is_name(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("!#$%&'*+-.^_`|~", *at))
			return false;
	return *name;
}

static bool is_value(const char *value)
{
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\t')
			return false;
	return true;
}

static int header_hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In place. False: a percent sign stands before something else, or it would be a NUL. */
static bool decode_header_value(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		int high, low;

		if (*at != '%') {
			*to++ = *at;
			continue;
		}
		high = header_hex_digit(at[1]);
		low = high < 0 ? -1 : header_hex_digit(at[2]);
		if (low < 0 || !(high | low))
			return false;
		*to++ = (char)(high << 4 | low);
		at += 2;
	}
	*to = '\0';
	return true;
}

/* Blanks around it go. */
static char *trim_blanks(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	for (length = strlen(text); length && strchr(" \t", text[length - 1]); length--)
		text[length - 1] = '\0';
	return text;
}

static int give_header(char *pair, otlp_header_fn fn, void *arg)
{
	char *equals = strchr(pair, '='), *name, *value;

	if (!equals)
		return -EINVAL;
	*equals = '\0';
	name = trim_blanks(pair);
	value = trim_blanks(equals + 1);
	if (!is_name(name) || !decode_header_value(value) || !is_value(value))
		return -EINVAL;
	return fn(arg, name, value);
}

int otlp_headers_each(const char *text, otlp_header_fn fn, void *arg)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *pair;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (pair = strsep(&rest, ",")))
		if (*trim_blanks(pair))
			err = give_header(pair, fn, arg);
	return err;
}

static int count_header(void *arg, const char *name, const char *value)
{
	int *count = arg;

	++*count;
	return 0;
}

int otlp_headers_count(const char *text)
{
	int count = 0, err = otlp_headers_each(text, count_header, &count);

	return err ? err : count;
}
