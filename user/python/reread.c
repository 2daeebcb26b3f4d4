/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/reread.h"

#include <stdlib.h>
#include <string.h>

#include "base/records.h"

/* As bpf/send_once.bpf.h bounds what it sends: longer tables are cut. */
#define TABLE_MAX (64 * RECORD_TABLE_CHUNK)

struct reader {
	reread_read_fn read;
	void *arg;
	const struct py_layout *layout;
};

struct text {
	uint32_t bytes, chars;
	uint8_t width, ascii;
};

bool reread_wanted(const struct record_code *record)
{
	return !record->no_code &&
	       (!record->file_width || !record->name_width || record->table_missing);
}

static bool get(const struct reader *r, uint64_t address, void *buf, size_t size)
{
	return r->read(r->arg, address, buf, size);
}

/* A str's characters as they lie there, up to max bytes. */
static bool get_text(const struct reader *r, uint64_t from, uint8_t *to, uint32_t max,
		     struct text *ret)
{
	const struct py_layout *l = r->layout;
	uint64_t length, bytes;
	uint32_t state;

	if (!get(r, from + l->str_length, &length, sizeof(length)) ||
	    !get(r, from + l->str_state, &state, sizeof(state)) ||
	    !(state >> l->str_compact_bit & 1))
		return false;
	ret->ascii = state >> l->str_ascii_bit & 1;
	ret->width = state >> l->str_kind_shift & l->str_kind_mask;
	if (ret->width != 1 && ret->width != 2 && ret->width != 4)
		return false;
	ret->chars = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
	bytes = (uint64_t)ret->chars * ret->width;
	ret->bytes = bytes > max ? max : (uint32_t)bytes;
	return !ret->bytes ||
	       get(r, from + (ret->ascii ? l->str_ascii : l->str_data), to, ret->bytes);
}

static bool get_names(const struct reader *r, struct record_code *code)
{
	uint64_t file, name;
	struct text text;

	if (!get(r, code->code + r->layout->code_filename, &file, sizeof(file)) ||
	    !get(r, code->code + r->layout->code_name, &name, sizeof(name)) ||
	    !get_text(r, file, code->data, RECORD_CODE_FILE_MAX, &text))
		return false;
	code->file_bytes = text.bytes;
	code->file_chars = text.chars;
	code->file_width = text.width;
	code->name_ascii = text.ascii << 1;
	if (!get_text(r, name, code->data + code->file_bytes, RECORD_CODE_NAME_MAX, &text))
		return false;
	code->name_bytes = text.bytes;
	code->name_chars = text.chars;
	code->name_width = text.width;
	code->name_ascii |= text.ascii;
	return true;
}

static bool is_code_object(const struct reader *r, uint64_t code, uint64_t code_type)
{
	uint64_t type;

	return get(r, code + r->layout->ob_type, &type, sizeof(type)) && type == code_type;
}

/* Where a line table's bytes begin, and how many of them are looked at. */
static bool find_line_table(const struct reader *r, uint64_t code, uint64_t *ret_data,
			    uint32_t *ret_total)
{
	const struct py_layout *l = r->layout;
	uint64_t table, size;

	if (!get(r, code + l->code_table, &table, sizeof(table)) ||
	    !get(r, table + l->bytes_size, &size, sizeof(size)))
		return false;
	*ret_data = table + l->bytes_data;
	*ret_total = size > TABLE_MAX ? TABLE_MAX : (uint32_t)size;
	return true;
}

static bool get_lines(const struct reader *r, struct record_code *code)
{
	const struct py_layout *l = r->layout;
	uint64_t table;

	if (!get(r, code->code + l->code_firstlineno, &code->firstlineno,
		 sizeof(code->firstlineno)) ||
	    !find_line_table(r, code->code, &table, &code->table_total))
		return false;
	if (l->code_firsttraceable != LAYOUT_NONE) {
		if (!get(r, code->code + l->code_firsttraceable, &code->firsttraceable,
			 sizeof(code->firsttraceable)))
			return false;
		code->firsttraceable = (int32_t)((uint32_t)code->firsttraceable * 2);
	}
	code->table_missing = 0;
	code->table_bytes =
		code->table_total > RECORD_TABLE_CHUNK ? RECORD_TABLE_CHUNK : code->table_total;
	return get(r, table, code->data + code->file_bytes + code->name_bytes, code->table_bytes);
}

/* It is that of the moment when the code was first seen. */
static void keep_first_local(const struct record_code *record, struct record_code *code)
{
	struct record_first_local local;

	if (!record_code_first_local(record, &local))
		return;
	memcpy((char *)code + code->h.size, &local, sizeof(local));
	code->first_local = 1;
	code->h.size += sizeof(local);
}

struct record_code *reread_code(const struct record_code *record, const struct py_layout *layout,
				uint64_t code_type, reread_read_fn read, void *arg)
{
	const struct reader r = {.read = read, .arg = arg, .layout = layout};
	struct record_code *code =
		calloc(1, sizeof(*code) + RECORD_CODE_FILE_MAX + RECORD_CODE_NAME_MAX +
				  RECORD_TABLE_CHUNK + sizeof(struct record_first_local));

	if (!code)
		return NULL;
	code->h = record->h;
	code->code = record->code;
	code->ident = record->ident;
	code->version = record->version;
	if (layout->version != record->version || !is_code_object(&r, code->code, code_type) ||
	    !get_names(&r, code) || !get_lines(&r, code)) {
		free(code);
		return NULL;
	}
	code->h.size = sizeof(*code) + code->file_bytes + code->name_bytes + code->table_bytes;
	keep_first_local(record, code);
	return code;
}

struct record_code_table *reread_table(const struct record_code_table *from, uint32_t offset,
				       const struct py_layout *layout, uint64_t code_type,
				       reread_read_fn read, void *arg)
{
	const struct reader r = {.read = read, .arg = arg, .layout = layout};
	struct record_code_table *piece;
	uint64_t table;
	uint32_t total;

	if (!is_code_object(&r, from->code, code_type) ||
	    !find_line_table(&r, from->code, &table, &total) || offset >= total)
		return NULL;
	piece = calloc(1, sizeof(*piece) + RECORD_TABLE_CHUNK);
	if (!piece)
		return NULL;
	*piece = *from;
	piece->offset = offset;
	piece->bytes = total - offset > RECORD_TABLE_CHUNK ? RECORD_TABLE_CHUNK : total - offset;
	piece->h.size = sizeof(*piece) + piece->bytes;
	if (!get(&r, table + offset, piece->data, piece->bytes)) {
		free(piece);
		return NULL;
	}
	return piece;
}
