/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/layout.h"

#include <stddef.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "no layouts for this architecture"
#endif

/*
 * Up to 3.11 pthread_mutex_t lie in front of gilstate.autoTSSkey: glibc's are 48 bytes each on
 * arm64, 40 on x86_64, where the headers were asked. All other offsets are the same on both.
 */
#ifdef __aarch64__
#define MUTEX_GROWTH 8
#else
#define MUTEX_GROWTH 0
#endif

/*
 * layouts[] and free_threaded[], each ended by version 0. Which header each field is of says
 * tests/unit/data/dump_layout.c. What changed:
 *   3.6   Include/pystate.h, frameobject.h, code.h. There is no _PyRuntime: interp_head and
 *         autoTLSkey are variables of Python/pystate.c (gilstate.h)
 *   3.7   Include/internal/pystate.h: _PyRuntime; as here from 3.7.4 on
 *   3.8   Include/internal/pycore_pystate.h
 *   3.9   Include/internal/pycore_runtime.h, Include/cpython/frameobject.h, code.h
 *   3.10  f_lasti counts code units, co_linetable is PEP 626's
 *   3.11  Include/internal/pycore_frame.h: _PyInterpreterFrame, found by _PyCFrame. tp_basicsize of
 *         code objects ends where the bytecode begins (Objects/codeobject.c)
 *   3.12  frames that are a shim on the C stack (FRAME_OWNED_BY_CSTACK); str without wstr; code
 *         objects have a version
 *   3.13  _PyCFrame is gone; _Py_DebugOffsets (published.h). Free-threaded builds (PEP 703)
 *         have objects of 16 bytes more
 *   3.14  Include/internal/pycore_interpframe_structs.h. f_executable is a _PyStackRef, with a
 *         tag in its low bits (pycore_stackref.h); FRAME_OWNED_BY_INTERPRETER. Free-threaded
 *         builds have copies of the bytecode, and str's interned is a byte of its own there
 *   3.15  the key is a thread-local, whose place is each build's own (gilstate.h)
 */
#include "python/layouts.inc"

static const struct py_layout *find_layout(const struct py_layout *table, unsigned int version)
{
	for (; table->version; table++) {
		if (table->version == version)
			return table;
	}
	return NULL;
}

const struct py_layout *python_layouts(bool without_gil)
{
	return without_gil ? free_threaded : layouts;
}

const struct py_layout *python_layout(unsigned int version, bool without_gil)
{
	return find_layout(python_layouts(without_gil), version);
}
