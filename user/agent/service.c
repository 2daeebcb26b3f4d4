/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/service.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "process/cgroup_names.h"
#include "process/parse.h"

/* Some bytes of something larger. */
struct slice {
	const char *start; /* NULL: there is none */
	size_t size;
};

static bool slice_is(struct slice slice, const char *text)
{
	return slice.size == strlen(text) && !memcmp(slice.start, text, slice.size);
}

static bool slice_begins(struct slice slice, const char *text)
{
	return slice.size >= strlen(text) && !memcmp(slice.start, text, strlen(text));
}

/* Takes what stands before the next separator, and that; the last one needs none. */
static bool slice_split(struct slice *rest, char separator, struct slice *ret)
{
	const char *end = rest->size ? memchr(rest->start, separator, rest->size) : NULL;

	if (!rest->size)
		return false;
	*ret = (struct slice){rest->start, end ? (size_t)(end - rest->start) : rest->size};
	rest->start += ret->size + !!end;
	rest->size -= ret->size + !!end;
	return true;
}

static struct slice slice_trim(struct slice slice)
{
	while (slice.size && isspace((unsigned char)slice.start[0])) {
		slice.start++;
		slice.size--;
	}
	while (slice.size && isspace((unsigned char)slice.start[slice.size - 1]))
		slice.size--;
	return slice;
}

static struct slice without_end(struct slice name, const char *end)
{
	size_t size = strlen(end);

	if (name.size > size && !memcmp(name.start + name.size - size, end, size))
		name.size -= size;
	return name;
}

/* Not within a character. */
static struct slice slice_cut(struct slice slice, size_t most)
{
	if (slice.size <= most)
		return slice;
	slice.size = most;
	while (slice.size && ((unsigned char)slice.start[slice.size] & 0xc0) == 0x80)
		slice.size--;
	return slice;
}

static void add_value(struct service *service, enum service_field field, struct slice value,
		      enum service_source source)
{
	if (!value.start || service->values[field])
		return;
	value = slice_cut(slice_trim(value), SERVICE_VALUE_MAX);
	if (!value.size)
		return;
	service->values[field] = text_for_terminal(value.start, value.size);
	if (field == SERVICE_NAME && service->values[field])
		service->source = source;
}

/* --- attributes of a resource ---------------------------------------------------------------- */

/* By the names of the conventions; the last is what SERVICE_ENVIRONMENT was called before. */
static const struct {
	const char *key;
	enum service_field field;
} conventions[] = {
	{"service.name", SERVICE_NAME},
	{"service.namespace", SERVICE_NAMESPACE},
	{"service.version", SERVICE_VERSION},
	{"deployment.environment.name", SERVICE_ENVIRONMENT},
	{"deployment.environment", SERVICE_ENVIRONMENT},
};

/* One value, the last, of each of these names. */
struct resource {
	struct slice values[ARRAY_SIZE(conventions)];
};

static void resource_set(struct resource *resource, struct slice key, struct slice value)
{
	for (size_t i = 0; i < ARRAY_SIZE(conventions); i++)
		if (slice_is(key, conventions[i].key))
			resource->values[i] = value;
}

static void add_resource(struct service *service, const struct resource *resource,
			 enum service_source source)
{
	for (size_t i = 0; i < ARRAY_SIZE(conventions); i++)
		add_value(service, conventions[i].field, resource->values[i], source);
}

/* --- OpenTelemetry's process context ---------------------------------------------------------- */

