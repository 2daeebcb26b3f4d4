/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <string.h>

#include "report/format.h"

/* Adds ", 12 things" if it fits whole; false: the line is full. */
static bool add_piece(char *buf, size_t limit, uint64_t n, const char *one, const char *many)
{
	char number[WORD_SIZE], piece[WORD_SIZE + 32];
	size_t used = strlen(buf);
	int size;

	size = snprintf(piece, sizeof(piece), "%s%s %s",
			used ? ", " : "fdtrace: ", format_count(n, number), n == 1 ? one : many);
	if (used + size > limit)
		return false;
	memcpy(buf + used, piece, size + 1);
	return true;
}

static uint64_t shown_findings(const struct session_stats *stats)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < FINDING_KINDS; kind++)
		if (finding_kind_row(kind)->about != ABOUT_RUN)
			sum += stats->findings[kind];
	return sum;
}

void status_line(const struct session_stats *stats, double records_per_second, unsigned int width,
		 char *buf, size_t size)
{
	uint64_t findings = shown_findings(stats);
	uint64_t lost = counts_sum(stats->lost, LOSS_CAUSES);
	uint64_t rate = records_per_second > 0 ? records_per_second + 0.5 : 0;
	size_t limit;

	if (!size)
		return;
	buf[0] = '\0';
	limit = width && width < size - 1 ? width : size - 1;
	/* What matters most comes first: the end is what a narrow terminal leaves out. */
	if (!add_piece(buf, limit, findings, "finding", "findings"))
		return;
	if (lost && !add_piece(buf, limit, lost, "record LOST", "records LOST"))
		return;
	if (stats->forgotten && !add_piece(buf, limit, stats->forgotten, "descriptor FORGOTTEN",
					   "descriptors FORGOTTEN"))
		return;
	if (stats->to_search && !add_piece(buf, limit, 100 * stats->searched / stats->to_search,
					   "% of memory searched", "% of memory searched"))
		return;
	if (!add_piece(buf, limit, stats->processes, "process", "processes"))
		return;
	if (!add_piece(buf, limit, rate, "record/s", "records/s"))
		return;
	add_piece(buf, limit, stats->descriptors, "descriptor open", "descriptors open");
}
