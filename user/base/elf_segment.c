/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/elf_segment.h"

static bool holds(const GElf_Phdr *segment, uint64_t extent, uint64_t address, uint64_t size)
{
	return address >= segment->p_vaddr && size <= extent &&
	       address - segment->p_vaddr <= extent - size;
}

/* The first of a type; with size, that holds so many bytes at address. */
static bool find_segment(Elf *elf, uint32_t type, uint64_t address, uint64_t size, GElf_Phdr *ret)
{
	size_t count = 0;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < ELF_SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf, (int)i, ret))
			return false;
		if (ret->p_type == type && (!size || holds(ret, ret->p_memsz, address, size)))
			return true;
	}
	return false;
}

bool elf_segment_of_type(Elf *elf, uint32_t type, GElf_Phdr *ret)
{
	return find_segment(elf, type, 0, 0, ret);
}

bool elf_segment_at(Elf *elf, uint64_t address, uint64_t size, GElf_Phdr *ret)
{
	return size && find_segment(elf, PT_LOAD, address, size, ret);
}

bool elf_segment_offset(const GElf_Phdr *segment, uint64_t address, uint64_t size, uint64_t *ret)
{
	uint64_t at = address - segment->p_vaddr;

	if (!holds(segment, segment->p_filesz, address, size) ||
	    segment->p_offset > UINT64_MAX - at)
		return false;
	*ret = segment->p_offset + at;
	return true;
}
