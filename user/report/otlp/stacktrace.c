/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/otlp/stacktrace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/format.h"

/* From the heap; NULL without memory. */
static char *python_line(const struct stack *stack, size_t i)
{
	const struct stack_frame *frame = &stack->frames[i];
	_cleanup_free_ char *file = text_for_terminal(frame->file, strlen(frame->file));
	_cleanup_free_ char *function = text_for_terminal(frame->function, strlen(frame->function));
	char line[16] = "?", *text;

	if (frame->line > 0)
		snprintf(line, sizeof(line), "%d", frame->line);
	if (!file || !function ||
	    asprintf(&text, "  File \"%s\", line %s, in %s\n", file, line, function) < 0)
		return NULL;
	return text;
}

static char *c_line(const struct stack *stack, size_t i)
{
	char place[PLACE_SIZE], *text;
	const char *raw = format_native_frame(&stack->native->frames[i], place);
	_cleanup_free_ char *name = text_for_terminal(raw, strlen(raw));

	return name && asprintf(&text, "  %s\n", name) >= 0 ? text : NULL;
}

/* The lines of count frames, from the outermost that has room to the innermost. */
static int print_trace(const struct stack *stack, size_t count, FILE *out,
		       char *(*line)(const struct stack *stack, size_t i))
{
	_cleanup_free_ char **lines = calloc(count, sizeof(*lines));
	size_t shown = 0, size = 0;
	int err = lines ? 0 : -ENOMEM;

	while (!err && shown < count) {
		char *text = line(stack, shown);

		if (!text) {
			err = -ENOMEM;
		} else if (size + strlen(text) > STACKTRACE_MAX) {
			free(text);
			break;
		} else {
			size += strlen(text);
			lines[shown++] = text;
		}
	}
	if (shown < count)
		fprintf(out, "  ... %zu more\n", count - shown);
	while (shown-- > 0) {
		fputs(lines[shown], out);
		free(lines[shown]);
	}
	return err;
}

int otlp_stacktrace(const struct stack *stack, char **ret)
{
	bool python = stack && stack->count,
	     native = stack && stack->native && stack->native->count;
	size_t size;
	FILE *out;
	int err;

	*ret = NULL;
	if (!python && !native)
		return 0;
	out = open_memstream(ret, &size);
	if (!out)
		return -ENOMEM;
	fprintf(out, "%s (most recent call last):\n", python ? "Traceback" : "C stack");
	err = python ? print_trace(stack, stack->count, out, python_line)
		     : print_trace(stack, stack->native->count, out, c_line);
	if (fclose(out))
		err = -ENOMEM;
	if (err)
		free(TAKE_PTR(*ret));
	return err;
}
