/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Stack ids to frames to file, function, line.
 *
 * Owns: the stacks that the kernel side has sent (bounded), and the code cache below them; with
 * them the native ones.
 * Pure: fed from records. Texts in a resolved stack are hostile: printers escape them.
 */
#ifndef FDTRACE_STACK_STACK_H
#define FDTRACE_STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record.h"
#include "fd/caller.h"
#include "stack/native.h"

struct stack_store;

struct stack_frame {
	const char *function; /* never NULL: "?" where it could not be read */
	const char *file;     /* never NULL: "?" */
	int line;	      /* > 0; 0: this instruction has no line; -1: not known */
	int firstlineno;      /* of the function */
	bool compiled;	      /* by Nuitka */
	uint16_t at;	      /* which frame of the stack's record it is */
	uint64_t receiver;    /* address of the object that it was called on; 0: not asked, or not
				 known */
};

/* A resolved stack, innermost frame first. The caller frees it with stack_free. */
struct stack {
	enum python_status status;
	bool lost; /* the call had a stack, but its records were lost: no frames here */
	/* Calls of the evaluation loop that these frames are of, from the innermost on: see merge.h
	 */
	size_t loops;
	uint16_t *loop_of;	     /* of each frame: which; NULL: no frames */
	struct native_stack *native; /* NULL: not asked for */
	/* Whose lines of files these frames may show; NULL: not known. Lent by the store, until the
	 * next record. */
	const struct record_rights *rights;
	size_t count;
	struct stack_frame frames[];
};

/*
 * Told of each stack (a native one's hash) that was dropped to make room, so that it can be sent
 * again. 0: so must be all stacks and code objects, for some that they share were dropped.
 */
typedef void (*stack_forget_fn)(void *arg, uint64_t stack_id);

/* 0 each: the default. What is the oldest goes first. */
struct stack_limits {
	size_t stacks;	     /* Python stacks kept at once (65536) */
	size_t stack_bytes;  /* that they may take (16 MiB) */
	size_t native_bytes; /* that native stacks may (8 MiB) */
	size_t code_bytes;   /* that code objects may (40 MiB) */
};

/* How many have gone for want of room. */
struct stack_counts {
	uint64_t stacks; /* native ones too */
	uint64_t codes;
};

/* forget may be NULL. 0 or -ENOMEM. */
int stack_store_new(const struct stack_limits *limits, stack_forget_fn forget, void *arg,
		    struct stack_store **ret_store);
void stack_store_forgotten(const struct stack_store *store, struct stack_counts *ret);
void stack_store_free(struct stack_store *store);

/* A RECORD_STACK, _RIGHTS, _CODE, _CODE_TABLE or _NATIVE_STACK. 0, -EINVAL, -ENOMEM. */
int stack_store_record(struct stack_store *store, const struct record_header *record);

/*
 * The stack of a call. stack_id 0: an empty one with that status.
 * NULL only without memory.
 */
struct stack *stack_resolve(struct stack_store *store, uint64_t stack_id,
			    enum python_status status);

/* Adds a call's native stack, if one was asked for. 0 or -ENOMEM. */
int stack_add_native(struct stack_store *store, struct stack *stack, enum native_taken taken,
		     uint64_t native_id);
void stack_free(struct stack *stack);

/* Who made a valid call, by its stack. Nothing is told where the frames may be another's. */
void stack_caller(const struct stack_store *store, const struct record_call *call,
		  struct caller *ret);

/* Adds to the stack of a call whom its frames were called on. */
void stack_add_receivers(const struct stack_store *store, const struct record_call *call,
			 struct stack *stack);

/* Whether the frame is one of Python's own library (third-party packages are not). */
bool stack_frame_is_library(const struct stack_frame *frame);

/* The innermost frame outside Python's library, else the innermost one; NULL: no frames. */
const struct stack_frame *stack_user_frame(const struct stack *stack);

#endif
