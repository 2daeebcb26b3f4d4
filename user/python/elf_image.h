/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The memory of a program as its ELF file lays it down, before anything has run in it: the
 * bytes at an address, and the pointers that relocation leaves there.
 *
 * Owns: program headers, the dynamic section, relative relocations (DT_RELA, DT_RELR). Needs
 * neither symbols nor sections: stripped files have none. The file is hostile: bounded, every
 * offset checked. Never: maps the file (it may be truncated meanwhile); touches a process.
 *
 * An address is a virtual address as in the file, without load bias.
 */
#ifndef FDTRACE_PYTHON_ELF_IMAGE_H
#define FDTRACE_PYTHON_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_SEGMENTS_MAX 64

struct image_pointer;

struct elf_image {
	int fd;	    /* lent */
	bool fixed; /* ET_EXEC: what lies in the file is final */
	uint16_t machine;
	size_t segment_count;
	Elf64_Phdr segments[IMAGE_SEGMENTS_MAX]; /* PT_LOAD */
	Elf64_Phdr dynamic;			 /* p_filesz 0: none */
	Elf64_Phdr unwind;			 /* PT_GNU_EH_FRAME; p_filesz 0: none */
	struct image_pointer *pointers;		 /* sorted by address */
	size_t pointer_count;
	bool has_packed; /* DT_RELR: values lie in the file */
};

/*
 * Reads the headers. fd: lent until image_close. 0; -EINVAL: no sane ELF file for x86_64 or
 * aarch64; -EFBIG: more to load than fdtrace searches; other negative errno: reading failed.
 * On failure nothing is to be closed.
 */
int image_open(int fd, struct elf_image *ret);
void image_close(struct elf_image *image);

/* Reads the relocations, which all pointers but those of a fixed image need. As image_open. */
int image_load_pointers(struct elf_image *image);

/* size bytes at an address. -EINVAL: they are not in the file. */
int image_read(const struct elf_image *image, uint64_t address, void *buf, size_t size);

/* The pointer at an address; *ret is 0 for NULL and for one into another file. As image_read. */
int image_read_pointer(const struct elf_image *image, uint64_t address, uint64_t *ret);

/* The offset in the file of code at an address; *ret_size: bytes until the segment's end. */
int image_code_offset(const struct elf_image *image, uint64_t address, uint64_t *ret,
		      uint64_t *ret_size);

/*
 * The offset in the file for a uprobe at a function: on x86_64 behind an endbr64 and a movabs
 * there, which leave the first argument and the stack as they are, but which the kernel would
 * single-step, at ten times the cost of a push. 0: no code in the file.
 */
uint64_t image_probe_offset(const struct elf_image *image, uint64_t function);

/* Gets a match of the needle or target of this index. Anything but 0 ends the search with it. */
typedef int (*image_found_fn)(void *arg, size_t index, uint64_t address);

struct image_needle {
	const void *bytes;
	size_t size; /* IMAGE_NEEDLE_MIN to IMAGE_NEEDLE_MAX */
};

#define IMAGE_NEEDLE_MIN 2
#define IMAGE_NEEDLE_MAX 64

/*
 * Where each of count needles lies, in the segments that hold code, or in the others. The same
 * place may be found twice. Also -EINVAL: the size of a needle.
 */
int image_find_bytes(const struct elf_image *image, bool code, const struct image_needle *needles,
		     size_t count, image_found_fn found, void *arg);

/*
 * Where pointers to one of count addresses lie; with code, also in segments that hold code, which
 * have constants, too, where a linker does not keep them apart. The same place may be found twice.
 */
int image_find_pointers(const struct elf_image *image, bool code, const uint64_t *targets,
			size_t count, image_found_fn found, void *arg);

#endif
