/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The struct offsets of every CPython that fdtrace walks.
 *
 * Owns: one table per minor version, made of what that version's headers say (tests/unit/data/
 * layouts.txt, tests/tools/layouts.py). docs/howto-python.md.
 * Never: reads a process; never offers a version that was not checked.
 */
#ifndef FDTRACE_PYTHON_LAYOUT_H
#define FDTRACE_PYTHON_LAYOUT_H

#include <stdbool.h>

#include "abi/py_layout.h"

/* The newest version that there is a layout for. */
#define PYTHON_NEWEST 0x030f

/*
 * The layout of CPython (version 0x030b: 3.11) on this architecture, in builds with the GIL or
 * free-threaded ones; NULL: there is none. Static. Of 3.6 and 3.15 the place of the key differs
 * from build to build: gilstate.h finds it.
 */
const struct py_layout *python_layout(unsigned int version, bool without_gil);

/* All of them, ended by version 0. */
const struct py_layout *python_layouts(bool without_gil);

#endif
