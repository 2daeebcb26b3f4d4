/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Stacks made by hand, with their code objects, and who made a call by them. For tests of
 * stack/caller.h.
 */
#ifndef FDTRACE_TESTS_MADE_STACK_H
#define FDTRACE_TESTS_MADE_STACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/records.h"
#include "stack/stack.h"

#define TGID	  7
#define STACK	  99
#define TYPE	  0x555500001000u
#define FRAME(i)  (0x7f0000000000u + 0x100 * (i))
#define LOCAL(i)  (0x7f1000000000u + 0x100 * (i))
#define VERSION	  0x030b
#define BEGUN	  8 /* bytes: where a function's own code begins */
#define HEAP	  (1u << 9)
#define LONG	  (1u << 24)
#define TUPLE	  (1u << 26)
#define BYTES	  (1u << 27)
#define TEXT	  (1u << 28)
#define CLASS	  (1u << 31)
#define OPTIMIZED 1
#define VARARGS	  4
#define KEYWORDS  8
#define GENERATOR 0x20
#define COROUTINE 0x80
#define ASYNC	  0x200

/* A method of a class. */
static const struct record_first_local method = {
	.type = TYPE,
	.type_flags = HEAP,
	.arguments = 1,
	.type_name = "Upload",
};

struct made {
	struct stack_store *store;
	struct record_frame frames[8];
	size_t depth;
};

static inline void made_begin(struct made *m)
{
	memset(m, 0, sizeof(*m));
	assert_int_equal(stack_store_new(&(struct stack_limits){0}, NULL, NULL, &m->store), 0);
}

static inline void made_end(struct made *m)
{
	stack_store_free(m->store);
}

/* Its code object, which local may be NULL of, as in an older recording. */
static inline void send_code_of(struct made *m, unsigned int version, uint64_t code, uint64_t ident,
				const char *function, const struct record_first_local *local)
{
	size_t name = strlen(function), size = sizeof(struct record_code) + name + sizeof(*local);
	struct record_code *r = calloc(1, size);

	assert_non_null(r);
	r->h = (struct record_header){.size = size, .type = RECORD_CODE, .tgid = TGID};
	r->code = code;
	r->ident = ident;
	r->version = version;
	r->firsttraceable = BEGUN;
	r->name_bytes = r->name_chars = name;
	r->name_width = 1;
	memcpy(r->data, function, name);
	if (local) {
		r->first_local = 1;
		memcpy(r->data + name, local, sizeof(*local));
	}
	assert_true(record_valid(&r->h));
	assert_int_equal(stack_store_record(m->store, &r->h), 0);
	free(r);
}

static inline void send_code(struct made *m, uint64_t code, uint64_t ident, const char *function,
			     const struct record_first_local *local)
{
	send_code_of(m, VERSION, code, ident, function, local);
}

/* Records lie here with what stands behind them, as they travel: GNU C, which gcc takes silently.
 */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#endif

/* One frame further out. */
static inline void add_frame(struct made *m, uint64_t code, int32_t lasti)
{
	m->frames[m->depth++] = (struct record_frame){.code = code, .ident = 1, .lasti = lasti};
}

static inline void send_stack(struct made *m, uint64_t id, enum python_status status)
{
	struct {
		struct record_stack record;
		struct record_frame frames[8];
	} stack = {.record = {.stack_id = id, .depth = m->depth, .python = status}};

	stack.record.h = (struct record_header){
		.size = sizeof(stack.record) + m->depth * sizeof(stack.frames[0]),
		.type = RECORD_STACK,
		.tgid = TGID,
	};
	memcpy(stack.record.frames, m->frames, m->depth * sizeof(stack.frames[0]));
	assert_int_equal(stack_store_record(m->store, &stack.record.h), 0);
}

struct made_call {
	struct record_call record;
	struct record_caller caller;
};

/* With so many frames: their addresses, and the locals of the innermost. */
static inline struct made_call call_of(uint64_t stack, enum python_status status,
				       unsigned int depth)
{
	struct made_call call = {
		.record = {.h = {.size = sizeof(call), .type = RECORD_CALL, .tgid = TGID},
			   .table = 1,
			   .call = CALL_CLOSE,
			   .stack_id = stack,
			   .python = status,
			   .still_open = CALL_CALLER},
	};

	for (unsigned int i = 0; i < depth && i < RECORD_CALLER_FRAMES; i++)
		call.caller.frames[i] = FRAME(i);
	for (unsigned int i = 0; i < depth && i < RECORD_CALLER_LOCALS; i++)
		call.caller.locals[i] = LOCAL(i);
	assert_true(record_valid(&call.record.h));
	return call;
}

static inline struct caller caller_of(struct made *m)
{
	struct made_call call = call_of(STACK, PYTHON_COMPLETE, m->depth);
	struct caller caller;

	send_stack(m, STACK, PYTHON_COMPLETE);
	stack_caller(m->store, &call.record, &caller);
	return caller;
}

/* Of a function alone on its stack. */
static inline struct caller_frame frame_in(unsigned int version, const char *function,
					   const struct record_first_local *local)
{
	struct caller caller;
	struct made m;

	made_begin(&m);
	send_code_of(&m, version, 1, 1, function, local);
	add_frame(&m, 1, BEGUN);
	caller = caller_of(&m);
	made_end(&m);
	assert_int_equal(caller.count, 1);
	return caller.frames[0];
}

static inline struct caller_frame frame_of(const char *function,
					   const struct record_first_local *local)
{
	return frame_in(VERSION, function, local);
}

#endif
