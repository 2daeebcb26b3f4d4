/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Small ELF files with the tables in them by which os.close() and the finalizer of Python's file
 * objects are found, and with the table of where functions end, made piece by piece.
 *
 * A test's header: cmocka.h comes first.
 */
#ifndef TEST_OWNER_FUNCTION_FILE_H
#define TEST_OWNER_FUNCTION_FILE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "python/elf_function.h"
#include "python/owner_functions.h"

#define BASE	   0x400000 /* vaddr of the file's first byte ... */
#define TEXT_SKEW  0x100000 /* ... but for the text, which lies so much further */
#define TEXT_AT	   0x1000
#define TEXT_SIZE  0x1000
#define NAMES_AT   0x2000 /* read-only */
#define DYNAMIC_AT 0x2800
#define UNWIND_AT  0x2a00 /* .eh_frame_hdr ... */
#define FRAMES_AT  0x2c00 /* ... and what it leads to */
#define RELOCS_AT  0x3000
#define DATA_AT	   0x5000
#define FILE_SIZE  0x8000

/* .eh_frame_hdr: its head, then a row for each function. */
#define UNWIND_HEAD 12
#define UNWIND_ROW  8
#define FRAME_SIZE  16
#define FUNCTIONS   ((RELOCS_AT - FRAMES_AT) / FRAME_SIZE)

/* How pointers are made in the file. */
enum form { FIXED, RELA, RELR, FORMS };

/* Its segments. */
enum { SEGMENT_TEXT, SEGMENT_CONST, SEGMENT_DATA, SEGMENT_UNWIND, SEGMENT_DYNAMIC, SEGMENTS };

enum kind { KIND_OBJECT, KIND_SPEC, KINDS };

struct file {
	uint8_t bytes[FILE_SIZE];
	enum form form;
	size_t names, data;  /* where there is room */
	uint64_t slots[512]; /* that hold pointers, as addresses */
	size_t slot_count;
	size_t reloc_size;
	size_t function_count;
};

/* Offsets in the file. */
struct made {
	size_t at;	 /* of the type object or spec */
	size_t finalize; /* its function */
	size_t os_close;
	size_t os_read, os_write;
	size_t file_read, file_readall, file_readinto, file_write;
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
	*file = (struct file){.form = form, .names = NAMES_AT, .data = DATA_AT};
	*file_header(file) = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = form == FIXED ? ET_EXEC : ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = form == FIXED ? SEGMENT_DYNAMIC : SEGMENTS,
	};
	file_segments(file)[SEGMENT_TEXT] = segment_of(PT_LOAD, PF_R | PF_X, TEXT_AT, TEXT_SIZE);
	file_segments(file)[SEGMENT_CONST] =
		segment_of(PT_LOAD, PF_R, NAMES_AT, DATA_AT - NAMES_AT);
	file_segments(file)[SEGMENT_DATA] =
		segment_of(PT_LOAD, PF_R | PF_W, DATA_AT, FILE_SIZE - DATA_AT);
	file_segments(file)[SEGMENT_UNWIND] =
		segment_of(PT_GNU_EH_FRAME, PF_R, UNWIND_AT, FRAMES_AT - UNWIND_AT);
	file_segments(file)[SEGMENT_DYNAMIC] =
		segment_of(PT_DYNAMIC, PF_R, DYNAMIC_AT, UNWIND_AT - DYNAMIC_AT);
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

static inline size_t function_at(size_t index)
{
	return TEXT_AT + index * 32;
}

/* No two neighbours of one size. */
static inline uint64_t function_size(size_t at)
{
	return 16 + (at - TEXT_AT) / 32 % 16;
}

/* Where each function ends. */
static inline void put_unwind(struct file *file)
{
	static const uint8_t head[] = {1, 0x1b, 0x03, 0x3b};

	memcpy(file->bytes + UNWIND_AT, head, sizeof(head));
	put(file, UNWIND_AT + 4, FRAMES_AT - UNWIND_AT - 4, 4);
	put(file, UNWIND_AT + 8, file->function_count, 4);
	for (size_t i = 0; i < file->function_count; i++) {
		size_t row = UNWIND_AT + UNWIND_HEAD + i * UNWIND_ROW;
		size_t frame = FRAMES_AT + i * FRAME_SIZE, function = function_at(i);

		put(file, row, vaddr(function) - vaddr(UNWIND_AT), 4);
		put(file, row + 4, vaddr(frame) - vaddr(UNWIND_AT), 4);
		put(file, frame, FRAME_SIZE - 4, 4);
		put(file, frame + 4, 4, 4);
		put(file, frame + 8, vaddr(function) - vaddr(frame + 8), 4);
		put(file, frame + 12, function_size(function), 4);
	}
}

