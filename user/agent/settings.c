/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/otel_environment.h"
#include "agent/otlp_endpoint.h"
#include "agent/otlp_headers.h"
#include "agent/settings_file.h"
#include "base/amount.h"
#include "base/mem.h"
#include "ebpf/ebpf_options.h"

#define ENVIRONMENT   "FDTRACE_AGENT_"
#define NONE	      "none"
#define INCLUDE_NONE  "exe:python*"
#define MEBIBYTE      (1ull << 20)
#define GIBIBYTE      (1ull << 30)
#define RING_SIZE_MIN 4096
#define SHARE_MOST    10000u /* per cent: of a hundred CPUs */

enum key_type {
	TYPE_INCLUDE,
	TYPE_EXCLUDE,
	TYPE_OWNER,
	TYPE_TEXT,
	TYPE_HOOKS,    /* a kind of hook, or auto */
	TYPE_ENDPOINT, /* a URL, or none */
	TYPE_HEADERS,
	TYPE_COMPRESSION,
	TYPE_ENCODING,
	TYPE_SWITCH, /* yes, no and their like */
	TYPE_SIZE,   /* bytes: 8M */
	TYPE_RING,   /* the same, rounded up to a power of two */
	TYPE_COUNT,
	TYPE_SHARE, /* of a CPU, 2.5%, in millionths; none: 0 */
};

struct key {
	const char *section, *name;
	enum key_type type;
	size_t offset; /* in struct settings */
	uint64_t min, max;
	const char *initial;
	const char *what;
};

/* For false, for true. */
static const char *const type_words[][2] = {
	[TYPE_COMPRESSION] = {"gzip", "none"},
	[TYPE_ENCODING] = {"protobuf", "json"},
};

#define AT(field) offsetof(struct settings, field)

static const struct key keys[] = {
	{"scope", "include", TYPE_INCLUDE, 0, 0, 0, NULL,
	 "processes that are followed, with their children; several lines add up; none: exe:python*"},
	{"scope", "exclude", TYPE_EXCLUDE, 0, 0, 0, NULL, "processes that are not, all the same"},
	{"findings", "json", TYPE_TEXT, AT(json), 0, 0, "-",
	 "JSON lines to this file; -: standard output; none"},
	{"owners", "path", TYPE_OWNER, 0, 0, 0, NULL,
	 "GLOB NAME: who looks after files of these paths; several lines add up, the last one holds"},
	{"coverage", "interval", TYPE_COUNT, AT(coverage_s), 1, 86400, "600",
	 "seconds between two records of what was watched"},
	{"findings", "update_interval", TYPE_COUNT, AT(update_interval), 1, 30 * 86400, "3600",
	 "seconds after which counts are told that have not been"},
	{"findings", "returned_after", TYPE_COUNT, AT(returned_after), 1, 3650, "14",
	 "days without a bug, after which it has returned"},
	{"metrics", "listen", TYPE_TEXT, AT(listen), 0, 0, "127.0.0.1:9747",
	 "HOST:PORT that answers GET /metrics, /healthz and /findings; none"},
	{"otlp", "endpoint", TYPE_ENDPOINT, AT(otlp.endpoint), 0, 0, "none",
	 "URL of a receiver of OTLP/HTTP logs, such as http://127.0.0.1:4318/v1/logs; none"},
	{"otlp", "headers", TYPE_HEADERS, AT(otlp.headers), 0, 0, "",
	 "NAME=VALUE,NAME=VALUE that go with each request; values percent-encoded"},
	{"otlp", "ca_file", TYPE_TEXT, AT(otlp.ca_file), 0, 0, "system",
	 "PEM file of the authorities that may answer for an https endpoint; system"},
	{"otlp", "timeout", TYPE_COUNT, AT(otlp.timeout_ms), 100, 600000, "10000",
	 "milliseconds that one request may take"},
	{"otlp", "compression", TYPE_COMPRESSION, AT(otlp.plain), 0, 0, "gzip", "gzip or none"},
	{"otlp", "encoding", TYPE_ENCODING, AT(otlp.json), 0, 0, "protobuf", "protobuf or json"},
	{"tracing", "hooks", TYPE_HOOKS, AT(hooks), 0, 0, "auto", "the kind of hooks"},
	{"tracing", "ownership", TYPE_SWITCH, AT(owners), 0, 0, "yes",
	 "ask Python's objects which descriptors are theirs"},
	{"tracing", "heap_scan", TYPE_SWITCH, AT(heap_scan), 0, 0, "yes",
	 "search processes that run already for objects made before"},
	{"tracing", "heap_scan_limit", TYPE_SIZE, AT(heap_scan_bytes), MEBIBYTE, 1024 * GIBIBYTE,
	 "1G", "memory of one process that is searched"},
	{"tracing", "cache", TYPE_TEXT, AT(cache), 0, 0, "none",
	 "a file that keeps what is learned of executables, for the next start; none"},
	{"limits", "memory", TYPE_SIZE, AT(memory), 8 * MEBIBYTE, 1024 * GIBIBYTE, "24M",
	 "what may be kept of descriptors, stacks and code; the oldest goes first"},
	{"limits", "overhead", TYPE_SHARE, AT(overhead), 0, 0, "1%",
	 "CPU time of one CPU that tracing may cost, in the traced processes and here; none"},
	{"limits", "ring_size", TYPE_RING, AT(ring_bytes), RING_SIZE_MIN, GIBIBYTE, "4M",
	 "the buffer of records between the kernel and the agent"},
	{"limits", "history", TYPE_COUNT, AT(history), 1, 1024, "4",
	 "past uses kept of each descriptor number"},
	{"limits", "findings_per_minute", TYPE_COUNT, AT(findings_per_minute), 1, 1000000, "60",
	 "findings that are told; beyond, they are counted"},
	{"limits", "findings_burst", TYPE_COUNT, AT(findings_burst), 1, 1000000, "200",
	 "findings that may be told at once, after a quiet time"},
	{"spool", "path", TYPE_TEXT, AT(spool), 0, 0, "none",
	 "the file that keeps what is known of bugs, and what waits to be sent; none"},
	{"spool", "size", TYPE_SIZE, AT(spool_bytes), 8 * MEBIBYTE, 64 * GIBIBYTE, "64M",
	 "what that file may grow to; the oldest that waits goes first"},
};

