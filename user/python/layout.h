/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The struct offsets of every CPython that fdtrace walks.
 *
 * Owns: one table per minor version, each with its CPython source named.
 * Never: reads a process; never offers a version that was not checked.
 */
#ifndef FDTRACE_PYTHON_LAYOUT_H
#define FDTRACE_PYTHON_LAYOUT_H

#include "py_layout.h"

/* The layout of CPython (version 0x030b: 3.11) on this architecture, or NULL. */
const struct py_layout *python_layout(unsigned int version);

/* All of them, ended by version 0: for the tests. */
const struct py_layout *python_layouts(void);

#endif
