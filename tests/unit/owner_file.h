/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Small ELF files with Python's descriptor owners in them, made piece by piece.
 *
 * A test's header: cmocka.h comes first.
 */
#ifndef TEST_OWNER_FILE_H
#define TEST_OWNER_FILE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "python/owners.h"

#define BASE	   0x400000 /* vaddr of the file's first byte ... */
#define TEXT_SKEW  0x100000 /* ... but for the text, which lies so much further */
#define TEXT_AT	   0x1000
#define TEXT_SIZE  0x1000
#define NAMES_AT   0x2000 /* read-only */
#define DYNAMIC_AT 0x2800
#define RELOCS_AT  0x3000
#define DATA_AT	   0x5000
#define FILE_SIZE  0x8000

/* How pointers are made in the file. */
enum form { FIXED, RELA, RELR, FORMS };

enum kind { KIND_OBJECT, KIND_SPEC, KINDS };

struct file {
	uint8_t bytes[FILE_SIZE];
	enum form form;
	size_t text, names, data; /* where there is room */
	uint64_t slots[512];	  /* that hold pointers, as addresses */
	size_t slot_count;
	size_t reloc_size;
};

/* The functions of a type, by point: offsets in the file. */
struct made {
	size_t at; /* of the type object or spec */
	uint64_t offset[OWNER_POINTS];
};

static inline Elf64_Ehdr *file_header(struct file *file)
{
	return (Elf64_Ehdr *)file->bytes;
}

static inline Elf64_Phdr *file_segments(struct file *file)
{
	return (Elf64_Phdr *)(file->bytes + sizeof(Elf64_Ehdr));
}

static inline void put(struct file *file, size_t at, uint64_t value, size_t size)
{
	memcpy(file->bytes + at, &value, size);
}

static inline Elf64_Phdr segment_of(uint32_t type, uint32_t flags, uint64_t at, uint64_t size)
{
	return (Elf64_Phdr){.p_type = type,
			    .p_flags = flags,
			    .p_offset = at,
			    .p_vaddr = BASE + at + (flags & PF_X ? TEXT_SKEW : 0),
			    .p_filesz = size,
			    .p_memsz = size};
}

static inline void file_new(struct file *file, enum form form)
{
	*file = (struct file){.form = form, .text = TEXT_AT, .names = NAMES_AT, .data = DATA_AT};
	*file_header(file) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = form == FIXED ? ET_EXEC : ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = form == FIXED ? 3 : 4,
	};
	file_segments(file)[0] = segment_of(PT_LOAD, PF_R | PF_X, TEXT_AT, TEXT_SIZE);
	file_segments(file)[1] = segment_of(PT_LOAD, PF_R, NAMES_AT, DATA_AT - NAMES_AT);
	file_segments(file)[2] = segment_of(PT_LOAD, PF_R | PF_W, DATA_AT, FILE_SIZE - DATA_AT);
	file_segments(file)[3] = segment_of(PT_DYNAMIC, PF_R, DYNAMIC_AT, RELOCS_AT - DYNAMIC_AT);
}

/* An address as the program sees it. */
static inline uint64_t vaddr(size_t at)
{
	return BASE + at + (at >= TEXT_AT && at < TEXT_AT + TEXT_SIZE ? TEXT_SKEW : 0);
}

/* A pointer at one place of the file to another; 0: NULL. */
static inline void put_pointer(struct file *file, size_t at, size_t target)
{
	if (!target)
		return;
	if (file->form == RELA) {
		Elf64_Rela entry = {
			.r_offset = vaddr(at),
			.r_info = ELF64_R_INFO(0, file_header(file)->e_machine == EM_X86_64
							  ? R_X86_64_RELATIVE
							  : R_AARCH64_RELATIVE),
			.r_addend = (int64_t)vaddr(target),
		};

		memcpy(file->bytes + RELOCS_AT + file->reloc_size, &entry, sizeof(entry));
		file->reloc_size += sizeof(entry);
		assert_true(RELOCS_AT + file->reloc_size <= DATA_AT);
		return;
	}
	put(file, at, vaddr(target), 8);
	assert_true(file->slot_count < ARRAY_SIZE(file->slots));
	file->slots[file->slot_count++] = vaddr(at);
}