static const struct key *find_setting(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].section, section) && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static int set_string(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int set_hooks(const char **field, const struct key *key, const char *value,
		     struct settings_error *error)
{
	if (ebpf_hooks_named(value, field))
		return 0;
	return settings_fail(error,
			     "%s.%s is auto, fexit, tp_btf, tracepoint or kprobe, and not %s",
			     key->section, key->name, value);
}

/* Where it names no path, that of logs is meant. */
static int set_endpoint(char **field, const struct key *key, const char *value,
			struct settings_error *error)
{
	bool path = true;
	char *url;

	if (strcmp(value, NONE) && !otlp_endpoint_right(value, &path))
		return settings_fail(
			error,
			"%s.%s is an http:// or https:// URL without credentials, or none, and "
			"not %s",
			key->section, key->name, value);
	if (asprintf(&url, "%s%s", value, path ? "" : OTLP_LOGS_PATH) < 0)
		return -ENOMEM;
	free(*field);
	*field = url;
	return 0;
}

/* The value may be a secret: it is not shown. */
static int set_headers(char **field, const struct key *key, const char *value,
		       struct settings_error *error)
{
	int count = otlp_headers_count(value);

	if (count == -EINVAL)
		return settings_fail(
			error, "%s.%s is not NAME=VALUE,NAME=VALUE with percent-encoded values",
			key->section, key->name);
	return count < 0 ? count : set_string(field, value);
}

static int set_word(bool *field, const struct key *key, const char *value,
		    struct settings_error *error)
{
	const char *const *words = type_words[key->type];

	*field = !strcmp(value, words[true]);
	if (*field || !strcmp(value, words[false]))
		return 0;
	return settings_fail(error, "%s.%s is %s or %s, and not %s", key->section, key->name,
			     words[false], words[true], value);
}

static int set_switch(bool *field, const struct key *key, const char *value,
		      struct settings_error *error)
{
	static const char *const words[][2] = {
		{"no", "yes"}, {"off", "on"}, {"false", "true"}, {"0", "1"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int yes = 0; yes <= 1; yes++) {
			if (strcasecmp(value, words[i][yes]))
				continue;
			*field = yes;
			return 0;
		}
	}
	return settings_fail(error, "%s.%s is yes or no, and not %s", key->section, key->name,
			     value);
}

#define AMOUNT_SIZE 24

/* As people would write it: 24M. */
static const char *format_amount(uint64_t amount, enum key_type type, char ret[AMOUNT_SIZE])
{
	static const char units[] = "KMG";
	const char *unit = "";

	for (size_t i = 0; type != TYPE_COUNT && units[i] && amount && !(amount % 1024); i++) {
		amount /= 1024;
		unit = &units[i];
	}
	snprintf(ret, AMOUNT_SIZE, "%llu%.1s", (unsigned long long)amount, unit);
	return ret;
}

static int set_amount(uint64_t *field, const struct key *key, const char *value,
		      struct settings_error *error)
{
	char least[AMOUNT_SIZE], most[AMOUNT_SIZE];
	unsigned long count = 0;
	bool right = key->type == TYPE_COUNT
			     ? amount_number(value, value + strlen(value), key->max, &count) &&
				       count >= key->min
			     : amount_size(value, key->min, key->max, field);

	if (!right)
		return settings_fail(error, "%s.%s is a number%s from %s to %s, and not %s",
				     key->section, key->name,
				     key->type == TYPE_COUNT ? "" : " of bytes",
				     format_amount(key->min, key->type, least),
				     format_amount(key->max, key->type, most), value);
	if (key->type == TYPE_COUNT)
		*field = count;
	while (key->type == TYPE_RING && *field & (*field - 1))
		*field += *field & -*field;
	return 0;
}

/* With three digits behind the point at most. */
static int set_share(uint64_t *field, const struct key *key, const char *value,
		     struct settings_error *error)
{
	unsigned int whole = 0, thousandths = 0;
	const char *at = value;

	if (!strcmp(value, "none")) {
		*field = 0;
		return 0;
	}
	while (isdigit((unsigned char)*at) && whole <= SHARE_MOST)
		whole = whole * 10 + (*at++ - '0');
	if (at != value && *at == '.') {
		at++;
		for (unsigned int unit = 100; unit && isdigit((unsigned char)*at); unit /= 10)
			thousandths += unit * (*at++ - '0');
	}
	*field = whole * 10000ull + thousandths * 10;
	if (!strcmp(at, "%") && *field && whole <= SHARE_MOST)
		return 0;
	return settings_fail(error, "%s.%s is from 0.001%% to %u%%, or none, and not %s",
			     key->section, key->name, SHARE_MOST, value);
}

/* A rule is added; nothing in place of it takes away those before. */
static int set_rule(struct scope *scope, const struct key *key, const char *value,
		    struct settings_error *error)
{
	enum scope_list list = key->type == TYPE_INCLUDE ? SCOPE_INCLUDE : SCOPE_EXCLUDE;
	char why[SCOPE_ERROR_SIZE];
	int err;

	if (!*value) {
		scope_clear(scope, list);
		return 0;
	}
	err = scope_add(scope, list, value, why);
	return err == -EINVAL ? settings_fail(error, "%s.%s: %s", key->section, key->name, why)
			      : err;
}

static int set_path_owner(struct owners *owners, const struct key *key, const char *value,
			  struct settings_error *error)
{
	int err = 0;

	if (*value)
		err = owners_add(owners, value);
	else
		owners_clear(owners);
	return err == -EINVAL ? settings_fail(error, "%s.%s is GLOB NAME, and not %s", key->section,
					      key->name, value)
			      : err;
}

static int set(struct settings *settings, const char *section, const char *name, const char *value,
	       struct settings_error *error)
{
	const struct key *key = find_setting(section, name);
	void *field;

	if (!key)
		return settings_fail(
			error, "there is no key %s.%s: fdtrace agent --print-config shows all",
			section, name);
	field = (char *)settings + key->offset;
	switch (key->type) {
	case TYPE_INCLUDE:
	case TYPE_EXCLUDE:
		return set_rule(&settings->scope, key, value, error);
	case TYPE_OWNER:
		return set_path_owner(&settings->code_owners, key, value, error);
	case TYPE_TEXT:
		return *value ? set_string(field, value)
			      : settings_fail(error, "%s.%s is empty", key->section, key->name);
	case TYPE_HOOKS:
		return set_hooks(field, key, value, error);
	case TYPE_ENDPOINT:
		return set_endpoint(field, key, value, error);
	case TYPE_HEADERS:
		return set_headers(field, key, value, error);
	case TYPE_COMPRESSION:
	case TYPE_ENCODING:
		return set_word(field, key, value, error);
	case TYPE_SWITCH:
		return set_switch(field, key, value, error);
	case TYPE_SIZE:
	case TYPE_RING:
	case TYPE_COUNT:
		return set_amount(field, key, value, error);
	case TYPE_SHARE:
		return set_share(field, key, value, error);
	}
	return -EINVAL;
}

int settings_set(struct settings *settings, const char *text, struct settings_error *error)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
	_cleanup_free_ char *section = NULL, *name = NULL;

	if (!dot || !equals || equals < dot)
		return settings_fail(error, "%s is no setting: SECTION.KEY=VALUE", text);
	section = strndup(text, dot - text);
	name = strndup(dot + 1, equals - dot - 1);
	return section && name ? set(settings, section, name, equals + 1, error) : -ENOMEM;
}

