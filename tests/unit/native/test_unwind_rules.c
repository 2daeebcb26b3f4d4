/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Unwind information that cannot be followed: the stack is never told as whole. libdwfl's own
 * unwinder, which could do the same work, tells these so (docs/internals.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "own_stack.h"

/* Any function; those here take what take() takes. */
typedef void code(void);

/*
 * A function that saves a register, sets it to 0, calls the one it is given, which may be one of
 * these and then calls next, and returns as any other. What it says of its frame is said by rules,
 * behind what is right: DWARF as bytes.
 */
#if defined(__x86_64__)
#define RULED(name, rules)                                                          \
	void name(struct taken *taken, size_t bytes, code *call, code *next);       \
	__asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n" \
		".cfi_startproc\n"                                                  \
		"push %rbx\n"                                                       \
		".cfi_def_cfa_offset 16\n"                                          \
		".cfi_offset %rbx, -16\n" rules "xor %ebx, %ebx\n"                  \
		"mov %rdx, %rax\n"                                                  \
		"mov %rcx, %rdx\n"                                                  \
		"call *%rax\n"                                                      \
		"pop %rbx\n"                                                        \
		"ret\n"                                                             \
		".cfi_endproc\n.size " #name ", . - " #name "\n")
#define RA   "16"
#define KEPT "3"
#define BREG "0x73" /* the register that is kept, as the base of an address */
#elif defined(__aarch64__)
#define RULED(name, rules)                                                          \
	void name(struct taken *taken, size_t bytes, code *call, code *next);       \
	__asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n" \
		".cfi_startproc\n"                                                  \
		"stp x19, x30, [sp, #-16]!\n"                                       \
		".cfi_def_cfa_offset 16\n"                                          \
		".cfi_offset x19, -16\n"                                            \
		".cfi_offset x30, -8\n" rules "mov x19, #0\n"                       \
		"mov x9, x2\n"                                                      \
		"mov x2, x3\n"                                                      \
		"blr x9\n"                                                          \
		"ldp x19, x30, [sp], #16\n"                                         \
		"ret\n"                                                             \
		".cfi_endproc\n.size " #name ", . - " #name "\n")
#define RA   "30"
#define KEPT "19"
#define BREG "0x83"
#endif

#define EXPRESSION	 ".cfi_escape 0x10, " RA ", " /* DW_CFA_expression: where the address lies */
#define FRAME_EXPRESSION ".cfi_escape 0x0f, "	      /* DW_CFA_def_cfa_expression */

RULED(as_it_is, "");
RULED(the_first, ".cfi_undefined " RA "\n");
/* DW_OP_xderef, of which there is nothing to know here. */
RULED(no_such_operation, EXPRESSION "1, 0x18\n");
/* DW_OP_skip, to itself. */
RULED(endless, EXPRESSION "3, 0x2f, 0xfd, 0xff\n");
RULED(empty_frame, FRAME_EXPRESSION "1, 0x96\n");
RULED(loses_register, ".cfi_undefined " KEPT "\n");
RULED(needs_register, EXPRESSION "2, " BREG ", 0\n");
RULED(frame_needs_register, FRAME_EXPRESSION "2, " BREG ", 0\n");

static enum native_end unwind_own(struct own *own, const struct taken *taken,
				  struct unwind_stack *ret)
{
	return unwind(taken->regs, &taken->memory, own->modules, own->count, ret);
}

static void ends_at(const struct unwind_stack *stack, size_t last, const char *name)
{
	assert_int_equal(stack->depth, last + 1);
	assert_non_null(stack->frames[last].symbol);
	assert_string_equal(stack->frames[last].symbol, name);
}

/* What the others are compared with. */
static void test_follows_rules(void **state)
{
	static struct unwind_stack stack;
	static struct taken taken;

	as_it_is(&taken, 16384, (code *)take, NULL);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_COMPLETE);
	assert_string_equal(stack.frames[1].symbol, "as_it_is");
	assert_string_equal(stack.frames[2].symbol, "test_follows_rules");
	ends_at(&stack, stack.depth - 1, "_start");
	as_it_is(&taken, 16384, (code *)loses_register, (code *)take);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_COMPLETE);
	ends_at(&stack, stack.depth - 1, "_start");
}

static void test_ends_where_it_is_said(void **state)
{
	static struct unwind_stack stack;
	static struct taken taken;

	the_first(&taken, 16384, (code *)take, NULL);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_COMPLETE);
	ends_at(&stack, 1, "the_first");
}

/*
 * The frames before are right, and that there are more is said. The register that the broken one
 * keeps is 0, as a return address may be where a stack ends: one is not taken for the other.
 */
static void test_broken_rules_are_no_end(void **state)
{
	static struct unwind_stack stack;
	static struct taken taken;

	as_it_is(&taken, 16384, (code *)no_such_operation, (code *)take);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_BROKEN);
	ends_at(&stack, 1, "no_such_operation");
	as_it_is(&taken, 16384, (code *)endless, (code *)take);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_BROKEN);
	ends_at(&stack, 1, "endless");
	as_it_is(&taken, 16384, (code *)empty_frame, (code *)take);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_BROKEN);
	ends_at(&stack, 1, "empty_frame");
}

/* No other function's register is taken for one that was lost on the way. */
static void test_lost_registers_are_no_end(void **state)
{
	static struct unwind_stack stack;
	static struct taken taken;

	needs_register(&taken, 16384, (code *)loses_register, (code *)take);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_BROKEN);
	ends_at(&stack, 2, "needs_register");
	frame_needs_register(&taken, 16384, (code *)loses_register, (code *)take);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_BROKEN);
	ends_at(&stack, 2, "frame_needs_register");
}

#if defined(__aarch64__)
/* Whether it is an address in code that is mapped. */
static bool is_code(const struct own *own, uint64_t word)
{
	for (size_t i = 0; i < own->count; i++)
		if (word - own->modules[i].mapping.start <
		    own->modules[i].mapping.end - own->modules[i].mapping.start)
			return true;
	return false;
}

/*
 * Where pointers are authenticated, a return address on the stack is signed in the bits that
 * addresses have no use for. Many machines cannot do it: they are signed here by hand.
 */
static void test_signed_addresses_are_followed(void **state)
{
	static struct unwind_stack plain, stack;
	static struct taken taken;
	int words = 0;

	as_it_is(&taken, 16384, (code *)take, NULL);
	unwind_own(*state, &taken, &plain);
	for (size_t at = 0; at + 8 <= taken.memory.size; at += 8) {
		uint64_t word;

		memcpy(&word, taken.stack + at, sizeof(word));
		if (!is_code(*state, word))
			continue;
		word |= UINT64_C(0x2a) << 48;
		memcpy(taken.stack + at, &word, sizeof(word));
		words++;
	}
	assert_true(words > 3);
	assert_int_equal(unwind_own(*state, &taken, &stack), NATIVE_COMPLETE);
	assert_int_equal(stack.depth, plain.depth);
	for (size_t i = 0; i < stack.depth; i++)
		assert_int_equal(stack.frames[i].address, plain.frames[i].address);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows_rules),
		cmocka_unit_test(test_ends_where_it_is_said),
		cmocka_unit_test(test_broken_rules_are_no_end),
		cmocka_unit_test(test_lost_registers_are_no_end),
#if defined(__aarch64__)
		cmocka_unit_test(test_signed_addresses_are_followed),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