static inline int compare_words(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static inline void add_relr(struct file *file, uint64_t entry)
{
	put(file, RELOCS_AT + file->reloc_size, entry, 8);
	file->reloc_size += 8;
	assert_true(RELOCS_AT + file->reloc_size <= DATA_AT);
}

/* An address, then bitmaps for as long as there is something in the next 63 words. */
static inline void pack_slots(struct file *file)
{
	size_t i = 0;

	qsort(file->slots, file->slot_count, sizeof(file->slots[0]), compare_words);
	while (i < file->slot_count) {
		uint64_t next = file->slots[i] + 8, bitmap = 1;

		add_relr(file, file->slots[i++]);
		do {
			for (bitmap = 1; i < file->slot_count && file->slots[i] < next + 63 * 8;
			     i++)
				bitmap |= 2ull << (file->slots[i] - next) / 8;
			if (bitmap != 1)
				add_relr(file, bitmap);
			next += 63 * 8;
		} while (bitmap != 1);
	}
}

static inline void file_finish(struct file *file)
{
	Elf64_Dyn *dynamic = (Elf64_Dyn *)(file->bytes + DYNAMIC_AT);

	if (file->form == RELR)
		pack_slots(file);
	dynamic[0].d_tag = file->form == RELR ? DT_RELR : DT_RELA;
	dynamic[0].d_un.d_ptr = vaddr(RELOCS_AT);
	dynamic[1].d_tag = file->form == RELR ? DT_RELRSZ : DT_RELASZ;
	dynamic[1].d_un.d_val = file->reloc_size;
}

static inline size_t add_text(struct file *file, const char *text)
{
	size_t at = file->names;

	strcpy((char *)file->bytes + at, text);
	file->names += strlen(text) + 1;
	assert_true(file->names <= DYNAMIC_AT);
	return at;
}

static inline size_t add_function(struct file *file)
{
	size_t at = file->text;

	memset(file->bytes + at, 0x55, 32);
	file->text += 32;
	assert_true(file->text <= TEXT_AT + TEXT_SIZE);
	return at;
}

static inline size_t add_room(struct file *file, size_t size)
{
	size_t at = file->data;

	file->data += (size + 7) / 8 * 8;
	assert_true(file->data <= FILE_SIZE);
	return at;
}

static inline size_t add_method(struct file *file, const char *name)
{
	size_t at = add_room(file, 32), function = add_function(file);

	put_pointer(file, at, add_text(file, name));
	put_pointer(file, at + 8, function);
	return function;
}

/* More methods than any owner has, in the order of none. */
static inline size_t add_methods(struct file *file, struct made *made)
{
	size_t at = file->data;

	add_method(file, "fileno");
	made->offset[OWNER_FROMFD] = add_method(file, "fromfd");
	made->offset[OWNER_CLOSE] = add_method(file, "close");
	add_method(file, "closed");
	made->offset[OWNER_DETACH] = add_method(file, "detach");
	made->offset[OWNER_WARN] = add_method(file, "_dealloc_warn");
	add_room(file, 32);
	return at;
}

/* Where a type object and a spec have a function. */
static const struct {
	enum owner_point point;
	unsigned int field, slot;
} functions[] = {
	{OWNER_DEALLOC, 48, 52},
	{OWNER_INIT, 296, 60},
	{OWNER_NEW, 312, 65},
	{OWNER_FINALIZE, 392, 80},
};

static inline void add_object(struct file *file, size_t name, size_t methods, struct made *made)
{
	made->at = add_room(file, 408);
	put_pointer(file, made->at + 24, name);
	put(file, made->at + 32, 96, 8);
	put_pointer(file, made->at + 232, methods);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		put_pointer(file, made->at + functions[i].field, made->offset[functions[i].point]);
}

static inline void add_spec(struct file *file, size_t name, size_t methods, struct made *made)
{
	size_t slots = add_room(file, 16 * (ARRAY_SIZE(functions) + 2));

	made->at = add_room(file, 32);
	put_pointer(file, made->at, name);
	put(file, made->at + 8, 96, 4);
	put(file, made->at + 16, 0x1400, 4);
	put_pointer(file, made->at + 24, slots);
	put(file, slots, 64, 4);
	put_pointer(file, slots + 8, methods);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		put(file, slots + 16 * (i + 1), functions[i].slot, 4);
		put_pointer(file, slots + 16 * (i + 1) + 8, made->offset[functions[i].point]);
	}
}

static inline struct made add_type(struct file *file, enum kind kind, const char *name)
{
	struct made made = {0};
	size_t text = add_text(file, name), methods = add_methods(file, &made);

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		made.offset[functions[i].point] = add_function(file);
	if (kind == KIND_SPEC)
		add_spec(file, text, methods, &made);
	else
		add_object(file, text, methods, &made);
	return made;
}

static inline struct made add_os_methods(struct file *file, const char *before, const char *name)
{
	struct made made = {0};

	made.at = file->data;
	add_method(file, "open");
	made.offset[OWNER_OS_CLOSE] = add_method(file, before);
	add_method(file, name);
	add_room(file, 32);
	return made;
}

static inline int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("fdtrace-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static inline int find(const struct file *file, struct owner_probe *probes, size_t *ret_count)
{
	_cleanup_close_ int fd = file_of(file->bytes, sizeof(file->bytes));

	return python_owners_find(fd, probes, OWNER_PROBES_MAX, ret_count);
}

static inline int finish_and_find(struct file *file, struct owner_probe *probes, size_t *ret_count)
{
	file_finish(file);
	return find(file, probes, ret_count);
}

/* Expects so many probes, and the result. */
static inline void expect_count(struct file *file, int err, size_t count)
{
	struct owner_probe probes[OWNER_PROBES_MAX];
	size_t found;

	assert_int_equal(finish_and_find(file, probes, &found), err);
	assert_int_equal(found, count);
}

/* A Python with everything in it. */
static inline void add_everything(struct file *file, enum kind kind, struct made made[OWNER_TYPES])
{
	made[OWNER_EPOLL] = add_type(file, kind, "select.epoll");
	made[OWNER_NONE] = add_os_methods(file, "close", "closerange");
	made[OWNER_FILEIO] = add_type(file, kind, "_io.FileIO");
	made[OWNER_SOCKET] = add_type(file, kind, "_socket.socket");
	add_type(file, kind, "_io.BytesIO");
}

#endif
