/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a function is, and what its first local variable tells of who calls it. */
#include "made_stack.h"

static void test_roles(void **state)
{
	static const struct {
		unsigned int version;
		enum code_role role;
		bool closes;
		uint32_t type_flags, arguments;
		const char *function;
		bool body; /* of a module, or of a class */
	} rows[] = {
		{0x030b, ROLE_METHOD, true, HEAP, 1, "Upload.close", false},
		{0x030b, ROLE_METHOD, false, HEAP, 1, "Upload.release", false},
		{0x030b, ROLE_METHOD, true, HEAP, 1, "Upload.Part.__exit__", false},
		{0x030b, ROLE_FUNCTION, true, HEAP, 1, "close_it", false},
		{0x030b, ROLE_FUNCTION, false, HEAP, 0, "<module>", true},
		{0x030b, ROLE_UNKNOWN, false, HEAP, 0, "Outer", true},
		{0x030b, ROLE_UNKNOWN, false, HEAP, 0, "Outer.Inner", true},
		{0x030d, ROLE_UNKNOWN, true, HEAP, 1, "make.<locals>.close", false},
		{0x0308, ROLE_METHOD, true, HEAP, 1, "_close", false},
		{0x0308, ROLE_METHOD, true, HEAP, 1, "__del__", false},
		{0x0308, ROLE_UNKNOWN, true, 0, 1, "close", false},
		{0x0308, ROLE_UNKNOWN, false, HEAP, 1, "release", false},
		{0x0308, ROLE_FUNCTION, false, HEAP, 0, "main", false},
		{0x0308, ROLE_FUNCTION, false, HEAP, 0, "<module>", true},
		{0x0308, ROLE_UNKNOWN, true, HEAP, 0, "close", false},
		{0x0308, ROLE_UNKNOWN, false, HEAP, 0, "<lambda>", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_first_local local = {
			.type = TYPE,
			.type_flags = rows[i].type_flags,
			.arguments = rows[i].arguments,
			.code_flags = rows[i].body ? 0 : OPTIMIZED,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_roles),
	};

	return cmocka_run_group_tests_name("caller_kinds", tests, NULL, NULL);
}
