/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/gilstate.h"

#include <string.h>

#if defined(__x86_64__)

/*
 * Where the bytes of an instruction are in the function, or NULL. room: bytes that must follow
 * them. No instruction before it holds these bytes by chance in the functions that we look at.
 */
static const uint8_t *find_instruction(const struct function_head *function, const char *bytes,
				       size_t size, size_t room)
{
	const uint8_t *at = memmem(function->code, sizeof(function->code), bytes, size);

	if (!at || (size_t)(function->code + sizeof(function->code) - at) < size + room)
		return NULL;
	return at + size;
}

static int32_t read_signed(const uint8_t *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* What the four bytes at at say, relative to the end of their instruction. */
static uint64_t relative_address(const struct function_head *function, const uint8_t *at)
{
	return function->address + (uint64_t)(at + 4 - function->code) +
	       (uint64_t)(int64_t)read_signed(at);
}

bool gilstate_interp_head(const struct function_head *function, uint64_t *ret)
{
	/* mov interp_head(%rip),%rax; ret */
	const uint8_t *at = find_instruction(function, "\x48\x8b\x05", 3, 5);

	if (!at || at[4] != 0xc3)
		return false;
	*ret = relative_address(function, at);
	return true;
}

bool gilstate_key(const struct function_head *function, uint64_t *ret)
{
	/* mov autoTLSkey(%rip),%edi; jmp or call PyThread_get_key_value */
	const uint8_t *at = find_instruction(function, "\x8b\x3d", 2, 5);

	if (!at || (at[4] != 0xe9 && at[4] != 0xe8))
		return false;
	*ret = relative_address(function, at);
	return true;
}

/* mov %fs:OFFSET,%rax; ret */
static bool fixed_place(const struct function_head *function, struct py_layout *layout)
{
	const uint8_t *at = find_instruction(function, "\x64\x48\x8b\x04\x25", 5, 4);

	if (!at)
		return false;
	layout->key = PY_KEY_LOCAL;
	layout->key_offset = read_signed(at);
	return true;
}

/* lea MODULE(%rip),%rdi; call __tls_get_addr; mov OFFSET(%rax),%rax */
static void place_in_module(const struct function_head *function, uint64_t runtime,
			    struct py_layout *layout)
{
	const uint8_t *module = find_instruction(function, "\x48\x8d\x3d", 3, 4);
	const uint8_t *near = find_instruction(function, "\x48\x8b\x40", 3, 1);
	const uint8_t *far = find_instruction(function, "\x48\x8b\x80", 3, 4);
	int64_t distance;

	if (!module || (!near && !far))
		return;
	distance = (int64_t)(relative_address(function, module) - runtime);
	if (distance != (int32_t)distance)
		return;
	layout->key = PY_KEY_MODULE;
	layout->runtime_key = (int32_t)distance;
	layout->key_offset = far ? read_signed(far) : (int8_t)*near;
}

void gilstate_thread_local(const struct function_head *function, uint64_t runtime,
			   struct py_layout *layout)
{
	if (!fixed_place(function, layout))
		place_in_module(function, runtime, layout);
}

#else /* the thread lists do for the others */

bool gilstate_interp_head(const struct function_head *function, uint64_t *ret)
{
	return false;
}

bool gilstate_key(const struct function_head *function, uint64_t *ret)
{
	return false;
}

void gilstate_thread_local(const struct function_head *function, uint64_t runtime,
			   struct py_layout *layout)
{
}

#endif
