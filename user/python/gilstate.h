/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where a CPython keeps what its symbol table does not name, as its own functions tell.
 *
 * Owns: the decoding of a few instructions: the variables of Python/pystate.c in 3.6, and the
 * thread-local of 3.15, which differ from build to build. Pure; the code is hostile. What is found
 * is proved at each use by the thread state's own thread id, or by a walk of the live process.
 */
#ifndef FDTRACE_PYTHON_GILSTATE_H
#define FDTRACE_PYTHON_GILSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/py_layout.h"

/* Instructions that are looked at, from a function's first byte on. */
#define GILSTATE_CODE 64

/* The head of a function at an address. */
struct function_head {
	uint64_t address;
	uint8_t code[GILSTATE_CODE];
};

/* PyInterpreterState_Head() of 3.6: the address of the variable interp_head. False: not seen. */
bool gilstate_interp_head(const struct function_head *function, uint64_t *ret);

/* PyGILState_GetThisThreadState() of 3.6: the address of autoTLSkey. False: not seen. */
bool gilstate_key(const struct function_head *function, uint64_t *ret);

/*
 * PyGILState_GetThisThreadState() of 3.15: sets key, key_offset and runtime_key of the layout,
 * where the thread-local is at a fixed place of the thread (in a program), or of a module's block
 * (in a library). runtime: the address of _PyRuntime in the same file. Else leaves it alone.
 */
void gilstate_thread_local(const struct function_head *function, uint64_t runtime,
			   struct py_layout *layout);

#endif
