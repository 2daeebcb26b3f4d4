/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include "base/mem.h"
#include "native/symbols.h"

#define PAGE		4096ull
#define BUILD_ID_MIN	4
#define PROGRAM_HEADERS 128

/* Of this one all must be known: it is where Python's frames and native ones meet. */
#define EVALUATION_LOOP "_PyEval_EvalFrameDefault"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

struct object {
	int fd;
	char *name;
	char *debug_dir;
	struct stat stat;
	bool opened, frames_ready, names_ready;
	bool names_whole; /* there can be no more */
	Elf *elf;	  /* NULL: no ELF file for this machine */
	Dwarf_CFI *eh_frames, *debug_frames;
	Dwarf *dwarf; /* debug_frames' */
	struct symbols symbols;
};

struct object *object_new(int fd, const char *name, const char *debug_dir)
{
	struct object *object = calloc(1, sizeof(*object));
	char *own_name = strdup(name), *own_dir = debug_dir ? strdup(debug_dir) : NULL;

	if (!object || !own_name || (debug_dir && !own_dir)) {
		free(object);
		free(own_name);
		free(own_dir);
		close(fd);
		return NULL;
	}
	object->fd = fd;
	object->name = own_name;
	object->debug_dir = own_dir;
	if (fstat(fd, &object->stat))
		object->opened = true; /* and no ELF file */
	return object;
}

void object_free(struct object *object)
{
	if (!object)
		return;
	dwarf_cfi_end(object->eh_frames);
	dwarf_end(object->dwarf); /* with debug_frames */
	elf_end(object->elf);
	symbols_free(&object->symbols);
	close(object->fd);
	free(object->name);
	free(object->debug_dir);
	free(object);
}

const char *object_name(const struct object *object)
{
	return object->name;
}

/* The file, if it is an ELF file of this machine. */
static Elf *open_elf(struct object *object)
{
	GElf_Ehdr header;

	if (object->opened)
		return object->elf;
	object->opened = true;
	elf_version(EV_CURRENT);
	object->elf = elf_begin(object->fd, ELF_C_READ_MMAP, NULL);
	if (object->elf && (elf_kind(object->elf) != ELF_K_ELF ||
			    !gelf_getehdr(object->elf, &header) || header.e_machine != MACHINE)) {
		elf_end(object->elf);
		object->elf = NULL;
	}
	return object->elf;
}

/* What was read of it holds no more once somebody has written to it. */
static bool is_stale(const struct object *object)
{
	struct stat now;

	return fstat(object->fd, &now) || now.st_size != object->stat.st_size ||
	       now.st_mtim.tv_sec != object->stat.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != object->stat.st_mtim.tv_nsec;
}

/* The program's own code: what is known is where its first executable segment begins. */
static int exec_bias(Elf *elf, struct object_mapping *mapping, uint64_t *ret)
{
	uint64_t low = UINT64_MAX, high = 0;
	size_t count = 0;
	GElf_Ehdr header;
	GElf_Phdr p;

	if (elf_getphdrnum(elf, &count) || !gelf_getehdr(elf, &header))
		return -EINVAL;
	for (size_t i = 0; i < count && i < PROGRAM_HEADERS; i++) {
		if (!gelf_getphdr(elf, i, &p) || p.p_type != PT_LOAD || !(p.p_flags & PF_X))
			continue;
		low = p.p_vaddr < low ? p.p_vaddr : low;
		high = p.p_vaddr + p.p_memsz > high ? p.p_vaddr + p.p_memsz : high;
	}
	if (low >= high)
		return -EINVAL;
	*ret = header.e_type == ET_EXEC ? 0 : mapping->start - low;
	mapping->start = low + *ret;
	mapping->end = high + *ret;
	return 0;
}

/* The segment that lies at the mapping's offset tells. */
static int mapping_bias(Elf *elf, const struct object_mapping *mapping, uint64_t *ret)
{
	size_t count = 0;
	GElf_Phdr p;

	if (elf_getphdrnum(elf, &count))
		return -EINVAL;
	for (size_t i = 0; i < count && i < PROGRAM_HEADERS; i++) {
		if (!gelf_getphdr(elf, i, &p) || p.p_type != PT_LOAD || !(p.p_flags & PF_X))
			continue;
		if (mapping->offset < (p.p_offset & ~(PAGE - 1)) ||
		    mapping->offset >= p.p_offset + p.p_filesz)
			continue;
		*ret = mapping->start - mapping->offset - (p.p_vaddr - p.p_offset);
		return 0;
	}
	return -EINVAL;
}