static int on_setting(void *arg, const char *section, const char *name, const char *value,
		      struct settings_error *error)
{
	return set(arg, section, name, value, error);
}

/* --- the environment ------------------------------------------------------------------------ */

/* FDTRACE_AGENT_LIMITS_RING_SIZE=VALUE is limits.ring_size: a section's name has no underscore. */
static int set_variable(const char *variable, struct settings *settings,
			struct settings_error *error)
{
	const char *equals = strchr(variable, '=');
	struct settings_error why;
	char name[128], *dot;
	size_t length;
	int err;

	variable += strlen(ENVIRONMENT);
	length = equals - variable;
	if (length >= sizeof(name))
		return settings_fail(error, "%s%.*s: there is no such setting", ENVIRONMENT,
				     (int)length, variable);
	for (size_t i = 0; i < length; i++)
		name[i] = (char)tolower((unsigned char)variable[i]);
	name[length] = '\0';
	dot = strchr(name, '_');
	if (!dot)
		return settings_fail(error, "%s%.*s: there is no such setting", ENVIRONMENT,
				     (int)length, variable);
	*dot = '\0';
	err = set(settings, name, dot + 1, equals + 1, &why);
	return err == -EINVAL ? settings_fail(error, "%s%.*s: %s", ENVIRONMENT, (int)length,
					      variable, why.text)
			      : err;
}

