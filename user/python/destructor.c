/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/destructor.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <gelf.h>
#include <libelf.h>

/* PyTypeObject.tp_dealloc, Include/cpython/object.h, in builds with the GIL. */
#define TYPE_DEALLOC 48

/* Larger tables than this are no relocations of a Python. */
#define TABLE_BYTES_MAX (128u << 20)

static bool is_relative(unsigned int type)
{
	return type == R_X86_64_RELATIVE || type == R_AARCH64_RELATIVE;
}

/* The address that a dynamic relocation of this section puts at slot; false: none does. */
static bool relocated(Elf_Scn *section, const GElf_Shdr *header, uint64_t slot, uint64_t *ret)
{
	Elf_Data *data = header->sh_size <= TABLE_BYTES_MAX ? elf_getdata(section, NULL) : NULL;
	GElf_Rela rela;

	for (size_t i = 0; data && i < data->d_size / sizeof(Elf64_Rela); i++) {
		if (!gelf_getrela(data, (int)i, &rela) || rela.r_offset != slot)
			continue;
		*ret = rela.r_addend;
		return is_relative(GELF_R_TYPE(rela.r_info));
	}
	return false;
}

static bool find_relocation(Elf *elf, uint64_t slot, uint64_t *ret)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA &&
		    relocated(section, &header, slot, ret))
			return true;
	return false;
}

/* The loaded segment with these flags that holds vaddr, as an offset into the file. */
static bool file_offset(Elf *elf, uint64_t vaddr, uint32_t flags, uint64_t *ret)
{
	size_t segments;
	GElf_Phdr p;

	if (elf_getphdrnum(elf, &segments))
		return false;
	for (size_t i = 0; i < segments; i++) {
		if (!gelf_getphdr(elf, (int)i, &p) || p.p_type != PT_LOAD ||
		    (p.p_flags & flags) != flags || vaddr < p.p_vaddr ||
		    vaddr - p.p_vaddr >= p.p_filesz)
			continue;
		*ret = p.p_offset + (vaddr - p.p_vaddr);
		return true;
	}
	return false;
}

static int find_destructor(Elf *elf, int fd, const struct python_runtime *runtime,
			   uint64_t *ret_offset)
{
	uint64_t slot = runtime->code_type + TYPE_DEALLOC, at, function;

	/* Without a relocation (ET_EXEC, or DT_RELR) the address lies in the file itself. */
	if (!find_relocation(elf, slot, &function) &&
	    (!file_offset(elf, slot, PF_R, &at) ||
	     pread(fd, &function, sizeof(function), at) != sizeof(function)))
		return -ENOENT;
	return file_offset(elf, function, PF_X, ret_offset) ? 0 : -ENOENT;
}

int python_code_destructor(int fd, const struct python_runtime *runtime, uint64_t *ret_offset)
{
	Elf *elf;
	int err;

	if (!runtime->code_type)
		return -ENOENT;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EINVAL;
	/* Read, not mapped: the file may be truncated meanwhile. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		err = -EINVAL;
	else
		err = find_destructor(elf, fd, runtime, ret_offset);
	elf_end(elf);
	return err;
}
