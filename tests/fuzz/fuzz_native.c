/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What user/native/ makes of foreign bytes by itself: DWARF expressions over registers and a copy
 * of a stack, the table of an ELF file's functions, and the rest of one that has been split. What
 * libdw and libelf make of a file is in the helper, and theirs. The input: which, then pieces.
 */
#include "fuzz.h"

#include <errno.h>
#include <unistd.h>

#include "native/expression.h"
#include "native/object.h"
#include "native/split.h"

#define OPS_MAX	 64
#define FILE_MAX (16u << 10)

static void evaluate(struct input *in)
{
	struct unwind_regs regs = {.known = take(in, 4)};
	struct unwind_memory memory;
	Dwarf_Op ops[OPS_MAX];
	uint64_t cfa = take(in, 8), value;
	size_t count = take(in, 1) % (OPS_MAX + 1);
	enum expression_kind kind = take(in, 1) & 1 ? EXPRESSION_LOCATION : EXPRESSION_VALUE;
	bool known = take(in, 1) & 1;
	char *stack;
	int err;

	for (size_t i = 0; i < RECORD_REGS; i++)
		regs.value[i] = take(in, 2);
	for (size_t i = 0; i < count; i++)
		ops[i] = (Dwarf_Op){
			.atom = take(in, 1),
			.number = (uint64_t)(int16_t)take(in, 2),
			.number2 = (uint64_t)(int16_t)take(in, 2),
			.offset = take(in, 1),
		};
	memory.start = take(in, 2);
	memory.size = in->left;
	stack = take_text(in);
	memory.bytes = (const uint8_t *)stack;
	err = expression_evaluate(ops, count, kind, &regs, &memory, known ? &cfa : NULL, &value);
	must(!err || err == -EINVAL || err == -EFAULT || err == -ENODATA);
	free(stack);
}

static void look_into(struct input *in)
{
	static uint8_t file[FILE_MAX];
	uint64_t address = take(in, 2);
	struct object_mapping mapping = {
		.start = 0x400000 + ((uint64_t)take(in, 1) << 12),
		.end = 0x500000,
		.offset = (uint64_t)take(in, 1) << 12,
		.exec = take(in, 1) & 1,
	};
	size_t end = take_file(in, file, FILE_MAX);
	struct object *object = object_new(file_of_bytes(file, end), "name", NULL);
	int names = file_of_bytes(file, end);
	uint8_t build_id[BUILD_ID_MAX];
	const char *symbol;
	uint64_t bias = 0;

	must(object != NULL);
	must(object_bias(object, &mapping, &bias) <= 0);
	symbol = object_symbol(object, address);
	must(!symbol || strlen(symbol) <= FILE_MAX);
	must(object_lacks_names(object, build_id) <= BUILD_ID_MAX);
	object_add_names(object, names);
	symbol = object_symbol(object, address);
	must(!symbol || strlen(symbol) <= FILE_MAX);
	close(names);
	object_free(object);
}

static void search_rest(struct input *in)
{
	static uint8_t file[FILE_MAX];
	struct code_piece function = {.start = take(in, 2), .size = take(in, 2)}, rest;
	size_t size = take_file(in, file, FILE_MAX);
	char *exact = malloc(size + 1); /* reading beyond it shows */
	Elf *elf;

	must(exact != NULL);
	memcpy(exact, file, size);
	elf_version(EV_CURRENT);
	elf = elf_memory(exact, size);
	if (elf && split_rest(elf, &function, &rest))
		must(rest.size && rest.start != function.start);
	elf_end(elf);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint64_t which = take(&in, 1);

	if (which & 1)
		evaluate(&in);
	else if (which & 2)
		search_rest(&in);
	else
		look_into(&in);
	return 0;
}
