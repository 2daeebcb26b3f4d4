/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Bytes, compressed as gzip (RFC 1952). Pure.
 */
#ifndef FDTRACE_AGENT_GZIP_H
#define FDTRACE_AGENT_GZIP_H

#include <stddef.h>
#include <stdint.h>

/* From the heap. 0 or -ENOMEM. */
int gzip_bytes(const uint8_t *bytes, size_t length, uint8_t **ret, size_t *ret_length);

#endif
