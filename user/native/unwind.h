/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * From registers and a copy of the stack to frames.
 *
 * Owns: the unwinding, by what the mapped files say and by nothing else: where they say nothing it
 * ends, and says why. Never: guesses (frame pointers, a scan for addresses); reads the process.
 */
#ifndef FDTRACE_NATIVE_UNWIND_H
#define FDTRACE_NATIVE_UNWIND_H

#include "native/expression.h"
#include "native/object.h"
#include "abi/record_user.h"

struct unwind_module {
	struct object_mapping mapping;
	struct object *object; /* lent */
};

struct unwind_frame {
	uint64_t address;	     /* as the object's file counts; object NULL: in the process */
	const struct object *object; /* lent, as is symbol; NULL: the address is in none */
	const char *symbol;	     /* NULL: not known */
};

struct unwind_stack {
	size_t depth;
	struct unwind_frame frames[RECORD_NATIVES_MAX];
};

/*
 * regs: as the system call left them, all known. modules: of the process; what is not known of
 * their extent is filled in. The frames before the place where it ended are right in any case.
 */
enum native_end unwind(struct unwind_regs regs, const struct unwind_memory *memory,
		       struct unwind_module *modules, size_t count, struct unwind_stack *ret);

#endif
