/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/records.h"
#include "report/json/value.h"
#include "report/format.h"
#include "session/fingerprint.h"
#include "stack/native.h"
#include "views.h"

/* A record of two frames: close (libc.so.6), and one without a name in app. */
static struct record_native_stack *record_of(uint32_t nr, uint64_t hash)
{
	static const char text[] = "\0close\0libc.so.6\0app";
	struct record_native_stack *record =
		calloc(1, sizeof(*record) + 2 * sizeof(record->frames[0]) + sizeof(text));

	assert_non_null(record);
	record_own(&record->h, RECORD_NATIVE_STACK,
		   sizeof(*record) + 2 * sizeof(record->frames[0]) + sizeof(text), 4242, 1);
	record->hash = hash;
	record->nr = nr;
	record->cpu = 3;
	record->depth = 2;
	record->text_size = sizeof(text);
	record->frames[0] = (struct record_native_frame){0xf89f0, 1, 7};
	record->frames[1] = (struct record_native_frame){0x1234, 0, 17};
	memcpy(record->frames + 2, text, sizeof(text));
	assert_true(record_valid(&record->h));
	return record;
}

static struct native_stack *native_of(struct native_frame *frames, size_t count,
				      enum native_end end)
{
	struct native_stack *native = calloc(1, sizeof(*native) + count * sizeof(*frames));

	assert_non_null(native);
	native->taken = NATIVE_TAKEN;
	native->end = end;
	native->count = count;
	if (count)
		memcpy(native->frames, frames, count * sizeof(*frames));
	return native;
}

static uint64_t forgotten;

static void forget(void *arg, uint64_t hash)
{
	forgotten = hash;
}

static void store_keeps_the_newest(void **state)
{
	struct native_store *store;
	struct native_stack *stack;

	assert_int_equal(native_store_new(2, 0, forget, NULL, &store), 0);
	for (uint32_t nr = 1; nr <= 3; nr++) {
		struct record_native_stack *record = record_of(nr, nr * 100);

		assert_int_equal(native_store_add(store, record), 0);
		assert_int_equal(native_store_add(store, record), 0); /* once more: no other */
		free(record);
	}
	assert_int_equal(forgotten, 100);
	stack = native_resolve(store, NATIVE_TAKEN, record_native_id(3, 1));
	assert_true(stack->lost);
	assert_int_equal(stack->count, 0);
	free(stack);
	stack = native_resolve(store, NATIVE_TAKEN, record_native_id(3, 2));
	assert_false(stack->lost);
	assert_int_equal(stack->count, 2);
	assert_string_equal(stack->frames[0].symbol, "close");
	assert_string_equal(stack->frames[0].module, "libc.so.6");
	assert_null(stack->frames[1].symbol);
	assert_string_equal(stack->frames[1].module, "app");
	assert_int_equal(stack->frames[1].address, 0x1234);
	free(stack);
	stack = native_resolve(store, NATIVE_LIMITED, 0);
	assert_int_equal(stack->taken, NATIVE_LIMITED);
	assert_false(stack->lost);
	free(stack);
	native_store_free(store);
}

