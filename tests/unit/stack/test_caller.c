/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Who made a call, of records of it, its stack and its code objects. */
#include "made_stack.h"

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
