/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Segments (program headers) of an ELF file that libelf has open.
 *
 * Owns: which of them holds an address, and where in the file that is. The file is hostile: nothing
 * overflows. Pure, but for reading through libelf.
 */
#ifndef FDTRACE_BASE_ELF_SEGMENT_H
#define FDTRACE_BASE_ELF_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <gelf.h>

/* So many are looked at: a program that runs has a dozen. */
#define ELF_SEGMENTS_MAX 128

/* The first of a type (PT_...). False: there is none. */
bool elf_segment_of_type(Elf *elf, uint32_t type, GElf_Phdr *ret);

/* The PT_LOAD that holds size bytes at an address in memory. False: there is none. */
bool elf_segment_at(Elf *elf, uint64_t address, uint64_t size, GElf_Phdr *ret);

/*
 * Where in the file those bytes lie. False: some of them do not (the rest of a segment is zero), or
 * the segment does not hold them.
 */
bool elf_segment_offset(const GElf_Phdr *segment, uint64_t address, uint64_t size, uint64_t *ret);

#endif
