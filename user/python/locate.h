/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which files on disk a command is likely to load its Python from.
 *
 * Owns: the places to look. Only a head start: what is not found here is found when the
 * process maps it. Never: decides that a file is a Python (runtime.h does).
 */
#ifndef FDTRACE_PYTHON_LOCATE_H
#define FDTRACE_PYTHON_LOCATE_H

#include <stdbool.h>

typedef void (*python_locate_fn)(void *arg, const char *path);

/*
 * Calls fn for the file that command names (looked up in PATH), or for the interpreter of a script,
 * and for the libpythons beside it.
 */
void python_locate(const char *command, python_locate_fn fn, void *arg);

/* Calls fn for the libpythons in the system's directories, which any program may load. */
void python_locate_libraries(python_locate_fn fn, void *arg);

#endif
