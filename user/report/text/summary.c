/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/text/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/text/finding.h"
#include "report/format.h"

#define TEXT_SIZE     1024
/* Bugs shown, and of each the kinds and places of its findings: the most frequent first. */
#define BUG_LINES     20
#define FINDING_LINES 6

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_none(const struct page *page, const struct session_stats *stats)
{
	bool lost = counts_sum(stats->lost, LOSS_CAUSES) > 0;
	char processes[WORD_SIZE], time[WORD_SIZE], text[TEXT_SIZE];

	snprintf(text, sizeof(text), "no double close was seen in %s process%s during %s%s.",
		 format_count(stats->processes_seen, processes),
		 stats->processes_seen == 1 ? "" : "es", format_duration(stats->duration_ns, time),
		 lost		    ? ", as far as the records tell"
		 : stats->forgotten ? ", as far as is remembered"
				    : "");
	layout_paragraph(page, STYLE_BOLD, "fdtrace:", 0, 2, text);
}

/* "3 findings of 1 bug in 1.2 s:" */
static int count_all(const struct session_stats *stats, const struct repeats *repeats,
		     uint64_t total, char *text, size_t size)
{
	uint64_t bugs = repeats_bugs(repeats);
	char number[WORD_SIZE], time[WORD_SIZE], of[WORD_SIZE * 2] = "";

	if (bugs)
		snprintf(of, sizeof(of), " of %s bug%s", format_count(bugs, number), plural(bugs));
	return snprintf(text, size, "%s finding%s%s in %s:", format_count(total, number),
			plural(total), of, format_duration(stats->duration_ns, time));
}

static void print_counts(const struct page *page, const struct session_stats *stats,
			 const struct repeats *repeats, uint64_t total)
{
	char number[WORD_SIZE], text[TEXT_SIZE];
	int at = count_all(stats, repeats, total, text, sizeof(text));

	for (int kind = 0; kind < FINDING_KINDS; kind++) {
		if (!stats->findings[kind])
			continue;
		at += snprintf(
			text + at, sizeof(text) - at, "%s %s %s", text[at - 1] == ':' ? "" : ",",
			format_count(stats->findings[kind], number), finding_kind_name(kind));
	}
	if (stats->suspected)
		snprintf(text + at, sizeof(text) - at, "; %s suspected, not proved",
			 format_count(stats->suspected, number));
	layout_paragraph(page, STYLE_BOLD, "fdtrace:", 0, 2, text);
}

/* "calls 10, stacks 2" */
static void lost_causes(const struct session_stats *stats, char *text, size_t size)
{
	char number[WORD_SIZE];
	size_t at = 0;

	for (int cause = 0; cause < LOSS_CAUSES; cause++)
		if (stats->lost[cause])
			at += snprintf(text + at, size - at, "%s%s %s", at ? ", " : "",
				       format_loss(cause, true),
				       format_count(stats->lost[cause], number));
}

/* What it means that records of these causes are missing. */
static const char *lost_meaning(const uint64_t *lost)
{
	bool names = lost[LOSS_STACK] || lost[LOSS_CODE];

	if (!lost[LOSS_CALL] && !lost[LOSS_PROCESS] && !lost[LOSS_MAP])
		return "some stacks or their lines are not shown";
	return names ? "double closes may have been missed, and some stacks are not shown"
		     : "double closes may have been missed";
}

static void print_lost(const struct page *page, const struct session_stats *stats)
{
	uint64_t total = counts_sum(stats->lost, LOSS_CAUSES);
	char label[WORD_SIZE * 2], number[WORD_SIZE], causes[WORD_SIZE * 8], text[TEXT_SIZE];

	if (!total)
		return;
	snprintf(label, sizeof(label), "%s record%s lost", format_count(total, number),
		 total == 1 ? " was" : "s were");
	lost_causes(stats, causes, sizeof(causes));
	snprintf(text, sizeof(text), "(%s), so %s%s.", causes, lost_meaning(stats->lost),
		 total > stats->lost[LOSS_MAP] ? "; a larger --ring-size helps" : "");
	layout_paragraph(page, STYLE_WARNING, label, 2, 4, text);
}

