/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/stacks.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/words.h"

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
static int tell_frame(const struct page *page, const struct stack_frame *frame)
{
	_cleanup_free_ char *file = text_for_terminal(frame->file, strlen(frame->file));
	_cleanup_free_ char *function = text_for_terminal(frame->function, strlen(frame->function));
	char line[WORD_SIZE], short_file[512], short_function[512], text[1280];
	size_t room, function_room;

	if (!file || !function)
		return -ENOMEM;
	line_text(frame->line, line);
	room = page->width - INDENT - strlen("File \"\", , in ") - strlen(line);
	function_room = layout_columns(file) < room / 2 ? room - layout_columns(file) : room / 2;
	layout_shorten(function, function_room, short_function, sizeof(short_function));
	layout_shorten(file, room - layout_columns(short_function), short_file, sizeof(short_file));
	snprintf(text, sizeof(text), "File \"%s\", %s, in %s", short_file, line, short_function);
	layout_line(page, words_is_library(frame->file) ? STYLE_DIM : NULL, INDENT, text);
	return 0;
}

static int tell_source(const struct page *page, struct source_reader *source,
		       const struct process *process, const struct stack_frame *frame)
{
	_cleanup_free_ char *line = source->line(source, process, frame->file, frame->line);
	_cleanup_free_ char *text = NULL;

	if (!line)
		return 0;
	text = text_for_terminal(line, strlen(line));
	if (!text)
		return -ENOMEM;
	layout_line(page, NULL, SOURCE_INDENT, text);
	return 0;
}

static int tell_frames(const struct page *page, struct source_reader *source, size_t frames,
		       const struct process *process, const struct stack *stack)
{
	const struct stack_frame *user = words_user_frame(stack);
	int err = 0;

	for (size_t i = 0; i < stack->count && i < frames && !err; i++) {
		const struct stack_frame *frame = &stack->frames[i];

		err = tell_frame(page, frame);
		if (!err && (i == 0 || frame == user))
			err = tell_source(page, source, process, frame);
	}
	return err;
}

static void tell_rest(const struct page *page, size_t frames, const struct stack *stack)
{
	char text[WORD_SIZE];

	if (stack->count <= frames)
		return;
	snprintf(text, sizeof(text), "\xe2\x80\xa6 %zu more frame%s", stack->count - frames,
		 stack->count - frames == 1 ? "" : "s");
	layout_line(page, STYLE_DIM, INDENT, text);
}

int stacks_tell(const struct page *page, struct source_reader *source, unsigned int frames,
		const struct process *process, const struct fd_site *site,
		const struct stack *stack)
{
	const char *remark = words_python_remark(stack, site->stack_id, site->python);
	int err = 0;

	if (stack) {
		err = tell_frames(page, source, frames, process, stack);
		tell_rest(page, frames, stack);
	}
	if (!err && remark)
		layout_paragraph(page, STYLE_DIM, "Python stack:", INDENT, SOURCE_INDENT, remark);
	return err;
}
