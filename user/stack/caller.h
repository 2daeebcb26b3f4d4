/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who made a call, of its stack and its record: a struct caller.
 *
 * Owns: what a code object's first local variable is worth, and what tells one activation of a
 * function from another. Pure. Never: guesses: what is not known for sure is not told.
 */
#ifndef FDTRACE_STACK_CALLER_H
#define FDTRACE_STACK_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record.h"
#include "fd/caller.h"
#include "python/code.h"

/* What all calls of a stack have in common. */
struct caller_frames {
	struct caller caller;	   /* no addresses, no locals */
	uint8_t at[CALLER_FRAMES]; /* each frame's index in the stack record; CALLER_FRAMES: it is
				      of compiled code, and not in the record */
};

/*
 * Of the frames of a stack record of process tgid, whose code objects came before it. Those that
 * have not begun to run are left out, as tracebacks do. whole: these are all frames.
 */
void caller_find(const struct code_cache *codes, uint32_t tgid, const struct record_frame *frames,
		 size_t depth, bool whole, struct caller_frames *ret);

/* One valid call of them. */
void caller_fill(const struct caller_frames *known, const struct record_call *call,
		 struct caller *ret);

#endif
