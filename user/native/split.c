/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/split.h"

#include <stddef.h>
#include <string.h>

#include <gelf.h>

#include "base/elf_segment.h"

/* The first part of a function, and the table of .eh_frame_hdr: ten times what is met. Each jump is
 * counted against all others. */
#define FUNCTION_MAX (32u << 10)
#define TABLE_MAX    (8u << 20)
/* Jumps that must lead into the rest: what only looks like one leads anywhere. */
#define JUMPS_MIN    4

/*
 * Linux Standard Base, Core, "Exception Frame Header": a table sorted by address, each entry two
 * signed 32-bit numbers relative to the header: where code begins, and where its FDE lies.
 */
struct eh_table {
	const uint8_t *header;
	uint64_t address;
	uint32_t count;
};

enum eh_header {
	EH_VERSION = 1,
	EH_COUNT_UDATA4 = 0x03,
	EH_TABLE_DATAREL_SDATA4 = 0x3b,
	EH_COUNT = 8,
	EH_ENTRIES = 12,
	EH_ENTRY_SIZE = 8,
};

/* An FDE whose addresses are relative to themselves, and of 32 bits: its first four words. */
enum fde {
	FDE_START = 8,
	FDE_RANGE = 12,
	FDE_SIZE = 16,
};

static uint32_t read_word32(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint64_t relative_to(uint64_t to, const uint8_t *bytes)
{
	return to + (uint64_t)(int64_t)(int32_t)read_word32(bytes);
}

/* What the file lays at an address. Lent. NULL: nothing. */
static const uint8_t *bytes_at(Elf *elf, uint64_t address, uint64_t size)
{
	const Elf_Data *data;
	GElf_Phdr segment;
	uint64_t offset;

	if (!elf_segment_at(elf, address, size, &segment) ||
	    !elf_segment_offset(&segment, address, size, &offset))
		return NULL;
	data = elf_getdata_rawchunk(elf, (int64_t)offset, size, ELF_T_BYTE);
	return data && data->d_size >= size ? data->d_buf : NULL;
}

static bool find_eh_table(Elf *elf, struct eh_table *ret)
{
	GElf_Phdr segment;
	uint64_t size;

	if (!elf_segment_of_type(elf, PT_GNU_EH_FRAME, &segment))
		return false;
	size = segment.p_filesz;
	if (size < EH_ENTRIES || size > TABLE_MAX)
		return false;
	ret->address = segment.p_vaddr;
	ret->header = bytes_at(elf, segment.p_vaddr, size);
	if (!ret->header || ret->header[0] != EH_VERSION || ret->header[2] != EH_COUNT_UDATA4 ||
	    ret->header[3] != EH_TABLE_DATAREL_SDATA4)
		return false;
	ret->count = read_word32(ret->header + EH_COUNT);
	return ret->count <= (size - EH_ENTRIES) / EH_ENTRY_SIZE;
}

static uint64_t entry_start(const struct eh_table *table, uint32_t i)
{
	return relative_to(table->address, table->header + EH_ENTRIES + (size_t)i * EH_ENTRY_SIZE);
}

/* The piece of code that holds an address. */
static bool find_piece(Elf *elf, const struct eh_table *table, uint64_t address,
		       struct code_piece *ret)
{
	uint32_t low = 0, high = table->count;
	const uint8_t *fde;
	uint64_t at;

	while (low < high) { /* the first that begins beyond */
		uint32_t middle = low + (high - low) / 2;

		if (entry_start(table, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	at = relative_to(table->address,
			 table->header + EH_ENTRIES + (size_t)(low - 1) * EH_ENTRY_SIZE + 4);
	fde = bytes_at(elf, at, FDE_SIZE);
	ret->start = entry_start(table, low - 1);
	if (!fde || relative_to(at + FDE_START, fde + FDE_START) != ret->start)
		return false;
	ret->size = read_word32(fde + FDE_RANGE);
	return address - ret->start < ret->size;
}

/* Where a jump leads that begins at code + at; false: there is none that leads far. */
#if defined(__x86_64__)
enum { JUMP_STEP = 1 };

/* jmp rel32, jcc rel32; what is in the middle of another instruction is taken for one, too. */
static bool jump_at(const uint8_t *code, size_t size, size_t at, uint64_t address, uint64_t *ret)
{
	size_t length;

	if (code[at] == 0xe9)
		length = 5;
	else if (code[at] == 0x0f && at + 1 < size && (code[at + 1] & 0xf0) == 0x80)
		length = 6;
	else
		return false;
	if (size - at < length)
		return false;
	*ret = relative_to(address + at + length, code + at + length - 4);
	return true;
}
#elif defined(__aarch64__)
enum { JUMP_STEP = 4 };

static uint64_t scaled(uint32_t word, unsigned int low, unsigned int bits)
{
	return (uint64_t)((int64_t)((uint64_t)word << (64 - low - bits)) >> (64 - bits)) * 4;
}

/* b; b.cond, cbz, cbnz; tbz, tbnz: Arm ARM, C4.1 */
static bool jump_at(const uint8_t *code, size_t size, size_t at, uint64_t address, uint64_t *ret)
{
	uint32_t word;

	if (size - at < sizeof(word))
		return false;
	word = read_word32(code + at);
	if ((word & 0xfc000000) == 0x14000000)
		*ret = address + at + scaled(word, 0, 26);
	else if ((word & 0xff000010) == 0x54000000 || (word & 0x7e000000) == 0x34000000)
		*ret = address + at + scaled(word, 5, 19);
	else if ((word & 0x7e000000) == 0x36000000)
		*ret = address + at + scaled(word, 5, 14);
	else
		return false;
	return true;
}
#endif

/* How many jumps of the function lead into the middle of the piece. */
static unsigned int count_jumps(const uint8_t *code, const struct code_piece *function,
				const struct code_piece *piece)
{
	unsigned int count = 0;
	uint64_t to;

	for (size_t at = 0; at < function->size; at += JUMP_STEP)
		count += jump_at(code, function->size, at, function->start, &to) &&
			 to > piece->start && to - piece->start < piece->size;
	return count;
}

static bool same_piece(const struct code_piece *one, const struct code_piece *other)
{
	return one->start == other->start && one->size == other->size;
}

static bool overlap(const struct code_piece *one, const struct code_piece *other)
{
	return one->start - other->start < other->size || other->start - one->start < one->size;
}

bool split_rest(Elf *elf, const struct code_piece *function, struct code_piece *ret)
{
	struct code_piece piece, found = {0};
	struct eh_table table;
	const uint8_t *code;
	uint64_t to;

	if (function->size > FUNCTION_MAX || !find_eh_table(elf, &table))
		return false;
	code = bytes_at(elf, function->start, function->size);
	for (size_t at = 0; code && at < function->size; at += JUMP_STEP) {
		if (!jump_at(code, function->size, at, function->start, &to) ||
		    !find_piece(elf, &table, to, &piece) || overlap(&piece, function) ||
		    same_piece(&piece, &found) || count_jumps(code, function, &piece) < JUMPS_MIN)
			continue;
		if (found.size)
			return false;
		found = piece;
	}
	*ret = found;
	return found.size != 0;
}
