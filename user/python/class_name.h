/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The module that a Python class was defined in, as its dictionary says: "ssl" of SSLSocket.
 *
 * Owns: the search in a dictionary's memory. Never: trusts it, all is the process's own; reads a
 * process by itself.
 */
#ifndef FDTRACE_PYTHON_CLASS_NAME_H
#define FDTRACE_PYTHON_CLASS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/py_layout.h"

/* All of size bytes of the process's memory at address. */
typedef bool (*class_read_fn)(void *arg, uint64_t address, void *buf, size_t size);

/*
 * dict: address of the class's tp_dict. Puts the module's name, plain ASCII, and a NUL into ret.
 * False: it is not there, or not that short.
 */
bool class_module(class_read_fn read, void *arg, const struct py_layout *layout, uint64_t dict,
		  char *ret, size_t size);

#endif