static int read_environment(char *const *environment, struct settings *settings,
			    struct settings_error *error)
{
	int err = 0;

	for (; !err && *environment; environment++)
		if (!strncmp(*environment, ENVIRONMENT, strlen(ENVIRONMENT)) &&
		    strchr(*environment, '='))
			err = set_variable(*environment, settings, error);
	return err;
}

struct otel_reading {
	struct settings *settings;
	struct settings_error *error;
};

static int on_otel_setting(void *arg, const char *variable, const char *key, const char *value)
{
	const struct otel_reading *reading = arg;
	struct settings_error why;
	int err = set(reading->settings, "otlp", key, value, &why);

	return err == -EINVAL ? settings_fail(reading->error, "%s: %s", variable, why.text) : err;
}

static int set_initial(struct settings *settings, struct settings_error *error)
{
	int err = 0;

	*settings = (struct settings){0};
	for (size_t i = 0; !err && i < ARRAY_SIZE(keys); i++)
		if (keys[i].initial)
			err = set(settings, keys[i].section, keys[i].name, keys[i].initial, error);
	return err;
}

int settings_read(const char *file, char *const *environment, struct settings *ret,
		  struct settings_error *error)
{
	const char *path = file ? file : SETTINGS_FILE;
	int err = set_initial(ret, error);

	if (!err)
		err = settings_file_read(path, on_setting, ret, error);
	if (err == -ENOENT && !file)
		err = 0;
	if (!err)
		err = settings_folder_read(path, on_setting, ret, error);
	if (!err)
		err = otel_environment_each(environment, on_otel_setting,
					    &(struct otel_reading){ret, error});
	if (!err)
		err = read_environment(environment, ret, error);
	if (err == -ENOMEM)
		settings_fail(error, "out of memory");
	return err;
}

