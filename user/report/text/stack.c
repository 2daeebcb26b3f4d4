/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/text/stack.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/format.h"
#include "session/shown.h"
#include "stack/merge.h"

#define INDENT	      4
#define SOURCE_INDENT (INDENT + 2)

static const char *line_text(int line, char buf[WORD_SIZE])
{
	if (line > 0)
		snprintf(buf, WORD_SIZE, "line %d", line);
	else
		snprintf(buf, WORD_SIZE, "%s", line ? "line not known" : "no line");
	return buf;
}

/* `File "/srv/app.py", line 41, in C.run`: where it is too long, the middle of names goes. */
static int print_frame(const struct page *page, const struct stack_frame *frame)
{
	const char *compiled = frame->compiled ? " (compiled by Nuitka)" : "";
	_cleanup_free_ char *file = text_for_terminal(frame->file, strlen(frame->file));
	_cleanup_free_ char *function = text_for_terminal(frame->function, strlen(frame->function));
	char line[WORD_SIZE], short_file[512], short_function[512], text[1280];
	size_t room, function_room;

	if (!file || !function)
		return -ENOMEM;
	line_text(frame->line, line);
	room = page->width - INDENT - strlen("File \"\", , in ") - strlen(line) - strlen(compiled);
	function_room = layout_columns(file) < room / 2 ? room - layout_columns(file) : room / 2;
	layout_shorten(function, function_room, short_function, sizeof(short_function));
	layout_shorten(file, room - layout_columns(short_function), short_file, sizeof(short_file));
	snprintf(text, sizeof(text), "File \"%s\", %s, in %s%s", short_file, line, short_function,
		 compiled);
	layout_line(page, stack_frame_is_library(frame) ? STYLE_DIM : NULL, INDENT, text);
	return 0;
}

/* One stack being told. */
struct telling {
	const struct page *page;
	struct source_reader *source; /* NULL: no lines */
	const struct process *process;
	const struct record_rights *rights;
	struct shown_frames shown;
};

static int print_source(const struct telling *t, const struct stack_frame *frame)
{
	_cleanup_free_ char *line =
		t->source->line(t->source, t->process, t->rights, frame->file, frame->line);
	_cleanup_free_ char *text = NULL;

	if (!line)
		return 0;
	text = text_for_terminal(line, strlen(line));
	if (!text)
		return -ENOMEM;
	layout_line(t->page, NULL, SOURCE_INDENT, text);
	return 0;
}

/* `C: os_close (libpython3.11.so.1.0)` */
static int print_native(const struct page *page, const struct native_frame *frame)
{
	char place[PLACE_SIZE], text[PLACE_SIZE + 8];
	_cleanup_free_ char *safe = NULL;

	snprintf(text, sizeof(text), "C: %s", format_native_frame(frame, place));
	safe = text_for_layout(text, strlen(text));
	if (!safe)
		return -ENOMEM;
	layout_line(page, NULL, INDENT, safe);
	return 0;
}

static int print_python(const struct telling *t, const struct stack_frame *frame)
{
	int err = print_frame(t->page, frame);

	if (!err && t->source && (frame == t->shown.first || frame == t->shown.user))
		err = print_source(t, frame);
	return err;
}

static void print_rest(const struct page *page, size_t more)
{
	char text[WORD_SIZE];

	snprintf(text, sizeof(text), "\xe2\x80\xa6 %zu more frame%s", more, more == 1 ? "" : "s");
	layout_line(page, STYLE_DIM, INDENT, text);
}

static int print_frames(const struct telling *t, const struct stack *stack, size_t frames)
{
	int err = 0;

	for (size_t i = 0; i < stack->count && i < frames && !err; i++)
		err = print_python(t, &stack->frames[i]);
	if (stack->count > frames)
		print_rest(t->page, stack->count - frames);
	return err;
}

/* from up to end of a merged stack; frames of them. */
static int print_merged(const struct telling *t, const struct merged_stack *merged, size_t from,
			size_t end, size_t frames)
{
	int err = 0;

	for (size_t i = from; i < end && i - from < frames && !err; i++) {
		const struct merged_frame *frame = &merged->frames[i];

		err = frame->python ? print_python(t, frame->python)
				    : print_native(t->page, frame->native);
	}
	if (end - from > frames)
		print_rest(t->page, end - from - frames);
	return err;
}

/* *ret_result: how the two belong together. */
static int print_both(const struct telling *t, const struct stack *stack, size_t frames,
		      enum merge_result *ret_result)
{
	_cleanup_free_ struct merged_stack *merged = stack_merge(stack);
	char word[WORD_SIZE];
	const char *remark = format_native_remark(stack->native, word);
	int err;

	if (!merged)
		return -ENOMEM;
	*ret_result = merged->result;
	if (merged->result == MERGE_APART && merged->python_count) {
		err = print_merged(t, merged, 0, merged->python_count, frames);
		layout_paragraph(t->page, STYLE_DIM, "C stack:", INDENT, SOURCE_INDENT,
				 "it and the Python frames above do not fit together");
		if (!err)
			err = print_merged(t, merged, merged->python_count, merged->count, frames);
	} else {
		err = print_merged(t, merged, 0, merged->count, frames);
	}
	if (!err && remark)
		layout_paragraph(t->page, STYLE_DIM, "C stack:", INDENT, SOURCE_INDENT, remark);
	return err;
}

int stacks_print(const struct page *page, struct source_reader *source, unsigned int frames,
		 const struct process *process, const struct fd_site *site,
		 const struct stack *stack)
{
	char word[WORD_SIZE];
	const char *remark = format_python_remark(stack, site->stack_id, site->python, word);
	struct telling t = {.page = page, .source = source, .process = process};
	enum merge_result result = MERGE_WHOLE;
	int err = 0;

	if (stack) {
		t.rights = stack->rights;
		t.shown = shown_frames(stack);
		err = stack->native ? print_both(&t, stack, frames, &result)
				    : print_frames(&t, stack, frames);
	}
	/* A C program has no Python, which its C stack shows. */
	if (result == MERGE_NATIVES && stack->native->count && stack->status == PYTHON_NONE)
		remark = NULL;
	if (!err && remark)
		layout_paragraph(page, STYLE_DIM, "Python stack:", INDENT, SOURCE_INDENT, remark);
	return err;
}
