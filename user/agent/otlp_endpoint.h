/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where logs are sent to: a URL. Pure.
 */
#ifndef FDTRACE_AGENT_OTLP_ENDPOINT_H
#define FDTRACE_AGENT_OTLP_ENDPOINT_H

#include <stdbool.h>

/* Where a receiver takes logs, by the specification of OTLP/HTTP. */
#define OTLP_LOGS_PATH "/v1/logs"

/*
 * http or https, a host, no credentials (those belong into headers, and stay out of what is said).
 * *ret_path: whether it has a path, were it "/".
 */
bool otlp_endpoint_right(const char *url, bool *ret_path);

#endif
