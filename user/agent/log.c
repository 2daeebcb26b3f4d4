/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "base/mem.h"
#include "base/text.h"

/* Standard error is the journal's: sd-daemon(3). A prefix tells it the level. */
static const char *level_prefix(int level)
{
	if (!getenv("JOURNAL_STREAM"))
		return "";
	return level <= LOG_ERR ? SD_ERR : level == LOG_WARNING ? SD_WARNING : SD_INFO;
}

void agent_log(int level, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *shown = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	shown = text ? text_for_terminal(text, strlen(text)) : NULL;
	fprintf(stderr, "%sfdtrace agent: %s\n", level_prefix(level),
		shown ? shown : "out of memory");
}
