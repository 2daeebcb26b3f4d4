/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <lzma.h>

#include "base/mem.h"
#include "native/split.h"

/* Of a name, what is kept: C++ writes long ones. */
#define NAME_MAX_BYTES 512
/* .gnu_debugdata unpacked: that of Debian's largest libraries has a few MiB. */
#define UNPACKED_MAX   (64u << 20)
/* Symbols before an address that may hold it though others begin in between. */
#define LOOK_BACK      64

struct symbol {
	uint64_t start;
	uint64_t size;
	char *name;
	bool local;
};

static int add_symbol(struct symbols *symbols, const struct code_piece *piece, bool local,
		      const char *name)
{
	struct symbol *symbol;

	if (mem_grow(&symbols->all, &symbols->room, symbols->count + 1, sizeof(*symbols->all)))
		return -ENOMEM;
	symbol = &symbols->all[symbols->count];
	symbol->name = strndup(name, NAME_MAX_BYTES);
	if (!symbol->name)
		return -ENOMEM;
	symbol->start = piece->start;
	symbol->size = piece->size;
	symbol->local = local;
	symbols->count++;
	return 0;
}

/* Whose extent is not known could be any code behind it: it names nothing. */
static bool is_function_symbol(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_size &&
	       sym->st_shndx != SHN_UNDEF && sym->st_value <= UINT64_MAX - sym->st_size;
}

static int add_table(struct symbols *symbols, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 1; data && i < count && i < SYMBOLS_MAX; i++) {
		struct code_piece piece;
		const char *name;
		GElf_Sym sym;
		int err;

		if (symbols->count >= SYMBOLS_MAX || !gelf_getsym(data, i, &sym))
			break;
		if (!is_function_symbol(&sym))
			continue;
		name = elf_strptr(elf, header->sh_link, sym.st_name);
		if (!name || !*name)
			continue;
		piece = (struct code_piece){sym.st_value, sym.st_size};
		err = add_symbol(symbols, &piece, GELF_ST_BIND(sym.st_info) == STB_LOCAL, name);
		if (err)
			return err;
	}
	return 0;
}

/* Every table of one type. *ret_any: there is one. */
static int add_tables(struct symbols *symbols, Elf *elf, uint32_t type, bool *ret_any)
{
	Elf_Scn *section = NULL;
	int err = 0;

	*ret_any = false;
	while (!err && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || header.sh_type != type)
			continue;
		*ret_any = true;
		err = add_table(symbols, elf, section, &header);
	}
	return err;
}

static Elf_Data *find_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *name;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && !strcmp(name, wanted))
			return elf_getdata(section, NULL);
	}
	return NULL;
}

/* What .gnu_debugdata holds: an ELF file packed by xz. NULL: none that can be unpacked. */
static uint8_t *unpack_debugdata(const Elf_Data *data, size_t *ret_size)
{
	_cleanup_free_ uint8_t *out = NULL;
	uint64_t memory = UNPACKED_MAX;
	size_t in_at = 0, out_at = 0, room = data->d_size * 8 + 65536;

	if (room > UNPACKED_MAX)
		room = UNPACKED_MAX;
	for (;; room = room * 2 < UNPACKED_MAX ? room * 2 : UNPACKED_MAX) {
		lzma_ret err;

		free(out);
		out = malloc(room);
		if (!out)
			return NULL;
		in_at = out_at = 0;
		err = lzma_stream_buffer_decode(&memory, 0, NULL, data->d_buf, &in_at, data->d_size,
						out, &out_at, room);
		if (err == LZMA_OK)
			break;
		if (err != LZMA_BUF_ERROR || room == UNPACKED_MAX)
			return NULL;
	}
	*ret_size = out_at;
	return TAKE_PTR(out);
}

/* Fedora and others ship the local names of stripped files so. */
static int add_debugdata(struct symbols *symbols, Elf *elf)
{
	Elf_Data *data = find_section(elf, ".gnu_debugdata");
	_cleanup_free_ uint8_t *unpacked = NULL;
	size_t size = 0;
	bool any;
	Elf *inner;
	int err;

	if (!data || !data->d_buf || data->d_size > UNPACKED_MAX)
		return 0;
	unpacked = unpack_debugdata(data, &size);
	inner = unpacked ? elf_memory((char *)unpacked, size) : NULL;
	if (!inner)
		return 0;
	err = add_tables(symbols, inner, SHT_SYMTAB, &any);
	elf_end(inner);
	return err;
}

int symbols_add(struct symbols *symbols, Elf *elf, bool *ret_whole)
{
	bool dynamic;
	int err = add_tables(symbols, elf, SHT_SYMTAB, ret_whole);

	if (!err && !*ret_whole)
		err = add_tables(symbols, elf, SHT_DYNSYM, &dynamic);
	if (!err && !*ret_whole)
		err = add_debugdata(symbols, elf);
	return err;
}

static const struct symbol *find_named(const struct symbols *symbols, const char *name)
{
	for (size_t i = 0; i < symbols->count; i++)
		if (!strcmp(symbols->all[i].name, name))
			return &symbols->all[i];
	return NULL;
}

static bool any_begins_in(const struct symbols *symbols, const struct code_piece *piece)
{
	for (size_t i = 0; i < symbols->count; i++)
		if (symbols->all[i].start - piece->start < piece->size)
			return true;
	return false;
}

int symbols_add_rest(struct symbols *symbols, Elf *elf, const char *name)
{
	const struct symbol *symbol = find_named(symbols, name);
	struct code_piece function, rest;
	char rest_name[64];

	if (!symbol)
		return 0;
	function = (struct code_piece){symbol->start, symbol->size};
	if (!split_rest(elf, &function, &rest) || any_begins_in(symbols, &rest))
		return 0;
	snprintf(rest_name, sizeof(rest_name), "%s.cold", name);
	return add_symbol(symbols, &rest, true, rest_name);
}

static int underscores(const char *name)
{
	return strspn(name, "_");
}

/* Of names for the same code the one that people know best: close, not __close or __GI___close. */
static int by_preference(const struct symbol *a, const struct symbol *b)
{
	size_t length_a = strlen(a->name), length_b = strlen(b->name);

	if (a->local != b->local)
		return a->local - b->local;
	if (underscores(a->name) != underscores(b->name))
		return underscores(a->name) - underscores(b->name);
	if (length_a != length_b)
		return length_a < length_b ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int by_address(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return by_preference(a, b);
}

void symbols_sort(struct symbols *symbols)
{
	if (symbols->count)
		qsort(symbols->all, symbols->count, sizeof(*symbols->all), by_address);
}

const char *symbols_find(const struct symbols *symbols, uint64_t address)
{
	const struct symbol *best = NULL;
	size_t low = 0, high = symbols->count;

	while (low < high) { /* the first that begins beyond */
		size_t middle = low + (high - low) / 2;

		if (symbols->all[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t back = 0; back < LOOK_BACK && back < low; back++) {
		const struct symbol *symbol = &symbols->all[low - 1 - back];

		if (best && symbol->start != best->start)
			break;
		if (address - symbol->start < symbol->size)
			best = symbol; /* of the same start the one sorted first */
	}
	return best ? best->name : NULL;
}

void symbols_free(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->count; i++)
		free(symbols->all[i].name);
	free(symbols->all);
	*symbols = (struct symbols){0};
}
