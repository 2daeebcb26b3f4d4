/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

#include "options.h"
#include "probe/probe.h"

void complain(const char *format, ...)
{
	va_list args;

	fputs("fdtrace: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
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
