/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "cli/options.h"
#include "ebpf/ebpf.h"
#include "report/text/wrap.h"
#include "tracer/tracer.h"

/* Columns of a report that goes to no terminal. */
#define WIDTH 99

/* Paths and commands may have been chosen by others than whoever reads this. NULL: no memory. */
static char *shown(const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return NULL;
	}
	return text_for_terminal(text, strlen(text));
}

void log_error(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = shown(format, args);
	va_end(args);
	fprintf(stderr, "fdtrace: %s\n", text ? text : "out of memory");
}

void log_info(const char *format, ...)
{
	const struct page page = {.out = stderr, .width = WIDTH};
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = shown(format, args);
	va_end(args);
	if (text)
		layout_paragraph(&page, NULL, "fdtrace:", 0, 2, text);
}

int log_tracer_error(const struct tracer_error *error)
{
	log_error("%s", error->text);
	return tracer_exit_status(error->failure);
}

int log_lack(const struct ebpf_error *error)
{
	log_error("%s", error->text);
	switch (error->lack) {
	case EBPF_LACK_PRIVILEGE:
		return EXIT_PRIVILEGE;
	case EBPF_LACK_KERNEL:
		return EXIT_KERNEL;
	default:
		return EXIT_FAILED;
	}
}