/* ", 12 stacks" if there are any. */
static void add_count(char *text, size_t size, uint64_t n, const char *one, const char *many)
{
	char number[WORD_SIZE];
	size_t at = strlen(text);

	if (n)
		snprintf(text + at, size - at, "%s%s %s", at ? ", " : "", format_count(n, number),
			 n == 1 ? one : many);
}

static void print_forgotten(const struct page *page, const struct session_stats *stats)
{
	char what[WORD_SIZE * 6] = "", text[TEXT_SIZE];

	add_count(what, sizeof(what), stats->forgotten, "descriptor with its history",
		  "descriptors with their histories");
	add_count(what, sizeof(what), stats->forgotten_stacks, "stack", "stacks");
	add_count(what, sizeof(what), stats->forgotten_codes, "code object", "code objects");
	if (!*what)
		return;
	snprintf(
		text, sizeof(text),
		"for want of room: %s, the oldest first. What rests on them is not told, or not as "
		"a fact; a larger --memory helps.",
		what);
	layout_paragraph(page, STYLE_WARNING, "Forgotten", 2, 4, text);
}

/* How often it was seen, besides what the bug's own line tells, which is its first finding. */
static uint64_t seen_besides(const struct repeat *repeat, const struct bug *bug)
{
	return repeat->more + (repeat->id != bug->id);
}

