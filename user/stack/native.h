/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Native stacks by their number.
 *
 * Owns: those that records told of (bounded: the oldest goes first). Pure. Names come from files of
 * the traced process: printers escape them.
 */
#ifndef FDTRACE_STACK_NATIVE_H
#define FDTRACE_STACK_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record_user.h"

struct native_frame {
	const char *symbol; /* the function; NULL: not known */
	const char *module; /* base name of its file; NULL: in none that is known */
	uint64_t address;   /* as the file counts; without a module: in the process */
};

/* Innermost frame first. One block of memory. */
struct native_stack {
	enum native_taken taken; /* unless NATIVE_TAKEN: no frames */
	bool lost;		 /* taken, but its records were lost: no frames here */
	enum native_end end;
	size_t count;
	struct native_frame frames[];
};

struct native_store;

/* Told of the hash of each that was dropped to make room. */
typedef void (*native_forget_fn)(void *arg, uint64_t hash);

/*
 * max: kept at once (0: 16384); bytes: that they may take (0: 8 MiB). The oldest go first. 0 or
 * -ENOMEM.
 */
int native_store_new(size_t max, size_t bytes, native_forget_fn forget, void *arg,
		     struct native_store **ret_store);
/* How many have gone for want of room. */
uint64_t native_store_forgotten(const struct native_store *store);
void native_store_free(struct native_store *store);

/* The caller answers for its being valid. 0 or -ENOMEM. */
int native_store_add(struct native_store *store, const struct record_native_stack *record);

/* Of a call whose record says so. The caller frees it with free(). NULL only without memory. */
struct native_stack *native_resolve(const struct native_store *store, enum native_taken taken,
				    uint64_t id);

#endif
