/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Who made a call, as its innermost Python frames tell: which functions, and on which objects.
 *
 * A method's first local variable is the object that it is called on, its receiver. An object that
 * opened a number and calls close() on it again means what it opened, however many generations the
 * number has had since.
 *
 * Owns: the form in which a call's frames reach the verdicts. Never: resolves a stack, reads
 * memory. All numbers are those of the traced process and mean nothing outside of its program.
 */
#ifndef FDTRACE_FD_CALLER_H
#define FDTRACE_FD_CALLER_H

#include <stdbool.h>
#include <stdint.h>

/* Frames of a call that are told of, and of these, whose first local. */
#define CALLER_FRAMES 4
#define CALLER_LOCALS 2

/* What a frame's first local is, by the type that it had when its code object was first seen. */
enum local_kind {
	LOCAL_UNKNOWN, /* the function takes no argument, or this was not readable */
	LOCAL_PLAIN,   /* int, bool, str, bytes: the function helps whoever called it */
	LOCAL_COMMON,  /* None, float, tuple, class, module, function: the same for many callers */
	LOCAL_OBJECT,  /* any other object: it tells who called */
};

/*
 * What a function is, by its qualified name, which code has from CPython 3.11 on; before, as far as
 * its name and its arguments tell.
 */
enum code_role {
	ROLE_UNKNOWN,  /* not known; or it is defined within another function */
	ROLE_FUNCTION, /* a module's; or the module itself */
	ROLE_METHOD,   /* a class's */
};

struct caller_frame {
	uint64_t code;	  /* which code object; 0: not known */
	uint64_t outer;	  /* which code objects at which instructions stand outside of it; 0: not
			     known */
	uint64_t address; /* of the frame; 0: not known */
	uint64_t local;	  /* address of the first local; 0: not known */
	uint64_t type;	  /* LOCAL_OBJECT: address of the type of the code's first local, as seen
			     first; it is part of who the object is, as addresses are reused */
	uint8_t kind;	  /* enum local_kind */
	uint8_t role;	  /* enum code_role */
	bool closes;	  /* by its name it is there to close what its object has */
	bool alone;	  /* nobody can give it a number: its object is its only argument */
	bool generator;	  /* a generator, coroutine or asynchronous generator: called from many
			     places */
};

/* Innermost frame first. count 0: nothing is known of the caller. */
struct caller {
	unsigned int count;
	struct caller_frame frames[CALLER_FRAMES];
};

#endif
