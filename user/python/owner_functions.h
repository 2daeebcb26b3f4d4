/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which code of a CPython tells who closes or uses a descriptor: os.close(), os.read(), os.write(),
 * the methods of its file objects and their finalizer, each from where it begins to where it ends.
 *
 * Owns: the search for them by the names in the tables that CPython itself is built of, in the ELF
 * file alone: no symbols, no sections, no process. The file is hostile: bounded, every offset
 * checked. Never: guesses: what is found twice is not offered.
 */
#ifndef FDTRACE_PYTHON_OWNER_FUNCTIONS_H
#define FDTRACE_PYTHON_OWNER_FUNCTIONS_H

#include "abi/owner_layout.h"

/*
 * fd: an ELF file of x86_64 or aarch64, open for reading; not closed. Fills in ret but for
 * CODE_FINALIZE and CODE_FINALIZE_FREED, without load bias; size 0: not found. 0; -EINVAL: no sane
 * ELF file.
 * -EFBIG: too large a file to be searched. -ENOTSUP: more copies of the names than any Python has.
 * Other negative errno: reading failed. ret is left alone where there is nothing to fill in.
 */
int python_owner_functions_find(int fd, struct code_range ret[OWNER_CODES]);

#endif
