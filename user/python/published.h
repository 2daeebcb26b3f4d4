/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a CPython publishes of itself: _Py_DebugOffsets, from 3.13 on the first bytes of
 * _PyRuntime (Include/internal/pycore_debug_offsets.h).
 *
 * Owns: reading it, and judging it against the layouts that were checked. Pure; hostile bytes.
 */
#ifndef FDTRACE_PYTHON_PUBLISHED_H
#define FDTRACE_PYTHON_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/py_layout.h"

/* Bytes of it that are looked at; those of an older version are fewer. */
#define PUBLISHED_SIZE 760

/* Whether it is there, for the version that Py_Version names, and whether it has no GIL. */
bool published_is_there(const uint8_t *debug, size_t size, uint64_t hex, bool *ret_without_gil);

/*
 * Turns the layout of the same version, or of the newest one that was checked, into what this
 * build publishes. 0; -ENOTSUP: it differs in what only the table knows (the bits of a str, the
 * first instruction of a code object), or makes no sense.
 */
int published_apply(const uint8_t *debug, size_t size, unsigned int version,
		    struct py_layout *layout);

#endif
