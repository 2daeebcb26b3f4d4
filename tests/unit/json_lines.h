/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Lines of JSON, read again: for the tests of that report.
 *
 * Owns: what holds of every line. Include cmocka.h before it.
 */
#ifndef FDTRACE_TESTS_JSON_LINES_H
#define FDTRACE_TESTS_JSON_LINES_H

#include <jansson.h>
#include <string.h>

/* Exactly one line, of ASCII alone; its value. */
static inline json_t *parse_line(const char *line)
{
	json_t *value = json_loads(line, 0, NULL);

	assert_non_null(value);
	assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
	for (const char *p = line; p[1]; p++)
		assert_true(*p >= ' ' && *p < 0x7f);
	return value;
}

static inline const char *text_at(const json_t *value, const char *key)
{
	return json_string_value(json_object_get(value, key));
}

#endif
