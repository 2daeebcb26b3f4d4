/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where the descriptor owners of every checked CPython keep their number.
 *
 * Owns: one table per minor version, with its source.
 * Never: reads a process; offers a version that was not checked.
 */
#ifndef FDTRACE_PYTHON_OWNER_LAYOUT_H
#define FDTRACE_PYTHON_OWNER_LAYOUT_H

#include <stdbool.h>

#include "abi/owner_layout.h"
#include "abi/py_layout.h"

/*
 * The offsets in CPython (version 0x030b: 3.11), in builds with the GIL or free-threaded ones, or
 * NULL: not known. Static.
 */
const struct owner_layout *python_owner_layout(unsigned int version, bool without_gil);

/* That of a build with this layout, or NULL: not known. Static. */
const struct owner_layout *python_owners_of(const struct py_layout *layout);

#endif
