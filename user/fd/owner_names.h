/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What Python calls the types of objects that own descriptors, by process.
 *
 * Owns: these names, bounded: the first to come is the first to be forgotten. Never: looks at them;
 * they are the process's own, any bytes.
 */
#ifndef FDTRACE_FD_OWNER_NAMES_H
#define FDTRACE_FD_OWNER_NAMES_H

#include <uthash.h>

#include "abi/record.h"

struct owner_type_name;

struct owner_names {
	struct owner_type_name *index;
};

/* A type in a process is called so from now on. 0 or -ENOMEM. */
int owner_names_add(struct owner_names *names, const struct record_owner_type *record);
/* Its name, lent until the next call of owner_names_add(); "": not known. */
const char *owner_names_find(const struct owner_names *names, uint32_t tgid, uint64_t type);
void owner_names_free(struct owner_names *names);

#endif
