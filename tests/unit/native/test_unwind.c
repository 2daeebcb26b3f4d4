/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Unwinding this very program: the registers and the stack of a function that is running here, as
 * the kernel side would have taken them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/records.h"
#include "native/modules.h"
#include "native/unwind.h"
#include "native/worker.h"
#include "own_stack.h"

__attribute__((noinline)) void unwind_inner(struct taken *taken, size_t bytes);
__attribute__((noinline)) void unwind_outer(struct taken *taken, size_t bytes);

void unwind_inner(struct taken *taken, size_t bytes)
{
	take(taken, bytes);
	sum++;
}

void unwind_outer(struct taken *taken, size_t bytes)
{
	unwind_inner(taken, bytes);
	sum++;
}

static void named(const struct unwind_stack *stack, size_t i, const char *name)
{
	assert_true(i < stack->depth);
	assert_non_null(stack->frames[i].symbol);
	assert_string_equal(stack->frames[i].symbol, name);
	assert_string_equal(object_name(stack->frames[i].object), "test_unwind");
}

static void finds_every_caller(void **state)
{
	struct own *own = *state;
	static struct unwind_stack stack;
	static struct taken taken;
	size_t last;

	unwind_outer(&taken, 16384);
	assert_int_equal(unwind(taken.regs, &taken.memory, own->modules, own->count, &stack),
			 NATIVE_COMPLETE);
	named(&stack, 0, "take");
	named(&stack, 1, "unwind_inner");
	named(&stack, 2, "unwind_outer");
	named(&stack, 3, "finds_every_caller");
	last = stack.depth - 1;
	named(&stack, last, "_start");
}

static void ends_with_the_copy(void **state)
{
	struct own *own = *state;
	static struct unwind_stack stack;
	static struct taken taken;

	unwind_outer(&taken, 16384);
	for (size_t size = 0, all = taken.memory.size; size < all; size += 264) {
		enum native_end end;

		taken.memory.size = size;
		end = unwind(taken.regs, &taken.memory, own->modules, own->count, &stack);
		assert_true(end == NATIVE_STACK || end == NATIVE_COMPLETE);
		assert_true(stack.depth >= 1);
		named(&stack, 0, "take");
		if (stack.depth > 2)
			named(&stack, 2, "unwind_outer");
	}
}

static void ends_without_a_file(void **state)
{
	struct own *own = *state;
	static struct unwind_stack stack;
	static struct taken taken;

	unwind_outer(&taken, 16384);
	assert_int_equal(unwind(taken.regs, &taken.memory, own->modules, 0, &stack),
			 NATIVE_NO_MODULE);
	assert_int_equal(stack.depth, 1);
	assert_null(stack.frames[0].object);
	assert_null(stack.frames[0].symbol);
}

/* A stack of one's own making: no loop, no crash, no more frames than there may be. */
static void survives_forged_stacks(void **state)
{
	struct own *own = *state;
	static struct unwind_stack stack;
	static struct taken taken;

	srand(1);
	for (int round = 0; round < 300; round++) {
		unwind_outer(&taken, 16384);
		for (int i = 0; i < 64; i++) {
			size_t at = (size_t)rand() % (sizeof(uint64_t) * 64);
			uint64_t value = rand() % 2 ? SP(&taken) + (uint64_t)(rand() % 4096)
						    : (uint64_t)(uintptr_t)unwind_inner +
							      (uint64_t)(rand() % 8);

			memcpy(taken.stack + at, &value, sizeof(value));
		}
		unwind(taken.regs, &taken.memory, own->modules, own->count, &stack);
		assert_true(stack.depth >= 1 && stack.depth <= RECORD_NATIVES_MAX);
	}
}

static int evaluate(const Dwarf_Op *ops, size_t count, enum expression_kind kind, uint64_t *ret)
{
	static const uint64_t words[4] = {11, 0x2008, 33, 44};
	const struct unwind_memory memory = {0x2000, (const uint8_t *)words, sizeof(words)};
	const struct unwind_regs regs = {.value = {[7] = 0x2000, [6] = 5},
					 .known = 1 << 7 | 1 << 6};
	const uint64_t cfa = 0x2010;

	return expression_evaluate(ops, count, kind, &regs, &memory, &cfa, ret);
}