static inline void file_finish(struct file *file)
{
	Elf64_Dyn *dynamic = (Elf64_Dyn *)(file->bytes + DYNAMIC_AT);

	put_unwind(file);
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
	size_t at = function_at(file->function_count++);

	assert_true(file->function_count <= FUNCTIONS && at < TEXT_AT + TEXT_SIZE);
	memset(file->bytes + at, 0x55, function_size(at));
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

static inline void add_object(struct file *file, size_t name, struct made *made)
{
	made->at = add_room(file, 408);
	put_pointer(file, made->at + 24, name);
	put(file, made->at + 32, 96, 8);
	put_pointer(file, made->at + 48, add_function(file)); /* tp_dealloc */
	put_pointer(file, made->at + 392, made->finalize);
}

/* Its slots lie just before it: tp_dealloc, tp_methods, tp_finalize, none. */
#define SPEC_SLOTS_SIZE 64

static inline void add_spec(struct file *file, size_t name, struct made *made)
{
	size_t slots = add_room(file, SPEC_SLOTS_SIZE);

	made->at = add_room(file, 32);
	put_pointer(file, made->at, name);
	put(file, made->at + 8, 96, 4);
	put(file, made->at + 16, 0x1400, 4);
	put_pointer(file, made->at + 24, slots);
	put(file, slots, 52, 4);
	put_pointer(file, slots + 8, add_function(file));
	put(file, slots + 16, 64, 4);
	put_pointer(file, slots + 24, DATA_AT);
	put(file, slots + 32, 80, 4);
	put_pointer(file, slots + 40, made->finalize);
}

static inline struct made add_type(struct file *file, enum kind kind, const char *name)
{
	struct made made = {.finalize = add_function(file)};
	size_t text = add_text(file, name);

	if (kind == KIND_SPEC)
		add_spec(file, text, &made);
	else
		add_object(file, text, &made);
	return made;
}

/* The methods of FileIO; `end`: what comes behind them. */
static inline void add_file_methods(struct file *file, const char *end, struct made *made)
{
	made->file_read = add_method(file, "read");
	made->file_readall = add_method(file, "readall");
	made->file_readinto = add_method(file, "readinto");
	made->file_write = add_method(file, "write");
	if (end)
		add_method(file, end);
	add_room(file, 32);
}

/* A table of methods, of which one, `name`, comes right behind another; whose function it has. */
static inline size_t add_os_methods(struct file *file, const char *before, const char *name)
{
	size_t function;

	add_method(file, "open");
	function = add_method(file, before);
	add_method(file, name);
	add_room(file, 32);
	return function;
}

static inline int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("fdtrace-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static inline int find(const struct file *file, struct code_range code[OWNER_CODES])
{
	_cleanup_close_ int fd = file_of(file->bytes, sizeof(file->bytes));

	memset(code, 0, OWNER_CODES * sizeof(*code));
	return python_owner_functions_find(fd, code);
}

/* A function is offered from its begin to its end; 0: none is. */
static inline void expect_range(const struct code_range *code, size_t function)
{
	assert_int_equal(code->start, function ? vaddr(function) : 0);
	assert_int_equal(code->size, function ? function_size(function) : 0);
}

/* As the file is. */
static inline void expect_in(const struct file *file, int err, size_t os_close, size_t finalize)
{
	struct code_range code[OWNER_CODES];

	assert_int_equal(find(file, code), err);
	expect_range(&code[CODE_OS_CLOSE], os_close);
	expect_range(&code[CODE_FINALIZE_IO], finalize);
	expect_range(&code[CODE_FINALIZE], 0);
	expect_range(&code[CODE_FINALIZE_FREED], 0);
}

/* Finishes it first. */
static inline void expect_found(struct file *file, int err, size_t os_close, size_t finalize)
{
	file_finish(file);
	expect_in(file, err, os_close, finalize);
}

/* A Python with everything in it. */
static inline struct made add_everything(struct file *file, enum kind kind)
{
	struct made made;

	add_type(file, kind, "_io.FileIO");
	made = add_type(file, kind, "_io._IOBase");
	made.os_close = add_os_methods(file, "close", "closerange");
	add_type(file, kind, "_io.BytesIO");
	return made;
}

#endif
