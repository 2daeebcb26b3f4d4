/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where a function ends, by the table of unwind information that every loaded ELF file of these
 * architectures has (.eh_frame_hdr, Linux Standard Base Core 5.0, 10.6.2): stripped files too.
 *
 * Owns: the search in that table. The file is hostile: bounded, every offset checked.
 * Never: unwinds.
 */
#ifndef FDTRACE_PYTHON_ELF_FUNCTION_H
#define FDTRACE_PYTHON_ELF_FUNCTION_H

#include <stdint.h>

#include "python/elf_image.h"

/*
 * The bytes of the function that begins at address, as far as the compiler left it in one piece.
 * 0; -ENOENT: the file does not tell; -EINVAL: what it tells makes no sense; other negative errno:
 * reading failed.
 */
int elf_function_size(const struct elf_image *image, uint64_t address, uint64_t *ret);

#endif
