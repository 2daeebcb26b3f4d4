/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which type objects of a process are those of descriptor owners: _io.FileIO, _socket.socket,
 * select.epoll, static or not, of every subinterpreter, and all classes derived from them?
 *
 * Owns: a table of the type objects that were offered, and the chains of tp_base in it. Never:
 * searches memory; trusts what it is offered, which the process may have made up: chains are
 * followed for a few steps, and the table has a bound.
 */
#ifndef FDTRACE_PYTHON_OWNER_TYPES_H
#define FDTRACE_PYTHON_OWNER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/owner_layout.h"

struct owner_types;

/* All of size bytes of the process's memory at address. */
typedef bool (*owner_read_fn)(void *arg, uint64_t address, void *buf, size_t size);

/* A type whose objects own descriptors. */
struct owner_type_found {
	uint64_t address;
	uint64_t name; /* address of tp_name */
	enum owner_type kind;
};

/* What owner_types_offer() needs of a type object in builds with or without a GIL. */
#define OWNER_TYPE_SIZE (264 + OBJECT_HEAD_FREE - OBJECT_HEAD)

/* More than so many owners' types are not told. */
#define OWNER_TYPES_FOUND_MAX 1024

/*
 * type_type: the address of PyType_Type. ob_type: where an object has its type (8, or 24 without a
 * GIL). max: so many type objects are kept. NULL without memory.
 */
struct owner_types *owner_types_new(uint64_t type_type, unsigned int ob_type, uint32_t max,
				    owner_read_fn read, void *arg);
void owner_types_free(struct owner_types *types);

/* Where a type object has the address of its base. */
unsigned int owner_types_base_at(const struct owner_types *types);

/*
 * There may be a type object at this address, with these bytes. Its type may be PyType_Type or one
 * derived from that (a metaclass). 0: looked at; -ENOSPC: the table is full; -ENOMEM.
 */
int owner_types_offer(struct owner_types *types, uint64_t address,
		      const uint8_t bytes[OWNER_TYPE_SIZE]);

/*
 * The owners' types among all that were offered so far, in the order of their finding: once told,
 * one keeps its place. Lent until the next call.
 */
const struct owner_type_found *owner_types_found(struct owner_types *types, size_t *ret_count);

/* How many type objects it keeps. */
uint32_t owner_types_count(const struct owner_types *types);

#endif
