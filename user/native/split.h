/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where the rest of a function lies that a compiler has split: what it took for rare (.cold) is
 * laid elsewhere, in a stripped file without a name. GCC 15 does so with nearly all of CPython's
 * evaluation loop.
 *
 * Owns: how such a rest is recognised. Pure, but for reading through libelf; the file is hostile:
 * bounded. Never: knows names.
 */
#ifndef FDTRACE_NATIVE_SPLIT_H
#define FDTRACE_NATIVE_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include <libelf.h>

/* Addresses are as the file counts. */
struct code_piece {
	uint64_t start;
	uint64_t size;
};

/*
 * The one piece of code outside a function into whose middle it jumps from several places: a jump
 * to another function would lead to its beginning. Pieces are told apart by .eh_frame_hdr. False:
 * there is none, or more than one.
 */
bool split_rest(Elf *elf, const struct code_piece *function, struct code_piece *ret);

#endif
