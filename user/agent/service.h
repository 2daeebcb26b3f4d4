/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which service a process belongs to: its name, its version, where it is deployed.
 *
 * Owns: where that is written, and which of these goes before which: what was added first stays.
 * Pure: the bytes are handed to it. Whatever they are, a value is valid UTF-8 of bounded length
 * without control characters, and nothing else of an environment is looked at for longer than it
 * takes to pass it over.
 */
#ifndef FDTRACE_AGENT_SERVICE_H
#define FDTRACE_AGENT_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attribute.h"

enum service_field {
	SERVICE_NAME,
	SERVICE_NAMESPACE,
	SERVICE_VERSION,
	SERVICE_ENVIRONMENT,
	SERVICE_FIELDS,
};

/* Where the name was found. */
enum service_source {
	SERVICE_OTEL_CONTEXT,
	SERVICE_OTEL_ENVIRONMENT,
	SERVICE_DATADOG,
	SERVICE_UNIT,
	SERVICE_PROGRAM,
	SERVICE_NOWHERE,
};

/* Bytes of a value as its process has it, at most; escapes make it four times as long. */
#define SERVICE_VALUE_MAX 255

struct service {
	char *values[SERVICE_FIELDS]; /* from the heap; NULL: not known */
	enum service_source source;
};

#define SERVICE_NONE ((struct service){.source = SERVICE_NOWHERE})

/* Each of these fills in what is not known yet. Without memory a value stays unknown. */

/*
 * A resource of OpenTelemetry's, as a process publishes it in its memory (ProcessContext of
 * OTEP 4719, protobuf). What is no such message adds nothing.
 */
void service_add_context(struct service *service, const void *payload, size_t size);

/*
 * The environment of a process as /proc/PID/environ has it: OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES, then DD_SERVICE, DD_VERSION and DD_ENV. A variable that is not ended by
 * a NUL is left out: the rest of it is not known.
 */
void service_add_environment(struct service *service, const char *block, size_t size);

/* The service of systemd whose cgroup this is, without its instance. */
void service_add_unit(struct service *service, const char *cgroup);

/*
 * The program: of a Python the script or the module that the command line (as /proc/PID/cmdline has
 * it) names, else the executable's name. exe: its path, or NULL.
 */
void service_add_program(struct service *service, const char *exe, const char *command,
			 size_t size);

/* Whether they have the same values. */
bool service_equals(const struct service *a, const struct service *b);

void service_free(struct service *service);

/* Adds what is known, by the names of OpenTelemetry's conventions. */
void service_attributes(const struct service *service, struct attributes *list);

#endif
