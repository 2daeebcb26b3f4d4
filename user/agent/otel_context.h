/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What an OpenTelemetry SDK has published of its process in that process's memory: a mapping with
 * the name OTEL_CTX, whose header leads to the message (OpenTelemetry's OTEP 4719, "process
 * context", version 2).
 *
 * Owns: finding it, and reading it whole or not at all. Never: stops or waits for the process,
 * reads more than OTEL_CONTEXT_MAX of it, or memory that a file system of its own may have to
 * fetch.
 */
#ifndef FDTRACE_AGENT_OTEL_CONTEXT_H
#define FDTRACE_AGENT_OTEL_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of the message, at most. */
#define OTEL_CONTEXT_MAX 65536

/* The header, in the byte order of the machine. */
struct otel_context_header {
	char signature[8]; /* "OTEL_CTX", no NUL */
	uint32_t version;
	uint32_t payload_size;
	uint64_t published_ns; /* 0: it is being changed */
	uint64_t payload;      /* its address in that process */
};

/*
 * memfd_dev: st_dev of what memfd_create(2) makes, 0: not known. The caller frees *ret. 0; -ENOENT:
 * there is none, or none that can be used now; other negative errno.
 */
int otel_context_read(pid_t pid, dev_t memfd_dev, char **ret, size_t *ret_size);

#endif
