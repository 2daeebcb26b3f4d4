/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a report shows of a finding: the choice alone, and that a report asks for just that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "session/repeats.h"
#include "session/shown.h"
#include "views.h"

#define LOG_SIZE (1 << 20)
#define ROUNDS	 3000

/* Takes down whose lines are asked for. */
struct asked {
	struct source_reader reader;
	char *text;
	size_t size;
};

static void note(struct asked *asked, const char *file, int line)
{
	int size = snprintf(asked->text + asked->size, LOG_SIZE - asked->size, "%zu %s:%d\n",
			    strlen(file), file, line);

	assert_true(size > 0 && (size_t)size < LOG_SIZE - asked->size);
	asked->size += size;
}

static char *note_line(struct source_reader *reader, const struct process *process,
		       const struct record_rights *rights, const char *file, int line)
{
	note((struct asked *)reader, file, line);
	return NULL;
}

static void no_more(struct source_reader *reader)
{
}

static struct asked asked_new(void)
{
	struct asked asked = {.reader = {note_line, no_more}, .text = calloc(1, LOG_SIZE)};

	assert_non_null(asked.text);
	return asked;
}

static int note_frame(void *arg, const struct stack *stack, const struct stack_frame *frame)
{
	note(arg, frame->file, frame->line);
	return 0;
}

/* What is shown of an example, as the choice has it. */
static char *chosen(const struct example *e, size_t frames)
{
	struct asked asked = asked_new();

	assert_int_equal(shown_each_line(&e->view, frames, note_frame, &asked), 0);
	return asked.text;
}

static char *reported(const struct example *e, unsigned int frames)
{
	struct asked asked = asked_new();
	struct text_options options = {.frames = frames, .source = &asked.reader};
	struct capture text;

	capture_text(&text, &options);
	assert_int_equal(text.sink->finding(text.sink, &e->view), 0);
	capture_free(&text);
	return asked.text;
}

static void expect_both(const struct example *e, unsigned int frames, const char *expected)
{
	_cleanup_free_ char *choice = chosen(e, frames), *report = reported(e, frames);

	if (expected)
		assert_string_equal(choice, expected);
	assert_string_equal(choice, report);
}

static void first_and_own_frame(void **state)
{
	static const struct stack_frame frames[] = {
		{"close", "/usr/lib/python3.11/socket.py", 500, 490, false, 0, 0},
		{"close", "/usr/lib/python3.11/ssl.py", 13, 10, false, 0, 0},
		{"main", "/srv/app/app.py", 14, 5, false, 0, 0},
	};
	struct example *e = example_new();

	example_stack(e, 0, stack_of(PYTHON_COMPLETE, frames, 3));
	example_stack(e, 1, stack_of(PYTHON_COMPLETE, frames, 2));
	example_stack(e, 2, NULL);
	expect_both(e, 16,
		    "29 /usr/lib/python3.11/socket.py:500\n15 /srv/app/app.py:14\n"
		    "29 /usr/lib/python3.11/socket.py:500\n");
	/* What is not listed has no line either. */
	expect_both(e, 2,
		    "29 /usr/lib/python3.11/socket.py:500\n"
		    "29 /usr/lib/python3.11/socket.py:500\n");
	example_free(e);
}

static void a_finalizer_comes_last(void **state)
{
	struct example *e = example_new();

	expect_both(e, 16, "15 /srv/app/app.py:14\n15 /srv/app/app.py:12\n15 /srv/app/app.py:10\n");
	e->finding.bad.origin = ORIGIN_FINALIZER;
	expect_both(e, 16, "15 /srv/app/app.py:10\n15 /srv/app/app.py:12\n15 /srv/app/app.py:14\n");
	e->finding.opened.missing = SITE_LOST;
	expect_both(e, 16, "15 /srv/app/app.py:12\n15 /srv/app/app.py:14\n");
	example_free(e);
}

/* A native stack of the interpreter, with as many frames of the program's C code around it. */
static struct native_stack *random_native(void)
{
	static const struct native_frame some[] = {
		{"close", "libc.so.6", 1},
		{"os_close", "python3.11", 2},
		{"_PyEval_EvalFrameDefault", "python3.11", 3},
		{NULL, "app.so", 4},
		{NULL, NULL, 5},
	};
	size_t count = rand() % 40;
	struct native_stack *native = calloc(1, sizeof(*native) + count * sizeof(*some));

