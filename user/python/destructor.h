/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where in its file a CPython frees its code objects.
 *
 * Owns: reading one pointer of a type object out of an ELF file. The file is hostile.
 * Never: touches a process.
 */
#ifndef FDTRACE_PYTHON_DESTRUCTOR_H
#define FDTRACE_PYTHON_DESTRUCTOR_H

#include <stdint.h>

#include "python/runtime.h"

/*
 * The file offset, for a uprobe, of the function that PyCode_Type.tp_dealloc names
 * (Objects/codeobject.c: code_dealloc), which runs before the memory of any code object is given to
 * another. fd: the ELF file, lent. 0, -ENOENT: not found; other negative errno: as image_open().
 */
int python_code_destructor(int fd, const struct python_runtime *runtime, uint64_t *ret_offset);

#endif
