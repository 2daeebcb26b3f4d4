/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who made a call, of records of it, its stack and its code objects. */
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

static void made_begin(struct made *m)
{
	memset(m, 0, sizeof(*m));
	assert_int_equal(stack_store_new(&(struct stack_limits){0}, NULL, NULL, &m->store), 0);
}

static void made_end(struct made *m)
{
	stack_store_free(m->store);
}

/* Its code object, which local may be NULL of, as in an older recording. */
static void send_code_of(struct made *m, unsigned int version, uint64_t code, uint64_t ident,
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

static void send_code(struct made *m, uint64_t code, uint64_t ident, const char *function,
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
static void add_frame(struct made *m, uint64_t code, int32_t lasti)
{
	m->frames[m->depth++] = (struct record_frame){.code = code, .ident = 1, .lasti = lasti};
}

static void send_stack(struct made *m, uint64_t id, enum python_status status)
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
static struct made_call call_of(uint64_t stack, enum python_status status, unsigned int depth)
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

static struct caller caller_of(struct made *m)
{
	struct made_call call = call_of(STACK, PYTHON_COMPLETE, m->depth);
	struct caller caller;

	send_stack(m, STACK, PYTHON_COMPLETE);
	stack_caller(m->store, &call.record, &caller);
	return caller;
}

/* Of a function alone on its stack. */
static struct caller_frame frame_in(unsigned int version, const char *function,
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

static struct caller_frame frame_of(const char *function, const struct record_first_local *local)
{
	return frame_in(VERSION, function, local);
}

static void test_roles(void **state)
{
	static const struct {
		unsigned int version;
		enum code_role role;
		bool closes;
		uint32_t type_flags, arguments;
		const char *function;
	} rows[] = {
		{0x030b, ROLE_METHOD, true, HEAP, 1, "Upload.close"},
		{0x030b, ROLE_METHOD, false, HEAP, 1, "Upload.release"},
		{0x030b, ROLE_METHOD, true, HEAP, 1, "Upload.Part.__exit__"},
		{0x030b, ROLE_FUNCTION, true, HEAP, 1, "close_it"},
		{0x030b, ROLE_FUNCTION, false, HEAP, 0, "<module>"},
		{0x030d, ROLE_UNKNOWN, true, HEAP, 1, "make.<locals>.close"},
		{0x0308, ROLE_METHOD, true, HEAP, 1, "_close"},
		{0x0308, ROLE_METHOD, true, HEAP, 1, "__del__"},
		{0x0308, ROLE_UNKNOWN, true, 0, 1, "close"},
		{0x0308, ROLE_UNKNOWN, false, HEAP, 1, "release"},
		{0x0308, ROLE_FUNCTION, false, HEAP, 0, "main"},
		{0x0308, ROLE_FUNCTION, false, HEAP, 0, "<module>"},
		{0x0308, ROLE_UNKNOWN, true, HEAP, 0, "close"},
		{0x0308, ROLE_UNKNOWN, false, HEAP, 0, "<lambda>"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_first_local local = {
			.type = TYPE,
			.type_flags = rows[i].type_flags,
			.arguments = rows[i].arguments,
		};
		struct caller_frame frame = frame_in(rows[i].version, rows[i].function, &local);

		if (frame.role != rows[i].role || frame.closes != rows[i].closes)
			fail_msg("%s in %x is %d", rows[i].function, rows[i].version, frame.role);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		enum local_kind kind;
		uint64_t type;
		uint32_t type_flags, arguments, code_flags;
		const char *type_name, *function;
		uint8_t cell;
	} rows[] = {
		{LOCAL_OBJECT, TYPE, HEAP, 1, 0, "Upload", "close", 0},
		{LOCAL_OBJECT, TYPE, 0, 2, 0, "_io.FileIO", "close", 0},
		{LOCAL_OBJECT, TYPE, 0, 3, VARARGS | KEYWORDS, "_io.FileIO", "close", 0},
		{LOCAL_OBJECT, TYPE, HEAP | TUPLE, 1, 0, "Record", "close", 0},
		{LOCAL_OBJECT, TYPE, HEAP, 1, 0, "function", "close", 0},
		{LOCAL_OBJECT, TYPE, HEAP, 1, GENERATOR, "Upload", "steps", 0},
		{LOCAL_PLAIN, TYPE, LONG, 1, 0, "int", "close", 0},
		{LOCAL_PLAIN, TYPE, LONG, 1, 0, "bool", "close", 0},
		{LOCAL_PLAIN, TYPE, HEAP | LONG, 1, 0, "Number", "close", 0},
		{LOCAL_PLAIN, TYPE, TEXT, 1, 0, "str", "close", 0},
		{LOCAL_PLAIN, TYPE, BYTES, 1, 0, "bytes", "close", 0},
		{LOCAL_PLAIN, TYPE, 0, 1, 0, "list_iterator", "C.close.<locals>.<listcomp>", 0},
		{LOCAL_PLAIN, TYPE, 0, 1, 0, "list_iterator", "<dictcomp>", 0},
		{LOCAL_PLAIN, TYPE, 0, 1, 0, "list_iterator", "<setcomp>", 0},
		{LOCAL_UNKNOWN, TYPE, 0, 1, GENERATOR, "list_iterator", "<genexpr>", 0},
		{LOCAL_UNKNOWN, TYPE, 0, 1, COROUTINE, "list_iterator", "<listcomp>", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "NoneType", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "float", "close", 0},
		{LOCAL_COMMON, TYPE, TUPLE, 1, 0, "tuple", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "module", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "function", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "builtin_functio", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "builtin_function", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "method", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, 0, "cell", "close", 0},
		{LOCAL_COMMON, TYPE, CLASS, 1, 0, "type", "close", 0},
		{LOCAL_COMMON, TYPE, HEAP | CLASS, 1, 0, "Meta", "close", 0},
		{LOCAL_COMMON, TYPE, TUPLE, 1, VARARGS, "tuple", "close", 0},
		{LOCAL_COMMON, TYPE, 0, 1, KEYWORDS, "dict", "close", 0},
		{LOCAL_UNKNOWN, TYPE, HEAP, 0, 0, "Upload", "close", 0},
		{LOCAL_UNKNOWN, TYPE, 0, 1, 0, "cell", "close", 1},
		{LOCAL_UNKNOWN, 0, 0, 1, 0, "", "close", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_first_local local = {
			.type = rows[i].type,
			.type_flags = rows[i].type_flags,
			.arguments = rows[i].arguments,
			.code_flags = rows[i].code_flags,
			.cell = rows[i].cell,
		};
		struct caller_frame frame;

		memcpy(local.type_name, rows[i].type_name,
		       strnlen(rows[i].type_name, sizeof(local.type_name)));
		frame = frame_of(rows[i].function, &local);
		if (frame.kind != rows[i].kind)
			fail_msg("%s of %s is %d", rows[i].function, rows[i].type_name, frame.kind);
		assert_int_equal(frame.type, frame.kind == LOCAL_OBJECT ? TYPE : 0);
		assert_int_equal(frame.generator,
				 (rows[i].code_flags & (GENERATOR | COROUTINE)) != 0);
	}
}

static void test_older_recordings(void **state)
{
	struct caller_frame frame = frame_of("close", NULL);
	struct made_call call = call_of(STACK, PYTHON_COMPLETE, 1);
	struct caller caller;
	struct made m;

	assert_int_equal(frame.kind, LOCAL_UNKNOWN);
	assert_int_equal(frame.outer, 0); /* it may be a generator */
	assert_true(frame.code != 0);

	made_begin(&m);
	send_code(&m, 1, 1, "close", &method);
	add_frame(&m, 1, BEGUN);
	send_stack(&m, STACK, PYTHON_COMPLETE);
	call.record.still_open = 0;
	stack_caller(m.store, &call.record, &caller);
	assert_int_equal(caller.count, 1);
	assert_int_equal(caller.frames[0].address, 0);
	assert_int_equal(caller.frames[0].local, 0);
	assert_int_equal(caller.frames[0].kind, LOCAL_UNKNOWN);
	made_end(&m);
}

/* Six functions, methods all, each called by the next. */
static void make_six(struct made *m)
{
	for (uint64_t code = 1; code <= 6; code++) {
		send_code(m, code, 1, "method", &method);
		add_frame(m, code, BEGUN + 2 * (int32_t)code);
	}
}

static void test_which_frames(void **state)
{
	struct caller caller;
	struct made m;

	made_begin(&m);
	make_six(&m);
	caller = caller_of(&m);
	assert_int_equal(caller.count, CALLER_FRAMES);
	for (unsigned int i = 0; i < CALLER_FRAMES; i++) {
		const struct caller_frame *frame = &caller.frames[i];

		assert_int_equal(frame->address, FRAME(i));
		assert_int_equal(frame->local, i < CALLER_LOCALS ? LOCAL(i) : 0);
		assert_int_equal(frame->kind, i < CALLER_LOCALS ? LOCAL_OBJECT : LOCAL_UNKNOWN);
		assert_int_equal(frame->type, i < CALLER_LOCALS ? TYPE : 0);
	}
	made_end(&m);
}

/* What has not begun to run is no caller, but the others' places stay. */
static void test_not_begun(void **state)
{
	struct caller caller;
	struct made m;

	made_begin(&m);
	make_six(&m);
	m.frames[1].lasti = 0;
	caller = caller_of(&m);
	assert_int_equal(caller.count, 3);
	assert_int_equal(caller.frames[0].local, LOCAL(0));
	assert_int_equal(caller.frames[1].address, FRAME(2));
	assert_int_equal(caller.frames[1].kind, LOCAL_UNKNOWN);
	assert_int_equal(caller.frames[2].address, FRAME(3));
	made_end(&m);
}

static void test_no_local(void **state)
{
	struct made_call call = call_of(STACK, PYTHON_COMPLETE, 1);
	struct caller caller;
	struct made m;

	made_begin(&m);
	send_code(&m, 1, 1, "close", &method);
	add_frame(&m, 1, BEGUN);
	send_stack(&m, STACK, PYTHON_COMPLETE);
	call.caller.locals[0] = 0; /* deleted; up to 3.10 it lies in a cell */
	stack_caller(m.store, &call.record, &caller);
	assert_int_equal(caller.frames[0].kind, LOCAL_UNKNOWN);
	assert_int_equal(caller.frames[0].type, 0);
	assert_int_equal(caller.frames[0].address, FRAME(0));
	made_end(&m);
}

static void test_code_and_outer(void **state)
{
	struct caller first, again, moved, other;
	struct made m;

	made_begin(&m);
	make_six(&m);
	first = caller_of(&m);
	m.frames[0].lasti += 2; /* the same activation, further on */
	again = caller_of(&m);
	m.frames[2].lasti += 2; /* called from another line */
	moved = caller_of(&m);
	send_code(&m, 2, 2, "method", &method); /* another function at the address of one */
	m.frames[1].ident = 2;
	other = caller_of(&m);
	made_end(&m);

	assert_memory_equal(&first, &again, sizeof(first));
	for (unsigned int i = 0; i < CALLER_FRAMES; i++) {
		assert_true(first.frames[i].code && first.frames[i].outer);
		assert_int_equal(first.frames[i].code, moved.frames[i].code);
		assert_int_equal(first.frames[i].outer == moved.frames[i].outer, i >= 2);
		assert_int_equal(moved.frames[i].code == other.frames[i].code, i != 1);
		assert_int_equal(moved.frames[i].outer == other.frames[i].outer, i >= 1);
		for (unsigned int j = 0; j < i; j++)
			assert_true(first.frames[i].code != first.frames[j].code);
	}
}

/* It is resumed from anywhere; what it calls is not. */
static void test_generators(void **state)
{
	static const uint32_t flags[] = {GENERATOR, COROUTINE, ASYNC};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct record_first_local local = method;
		struct caller caller;
		struct made m;

		made_begin(&m);
		make_six(&m);
		local.code_flags = flags[i];
		send_code(&m, 2, 1, "steps", &local);
		caller = caller_of(&m);
		assert_true(caller.frames[1].generator && !caller.frames[1].outer);
		assert_true(!caller.frames[0].generator && caller.frames[0].outer);
		assert_true(!caller.frames[2].generator && caller.frames[2].outer);
		assert_int_equal(caller.frames[1].local, LOCAL(1));
		made_end(&m);
	}
}

static void test_compiled(void **state)
{
	struct caller caller;
	struct made m;

	made_begin(&m);
	make_six(&m);
	m.frames[0].owner = FRAME_COMPILED;
	m.frames[0].lasti = 3;
	caller = caller_of(&m);
	assert_int_equal(caller.count, CALLER_FRAMES);
	assert_true(caller.frames[0].code != 0);
	assert_int_equal(caller.frames[0].outer, 0);
	assert_int_equal(caller.frames[0].address, 0);
	assert_int_equal(caller.frames[0].local, 0);
	assert_int_equal(caller.frames[0].kind, LOCAL_UNKNOWN);
	assert_int_equal(caller.frames[1].local, LOCAL(1));
	made_end(&m);
}

static void check_status(enum python_status status, bool known, bool whole)
{
	struct made_call call;
	struct caller caller;
	struct made m;

	made_begin(&m);
	make_six(&m);
	send_stack(&m, STACK, status);
	call = call_of(STACK, status, 6);
	stack_caller(m.store, &call.record, &caller);
	assert_int_equal(caller.count, known ? CALLER_FRAMES : 0);
	if (known)
		assert_int_equal(caller.frames[0].outer != 0, whole);
	made_end(&m);
}

static void test_statuses(void **state)
{
	struct made_call call = call_of(STACK, PYTHON_COMPLETE, 6);
	struct caller caller;
	struct made m;

	check_status(PYTHON_COMPLETE, true, true);
	check_status(PYTHON_CUT, true, false);
	check_status(PYTHON_FAULT, true, false);
	check_status(PYTHON_AMBIGUOUS, false, false);
	check_status(PYTHON_PARENT, false, false);

	made_begin(&m);
	stack_caller(m.store, &call.record, &caller); /* its stack was lost */
	assert_int_equal(caller.count, 0);
	make_six(&m);
	send_stack(&m, STACK, PYTHON_COMPLETE);
	call.record.stack_id = 0;
	stack_caller(m.store, &call.record, &caller);
	assert_int_equal(caller.count, 0);
	call.record.stack_id = STACK;
	call.record.python = PYTHON_PARENT; /* a vfork child in its parent's frames */
	stack_caller(m.store, &call.record, &caller);
	assert_int_equal(caller.count, 0);
	made_end(&m);
}

static void test_no_code_object(void **state)
{
	struct record_code odd = {
		.h = {.size = sizeof(odd), .type = RECORD_CODE, .tgid = TGID},
		.code = 3,
		.ident = 1,
		.no_code = 1,
		.table_missing = 1,
	};
	struct caller caller;
	struct made m;

	made_begin(&m);
	make_six(&m);
	assert_int_equal(stack_store_record(m.store, &odd.h), 0);
	caller = caller_of(&m);
	assert_int_equal(caller.count, 2);
	assert_int_equal(caller.frames[0].outer, 0);
	made_end(&m);
}

/* Whatever frames are left out, a receiver stands at its own. */
static void test_receivers_of_a_stack(void **state)
{
	struct made_call call = call_of(STACK, PYTHON_COMPLETE, 6);
	struct stack *stack;
	struct made m;

	made_begin(&m);
	make_six(&m);
	m.frames[0].lasti = 0;
	send_stack(&m, STACK, PYTHON_COMPLETE);
	stack = stack_resolve(m.store, STACK, PYTHON_COMPLETE);
	assert_non_null(stack);
	stack_add_receivers(m.store, &call.record, stack);
	assert_int_equal(stack->count, 5);
	assert_int_equal(stack->frames[0].receiver, LOCAL(1));
	for (size_t i = 1; i < stack->count; i++)
		assert_int_equal(stack->frames[i].receiver, 0);
	stack_free(stack);
	made_end(&m);
}

/* Behind name, claims and number of the native stack. */
static void test_place_in_a_call(void **state)
{
	struct {
		struct record_call call;
		uint8_t rest[3 + sizeof(struct record_claim) + 8 + sizeof(struct record_caller)];
	} made = {
		.call = {.h = {.size = sizeof(made.call) + sizeof(made.rest), .type = RECORD_CALL},
			 .table = 1,
			 .call = CALL_CLOSE,
			 .name_size = 3,
			 .owner = 1 << 4,
			 .native = NATIVE_TAKEN,
			 .still_open = CALL_CALLER}};
	const struct record_claim claim = {.object = 1, .kind = OWNER_FILEIO};
	struct record_caller caller = {.frames = {1, 2, 3, 4}, .locals = {5, 6}}, got;
	uint8_t *rest = (uint8_t *)made.call.name;

	memcpy(rest + 3, &claim, sizeof(claim));
	memcpy(rest + 3 + sizeof(claim) + 8, &caller, sizeof(caller));
	assert_true(record_valid(&made.call.h));
	assert_true(record_call_caller(&made.call, &got));
	assert_memory_equal(&got, &caller, sizeof(got));
	made.call.h.size--;
	assert_false(record_valid(&made.call.h));
	made.call.still_open = 0;
	assert_true(record_valid(&made.call.h));
	assert_false(record_call_caller(&made.call, &got));
	assert_int_equal(got.frames[0] | got.locals[0], 0);
}

static void test_place_in_a_code_object(void **state)
{
	struct {
		struct record_code code;
		uint8_t rest[5 + sizeof(struct record_first_local)];
	} made = {.code = {.h = {.size = sizeof(made.code) + 5 + sizeof(struct record_first_local),
				 .type = RECORD_CODE},
			   .file_bytes = 1,
			   .file_width = 1,
			   .file_chars = 1,
			   .name_bytes = 2,
			   .name_chars = 2,
			   .name_width = 1,
			   .table_bytes = 2,
			   .table_total = 2,
			   .first_local = 1}};
	struct record_first_local local = method, got;

	memset(local.type_name, 'x', sizeof(local.type_name));
	memcpy(made.code.data + 5, &local, sizeof(local));
	assert_true(record_valid(&made.code.h));
	assert_true(record_code_first_local(&made.code, &got));
	assert_int_equal(got.type, TYPE);
	assert_int_equal(strlen(got.type_name), sizeof(got.type_name) - 1);
	made.code.h.size--;
	assert_false(record_valid(&made.code.h));
	made.code.first_local = 0;
	assert_true(record_valid(&made.code.h));
	assert_false(record_code_first_local(&made.code, &got));
	assert_int_equal(got.type, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_older_recordings),
		cmocka_unit_test(test_which_frames),
		cmocka_unit_test(test_not_begun),
		cmocka_unit_test(test_no_local),
		cmocka_unit_test(test_code_and_outer),
		cmocka_unit_test(test_generators),
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_no_code_object),
		cmocka_unit_test(test_receivers_of_a_stack),
		cmocka_unit_test(test_place_in_a_call),
		cmocka_unit_test(test_place_in_a_code_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