	assert_non_null(native);
	native->taken = rand() % 8 ? NATIVE_TAKEN : NATIVE_LIMITED;
	native->end = rand() % 7;
	native->count = native->taken == NATIVE_TAKEN ? count : 0;
	for (size_t i = 0; i < native->count; i++)
		native->frames[i] = some[rand() % ARRAY_SIZE(some)];
	return native;
}

/* Each frame a call of the evaluation loop of its own. */
static struct stack *random_stack(uint16_t *loops, char *texts[4])
{
	struct stack_frame frames[8];
	size_t count = rand() % ARRAY_SIZE(frames);
	struct stack *stack;

	for (size_t i = 0; i < count; i++)
		frames[i] = (struct stack_frame){texts[rand() % 4],
						 rand() % 2 ? "/usr/lib/python3.11/os.py"
							    : texts[rand() % 4],
						 rand() % 99 - 1,
						 1,
						 false,
						 0,
						 0};
	stack = stack_of(rand() % 8, frames, count);
	stack->loops = count;
	stack->loop_of = count ? loops : NULL;
	stack->native = rand() % 2 ? random_native() : NULL;
	return stack;
}

static void a_report_asks_for_what_is_chosen(void **state)
{
	uint16_t loops[8] = {0, 1, 2, 3, 4, 5, 6, 7};

	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		struct example *e = example_new();
		struct stack *stacks[5];
		char *texts[4];

		example_hostile(e, texts);
		for (int i = 0; i < 5; i++)
			stacks[i] = random_stack(loops, texts);
		for (int i = 0; i < 3; i++)
			example_stack(e, i, NULL);
		e->view.bad = stacks[0];
		e->view.closed = stacks[1];
		e->view.opened = rand() % 4 ? stacks[2] : NULL;
		e->view.victim = stacks[3];
		e->view.failed = stacks[4];
		e->finding.bad.origin = rand() % (ORIGIN_FINALIZER + 1);
		e->finding.victim.known = rand() % 2;
		e->finding.victim.failed.missing = rand() % 3 ? SITE_SEEN : SITE_NOT_APPLICABLE;
		expect_both(e, rand() % 2 ? RECORD_FRAMES_MAX : 1 + rand() % 12, NULL);
		for (int i = 0; i < 5; i++) {
			free(stacks[i]->native);
			free(stacks[i]);
		}
		for (int i = 0; i < 4; i++)
			free(texts[i]);
		example_free(e);
	}
}

static void repeats_are_counted(void **state)
{
	struct example *e = example_new();
	struct repeats repeats = {0};
	struct repeat *first = NULL;

	assert_int_equal(repeats_meet(&repeats, &e->view, &first), 1);
	assert_int_equal(repeats_meet(&repeats, &e->view, NULL), 0);
	assert_int_equal(first->more, 1);
	/* Another number of the same bug is no other finding to a reader. */
	e->finding.fd = 9;
	assert_int_equal(repeats_meet(&repeats, &e->view, NULL), 0);
	e->finding.kind = FINDING_BAD_FD;
	assert_int_equal(repeats_meet(&repeats, &e->view, NULL), 1);
	assert_int_equal(first->more, 2);
	assert_int_equal(repeats.beyond, 0);
	repeats_free(&repeats);
	example_free(e);
}

static void too_many_are_only_counted(void **state)
{
	struct stack_frame frame = {"", "/srv/app/app.py", 14, 5, false, 0, 0};
	struct example *e = example_new();
	struct repeats repeats = {0};
	char function[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(function, sizeof(function), "f%d", i);
		frame.function = function;
		example_stack(e, 0, stack_of(PYTHON_COMPLETE, &frame, 1));
		assert_int_equal(repeats_meet(&repeats, &e->view, NULL), i < 4096);
	}
	assert_int_equal(repeats.beyond, 5000 - 4096);
	repeats_free(&repeats);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_and_own_frame),
		cmocka_unit_test(a_finalizer_comes_last),
		cmocka_unit_test(a_report_asks_for_what_is_chosen),
		cmocka_unit_test(repeats_are_counted),
		cmocka_unit_test(too_many_are_only_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
