/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where the descriptor owners of every checked CPython keep their number.
 *
 * Owns: one table per minor version, with its source.
 * Never: reads a process; offers a version that was not checked, or a free-threaded build.
 */
#ifndef FDTRACE_PYTHON_OWNER_LAYOUT_H
#define FDTRACE_PYTHON_OWNER_LAYOUT_H

#include "owner.h"
#include "py_layout.h"

/* The offsets in CPython (version 0x030b: 3.11) with the GIL, or NULL: not known. Static. */
const struct owner_layout *python_owner_layout(unsigned int version);

/* That of a build with this layout, or NULL: not known, or a build without the GIL. Static. */
const struct owner_layout *python_owners_of(const struct py_layout *layout);

#endif
