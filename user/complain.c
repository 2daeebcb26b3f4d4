/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#include "options.h"
#include "probe/probe.h"

void complain(const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *shown = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	/* Paths and commands may have been chosen by others than whoever reads this. */
	if (text)
		shown = text_for_terminal(text, strlen(text));
	fprintf(stderr, "fdtrace: %s\n", shown ? shown : "out of memory");
}

int complain_natives(int err)
{
	if (err == -ELIBACC)
		complain("--debuginfod needs libdebuginfod.so.1 (Debian: libdebuginfod1)");
	else
		complain("cannot start what --native needs: %s", strerror(-err));
	return EXIT_FAILED;
}

int complain_lack(const struct probe_error *error)
{
	complain("%s", error->text);
	switch (error->lack) {
	case PROBE_LACK_PRIVILEGE:
		return EXIT_PRIVILEGE;
	case PROBE_LACK_KERNEL:
		return EXIT_KERNEL;
	default:
		return EXIT_FAILED;
	}
}
