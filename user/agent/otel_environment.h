/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The environment variables that OpenTelemetry has for exporters, as settings of ours
 * (opentelemetry.io/docs/specs/otel/protocol/exporter). One that is empty is not set.
 *
 * Owns: their names, and what each means here. Pure. Never: says what is wrong with a value.
 */
#ifndef FDTRACE_AGENT_OTEL_ENVIRONMENT_H
#define FDTRACE_AGENT_OTEL_ENVIRONMENT_H

/* A key of the section otlp. Anything but 0 ends it and is returned. All are lent. */
typedef int (*otel_setting_fn)(void *arg, const char *variable, const char *key, const char *value);

/* environment is ended by NULL. 0, -ENOMEM, or what fn returned. */
int otel_environment_each(char *const *environment, otel_setting_fn fn, void *arg);

#endif
