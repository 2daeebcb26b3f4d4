/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A code object in a process that lies. The input: which version, an offset in its line table, then
 * {offset, value}, which a true one's memory is changed by.
 */
#include "fuzz.h"

#include "../unit/made_code.h"
#include "python/layout.h"
#include "python/reread.h"

static void check(const struct record_code *code)
{
	must(!reread_wanted(code) && !code->no_code);
	must(code->file_bytes <= RECORD_CODE_FILE_MAX && code->name_bytes <= RECORD_CODE_NAME_MAX);
	must(code->table_bytes <= RECORD_TABLE_CHUNK && code->table_bytes <= code->table_total);
	must(code->file_bytes % code->file_width == 0 && code->name_bytes % code->name_width == 0);
	must(code->file_bytes / code->file_width <= code->file_chars);
	must(code->name_bytes / code->name_width <= code->name_chars);
	must(code->h.size ==
	     sizeof(*code) + code->file_bytes + code->name_bytes + code->table_bytes);
}

static void check_piece(const struct record_code_table *piece, uint32_t offset)
{
	must(piece->bytes && piece->bytes <= RECORD_TABLE_CHUNK && piece->offset == offset);
	must(piece->h.size == sizeof(*piece) + piece->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct memory memory;
	struct input in = {data, size};
	const struct py_layout *layout = python_layout(0x0306 + take(&in, 1) % 10, false);
	const struct record_code record = {.code = CODE_AT, .version = layout->version};
	const struct record_code_table from = {.code = CODE_AT};
	const uint32_t offset = take(&in, 2);
	struct record_code_table *piece;
	struct record_code *code;

	memset(&memory, 0, sizeof(memory));
	made_code(&memory, layout, 1, 0);
	made_str(&memory, layout, FILE_AT, "/srv/app.py", 11, 1, true);
	made_str(&memory, layout, NAME_AT, "C.run", 5, 1, true);
	made_bytes(&memory, layout, TABLE_AT, "\x80\x01\x02", 3);
	while (in.left) {
		uint64_t at = MEMORY_AT + take(&in, 2) * 4 % (sizeof(memory.bytes) - 8);
		uint64_t value = take(&in, 8);

		memory_put(&memory, at, &value, sizeof(value));
	}
	code = reread_code(&record, layout, TYPE, memory_read, &memory);
	if (code)
		check(code);
	free(code);
	piece = reread_table(&from, offset, layout, TYPE, memory_read, &memory);
	if (piece)
		check_piece(piece, offset);
	free(piece);
	return 0;
}
