/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Attributes: names with a text or a number each, as OpenTelemetry has them.
 *
 * Owns: the bounded list. Never: copies or frees a text.
 */
#ifndef FDTRACE_BASE_ATTRIBUTE_H
#define FDTRACE_BASE_ATTRIBUTE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ATTRIBUTES_MAX 24

struct attribute {
	const char *key;
	const char *text; /* UTF-8; NULL: it is a number */
	int64_t number;
};

/* Lent texts; all zero: none. */
struct attributes {
	struct attribute rows[ATTRIBUTES_MAX];
	size_t count;
};

/* What finds no room is left out, and so is a text that is NULL or empty. */
static inline void attributes_add_text(struct attributes *list, const char *key, const char *text)
{
	if (text && *text && list->count < ATTRIBUTES_MAX)
		list->rows[list->count++] = (struct attribute){key, text, 0};
}

static inline void attributes_add_number(struct attributes *list, const char *key, int64_t number)
{
	if (list->count < ATTRIBUTES_MAX)
		list->rows[list->count++] = (struct attribute){key, NULL, number};
}

/* The text of this name, lent; "" if there is none. */
static inline const char *attributes_text(const struct attributes *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->rows[i].text && !strcmp(list->rows[i].key, key))
			return list->rows[i].text;
	return "";
}

#endif
