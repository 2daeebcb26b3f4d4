/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Is a code object of this build laid out as we believe? What PyCode_Type says of it itself.
 *
 * Owns: reading a type's size and tp_members (Objects/codeobject.c: code_memberlist) out of an ELF
 * file. The file is hostile. Never: touches a process.
 */
#ifndef FDTRACE_PYTHON_MEMBERS_H
#define FDTRACE_PYTHON_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/py_layout.h"

/*
 * fd: an ELF file, lent. code_type: the address of PyCode_Type in it. 0: members that tell where
 * they are, are where the layout says; *ret_told: how many such there were (0: relocations that we
 * do not read). -ENOTSUP: the type contradicts the layout. Other negative errno: as image_open().
 */
int python_members_check(int fd, uint64_t code_type, const struct py_layout *layout,
			 unsigned int *ret_told);

#endif
