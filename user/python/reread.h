/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A code object that the kernel side could not read whole, for a page of it was not resident, read
 * again from the user side.
 *
 * Owns: what is missing of its record, and what replaces that. Pure; what it reads is hostile.
 * Never: knows whether the same code object is still there: its caller does.
 */
#ifndef FDTRACE_PYTHON_REREAD_H
#define FDTRACE_PYTHON_REREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/py_layout.h"
#include "abi/record.h"

/* size bytes at an address of the process into buf. False: not readable. */
typedef bool (*reread_read_fn)(void *arg, uint64_t address, void *buf, size_t size);

/* Whether a name or the line table could not be read. */
bool reread_wanted(const struct record_code *record);

/*
 * The record that the kernel side would have sent, had all been resident: the caller's. Of a line
 * table what one record holds; reread_table() has the rest. NULL: it is no code object (code_type:
 * address of PyCode_Type), is not readable now either, or there is no memory.
 */
struct record_code *reread_code(const struct record_code *record, const struct py_layout *layout,
				uint64_t code_type, reread_read_fn read, void *arg);

/*
 * The piece of a code object's line table that begins at an offset: the caller's. The header, code
 * object and ident are those of from. NULL: as above, or there is no more.
 */
struct record_code_table *reread_table(const struct record_code_table *from, uint32_t offset,
				       const struct py_layout *layout, uint64_t code_type,
				       reread_read_fn read, void *arg);

#endif
