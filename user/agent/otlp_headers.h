/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Headers as OTEL_EXPORTER_OTLP_HEADERS has them: NAME=VALUE,NAME=VALUE, values percent-encoded
 * (opentelemetry.io: "Specifying headers via environment variables").
 *
 * Owns: that form, and that nothing in it ends a line of the request. Pure.
 */
#ifndef FDTRACE_AGENT_OTLP_HEADERS_H
#define FDTRACE_AGENT_OTLP_HEADERS_H

/* Anything but 0 ends it and is returned. Both are lent. */
typedef int (*otlp_header_fn)(void *arg, const char *name, const char *value);

/* Calls fn for each. 0; -EINVAL: it has not that form; -ENOMEM; or what fn returned. */
int otlp_headers_each(const char *text, otlp_header_fn fn, void *arg);

/* How many there are, or negative errno. */
int otlp_headers_count(const char *text);

#endif
