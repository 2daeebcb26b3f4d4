/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/otel_environment.h"
#include "agent/otlp_endpoint.h"
#include "agent/otlp_headers.h"
#include "base/mem.h"

static int print_header(void *arg, const char *name, const char *value)
{
	fprintf(arg, "%s: %s;", name, value);
	return 0;
}

/* "NAME: VALUE;NAME: VALUE;", or the error. The caller frees it. */
static char *headers(const char *text)
{
	char *ret = NULL;
	size_t size;
	FILE *out = open_memstream(&ret, &size);
	int err = otlp_headers_each(text, print_header, out);

	fclose(out);
	if (err) {
		free(ret);
		return strdup(strerror(-err));
	}
	return ret;
}

static void test_headers(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" , ,", ""},
		{"a=b", "a: b;"},
		{" a = b , X-Y=c=d ", "a: b;X-Y: c=d;"},
		{"a=", "a: ;"},
		{"Authorization=Basic%20QQ%3d%3D", "Authorization: Basic QQ==;"},
		{"a=%e2%82%ac", "a: \xe2\x82\xac;"},
		{"a", "Invalid argument"},
		{"=b", "Invalid argument"},
		{"a b=c", "Invalid argument"},
		{"a:b=c", "Invalid argument"},
		{"a=%", "Invalid argument"},
		{"a=%4", "Invalid argument"},
		{"a=%zz", "Invalid argument"},
		{"a=%00", "Invalid argument"},
		{"a=b%0d%0aEvil: yes", "Invalid argument"},
		{"a=b\nc", "Invalid argument"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = headers(cases[i][0]);

		assert_string_equal(text, cases[i][1]);
	}
	assert_int_equal(otlp_headers_count("a=b,c=d,"), 2);
	assert_int_equal(otlp_headers_count("a=b,c"), -EINVAL);
}

static void test_endpoint(void **state)
{
	static const char *const right[] = {"http://a", "HTTPS://a.b:4318", "http://[::1]:4318",
					    "http://a/", "https://a/b/v1/logs?x=y@z"},
				 *const wrong[] = {"",
						   "a:4318",
						   "http://",
						   "http:///path",
						   "ftp://a",
						   "http://a b/",
						   "http://u:p@a",
						   "http://a\n",
						   "http://a?x=y"};
	bool path;

	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		assert_true(otlp_endpoint_right(right[i], &path));
		assert_int_equal(path, i >= 3);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(otlp_endpoint_right(wrong[i], &path));
}

static int print_setting(void *arg, const char *variable, const char *key, const char *value)
{
	fprintf(arg, "%s=%s ", key, value);
	return strcmp(value, "stop") ? 0 : -EINVAL;
}

static void expect_environment(char *const *environment, int ret, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(otel_environment_each(environment, print_setting, out), ret);
	fclose(out);
	assert_string_equal(text, expected);
}

#define ENVIRONMENT(...)          \
	(char *const[])           \
	{                         \
		__VA_ARGS__, NULL \
	}

static void test_environment(void **state)
{
	expect_environment(ENVIRONMENT("HOME=/", "OTEL_EXPORTER_OTLP_ENDPOINT=", "OTEL_X=1"), 0,
			   "");
	expect_environment(ENVIRONMENT("OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1//",
				       "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=2",
				       "OTEL_EXPORTER_OTLP_TIMEOUT=1",
				       "OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
				       "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=grpc"),
			   0,
			   "endpoint=http://a:1/v1/logs timeout=1 encoding=json timeout=2 "
			   "encoding=grpc ");
	expect_environment(ENVIRONMENT("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://a"), 0,
			   "endpoint=http://a/ ");
	expect_environment(ENVIRONMENT("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://a/b"), 0,
			   "endpoint=http://a/b ");
	expect_environment(ENVIRONMENT("OTEL_EXPORTER_OTLP_HEADERS=stop",
				       "OTEL_EXPORTER_OTLP_LOGS_HEADERS=go"),
			   -EINVAL, "headers=stop ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
