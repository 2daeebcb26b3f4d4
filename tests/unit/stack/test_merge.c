/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stack/merge.h"

#define LOOP "_PyEval_EvalFrameDefault"
#define PY   "libpython3.13.so.1.0"
#define LIBC "libc.so.6"

/* What a merged stack reads like: names, Python's as they are, native ones with a "C " before. */
struct text {
	char line[512];
};

static struct native_stack *natives(enum native_end end, const char *const (*frames)[2],
				    size_t count)
{
	struct native_stack *stack = calloc(1, sizeof(*stack) + count * sizeof(stack->frames[0]));

	assert_non_null(stack);
	stack->taken = NATIVE_TAKEN;
	stack->end = end;
	stack->count = count;
	for (size_t i = 0; i < count; i++)
		stack->frames[i] =
			(struct native_frame){frames[i][0], frames[i][1], 0x1000 + 16 * i};
	return stack;
}

/* loops: a digit for each frame, the loop that it is of. */
static struct stack *pythons(enum python_status status, const char *const *names, const char *loops)
{
	size_t count = strlen(loops);
	struct stack *stack = calloc(1, sizeof(*stack) + count * sizeof(stack->frames[0]));

	assert_non_null(stack);
	stack->status = status;
	stack->count = count;
	stack->loop_of = calloc(count + 1, sizeof(*stack->loop_of));
	assert_non_null(stack->loop_of);
	for (size_t i = 0; i < count; i++) {
		stack->frames[i].function = names[i];
		stack->loop_of[i] = loops[i] - '0';
		stack->loops = stack->loop_of[i] + 1;
	}
	return stack;
}

static enum merge_result read_merged(struct stack *stack, struct text *ret)
{
	struct merged_stack *merged = stack_merge(stack);
	enum merge_result result;

	assert_non_null(merged);
	ret->line[0] = '\0';
	for (size_t i = 0; i < merged->count; i++) {
		const struct merged_frame *frame = &merged->frames[i];
		const char *name = frame->python	   ? frame->python->function
				   : frame->native->symbol ? frame->native->symbol
							   : "?";

		assert_true(!frame->python != !frame->native);
		if (i)
			strcat(ret->line, " ");
		if (frame->native)
			strcat(ret->line, "C:");
		strcat(ret->line, name);
	}
	result = merged->result;
	free(merged);
	free(stack->loop_of);
	free(stack->native);
	free(stack);
	return result;
}

/* Python 3.10 and before: one loop for each frame. */
static void each_frame_has_its_loop(void **state)
{
	static const char *const frames[][2] = {{"close", LIBC},
						{"os_close", PY},
						{"cfunction_vectorcall_O", PY},
						{LOOP, PY},
						{"_PyFunction_Vectorcall", PY},
						{LOOP, PY},
						{"Py_RunMain", PY},
						{"main", "python3"},
						{NULL, LIBC},
						{"_start", "python3"}};
	static const char *const names[] = {"f", "<module>"};
	struct stack *stack = pythons(PYTHON_COMPLETE, names, "01");
	struct text text;

	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_WHOLE);
	assert_string_equal(text.line, "C:close C:os_close f <module> C:main");
}

/* From 3.11 on one loop runs many; a C extension calls back into Python. */
static void callbacks_lie_between(void **state)
{
	static const char *const frames[][2] = {
		{"close", LIBC},    {"os_close", PY},	    {LOOP ".cold", PY}, {"list_sort", PY},
		{"each", "ext.so"}, {"cfunction_call", PY}, {LOOP, PY},		{"run_mod", PY}};
	static const char *const names[] = {"key", "inner", "outer", "<module>"};
	struct stack *stack = pythons(PYTHON_COMPLETE, names, "0111");
	struct text text;

	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_WHOLE);
	assert_string_equal(text.line, "C:close C:os_close key C:each inner outer <module>");
}

/* One native loop too many, and nothing explains it. */
static void different_counts_stay_apart(void **state)
{
	static const char *const frames[][2] = {
		{"close", LIBC}, {LOOP, PY}, {LOOP, PY}, {"main", "python3"}};
	static const char *const names[] = {"f", "<module>"};
	struct stack *stack = pythons(PYTHON_COMPLETE, names, "00");
	struct text text;

	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_APART);
	assert_string_equal(text.line, "f <module> C:close C:" LOOP " C:" LOOP " C:main");

	/* And one too few, though the native stack is whole. */
	stack = pythons(PYTHON_COMPLETE, names, "01");
	stack->native = natives(NATIVE_COMPLETE, frames, 2);
	assert_int_equal(read_merged(stack, &text), MERGE_APART);
}

/* The innermost frames of both are known: what is cut lies outside. */
static void cut_sides_explain(void **state)
{
	static const char *const frames[][2] = {
		{"close", LIBC}, {LOOP, PY}, {"slot_tp_call", PY}, {LOOP, PY}, {LOOP, PY}};
	static const char *const names[] = {"f", "g", "h", "<module>"};
	struct stack *stack = pythons(PYTHON_COMPLETE, names, "0123");
	struct text text;

	stack->native = natives(NATIVE_STACK, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_WHOLE);
	assert_string_equal(text.line, "C:close f g h <module>");

	stack = pythons(PYTHON_CUT, names, "01");
	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_WHOLE);
	assert_string_equal(text.line, "C:close f g C:" LOOP);

	/* It broke off before it reached any loop: nothing shows how they belong together. */
	stack = pythons(PYTHON_COMPLETE, names, "0");
	stack->native = natives(NATIVE_NO_CFI, frames, 1);
	assert_int_equal(read_merged(stack, &text), MERGE_APART);
}

