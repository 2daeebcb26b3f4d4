/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/service.h"
#include "base/mem.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A block with NULs in it; the last is the literal's own. */
#define BLOCK(text) (text), sizeof(text)

static void assert_value(const struct service *service, enum service_field field, const char *value)
{
	if (value)
		assert_string_equal(service->values[field] ? service->values[field] : "(null)",
				    value);
	else
		assert_null(service->values[field]);
}

static void test_environment(void **state)
{
	static const struct {
		const char *block;
		size_t size;
		const char *name, *version, *environment;
		enum service_source source;
	} rows[] = {
		{BLOCK("A=1\0OTEL_SERVICE_NAME=a\0DD_SERVICE=b"), "a", NULL, NULL,
		 SERVICE_OTEL_ENVIRONMENT},
		{BLOCK("DD_VERSION=2\0DD_SERVICE=b\0DD_ENV=e"), "b", "2", "e", SERVICE_DATADOG},
		{BLOCK("OTEL_RESOURCE_ATTRIBUTES=service.name=a,service.version=1\0DD_VERSION=2"),
		 "a", "1", NULL, SERVICE_OTEL_ENVIRONMENT},
		/* What was empty is not there; the first of two is, as getenv(3) has it. */
		{BLOCK("OTEL_SERVICE_NAME=\0DD_SERVICE= \0DD_SERVICE=b"), NULL, NULL, NULL,
		 SERVICE_NOWHERE},
		{BLOCK("DD_SERVICE=b\0DD_SERVICE=c"), "b", NULL, NULL, SERVICE_DATADOG},
		/* Not ended: the rest of it is not known. */
		{"DD_SERVICE=b", 12, NULL, NULL, NULL, SERVICE_NOWHERE},
		{BLOCK("XDD_SERVICE=b\0DD_SERVICES=b\0dd_service=b"), NULL, NULL, NULL,
		 SERVICE_NOWHERE},
		/* Percent encoding, of keys too; blanks; the last of two; what is no pair. */
		{BLOCK("OTEL_RESOURCE_ATTRIBUTES= service.name = a%20%c3%A9 ,service%2Eversion=%2,"
		       "=x,service.name,deployment.environment=old"),
		 "a \xc3\xa9", "%2", "old", SERVICE_OTEL_ENVIRONMENT},
		{BLOCK("OTEL_RESOURCE_ATTRIBUTES=deployment.environment=old,"
		       "deployment.environment.name=new,service.name=a,service.name=b"),
		 "b", NULL, "new", SERVICE_OTEL_ENVIRONMENT},
		{BLOCK("OTEL_RESOURCE_ATTRIBUTES=,,=,%,%%,service.name=%00%0a%ff"), "\\x00\\n\\xff",
		 NULL, NULL, SERVICE_OTEL_ENVIRONMENT},
		{BLOCK("OTEL_RESOURCE_ATTRIBUTES"), NULL, NULL, NULL, SERVICE_NOWHERE},
		{"", 0, NULL, NULL, NULL, SERVICE_NOWHERE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct service service = SERVICE_NONE;

		service_add_environment(&service, rows[i].block, rows[i].size);
		assert_value(&service, SERVICE_NAME, rows[i].name);
		assert_value(&service, SERVICE_VERSION, rows[i].version);
		assert_value(&service, SERVICE_ENVIRONMENT, rows[i].environment);
		assert_int_equal(service.source, rows[i].source);
		service_free(&service);
	}
}

/* Cut, and not within a character. */
static void test_long_values(void **state)
{
	char block[1024] = "DD_SERVICE=", *value = block + strlen(block);
	struct service service = SERVICE_NONE;

	memset(value, 'a', 800);
	memcpy(value + SERVICE_VALUE_MAX - 2, "\xe2\x82\xac", 3);
	service_add_environment(&service, block, strlen(block) + 1);
	assert_int_equal(strlen(service.values[SERVICE_NAME]), SERVICE_VALUE_MAX - 2);
	service_free(&service);
}

static void test_unit(void **state)
{
	static const struct {
		const char *cgroup, *name;
	} rows[] = {
		{"/system.slice/billing.service", "billing"},
		{"/system.slice/system-billing.slice/billing@7.service", "billing"},
		{"/system.slice/billing.service/worker.scope", "billing"},
		{"/user.slice/user-1.slice/user@1.service/app.slice/app-x.service", "app-x"},
		{"/user.slice/user-1.slice/user@1.service/init.scope", NULL},
		{"/user.slice/user-1.slice/session-3.scope", NULL},
		{"/system.slice/docker-" ID ".scope", NULL},
		/* An engine that runs the container, and a service that runs within one. */
		{"/system.slice/containerd.service/kubepods-podx.slice:cri-containerd:" ID, NULL},
		{"/docker/" ID "/system.slice/billing.service", "billing"},
		{"/machine.slice/systemd-nspawn@deb.service/payload", NULL},
		{"/machine.slice/systemd-nspawn@deb.service/payload/system.slice/a.service", "a"},
		{"/system.slice/@.service", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct service service = SERVICE_NONE;

		service_add_unit(&service, rows[i].cgroup);
		assert_value(&service, SERVICE_NAME, rows[i].name);
		service_free(&service);
	}
}

static void test_program(void **state)
{
	static const struct {
		const char *exe, *command;
		size_t size;
		const char *name;
	} rows[] = {
		{"/usr/bin/python3.11", BLOCK("python3\0/srv/app/worker.py\0-m\0x"), "worker"},
		{"/usr/bin/python3.11", BLOCK("/venv/bin/python\0/venv/bin/gunicorn\0app:x"),
		 "gunicorn"},
		{"/usr/bin/python3.11", BLOCK("python3\0-m\0pack.tool"), "pack.tool"},
		{"/usr/bin/python3.11", BLOCK("python3\0-Im\0pack.__main__"), "pack"},
		{"/usr/bin/python3.11", BLOCK("python3\0-Bmpack"), "pack"},
		{"/usr/bin/python3.11", BLOCK("python3\0-X\0dev\0-Wignore\0-u\0a.py"), "a"},
		{"/usr/bin/python3.11",
		 BLOCK("python3\0--check-hash-based-pycs\0always\0/srv/a/__main__.py"), "a"},
		{"/usr/bin/python3.11", BLOCK("python3\0/srv/folder/"), "folder"},
		{"/usr/bin/python3.11", BLOCK("python3\0__main__.py"), "__main__"},
		{"/usr/bin/python3.11", BLOCK("python3\0-c\0code\0a.py"), "python3.11"},
		{"/usr/bin/python3.11", BLOCK("python3\0-\0a.py"), "python3.11"},
		{"/usr/bin/python3.11", BLOCK("python3\0-m"), "python3.11"},
		{"/usr/bin/python3.11", BLOCK("python3"), "python3.11"},
		{"/usr/bin/python3.11", BLOCK("python3\0"), "python3.11"},
		{"/usr/bin/python3.11", "", 0, "python3.11"},
		/* One that has written over its command line, or is no Python. */
		{"/usr/bin/python3.11", BLOCK("gunicorn: master [x]"), "python3.11"},
		{"/usr/sbin/uwsgi", BLOCK("uwsgi\0a.py"), "uwsgi"},
		{"/usr/sbin/b\nc", BLOCK("uwsgi\0a.py"), "b\\nc"},
		{NULL, BLOCK("sh\0a.sh"), NULL},
		{NULL, BLOCK("python3\0a.py"), "a"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct service service = SERVICE_NONE;

		service_add_program(&service, rows[i].exe, rows[i].command, rows[i].size);
		assert_value(&service, SERVICE_NAME, rows[i].name);
		assert_int_equal(service.source, rows[i].name ? SERVICE_PROGRAM : SERVICE_NOWHERE);
		service_free(&service);
	}
}

/* {resource {service.name: "ctx", a number, service.version: "3"}, an attribute of its own} */
static const char context[] = "\x0a\x3a"
			      "\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03"
			      "ctx"
			      "\x0a\x09\x0a\x03num\x12\x02\x18\x07"
			      "\x0a\x16\x0a\x0fservice.version\x12\x03\x0a\x01"
			      "3"
			      "\x12\x05\x0a\x03"
			      "own";

static void test_context(void **state)
{
	static const char env[] = "OTEL_SERVICE_NAME=a\0DD_VERSION=2\0DD_ENV=e";
	struct service service = SERVICE_NONE;
	struct attributes list = {0};

	service_add_context(&service, context, sizeof(context) - 1);
	service_add_environment(&service, env, sizeof(env));
	assert_value(&service, SERVICE_NAME, "ctx");
	assert_value(&service, SERVICE_VERSION, "3");
	assert_value(&service, SERVICE_ENVIRONMENT, "e");
	assert_int_equal(service.source, SERVICE_OTEL_CONTEXT);
	service_attributes(&service, &list);
	assert_int_equal(list.count, 4);
	assert_string_equal(list.rows[0].key, "service.name");
	assert_string_equal(list.rows[3].text, "otel_context");
	service_free(&service);
}

/* Each beginning of it, and each with a byte that is another. */
static void test_broken_context(void **state)
{
	for (size_t i = 0; i < sizeof(context); i++) {
		_cleanup_free_ char *cut = malloc(i + 1), *wrong = malloc(sizeof(context));
		struct service service = SERVICE_NONE, other = SERVICE_NONE;

		assert_true(cut && wrong);
		memcpy(cut, context, i);
		service_add_context(&service, cut, i);
		if (i < sizeof(context) - 1 - 7)
			assert_null(service.values[SERVICE_NAME]);
		service_free(&service);
		memcpy(wrong, context, sizeof(context));
		for (int byte = 0; byte < 256; byte++) {
			wrong[i] = (char)byte;
			service_add_context(&other, wrong, sizeof(context) - 1);
			service_free(&other);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment), cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_unit),	    cmocka_unit_test(test_program),
		cmocka_unit_test(test_context),	    cmocka_unit_test(test_broken_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
