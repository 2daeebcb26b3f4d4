/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * DWARF expressions, as far as unwind information has them.
 *
 * Owns: their evaluation over the registers of a frame and the copied stack. Pure. They come from
 * files of a traced process: no loops, bounded, and nothing is read beyond the copy.
 */
#ifndef FDTRACE_NATIVE_EXPRESSION_H
#define FDTRACE_NATIVE_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "abi/record.h"

/* The registers of a frame, by DWARF number. */
struct unwind_regs {
	uint64_t value[RECORD_REGS];
	uint64_t known; /* a bit for each */
};

/* A copy of a part of the process's stack. */
struct unwind_memory {
	uint64_t start;
	const uint8_t *bytes;
	size_t size;
};

/* 0, or -EFAULT: not in the copy. */
int memory_read(const struct unwind_memory *memory, uint64_t address, uint64_t *ret);

/* 0; -ENODATA: it is not known in this frame; -EINVAL: there is no such register. */
int regs_read(const struct unwind_regs *regs, uint64_t number, uint64_t *ret);

enum expression_kind {
	EXPRESSION_VALUE,    /* what it leaves is meant: a CFA */
	EXPRESSION_LOCATION, /* what it leaves is where the value lies, unless it says otherwise */
};

/*
 * cfa: NULL: not known yet. 0; -EFAULT, -ENODATA as above; -EINVAL: it makes no sense, or is none
 * that we evaluate.
 */
int expression_evaluate(const Dwarf_Op *ops, size_t count, enum expression_kind kind,
			const struct unwind_regs *regs, const struct unwind_memory *memory,
			const uint64_t *cfa, uint64_t *ret);

#endif