static void lost_python_stays_apart(void **state)
{
	static const char *const frames[][2] = {{"close", LIBC}, {LOOP, PY}, {"main", "python3"}};
	struct stack *stack = pythons(PYTHON_COMPLETE, NULL, "");
	struct text text;

	stack->lost = true;
	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_APART);
	assert_string_equal(text.line, "C:close C:" LOOP " C:main");
}

static void programs_without_python(void **state)
{
	static const char *const frames[][2] = {{"close", LIBC},
						{"helper", "app"},
						{NULL, "app"},
						{"main", "app"},
						{"__libc_start_call_main", LIBC},
						{"__libc_start_main", LIBC},
						{"_start", "app"}};
	static const char *const thread[][2] = {
		{"close", LIBC}, {"worker", "app"}, {"start_thread", LIBC}, {"clone3", LIBC}};
	struct stack *stack = pythons(PYTHON_NONE, NULL, "");
	struct text text;

	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_NATIVES);
	assert_string_equal(text.line, "C:close C:helper C:? C:main");

	stack = pythons(PYTHON_NONE, NULL, "");
	stack->native = natives(NATIVE_COMPLETE, thread, ARRAY_SIZE(thread));
	assert_int_equal(read_merged(stack, &text), MERGE_NATIVES);
	assert_string_equal(text.line, "C:close C:worker");

	/* Not whole: what is outermost here was called by the program. */
	stack = pythons(PYTHON_NONE, NULL, "");
	stack->native = natives(NATIVE_NO_CFI, thread, 1);
	assert_int_equal(read_merged(stack, &text), MERGE_NATIVES);
	assert_string_equal(text.line, "C:close");
}

/* Of the interpreter's functions without a name the innermost one stands for all. */
static void unnamed_functions(void **state)
{
	static const char *const frames[][2] = {{"close", LIBC},
						{NULL, "python3.11"},
						{NULL, "python3.11"},
						{"PyObject_CallFinalizer", "python3.11"},
						{LOOP, "python3.11"}};
	static const char *const names[] = {"f"};
	struct stack *stack = pythons(PYTHON_COMPLETE, names, "0");
	struct text text;

	stack->native = natives(NATIVE_COMPLETE, frames, ARRAY_SIZE(frames));
	assert_int_equal(read_merged(stack, &text), MERGE_WHOLE);
	assert_string_equal(text.line, "C:close C:? C:PyObject_CallFinalizer f");
}

static enum site_origin origin_of(const char *const (*frames)[2], size_t count)
{
	struct stack stack = {.native = natives(NATIVE_COMPLETE, frames, count)};
	enum site_origin origin = stack_origin(&stack);

	free(stack.native);
	return origin;
}

static void origins(void **state)
{
	static const char *const explicit[][2] = {
		{"close", LIBC}, {"os_close", PY}, {"cfunction_vectorcall_O", PY}, {LOOP, PY}};
	static const char *const finalizer[][2] = {
		{"close", LIBC}, {NULL, PY}, {"iobase_finalize", PY}, {LOOP, PY}};
	static const char *const collector[][2] = {
		{"close", LIBC}, {"internal_close", PY}, {"collect.constprop.1", PY}, {LOOP, PY}};
	static const char *const outer[][2] = {/* the finalizer runs Python, which closes */
					       {"close", LIBC},
					       {"os_close", PY},
					       {LOOP, PY},
					       {"slot_tp_finalize", PY},
					       {LOOP, PY}};
	static const char *const unnamed[][2] = {
		{"close", LIBC}, {"os_close", PY}, {NULL, PY}, {LOOP, PY}};
	static const char *const other[][2] = {
		{"close", LIBC}, {"collect", "app"}, {"main", "app"}};
	static const char *const nothing[][2] = {{LOOP, PY}};

	assert_int_equal(origin_of(explicit, 4), ORIGIN_OS_CLOSE);
	assert_int_equal(origin_of(finalizer, 4), ORIGIN_FINALIZER);
	assert_int_equal(origin_of(collector, 4), ORIGIN_FINALIZER);
	assert_int_equal(origin_of(outer, 5), ORIGIN_OS_CLOSE);
	assert_int_equal(origin_of(unnamed, 4), ORIGIN_UNKNOWN);
	assert_int_equal(origin_of(other, 3), ORIGIN_UNKNOWN);
	assert_int_equal(origin_of(nothing, 1), ORIGIN_UNKNOWN);
	assert_int_equal(origin_of(NULL, 0), ORIGIN_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame_has_its_loop),
		cmocka_unit_test(callbacks_lie_between),
		cmocka_unit_test(different_counts_stay_apart),
		cmocka_unit_test(cut_sides_explain),
		cmocka_unit_test(lost_python_stays_apart),
		cmocka_unit_test(programs_without_python),
		cmocka_unit_test(unnamed_functions),
		cmocka_unit_test(origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
