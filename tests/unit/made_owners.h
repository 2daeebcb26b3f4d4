/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Type objects and descriptor owners as CPython lays them out, made by hand: in memory whose
 * addresses are given, with a GIL and without.
 */
#ifndef FDTRACE_MADE_OWNERS_H
#define FDTRACE_MADE_OWNERS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/owner_layout.h"

#define READY	       (1ull << 12)
#define TYPE_SUBCLASS  (1ull << 31)
#define CLOSEFD	       (1 << 6)
#define MADE_TYPE_SIZE 512

/* A class; what is 0 is left out. */
struct made_type {
	uint64_t type; /* its ob_type */
	uint64_t name; /* where its name is */
	uint64_t base;
	uint64_t basicsize; /* 0: 100 */
	uint64_t flags;	    /* 0: it is ready */
};

static inline void put_word(void *object, size_t at, uint64_t word)
{
	memcpy((char *)object + at, &word, sizeof(word));
}

/* head: OBJECT_HEAD or OBJECT_HEAD_FREE. */
static inline void make_type(void *object, size_t head, const struct made_type *made)
{
	size_t shift = head - OBJECT_HEAD;

	put_word(object, 0, 1);
	put_word(object, head - 8, made->type);
	put_word(object, 24 + shift, made->name);
	put_word(object, 32 + shift, made->basicsize ? made->basicsize : 100);
	put_word(object, 168 + shift, made->flags ? made->flags : READY);
	put_word(object, 256 + shift, made->base);
}

/* An owner with one reference. What follows the number: a FileIO's bits, a socket's family. */
static inline void make_owner(void *object, size_t head, uint64_t type, int32_t fd, uint32_t behind)
{
	memset(object, 0, head + 8);
	put_word(object, head == OBJECT_HEAD ? 0 : 8, head == OBJECT_HEAD ? 1 : 1ull << 32);
	put_word(object, head - 8, type);
	put_word(object, head, (uint32_t)fd | (uint64_t)behind << 32);
}

#endif