int settings_complete(struct settings *settings)
{
	char error[SCOPE_ERROR_SIZE];

	if (settings->scope.lists[SCOPE_INCLUDE].count)
		return 0;
	return scope_add(&settings->scope, SCOPE_INCLUDE, INCLUDE_NONE, error);
}

void settings_free(struct settings *settings)
{
	scope_free(&settings->scope);
	owners_free(&settings->code_owners);
	free(TAKE_PTR(settings->json));
	free(TAKE_PTR(settings->listen));
	free(TAKE_PTR(settings->cache));
	free(TAKE_PTR(settings->spool));
	free(TAKE_PTR(settings->otlp.endpoint));
	free(TAKE_PTR(settings->otlp.headers));
	free(TAKE_PTR(settings->otlp.ca_file));
}

/* --- printing ------------------------------------------------------------------------------- */

static void print_rules(const struct settings *settings, const struct key *key, FILE *out)
{
	enum scope_list list = key->type == TYPE_INCLUDE ? SCOPE_INCLUDE : SCOPE_EXCLUDE;

	for (size_t i = 0; i < settings->scope.lists[list].count; i++)
		fprintf(out, "%s = %s\n", key->name, settings->scope.lists[list].rules[i].text);
	if (!settings->scope.lists[list].count)
		fprintf(out, "%s =\n", key->name);
}

static void print_share(uint64_t share, const struct key *key, FILE *out)
{
	if (share)
		fprintf(out, "%s = %g%%\n", key->name, share / 1e4);
	else
		fprintf(out, "%s = none\n", key->name);
}

/* They may be secrets. */
static void print_headers(const struct key *key, const char *value, FILE *out)
{
	int count = otlp_headers_count(value);

	if (count > 0)
		fprintf(out, "#%s = (%d that %s not shown)\n", key->name, count,
			count == 1 ? "is" : "are");
	else
		fprintf(out, "%s =\n", key->name);
}

static void print_value(const struct settings *settings, const struct key *key, FILE *out)
{
	const void *field = (const char *)settings + key->offset;
	char amount[AMOUNT_SIZE];

	switch (key->type) {
	case TYPE_INCLUDE:
	case TYPE_EXCLUDE:
		print_rules(settings, key, out);
		break;
	case TYPE_OWNER:
		for (size_t i = 0; i < settings->code_owners.count; i++)
			fprintf(out, "%s = %s\n", key->name, settings->code_owners.rules[i].text);
		if (!settings->code_owners.count)
			fprintf(out, "%s =\n", key->name);
		break;
	case TYPE_TEXT:
	case TYPE_ENDPOINT:
		fprintf(out, "%s = %s\n", key->name, *(char *const *)field);
		break;
	case TYPE_HEADERS:
		print_headers(key, *(char *const *)field, out);
		break;
	case TYPE_COMPRESSION:
	case TYPE_ENCODING:
		fprintf(out, "%s = %s\n", key->name, type_words[key->type][*(const bool *)field]);
		break;
	case TYPE_HOOKS:
		fprintf(out, "%s = %s\n", key->name,
			*(const char *const *)field ? *(const char *const *)field : "auto");
		break;
	case TYPE_SWITCH:
		fprintf(out, "%s = %s\n", key->name, *(const bool *)field ? "yes" : "no");
		break;
	case TYPE_SIZE:
	case TYPE_RING:
	case TYPE_COUNT:
		fprintf(out, "%s = %s\n", key->name,
			format_amount(*(const uint64_t *)field, key->type, amount));
		break;
	case TYPE_SHARE:
		print_share(*(const uint64_t *)field, key, out);
		break;
	}
}

void settings_print(const struct settings *settings, FILE *out)
{
	const char *section = "";

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(section, keys[i].section))
			fprintf(out, "%s[%s]\n", *section ? "\n" : "", keys[i].section);
		section = keys[i].section;
		fprintf(out, "# %s\n", keys[i].what);
		print_value(settings, &keys[i], out);
	}
}
