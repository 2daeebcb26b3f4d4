/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The walk that proves a live Python, over memory that is made here: sound, young, of another
 * shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "python/layout.h"
#include "python/consistency.h"

/* Where the objects lie in the memory of the process. */
#define BASE	   0x10000
#define RUNTIME_AT 0x0
#define TYPE_AT	   0x3000
#define INTERP_AT  0x4000
#define THREAD_AT  0x8000
#define CFRAME_AT  0x8800
#define FRAME_AT   0x9000
#define SHIM_AT	   0x9200
#define CODE_AT	   0xa000
#define TEXT_AT	   0xb000
#define SIZE	   0xc000

struct memory {
	uint8_t bytes[SIZE];
	struct python_runtime runtime;
};

static bool read_memory(void *arg, uint64_t address, void *buf, size_t size)
{
	struct memory *memory = arg;

	if (address < BASE || address - BASE > SIZE || size > SIZE - (address - BASE))
		return false;
	memcpy(buf, memory->bytes + (address - BASE), size);
	return true;
}

static void put(struct memory *memory, size_t at, uint64_t value)
{
	memcpy(memory->bytes + at, &value, sizeof(value));
}

static void put_frames(struct memory *memory, const struct py_layout *l)
{
	uint64_t first = FRAME_AT;

	put(memory, FRAME_AT + l->frame_code, (BASE + CODE_AT) | (l->code_tag_mask & 1));
	if (l->shim_owner) {
		put(memory, FRAME_AT + l->frame_back, BASE + SHIM_AT);
		memory->bytes[SHIM_AT + l->frame_owner] = l->shim_owner;
	}
	if (l->frames == PY_FRAMES_CFRAME) {
		put(memory, CFRAME_AT + l->cframe_current, BASE + FRAME_AT);
		first = CFRAME_AT;
	}
	put(memory, THREAD_AT + l->tstate_frame, BASE + first);
}

/* A process with one interpreter, one thread and one frame. */
static void make(struct memory *memory, const struct py_layout *l)
{
	memset(memory, 0, sizeof(*memory));
	memory->runtime = (struct python_runtime){
		.version = l->version,
		.runtime = RUNTIME_AT,
		.code_type = TYPE_AT,
		.layout = *l,
	};
	put(memory, RUNTIME_AT + l->runtime_interp, BASE + INTERP_AT);
	put(memory, INTERP_AT + l->interp_threads, BASE + THREAD_AT);
	put(memory, THREAD_AT + l->tstate_interp, BASE + INTERP_AT);
	put_frames(memory, l);
	put(memory, CODE_AT + l->ob_type, BASE + TYPE_AT);
	put(memory, CODE_AT + l->code_filename, BASE + TEXT_AT);
	put(memory, CODE_AT + l->code_name, BASE + TEXT_AT);
	put(memory, TEXT_AT + l->str_length, 3);
	put(memory, TEXT_AT + l->str_state,
	    1u << l->str_kind_shift | 1u << l->str_compact_bit | 1u << l->str_ascii_bit);
}

static enum soundness walk(struct memory *memory)
{
	return python_consistent(&memory->runtime, BASE, read_memory, memory);
}

static struct memory memory;

static void each_layout(void (*check)(const struct py_layout *layout))
{
	for (const struct py_layout *l = python_layouts(false); l->version; l++)
		check(l);
	for (const struct py_layout *l = python_layouts(true); l->version; l++)
		check(l);
}

static void check_consistent(const struct py_layout *l)
{
	make(&memory, l);
	assert_int_equal(walk(&memory), CONSISTENT_YES);
}

static void test_consistent(void **state)
{
	each_layout(check_consistent);
}

static void check_young(const struct py_layout *l)
{
	make(&memory, l);
	put(&memory, THREAD_AT + l->tstate_frame, 0);
	assert_int_equal(walk(&memory), CONSISTENT_NOT_YET);
	put(&memory, INTERP_AT + l->interp_threads, 0);
	assert_int_equal(walk(&memory), CONSISTENT_NOT_YET);
	put(&memory, RUNTIME_AT + l->runtime_interp, 0);
	assert_int_equal(walk(&memory), CONSISTENT_NOT_YET);
	memory.runtime.runtime = SIZE;
	assert_int_equal(walk(&memory), CONSISTENT_NOT_YET);
}

static void test_young(void **state)
{
	each_layout(check_young);
}

/* Whatever is moved, or is no pointer, is found out. */
static void check_unsound(const struct py_layout *l)
{
	const struct {
		size_t at;
		uint64_t value;
	} changes[] = {
		{RUNTIME_AT + l->runtime_interp, 8},
		{INTERP_AT + l->interp_threads, 8},
		{THREAD_AT + l->tstate_interp, BASE + RUNTIME_AT},
		{THREAD_AT + l->tstate_frame, 8},
		{FRAME_AT + l->frame_code, BASE + TEXT_AT},
		{FRAME_AT + l->frame_back, 0x8000000000000000},
		{CODE_AT + l->ob_type, 0},
		{CODE_AT + l->code_filename, 0},
		{CODE_AT + l->code_name, BASE + CODE_AT},
		{TEXT_AT + l->str_length, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		make(&memory, l);
		put(&memory, changes[i].at, changes[i].value);
		assert_int_equal(walk(&memory), CONSISTENT_NO);
	}
}

static void test_unsound(void **state)
{
	each_layout(check_unsound);
}

/* Rings of interpreters, threads and frames come to an end. */
static void check_rings(const struct py_layout *l)
{
	make(&memory, l);
	put(&memory, INTERP_AT + l->interp_next, BASE + INTERP_AT);
	put(&memory, THREAD_AT + l->tstate_next, BASE + THREAD_AT);
	put(&memory, FRAME_AT + l->frame_back, BASE + FRAME_AT);
	assert_int_equal(walk(&memory), CONSISTENT_YES);
}

static void test_rings(void **state)
{
	each_layout(check_rings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consistent),
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
