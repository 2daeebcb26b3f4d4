/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The rest of a function that has been split: files made here, of one segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <string.h>

#include "native/split.h"

#define FILE_SIZE  0x4000
#define FUNCTION   0x1000
#define FDES	   0x2000
#define HEADER	   0x2800
#define PIECE	   0x3000 /* of which there are some, PIECE_SIZE apart */
#define PIECE_SIZE 0x100

struct made {
	uint8_t bytes[FILE_SIZE];
	Elf *elf;
	size_t pieces;
	size_t jumps;
};

static void put32(struct made *made, size_t at, uint32_t value)
{
	memcpy(made->bytes + at, &value, sizeof(value));
}

static void add_piece(struct made *made, uint32_t start, uint32_t size)
{
	uint32_t fde = FDES + 16 * (uint32_t)made->pieces;
	size_t entry = HEADER + 12 + 8 * made->pieces;

	put32(made, fde, 12);
	put32(made, fde + 8, start - (fde + 8));
	put32(made, fde + 12, size);
	put32(made, entry, start - HEADER);
	put32(made, entry + 4, fde - HEADER);
	put32(made, HEADER + 8, (uint32_t)++made->pieces);
}

static void add_jump(struct made *made, uint32_t to)
{
	uint32_t at = FUNCTION + 8 * (uint32_t)made->jumps++;

#if defined(__x86_64__)
	made->bytes[at] = made->jumps % 2 ? 0xe9 : 0x0f;
	made->bytes[at + 1] = 0x84; /* je */
	at += made->jumps % 2 ? 1 : 2;
	put32(made, at, to - (at + 4));
#elif defined(__aarch64__)
	put32(made, at, 0x14000000 | ((to - at) >> 2 & 0x3ffffff));
#endif
}

/* A function, and two other pieces of code. */
static void make(struct made *made)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	const Elf64_Phdr segments[] = {
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_filesz = FILE_SIZE,
		 .p_memsz = FILE_SIZE},
		{.p_type = PT_GNU_EH_FRAME,
		 .p_offset = HEADER,
		 .p_vaddr = HEADER,
		 .p_filesz = 0x100},
	};

	memset(made, 0, sizeof(*made));
	memcpy(made->bytes, &header, sizeof(header));
	memcpy(made->bytes + sizeof(header), segments, sizeof(segments));
	put32(made, HEADER, 0x3b031b01);
	add_piece(made, FUNCTION, PIECE_SIZE);
	add_piece(made, PIECE, PIECE_SIZE);
	add_piece(made, PIECE + PIECE_SIZE, PIECE_SIZE);
	elf_version(EV_CURRENT);
	made->elf = elf_memory((char *)made->bytes, sizeof(made->bytes));
	assert_non_null(made->elf);
}

static bool find(struct made *made, struct code_piece *ret)
{
	const struct code_piece function = {FUNCTION, PIECE_SIZE};
	bool found = split_rest(made->elf, &function, ret);

	elf_end(made->elf);
	return found;
}

static void add_jumps(struct made *made, size_t count, uint32_t to, uint32_t step)
{
	for (size_t i = 0; i < count; i++)
		add_jump(made, to + (uint32_t)i * step);
}

static void test_rest(void **state)
{
	struct code_piece rest;
	struct made made;

	(void)state;
	make(&made);
	add_jumps(&made, 2, FUNCTION + 0x20, 0x10); /* within */
	add_jumps(&made, 4, PIECE + 0x40, 0x10);
	add_jump(&made, PIECE + PIECE_SIZE + 0x10); /* what looks like one, once */
	assert_true(find(&made, &rest));
	assert_int_equal(rest.start, PIECE);
	assert_int_equal(rest.size, PIECE_SIZE);
}

/* Two runs of jumps, to every 16th byte but from a piece's beginning, lead to no rest. */
static void expect_none(size_t count, uint32_t to, size_t more, uint32_t also_to)
{
	struct code_piece rest;
	struct made made;

	make(&made);
	add_jumps(&made, count, to, to & 0xff ? 16 : 0);
	add_jumps(&made, more, also_to, 16);
	assert_false(find(&made, &rest));
}

static void test_no_rest(void **state)
{
	(void)state;
	expect_none(8, PIECE, 0, 0); /* calls at a function's end */
	expect_none(3, PIECE + 0x40, 0, 0);
	expect_none(5, PIECE + 0x40, 5, PIECE + PIECE_SIZE + 0x40);
	expect_none(8, FUNCTION + 0x20, 0, 0);
}

/* Of each byte of the table's head, and of the piece's FDE. */
static void test_broken(void **state)
{
	static const size_t at[] = {HEADER,	   HEADER + 2,		HEADER + 3,
				    HEADER + 11,   HEADER + 12 + 8 + 7, FDES + 16 + 8,
				    FDES + 16 + 11};

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct code_piece rest;
		struct made made;

		make(&made);
		add_jumps(&made, 6, PIECE + 0x40, 0x10);
		made.bytes[at[i]] ^= 0x40;
		assert_false(find(&made, &rest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_no_rest),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
