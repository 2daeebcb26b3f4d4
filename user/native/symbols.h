/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The names of an ELF file's functions.
 *
 * Owns: the tables .symtab and .dynsym, those inside .gnu_debugdata, and which of several names of
 * one function is given. Pure, but for reading through libelf. The file is hostile: bounded.
 * Never: names an address by a function that does not hold it.
 */
#ifndef FDTRACE_NATIVE_SYMBOLS_H
#define FDTRACE_NATIVE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

/* Functions of one file that are looked at. */
#define SYMBOLS_MAX (2u << 20)

struct symbol;

struct symbols {
	struct symbol *all; /* by address, once sorted */
	size_t count;
	size_t room;
};

/*
 * Adds the functions of .symtab, or where there is none of .dynsym and .gnu_debugdata. *ret_whole:
 * there was a .symtab. 0, -ENOMEM; what cannot be read is left out.
 */
int symbols_add(struct symbols *symbols, Elf *elf, bool *ret_whole);

/*
 * Adds the rest of the function of this name, as NAME.cold, where its file has split it and has no
 * name for that. Before symbols_sort(). 0 or -ENOMEM.
 */
int symbols_add_rest(struct symbols *symbols, Elf *elf, const char *name);

/* Once all have been added. */
void symbols_sort(struct symbols *symbols);

/* The function that holds an address (as the file counts); NULL: none is known. Lent. */
const char *symbols_find(const struct symbols *symbols, uint64_t address);

void symbols_free(struct symbols *symbols);

#endif
