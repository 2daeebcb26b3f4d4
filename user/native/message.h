/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What fdtrace and its unwinding helper say to each other: one message a packet.
 *
 * Owns: the byte layout. Both are the same binary. The answer to an unwind_request is a
 * record_native_stack, whose header, hash, nr and cpu say nothing.
 */
#ifndef FDTRACE_NATIVE_MESSAGE_H
#define FDTRACE_NATIVE_MESSAGE_H

#include <stdint.h>

#include "record.h"

/* Modules of one process. */
#define MESSAGE_MODULES_MAX 512
#define MESSAGE_NAME_MAX    128

enum message_kind {
	MESSAGE_FILE = 1,
	MESSAGE_UNWIND = 2,
};

/* A file comes with it, as a descriptor. No answer. */
struct message_file {
	uint32_t kind;
	uint32_t id; /* from 0, each once, in order */
	char name[MESSAGE_NAME_MAX];
};

struct message_module {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint32_t file; /* id */
	uint32_t exec; /* see struct object_mapping */
};

/* Then modules, and bytes of stack. */
struct message_unwind {
	uint32_t kind;
	uint32_t modules;
	uint32_t bytes;
	uint32_t unused;
	uint64_t sp;
	uint64_t regs[RECORD_REGS];
	struct message_module module[];
};

#define MESSAGE_MAX                                                                            \
	(sizeof(struct message_unwind) + MESSAGE_MODULES_MAX * sizeof(struct message_module) + \
	 RECORD_STACK_MAX)

#endif
