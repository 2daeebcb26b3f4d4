/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Does this piece of memory look like a living descriptor owner that has a number as its own?
 *
 * Owns: what is asked of an object's first bytes, as the kernel side asks it at a close
 * (bpf/owner.bpf.h), and a little more: the bytes were found by a search, not handed over by
 * Python. Pure. Never: knows whether the number is open.
 */
#ifndef FDTRACE_PYTHON_OWNER_OBJECT_H
#define FDTRACE_PYTHON_OWNER_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/owner_layout.h"

/* The header of an object, with or without a GIL, and what of the owner is looked at. */
#define OWNER_OBJECT_SIZE (OBJECT_HEAD_FREE + 8)

/*
 * bytes: those of the object. type: what its ob_type must be; kind: that type's.
 * True: *ret_fd is the number, *ret_flags are enum owner_flag, OWNER_CLOSES among them.
 */
bool owner_object_claims(const struct owner_layout *owners, enum owner_type kind, uint64_t type,
			 const uint8_t bytes[OWNER_OBJECT_SIZE], int32_t *ret_fd,
			 uint8_t *ret_flags);

#endif