/* Of as many, the one that was met first. */
static int by_more(const void *a, const void *b)
{
	const struct repeat *x = *(const struct repeat *const *)a;
	const struct repeat *y = *(const struct repeat *const *)b;
	uint64_t more = seen_besides(x, x->bug), other = seen_besides(y, y->bug);

	if (more != other)
		return more < other ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

/* What else there was of the bug, the most frequent first, from the heap; NULL without memory. */
static const struct repeat **sorted_besides(const struct repeats *repeats, const struct bug *bug,
					    size_t *ret_count)
{
	const struct repeat **sorted = calloc(HASH_COUNT(repeats->all) + 1, sizeof(*sorted));
	size_t count = 0;

	for (const struct repeat *r = repeats->all; sorted && r; r = r->hh.next)
		if (r->bug == bug && !r->folds && seen_besides(r, bug))
			sorted[count++] = r;
	if (sorted)
		qsort(sorted, count, sizeof(*sorted), by_more);
	*ret_count = count;
	return sorted;
}

/* "… and 312 at 57 more places" */
static void print_further(const struct page *page, const struct repeat *const *rest, size_t count)
{
	char number[WORD_SIZE], places[WORD_SIZE], text[WORD_SIZE * 4];
	uint64_t findings = 0;

	for (size_t i = 0; i < count; i++)
		findings += seen_besides(rest[i], rest[i]->bug);
	snprintf(text, sizeof(text), "\xe2\x80\xa6 and %s at %s more place%s",
		 format_count(findings, number), format_count(count, places), plural(count));
	layout_line(page, NULL, 6, text);
}

/* "+41 use_after_close of fd 7 (pipe) at app.py:30 in serve" */
static void print_bug_findings(const struct page *page, const struct repeats *repeats,
			       const struct bug *bug)
{
	size_t count;
	_cleanup_free_ const struct repeat **sorted = sorted_besides(repeats, bug, &count);
	size_t lines = count <= FINDING_LINES ? count : FINDING_LINES - 1;
	char number[WORD_SIZE], label[WORD_SIZE * 2];

	for (size_t i = 0; i < lines; i++) {
		snprintf(label, sizeof(label), "+%s",
			 format_count(seen_besides(sorted[i], bug), number));
		layout_paragraph(page, STYLE_BOLD, label, 6, 8, sorted[i]->line);
	}
	if (lines < count)
		print_further(page, sorted + lines, count - lines);
}

/* "#1 double_close: closed at app.py:12 in f, closed again at app.py:14 in f (b1:…)" */
static void print_bug(const struct page *page, const struct repeats *repeats, const struct bug *bug)
{
	_cleanup_free_ char *text = NULL;
	char label[WORD_SIZE];

	snprintf(label, sizeof(label), "#%" PRIu64, bug->id);
	if (asprintf(&text, "%s: %s (%s)", finding_kind_name(bug->kind), bug->line, bug->name) < 0)
		text = NULL;
	if (text)
		layout_paragraph(page, STYLE_BOLD, label, 4, 6, text);
	print_bug_findings(page, repeats, bug);
}

static void print_bugs(const struct page *page, const struct repeats *repeats)
{
	size_t count;
	_cleanup_free_ const struct bug **sorted = repeats_sorted(repeats, &count);
	char number[WORD_SIZE], text[WORD_SIZE * 2];
	uint64_t either = 0;
	size_t bugs = 0;

	if (!count)
		return;
	layout_line(page, STYLE_BOLD, 2, "Bugs, and what else was seen of each:");
	for (size_t i = 0; i < count; i++) {
		if (sorted[i]->either)
			either += sorted[i]->followed;
		else if (bugs++ < BUG_LINES)
			print_bug(page, repeats, sorted[i]);
	}
	if (bugs > BUG_LINES) {
		snprintf(text, sizeof(text), "\xe2\x80\xa6 %s more",
			 format_count(bugs - BUG_LINES, number));
		layout_line(page, NULL, 4, text);
	}
	if (either) {
		snprintf(text, sizeof(text), "%s finding%s may follow from one or another of them.",
			 format_count(either, number), plural(either));
		layout_line(page, NULL, 4, text);
	}
}

static void print_hidden(const struct page *page, const struct summary *summary)
{
	char number[WORD_SIZE], text[TEXT_SIZE];

	if (summary->hidden) {
		snprintf(text, sizeof(text), "%s finding%s of little weight not shown (see --all).",
			 format_count(summary->hidden, number), plural(summary->hidden));
		layout_paragraph(page, NULL, "", 2, 4, text);
	}
	if (summary->repeats->beyond) {
		snprintf(text, sizeof(text),
			 "%s finding%s not shown: too many different ones came before.",
			 format_count(summary->repeats->beyond, number),
			 plural(summary->repeats->beyond));
		layout_paragraph(page, NULL, "", 2, 4, text);
	}
}

static void print_volume(const struct page *page, const struct session_stats *stats)
{
	char records[WORD_SIZE], processes[WORD_SIZE], missing[WORD_SIZE], text[TEXT_SIZE];

	snprintf(text, sizeof(text), "%s record%s from %s process%s%s%.80s.",
		 format_count(stats->records, records), plural(stats->records),
		 format_count(stats->processes_seen, processes),
		 stats->processes_seen == 1 ? "" : "es", stats->hooks ? ", through " : "",
		 stats->hooks ? stats->hooks : "");
	print_paragraph(page, NULL, "", 2, 4, text);
	if (!stats->stacks_missing)
		return;
	snprintf(text, sizeof(text), "%s stack%s could not be shown: %s.",
		 format_count(stats->stacks_missing, missing), plural(stats->stacks_missing),
		 stats->forgotten_stacks ? "they were forgotten, or their records were lost"
					 : "the records were lost");
	layout_paragraph(page, NULL, "", 2, 4, text);
}

static void print_not_seen(const struct page *page, const struct session_stats *stats)
{
	for (const char *const *line = stats->unseen; line && *line; line++)
		print_paragraph(page, STYLE_DIM, "Cannot be seen here:", 2, 4, *line);
}

void summary_print(const struct page *page, const struct summary *summary)
{
	const struct session_stats *stats = summary->stats;
	uint64_t total = counts_sum(stats->findings, FINDING_KINDS);

	if (total > summary->hidden)
		print_counts(page, stats, summary->repeats, total);
	else
		print_none(page, stats);
	print_lost(page, stats);
	print_forgotten(page, stats);
	print_bugs(page, summary->repeats);
	print_hidden(page, summary);
	print_volume(page, stats);
	print_not_seen(page, stats);
}