int object_bias(struct object *object, struct object_mapping *mapping, uint64_t *ret)
{
	Elf *elf = open_elf(object);

	if (!elf)
		return -EINVAL;
	if (is_stale(object))
		return -ESTALE;
	return mapping->exec ? exec_bias(elf, mapping, ret) : mapping_bias(elf, mapping, ret);
}

/* To look for it costs little; to have libdw open all debug sections, some of them packed, much. */
static bool has_debug_frames(Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = NULL;
		GElf_Shdr header;

		if (gelf_getshdr(section, &header))
			name = elf_strptr(elf, names, header.sh_name);
		if (name && !strcmp(name, ".debug_frame"))
			return true;
	}
	return false;
}

static void read_frames(struct object *object)
{
	if (object->frames_ready || !open_elf(object))
		return;
	object->frames_ready = true;
	object->eh_frames = dwarf_getcfi_elf(object->elf);
	if (has_debug_frames(object->elf))
		object->dwarf = dwarf_begin_elf(object->elf, DWARF_C_READ, NULL);
	if (object->dwarf)
		object->debug_frames = dwarf_getcfi(object->dwarf);
}

Dwarf_Frame *object_frame(struct object *object, uint64_t address)
{
	Dwarf_Frame *frame = NULL;

	read_frames(object);
	if (object->eh_frames && !dwarf_cfi_addrframe(object->eh_frames, address, &frame))
		return frame;
	if (object->debug_frames && !dwarf_cfi_addrframe(object->debug_frames, address, &frame))
		return frame;
	return NULL;
}

/* Its size, BUILD_ID_MIN to BUILD_ID_MAX; 0: none of such a size. *ret: lent. */
static size_t build_id(Elf *elf, const uint8_t **ret)
{
	const void *bits = NULL;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &bits);

	*ret = bits;
	return size < BUILD_ID_MIN || size > BUILD_ID_MAX ? 0 : size;
}

/* "<debug_dir>/.build-id/ab/cdef.debug", of hexadecimal digits alone. False: no build id. */
static bool debug_path(const struct object *object, char path[PATH_MAX])
{
	const uint8_t *id;
	size_t size = build_id(object->elf, &id);
	int at;

	if (!size)
		return false;
	at = snprintf(path, PATH_MAX - 2 * BUILD_ID_MAX - 16, "%s/.build-id/%02x/",
		      object->debug_dir, id[0]);
	for (size_t i = 1; i < size; i++)
		at += snprintf(path + at, 3, "%02x", id[i]);
	snprintf(path + at, 8, ".debug");
	return true;
}

static bool same_build(Elf *one, Elf *other)
{
	const uint8_t *id, *other_id;
	size_t size = build_id(one, &id), other_size = build_id(other, &other_id);

	return size && size == other_size && !memcmp(id, other_id, size);
}

/* The names in a separate file, if it is one of this build. fd: lent. 0 or -ENOMEM. */
static int add_names_of(struct object *object, int fd)
{
	int err = 0;
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);

	if (elf && same_build(object->elf, elf))
		err = symbols_add(&object->symbols, elf, &object->names_whole);
	elf_end(elf);
	return err;
}

/* Names that were stripped into a file of their own. 0 or -ENOMEM. */
static int add_separate(struct object *object)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;

	if (!object->debug_dir || !debug_path(object, path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ? 0 : add_names_of(object, fd);
}

static void names_added(struct object *object, int err)
{
	if (err)
		symbols_free(&object->symbols); /* some names would make others wrong */
	symbols_sort(&object->symbols);
}

static void read_names(struct object *object)
{
	int err;

	if (object->names_ready || !open_elf(object))
		return;
	object->names_ready = true;
	err = symbols_add(&object->symbols, object->elf, &object->names_whole);
	if (!err && !object->names_whole)
		err = add_separate(object);
	if (!err && !object->names_whole)
		err = symbols_add_rest(&object->symbols, object->elf, EVALUATION_LOOP);
	names_added(object, err);
}

size_t object_lacks_names(struct object *object, uint8_t ret_id[BUILD_ID_MAX])
{
	const uint8_t *id;
	size_t size;

	read_names(object);
	if (!object->elf || object->names_whole)
		return 0;
	size = build_id(object->elf, &id);
	if (size)
		memcpy(ret_id, id, size);
	return size;
}

void object_add_names(struct object *object, int fd)
{
	read_names(object);
	if (object->elf && !object->names_whole)
		names_added(object, add_names_of(object, fd));
}

const char *object_symbol(struct object *object, uint64_t address)
{
	read_names(object);
	return symbols_find(&object->symbols, address);
}