static void evaluates_expressions(void **state)
{
	const Dwarf_Op offset[] = {{.atom = DW_OP_call_frame_cfa},
				   {.atom = DW_OP_plus_uconst, .number = (Dwarf_Word)-16}};
	const Dwarf_Op indirect[] = {{.atom = DW_OP_breg7, .number = 8}, {.atom = DW_OP_deref}};
	const Dwarf_Op value[] = {{.atom = DW_OP_breg6, .number = 2}, {.atom = DW_OP_stack_value}};
	const Dwarf_Op reg[] = {{.atom = DW_OP_regx, .number = 6}};
	/* As the PLT of x86-64 has it: ((rip & 15) >= 11) << 3, plus rsp + 8. */
	const Dwarf_Op plt[] = {{.atom = DW_OP_breg7, .number = 8},
				{.atom = DW_OP_breg6},
				{.atom = DW_OP_lit15},
				{.atom = DW_OP_and},
				{.atom = DW_OP_lit4},
				{.atom = DW_OP_ge},
				{.atom = DW_OP_lit3},
				{.atom = DW_OP_shl},
				{.atom = DW_OP_plus}};
	uint64_t ret;

	assert_int_equal(evaluate(offset, 2, EXPRESSION_LOCATION, &ret), 0);
	assert_int_equal(ret, 11);
	assert_int_equal(evaluate(indirect, 2, EXPRESSION_VALUE, &ret), 0);
	assert_int_equal(ret, 0x2008);
	assert_int_equal(evaluate(indirect, 2, EXPRESSION_LOCATION, &ret), 0);
	assert_int_equal(ret, 0x2008);
	assert_int_equal(evaluate(value, 2, EXPRESSION_LOCATION, &ret), 0);
	assert_int_equal(ret, 7);
	assert_int_equal(evaluate(reg, 1, EXPRESSION_LOCATION, &ret), 0);
	assert_int_equal(ret, 5);
	assert_int_equal(evaluate(plt, ARRAY_SIZE(plt), EXPRESSION_VALUE, &ret), 0);
	assert_int_equal(ret, 0x2010);
}

static void refuses_bad_expressions(void **state)
{
	const Dwarf_Op unknown[] = {{.atom = DW_OP_breg3}};
	const Dwarf_Op no_register[] = {{.atom = DW_OP_regx, .number = 1000}};
	const Dwarf_Op outside[] = {{.atom = DW_OP_breg7, .number = 25}};
	const Dwarf_Op below[] = {{.atom = DW_OP_breg7, .number = (Dwarf_Word)-8}};
	const Dwarf_Op underflow[] = {{.atom = DW_OP_lit1}, {.atom = DW_OP_plus}};
	const Dwarf_Op jump[] = {{.atom = DW_OP_lit1},
				 {.atom = DW_OP_skip, .number = (Dwarf_Word)-3}};
	const Dwarf_Op after[] = {{.atom = DW_OP_reg6}, {.atom = DW_OP_lit1}};
	static Dwarf_Op many[300];
	uint64_t ret;

	assert_int_equal(evaluate(unknown, 1, EXPRESSION_VALUE, &ret), -ENODATA);
	assert_int_equal(evaluate(no_register, 1, EXPRESSION_VALUE, &ret), -EINVAL);
	assert_int_equal(evaluate(outside, 1, EXPRESSION_LOCATION, &ret), -EFAULT);
	assert_int_equal(evaluate(below, 1, EXPRESSION_LOCATION, &ret), -EFAULT);
	assert_int_equal(evaluate(underflow, 2, EXPRESSION_VALUE, &ret), -EINVAL);
	assert_int_equal(evaluate(jump, 2, EXPRESSION_VALUE, &ret), -EINVAL);
	assert_int_equal(evaluate(after, 2, EXPRESSION_VALUE, &ret), -EINVAL);
	assert_int_equal(evaluate(NULL, 0, EXPRESSION_VALUE, &ret), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i].atom = DW_OP_lit1;
	assert_int_equal(evaluate(many, 100, EXPRESSION_VALUE, &ret), -EINVAL);
	assert_int_equal(evaluate(many, 300, EXPRESSION_VALUE, &ret), -EINVAL);
}

static void modules_follow_mappings(void **state)
{
	struct module_table *table = modules_new();
	const struct message_module first = {0x1000, 0x5000, 0, 1, 0};
	const struct message_module inside = {0x2000, 0x3000, 0, 2, 0};
	const struct message_module program = {0x400123, 0, 0, 3, 1};
	const struct message_module same = {0x400000, 0x500000, 0, 3, 0};
	const struct message_module *modules;
	size_t count;

	assert_non_null(table);
	assert_int_equal(modules_add(table, 7, &first), 0);
	assert_int_equal(modules_add(table, 7, &program), 0);
	assert_int_equal(modules_copy(table, 7, 8), 0);
	assert_int_equal(modules_add(table, 7, &inside), 0);
	assert_int_equal(modules_add(table, 7, &same), 0);
	modules = modules_of(table, 7, &count);
	assert_int_equal(count, 2);
	assert_int_equal(modules[0].file, 2);
	assert_int_equal(modules[1].end, 0x500000);
	modules_of(table, 8, &count);
	assert_int_equal(count, 2);
	modules_drop(table, 8);
	modules_of(table, 8, &count);
	assert_int_equal(count, 0);
	assert_int_equal(modules_copy(table, 9, 7), 0); /* of one that is not known: nothing */
	modules_of(table, 7, &count);
	assert_int_equal(count, 0);
	modules_free(table);
}

