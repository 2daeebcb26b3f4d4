/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What fdtrace and its unwinding helper say to each other: one message a packet.
 *
 * Owns: the byte layout. Both are the same binary. The answer to a message_unwind is a
 * record_native_stack, of whose header only the size says something, and whose hash, nr and cpu say
 * nothing; or, where that may be, a message_lacking.
 */
#ifndef FDTRACE_NATIVE_MESSAGE_H
#define FDTRACE_NATIVE_MESSAGE_H

#include <stdint.h>

#include "native/object.h"
#include "abi/record.h"

/* Modules of one process. */
#define MESSAGE_MODULES_MAX 512
#define MESSAGE_NAME_MAX    128

enum message_kind {
	MESSAGE_FILE = 1,
	MESSAGE_UNWIND = 2,
	MESSAGE_NAMES = 3,
};

/* A file comes with it, as a descriptor. No answer. */
struct message_file {
	uint32_t kind;
	uint32_t id; /* from 0, each once, in order */
	char name[MESSAGE_NAME_MAX];
};

/* So does a separate file of the names of one of those. No answer. */
struct message_names {
	uint32_t kind;
	uint32_t id;
};

/*
 * A function of the stack has no name, and the file that it is in has no whole table of them. Said
 * once of each file. Told apart from a stack by a size that none has.
 */
struct message_lacking {
	uint32_t id;
	uint32_t bytes; /* of build_id */
	uint8_t build_id[BUILD_ID_MAX];
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
	uint32_t may_lack; /* the answer may be a message_lacking */
	uint64_t sp;
	uint64_t regs[RECORD_REGS];
	struct message_module module[];
};

#define MESSAGE_MAX                                                                            \
	(sizeof(struct message_unwind) + MESSAGE_MODULES_MAX * sizeof(struct message_module) + \
	 RECORD_STACK_MAX)

#endif