/* Protobuf's wire format: a field is a number, a kind, and bytes of these two kinds alone. */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static bool take_varint(struct slice *rest, uint64_t *ret)
{
	*ret = 0;
	for (unsigned int shift = 0; shift < 64 && rest->size; shift += 7) {
		unsigned char byte = *rest->start;

		rest->start++;
		rest->size--;
		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* ret_bytes: of a field of another kind, none. False: the end, or no message. */
static bool take_field(struct slice *rest, uint64_t *ret_number, struct slice *ret_bytes)
{
	uint64_t tag, size;

	if (!take_varint(rest, &tag))
		return false;
	*ret_number = tag >> 3;
	*ret_bytes = (struct slice){0};
	switch (tag & 7) {
	case WIRE_VARINT:
		return take_varint(rest, &size);
	case WIRE_64:
		size = 8;
		break;
	case WIRE_32:
		size = 4;
		break;
	case WIRE_BYTES:
		if (take_varint(rest, &size))
			break;
		return false;
	default:
		return false;
	}
	if (size > rest->size)
		return false;
	if ((tag & 7) == WIRE_BYTES)
		*ret_bytes = (struct slice){rest->start, size};
	rest->start += size;
	rest->size -= size;
	return true;
}

/* The last field of this number that is bytes. */
static struct slice find_bytes(struct slice message, uint64_t wanted)
{
	struct slice found = {0}, bytes;
	uint64_t number;

	while (take_field(&message, &number, &bytes))
		if (number == wanted && bytes.start)
			found = bytes;
	return found;
}

void service_add_context(struct service *service, const void *payload, size_t size)
{
	/* ProcessContext.resource, Resource.attributes, KeyValue.key and .value, string_value. */
	enum { RESOURCE = 1, ATTRIBUTES = 1, KEY = 1, VALUE = 2, STRING = 1 };
	struct slice rest = find_bytes((struct slice){payload, size}, RESOURCE), pair;
	struct resource resource = {0};
	uint64_t number;

	while (take_field(&rest, &number, &pair))
		if (number == ATTRIBUTES && pair.start)
			resource_set(&resource, find_bytes(pair, KEY),
				     find_bytes(find_bytes(pair, VALUE), STRING));
	add_resource(service, &resource, SERVICE_OTEL_CONTEXT);
}

/* --- the environment -------------------------------------------------------------------------- */

enum variable { OTEL_NAME, OTEL_ATTRIBUTES, DD_SERVICE, DD_VERSION, DD_ENV, VARIABLES };

static const char *const variables[VARIABLES] = {
	[OTEL_NAME] = "OTEL_SERVICE_NAME=",
	[OTEL_ATTRIBUTES] = "OTEL_RESOURCE_ATTRIBUTES=",
	[DD_SERVICE] = "DD_SERVICE=",
	[DD_VERSION] = "DD_VERSION=",
	[DD_ENV] = "DD_ENV=",
};

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* As Python's SDK reads them: what is no %XX stays as it stands. Returns how much there is now. */
static size_t decode_percent(char *text, size_t size)
{
	size_t out = 0;

	for (size_t i = 0; i < size; i++, out++) {
		text[out] = text[i];
		if (text[i] != '%' || size - i < 3 || !isxdigit((unsigned char)text[i + 1]) ||
		    !isxdigit((unsigned char)text[i + 2]))
			continue;
		text[out] = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
		i += 2;
	}
	return out;
}

/* KEY=VALUE,KEY=VALUE, both percent-encoded (OpenTelemetry's specification, resource/sdk.md). */
static void add_resource_attributes(struct service *service, struct slice text)
{
	_cleanup_free_ char *copy = text.size ? mem_dup_text(text.start, text.size) : NULL;
	struct slice rest = {copy, copy ? text.size : 0}, item;
	struct resource resource = {0};

	while (slice_split(&rest, ',', &item)) {
		char *equals = memchr(item.start, '=', item.size);
		char *key = copy + (item.start - copy);
		size_t key_size = equals ? (size_t)(equals - item.start) : 0;
		size_t size = equals ? item.size - key_size - 1 : 0;

		if (!equals)
			continue;
		key_size = decode_percent(key, key_size);
		size = decode_percent(equals + 1, size);
		resource_set(&resource, slice_trim((struct slice){key, key_size}),
			     (struct slice){equals + 1, size});
	}
	add_resource(service, &resource, SERVICE_OTEL_ENVIRONMENT);
}

/* The first of each name, as getenv(3) finds it. */
static void find_variables(struct slice rest, struct slice found[VARIABLES])
{
	struct slice item;

	while (rest.size && memchr(rest.start, '\0', rest.size) &&
	       slice_split(&rest, '\0', &item)) {
		for (size_t i = 0; i < VARIABLES; i++) {
			size_t size = strlen(variables[i]);

			if (!found[i].start && slice_begins(item, variables[i]))
				found[i] = (struct slice){item.start + size, item.size - size};
		}
	}
}

void service_add_environment(struct service *service, const char *block, size_t size)
{
	struct slice found[VARIABLES] = {{0}};

	find_variables((struct slice){block, size}, found);
	add_value(service, SERVICE_NAME, found[OTEL_NAME], SERVICE_OTEL_ENVIRONMENT);
	add_resource_attributes(service, found[OTEL_ATTRIBUTES]);
	add_value(service, SERVICE_NAME, found[DD_SERVICE], SERVICE_DATADOG);
	add_value(service, SERVICE_VERSION, found[DD_VERSION], SERVICE_DATADOG);
	add_value(service, SERVICE_ENVIRONMENT, found[DD_ENV], SERVICE_DATADOG);
}

/* --- the unit --------------------------------------------------------------------------------- */

/* A container that is another service's does not run what that service is. */
void service_add_unit(struct service *service, const char *cgroup)
{
	char unit[CGROUP_UNIT_SIZE], id[CONTAINER_ID_SIZE];
	const char *of = cgroup;
	struct slice name;

	if (proc_parse_container(cgroup, id))
		of = strstr(cgroup, id);
	if (!cgroup_unit(of, unit) || !strncmp(unit, "user@", strlen("user@")) ||
	    !strncmp(unit, "systemd-nspawn@", strlen("systemd-nspawn@")))
		return; /* that is what starts services of its own */
	name = without_end((struct slice){unit, strlen(unit)}, ".service");
	if (name.size == strlen(unit))
		return; /* a scope */
	if (memchr(unit, '@', name.size))
		name.size = strcspn(unit, "@");
	add_value(service, SERVICE_NAME, name, SERVICE_UNIT);
}

/* --- the program ------------------------------------------------------------------------------ */

static struct slice basename_of(struct slice path)
{
	const char *slash;

	while (path.size && path.start[path.size - 1] == '/')
		path.size--;
	slash = path.size ? memrchr(path.start, '/', path.size) : NULL;
	if (!slash)
		return path;
	return (struct slice){slash + 1, path.start + path.size - slash - 1};
}

/* "__main__.py" is called so in every program: the folder has the name. */
static struct slice script_name(struct slice path)
{
	struct slice name = basename_of(path);

	if (slice_is(name, "__main__.py") && name.start > path.start)
		name = basename_of((struct slice){path.start, name.start - path.start});
	return without_end(name, ".py");
}

/*
 * After Python's options (Python/initconfig.c): -m MODULE, or the script. One option may follow
 * another in one word, up to the first that takes an argument. None: -c, or what comes from
 * standard input.
 */
static struct slice python_program(struct slice rest)
{
	const struct slice none = {0};
	struct slice word, value;

	while (slice_split(&rest, '\0', &word)) {
		const char *option;

		if (slice_is(word, "--check-hash-based-pycs") && slice_split(&rest, '\0', &value))
			continue;
		if (!slice_begins(word, "-"))
			return script_name(word);
		if (slice_is(word, "-"))
			return none;
		for (option = word.start + 1; option < word.start + word.size; option++)
			if (strchr("cmWX", *option))
				break;
		if (word.start[1] == '-' || option == word.start + word.size)
			continue;
		value = (struct slice){option + 1, word.start + word.size - option - 1};
		if (!value.size && !slice_split(&rest, '\0', &value))
			return none;
		if (*option == 'c')
			return none;
		if (*option == 'm')
			return without_end(value, ".__main__");
	}
	return none;
}

void service_add_program(struct service *service, const char *exe, const char *command, size_t size)
{
	struct slice rest = {command, size}, word;

	if (slice_split(&rest, '\0', &word) && slice_begins(basename_of(word), "python"))
		add_value(service, SERVICE_NAME, python_program(rest), SERVICE_PROGRAM);
	if (exe)
		add_value(service, SERVICE_NAME, basename_of((struct slice){exe, strlen(exe)}),
			  SERVICE_PROGRAM);
}

/* ---------------------------------------------------------------------------------------------- */

bool service_equals(const struct service *a, const struct service *b)
{
	for (size_t i = 0; i < SERVICE_FIELDS; i++) {
		const char *left = a->values[i], *right = b->values[i];

		if (!left != !right || (left && strcmp(left, right)))
			return false;
	}
	return true;
}

void service_free(struct service *service)
{
	for (size_t i = 0; i < SERVICE_FIELDS; i++)
		free(TAKE_PTR(service->values[i]));
}

static const char *source_name(enum service_source source)
{
	switch (source) {
	case SERVICE_OTEL_CONTEXT:
		return "otel_context";
	case SERVICE_OTEL_ENVIRONMENT:
		return "otel_environment";
	case SERVICE_DATADOG:
		return "datadog_environment";
	case SERVICE_UNIT:
		return "systemd_unit";
	case SERVICE_PROGRAM:
		return "program";
	case SERVICE_NOWHERE:
		break;
	}
	return NULL;
}

void service_attributes(const struct service *service, struct attributes *list)
{
	for (size_t i = 0; i < ARRAY_SIZE(conventions) - 1; i++)
		attributes_add_text(list, conventions[i].key,
				    service->values[conventions[i].field]);
	attributes_add_text(list, "fdtrace.service.source", source_name(service->source));
}
