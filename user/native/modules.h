/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which files lie where in which process.
 *
 * Owns: these lists (bounded), as mappings come, processes fork, exec and end. Pure data.
 */
#ifndef FDTRACE_NATIVE_MODULES_H
#define FDTRACE_NATIVE_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "native/message.h"

struct module_table;

/* NULL without memory. */
struct module_table *modules_new(void);
void modules_free(struct module_table *table);

/* What lay there before lies there no more. 0, -ENOMEM, -ENOSPC: MESSAGE_MODULES_MAX. */
int modules_add(struct module_table *table, uint32_t pid, const struct message_module *module);

/* The modules of a process; *ret_count 0: none are known. Lent until the table changes. */
const struct message_module *modules_of(const struct module_table *table, uint32_t pid,
					size_t *ret_count);

/* fork: the child has what its parent has. 0 or -ENOMEM. */
int modules_copy(struct module_table *table, uint32_t parent, uint32_t child);

/* exit, exec. */
void modules_drop(struct module_table *table, uint32_t pid);
void modules_drop_all(struct module_table *table);

#endif