static char *json_of(const struct stack *stack)
{
	json_t *object = json_object();
	char *text;

	assert_int_equal(value_set_native(object, stack), 0);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static void expect_json(struct stack *stack, const char *expected)
{
	char *text = json_of(stack);

	assert_string_equal(text, expected);
	free(text);
}

static void json_has_every_frame(void **state)
{
	struct native_frame frames[] = {{"close", "libc.so.6", 0xf89f0},
					{NULL, "a\"\x1b", 0x1234},
					{NULL, NULL, 0x7f0000001000}};
	struct stack stack = {.native = native_of(frames, 3, NATIVE_NO_MODULE)};

	expect_json(&stack,
		    "{\"native\":[{\"symbol\":\"close\",\"module\":\"libc.so.6\",\"offset\":"
		    "\"0xf89f0\"},{\"module\":\"a\\\"\\u001B\",\"offset\":\"0x1234\"},"
		    "{\"address\":\"0x7f0000001000\"}],\"native_status\":\"no_module\"}");
	free(stack.native);
	stack.native = native_of(NULL, 0, NATIVE_FAILED);
	expect_json(&stack, "{\"native_status\":\"failed\"}");
	stack.native->lost = true;
	expect_json(&stack, "{\"native_status\":\"lost\"}");
	stack.native->taken = NATIVE_LIMITED;
	expect_json(&stack, "{\"native_status\":\"limited\"}");
	stack.native->taken = NATIVE_UNREADABLE;
	expect_json(&stack, "{\"native_status\":\"unreadable\"}");
	free(stack.native);
	stack.native = NULL;
	expect_json(&stack, "{}");
	expect_json(NULL, "{}");
}

/* Every end has a name, and a remark unless the stack is whole. */
static void every_end_is_said(void **state)
{
	for (int end = NATIVE_COMPLETE; end <= NATIVE_FAILED; end++) {
		struct native_stack stack = {.taken = NATIVE_TAKEN, .end = end};
		char word[WORD_SIZE];

		assert_non_null(format_native_status(&stack));
		if (end == NATIVE_COMPLETE)
			assert_null(format_native_remark(&stack, word));
		else
			assert_non_null(format_native_remark(&stack, word));
	}
}

static void print(struct capture *c, const struct example *e)
{
	capture_text(c, &(struct text_options){});
	assert_int_equal(c->sink->finding(c->sink, &e->view), 0);
	assert_int_equal(c->sink->flush(c->sink), 0);
}

/* Names are a file's: nothing of them reaches a terminal raw. */
static void text_is_escaped_and_merged(void **state)
{
	struct native_frame frames[] = {{"close", "libc.so.6", 1},
					{"os_\033[2Jclose", "python3", 2},
					{"_PyEval_EvalFrameDefault", "python3", 3}};
	struct example *e = example_new();
	struct capture c;

	e->stacks[0]->loops = 1;
	e->stacks[0]->loop_of = calloc(2, sizeof(uint16_t));
	e->stacks[0]->native = native_of(frames, 3, NATIVE_COMPLETE);
	e->stacks[1]->native = native_of(frames, 1, NATIVE_NO_CFI);
	print(&c, e);
	assert_non_null(strstr(c.text, "    C: close (libc.so.6)\n"
				       "    C: os_\\x1b[2Jclose (python3)\n"
				       "    File \"/srv/app/app.py\", line 14, in main\n"));
	assert_non_null(strstr(c.text, "line 20, in <module>\n"
				       "    C stack: it and the Python frames above do not fit "
				       "together\n"
				       "    C: close (libc.so.6)\n"
				       "    C stack: breaks off, the file of the last frame"));
	assert_null(strchr(c.text, '\033'));
	capture_free(&c);
	for (int i = 0; i < 2; i++) {
		free(e->stacks[i]->native);
		free(e->stacks[i]->loop_of);
	}
	example_free(e);
}

/* A Python that fdtrace did not know yet: its loops are seen, none of its frames. */
static void text_of_a_python_not_known(void **state)
{
	struct native_frame frames[] = {{"close", "libc.so.6", 1},
					{"_PyEval_EvalFrameDefault", "python3", 2}};
	struct example *e = example_new();
	struct capture c;

	e->stacks[0]->count = 0;
	e->stacks[0]->status = PYTHON_NONE;
	e->stacks[0]->native = native_of(frames, 2, NATIVE_COMPLETE);
	print(&c, e);
	assert_non_null(strstr(c.text, "    C: close (libc.so.6)\n"
				       "    C: _PyEval_EvalFrameDefault (python3)\n"
				       "    Python stack: none, no CPython"));
	assert_null(strstr(c.text, "fit together"));
	capture_free(&c);
	free(e->stacks[0]->native);
	example_free(e);
}

/* With Python they change nothing; without it they tell two mistakes of one program apart. */
static void fingerprints(void **state)
{
	struct native_frame one[] = {{"close", "libc.so.6", 1}, {"f", "app", 2}};
	struct native_frame other[] = {{"close", "libc.so.6", 1}, {"g", "app", 2}};
	struct native_frame moved[] = {{"close", "libc.so.6", 7}, {"f", "app", 9}};
	struct example *e = example_new();
	char plain[24], with[24], first[24], second[24], again[24];

	finding_fingerprint(&e->view, plain);
	e->stacks[0]->native = native_of(one, 2, NATIVE_COMPLETE);
	finding_fingerprint(&e->view, with);
	assert_string_equal(plain, with);
	e->stacks[0]->count = 0;
	finding_fingerprint(&e->view, first);
	memcpy(e->stacks[0]->native->frames, other, sizeof(other));
	finding_fingerprint(&e->view, second);
	assert_string_not_equal(first, second);
	memcpy(e->stacks[0]->native->frames, moved, sizeof(moved));
	finding_fingerprint(&e->view, again);
	assert_string_equal(first, again);
	free(e->stacks[0]->native);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_keeps_the_newest),
		cmocka_unit_test(json_has_every_frame),
		cmocka_unit_test(text_of_a_python_not_known),
		cmocka_unit_test(every_end_is_said),
		cmocka_unit_test(text_is_escaped_and_merged),
		cmocka_unit_test(fingerprints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
