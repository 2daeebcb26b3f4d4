/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Line tables: instruction offset to line number, for every encoding that CPython had.
 *
 * Owns: the decoding. Pure: no I/O, no allocation; the table is hostile and bounded by size.
 */
#ifndef FDTRACE_PYTHON_LINETABLE_H
#define FDTRACE_PYTHON_LINETABLE_H

#include <stddef.h>
#include <stdint.h>

/* A valid instruction that has no line of its own (frame.f_lineno is None there). */
#define LINE_NONE    0
/* The table ends before lasti, or makes no sense. */
#define LINE_UNKNOWN (-1)

/*
 * The line of the instruction at byte offset lasti (< 0: before the first: firstlineno),
 * as frame.f_lineno gives it. version 0x0306 on:
 *   to 3.9: co_lnotab (Objects/lnotab_notes.txt); 3.10: co_linetable, PEP 626;
 *   3.11 on: location table (Objects/locations.md, InternalDocs/code_objects.md).
 */
int linetable_line(unsigned int version, const uint8_t *table, size_t size, int firstlineno,
		   int lasti);

#endif