static void modules_are_bounded(void **state)
{
	struct module_table *table = modules_new();
	int err = 0;
	size_t count;

	assert_non_null(table);
	for (uint64_t i = 0; i <= MESSAGE_MODULES_MAX && !err; i++) {
		const struct message_module module = {i << 12, (i + 1) << 12, 0, 0, 0};

		err = modules_add(table, 1, &module);
	}
	assert_int_equal(err, -ENOSPC);
	modules_of(table, 1, &count);
	assert_int_equal(count, MESSAGE_MODULES_MAX);
	for (uint32_t pid = 2; pid < 6000; pid++) {
		const struct message_module module = {4096, 8192, 0, 0, 0};

		assert_int_equal(modules_add(table, pid, &module), 0);
	}
	modules_of(table, 1, &count);
	assert_int_equal(count, 0); /* the oldest has gone */
	modules_free(table);
}

/* The same by messages; then messages that make no sense. */
static void worker_answers(void **state)
{
	struct own *own = *state;
	struct worker *worker = worker_new(NULL);
	const struct record_native_stack *answer;
	struct message_file file = {.kind = MESSAGE_FILE, .name = "test_unwind"};
	static union {
		struct message_unwind message;
		uint8_t room[MESSAGE_MAX];
	} request;
	struct message_unwind *message = &request.message;
	static struct taken taken;
	const char *text;
	size_t size;

	assert_non_null(worker);
	unwind_outer(&taken, 8192);
	assert_int_equal(worker_file(worker, &file, open("/proc/self/exe", O_RDONLY)), 0);
	assert_int_equal(worker_file(worker, &file, open("/proc/self/exe", O_RDONLY)), -EINVAL);
	*message = (struct message_unwind){
		.kind = MESSAGE_UNWIND, .modules = 1, .bytes = 8192, .sp = taken.memory.start};
	memcpy(message->regs, taken.regs.value, sizeof(message->regs));
	message->module[0] =
		(struct message_module){own->modules[0].mapping.start, own->modules[0].mapping.end,
					own->modules[0].mapping.offset, 0, 0};
	memcpy(&message->module[1], taken.stack, 8192);
	size = sizeof(*message) + sizeof(message->module[0]) + 8192;
	assert_int_equal(worker_unwind(worker, message, size - 1, &answer), 0);
	assert_true(worker_unwind(worker, message, size, &answer) > sizeof(*answer));
	((struct record_native_stack *)(uintptr_t)answer)->h.type = RECORD_NATIVE_STACK;
	assert_true(record_valid(&answer->h));
	text = (const char *)(answer->frames + answer->depth);
	assert_string_equal(text + answer->frames[2].symbol, "unwind_outer");
	assert_string_equal(text + answer->frames[2].module, "test_unwind");
	/* A file that was never given. */
	message->module[0].file = 77;
	assert_true(worker_unwind(worker, message, size, &answer) > 0);
	assert_int_equal(answer->end, NATIVE_NO_MODULE);
	message->modules = MESSAGE_MODULES_MAX + 1;
	assert_int_equal(worker_unwind(worker, message, size, &answer), 0);
	worker_free(worker);
}

/* Names that lie outside, or do not end. */
static void answers_are_checked(void **state)
{
	union {
		struct record_native_stack record;
		uint8_t room[256];
	} answer = {.record = {.h = {.type = RECORD_NATIVE_STACK}, .depth = 1, .text_size = 8}};
	struct record_native_stack *r = &answer.record;
	char *text = (char *)(r->frames + 1);

	r->h.size = sizeof(*r) + sizeof(r->frames[0]) + 8;
	memcpy(text, "\0close\0", 8);
	r->frames[0].symbol = 1;
	assert_true(record_valid(&r->h));
	r->frames[0].symbol = 8;
	assert_false(record_valid(&r->h));
	r->frames[0].symbol = 1;
	text[7] = 'x';
	assert_false(record_valid(&r->h));
	text[7] = '\0';
	text[0] = 'x';
	assert_false(record_valid(&r->h));
	text[0] = '\0';
	r->depth = 2;
	assert_false(record_valid(&r->h));
	r->depth = RECORD_NATIVES_MAX + 1;
	assert_false(record_valid(&r->h));
	r->depth = 1;
	r->end = NATIVE_FAILED + 1;
	assert_false(record_valid(&r->h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_caller),
		cmocka_unit_test(ends_with_the_copy),
		cmocka_unit_test(ends_without_a_file),
		cmocka_unit_test(survives_forged_stacks),
		cmocka_unit_test(evaluates_expressions),
		cmocka_unit_test(refuses_bad_expressions),
		cmocka_unit_test(modules_follow_mappings),
		cmocka_unit_test(modules_are_bounded),
		cmocka_unit_test(worker_answers),
		cmocka_unit_test(answers_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
