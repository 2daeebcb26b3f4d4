/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/status_line.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/report.h"

#define EVERY_NS 500000000ull
#define WIPE	 "\r\033[K"

void status_line_open(struct status_line *status, bool wanted)
{
	*status = (struct status_line){.wanted = wanted && isatty(STDERR_FILENO)};
}

bool status_line_due(const struct status_line *status, uint64_t now_ns)
{
	return status->wanted && (!status->shown || now_ns >= status->drawn_ns + EVERY_NS);
}

static unsigned int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20)
		return 79;
	return size.ws_col - 1;
}

void status_line_show(struct status_line *status, const struct session_stats *stats,
		      uint64_t now_ns)
{
	double seconds = (now_ns - status->drawn_ns) / 1e9, rate = 0;
	char line[512];

	if (status->drawn_ns && seconds > 0)
		rate = (stats->records - status->records) / seconds;
	status_line(stats, rate, terminal_width(), line, sizeof(line));
	fprintf(stderr, WIPE "%s", line);
	fflush(stderr);
	status->shown = true;
	status->drawn_ns = now_ns;
	status->records = stats->records;
}

void status_line_hide(struct status_line *status)
{
	if (!status->shown)
		return;
	fputs(WIPE, stderr);
	fflush(stderr);
	status->shown = false;
}
