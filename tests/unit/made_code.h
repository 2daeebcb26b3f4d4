/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A code object with its names and line table, as a CPython of any version has it in its memory. */
#ifndef FDTRACE_TESTS_MADE_CODE_H
#define FDTRACE_TESTS_MADE_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/py_layout.h"

#define CODE_AT	  0x10000u
#define FILE_AT	  0x11000u
#define NAME_AT	  0x13000u
#define TABLE_AT  0x15000u
#define MEMORY_AT CODE_AT
#define TYPE	  0x7f0000001000u

struct memory {
	uint8_t bytes[0x28000];
	uint64_t gone; /* an address that cannot be read; 0: none */
};

static inline void memory_put(struct memory *m, uint64_t at, const void *from, size_t size)
{
	memcpy(m->bytes + (at - MEMORY_AT), from, size);
}

/* A reread_read_fn. */
static inline bool memory_read(void *arg, uint64_t at, void *to, size_t size)
{
	const struct memory *m = arg;

	if (at < MEMORY_AT || size > sizeof(m->bytes) || at - MEMORY_AT > sizeof(m->bytes) - size)
		return false;
	if (m->gone && m->gone >= at && m->gone < at + size)
		return false;
	memcpy(to, m->bytes + (at - MEMORY_AT), size);
	return true;
}

/* A str of so many characters of width bytes each; ascii only where they are. */
static inline void made_str(struct memory *m, const struct py_layout *l, uint64_t at,
			    const void *data, uint64_t chars, unsigned int width, bool ascii)
{
	uint32_t state = 1u << l->str_compact_bit | (uint32_t)ascii << l->str_ascii_bit |
			 width << l->str_kind_shift;

	memory_put(m, at + l->str_length, &chars, sizeof(chars));
	memory_put(m, at + l->str_state, &state, sizeof(state));
	memory_put(m, at + (ascii ? l->str_ascii : l->str_data), data, chars * width);
}

static inline void made_bytes(struct memory *m, const struct py_layout *l, uint64_t at,
			      const void *data, uint64_t size)
{
	memory_put(m, at + l->bytes_size, &size, sizeof(size));
	memory_put(m, at + l->bytes_data, data, size);
}

/* Refers to what is to be put at FILE_AT, NAME_AT and TABLE_AT. */
static inline void made_code(struct memory *m, const struct py_layout *l, int32_t line,
			     int32_t traceable)
{
	const uint64_t type = TYPE, file = FILE_AT, name = NAME_AT, table = TABLE_AT;

	memory_put(m, CODE_AT + l->ob_type, &type, sizeof(type));
	memory_put(m, CODE_AT + l->code_filename, &file, sizeof(file));
	memory_put(m, CODE_AT + l->code_name, &name, sizeof(name));
	memory_put(m, CODE_AT + l->code_table, &table, sizeof(table));
	memory_put(m, CODE_AT + l->code_firstlineno, &line, sizeof(line));
	if (l->code_firsttraceable != LAYOUT_NONE)
		memory_put(m, CODE_AT + l->code_firsttraceable, &traceable, sizeof(traceable));
}

#endif
