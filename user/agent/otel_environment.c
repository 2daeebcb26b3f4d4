/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otel_environment.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "agent/otlp_endpoint.h"
#include "base/mem.h"

/* The base of all signals' URLs. */
static char *logs_of_base(const char *value)
{
	size_t length = strlen(value);
	char *url;

	while (length && value[length - 1] == '/')
		length--;
	return asprintf(&url, "%.*s" OTLP_LOGS_PATH, (int)length, value) < 0 ? NULL : url;
}

/* That of logs, as it is: where it has no path, the root is meant. */
static char *logs_url(const char *value)
{
	bool path = true;
	char *url;

	otlp_endpoint_right(value, &path);
	return asprintf(&url, "%s%s", value, path ? "" : "/") < 0 ? NULL : url;
}

static char *encoding_of_protocol(const char *value)
{
	static const char http[] = "http/";
	bool is_http = !strncmp(value, http, sizeof(http) - 1);

	/* What is not known is refused with the setting, by its whole name. */
	return strdup(is_http ? value + sizeof(http) - 1 : value);
}

struct variable {
	const char *name, *key;
	char *(*make_value)(const char *value); /* from the heap; NULL: as it is */
};

/* In this order: those of logs alone go before those of every signal. */
static const struct variable variables[] = {
	{"OTEL_EXPORTER_OTLP_ENDPOINT", "endpoint", logs_of_base},
	{"OTEL_EXPORTER_OTLP_HEADERS", "headers", NULL},
	{"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca_file", NULL},
	{"OTEL_EXPORTER_OTLP_TIMEOUT", "timeout", NULL},
	{"OTEL_EXPORTER_OTLP_COMPRESSION", "compression", NULL},
	{"OTEL_EXPORTER_OTLP_PROTOCOL", "encoding", encoding_of_protocol},
	{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "endpoint", logs_url},
	{"OTEL_EXPORTER_OTLP_LOGS_HEADERS", "headers", NULL},
	{"OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "ca_file", NULL},
	{"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "timeout", NULL},
	{"OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "compression", NULL},
	{"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "encoding", encoding_of_protocol},
};

/* Its value, lent; NULL: it is not set. */
static const char *value_of(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
			return (*environment)[length + 1] ? *environment + length + 1 : NULL;
	return NULL;
}

static int give_variable(const struct variable *variable, const char *value, otel_setting_fn fn,
			 void *arg)
{
	_cleanup_free_ char *made = NULL;

	if (!variable->make_value)
		return fn(arg, variable->name, variable->key, value);
	made = variable->make_value(value);
	return made ? fn(arg, variable->name, variable->key, made) : -ENOMEM;
}

int otel_environment_each(char *const *environment, otel_setting_fn fn, void *arg)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(variables); i++) {
		const char *value = value_of(environment, variables[i].name);

		if (value)
			err = give_variable(&variables[i], value, fn, arg);
	}
	return err;
}
