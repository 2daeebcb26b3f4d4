/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/text/summary.h"
#include "report/text/finding.h"
#include "session/repeats.h"

#define DEFAULT_WIDTH  99
#define MIN_WIDTH      60
#define DEFAULT_FRAMES 16

struct text_sink {
	struct sink sink;
	struct page page;
	unsigned int frames;
	struct source_reader *source;
	bool quiet_info;
	struct repeats repeats;
	uint64_t hidden;
	bool lines; /* what was printed last is lines of what follows from a finding */
};

static int text_out_error(FILE *out)
{
	return ferror(out) ? (errno ? -errno : -EIO) : 0;
}

/* What the summary says of it. */
static int keep_lines(struct repeat *repeat, const struct finding_view *view)
{
	repeat->line = print_short(view);
	if (!repeat->bug->line)
		repeat->bug->line = print_mistake(view);
	return repeat->line && repeat->bug->line ? 0 : -ENOMEM;
}

/* An empty line parts lines from what follows them. */
static void end_lines(struct text_sink *text)
{
	if (text->lines)
		fputc('\n', text->page.out);
	text->lines = false;
}

static int print_follower(struct text_sink *text, const struct finding_view *view,
			  const struct repeat *repeat)
{
	bool counted = repeat->telling == TELL_COUNT;

	if (counted && repeat->fold->places > 1)
		return 0;
	text->lines = true;
	if (!counted)
		return print_consequence(&text->page, view);
	print_no_more(&text->page, view);
	return 0;
}

/* In full, or, where it follows from what was shown, as a line. */
static int print_first(struct text_sink *text, const struct finding_view *view,
		       const struct repeat *repeat)
{
	struct finding_view told = *view;
	struct bug *bug = repeat->bug;

	if (view->caused_by)
		told.caused_by = view->or_by ? view->first_of_bug : bug->shown;
	told.or_by = view->first_of_other;
	if (told.caused_by && !text->repeats.every)
		return print_follower(text, &told, repeat);
	if (!bug->shown)
		bug->shown = view->id;
	end_lines(text);
	return print_finding(&text->page, text->frames, text->source, &told);
}

static int text_sink_finding(struct sink *sink, const struct finding_view *view)
{
	struct text_sink *text = (struct text_sink *)sink;
	const struct finding *f = view->finding;
	struct repeat *repeat;
	int err;

	if (text->quiet_info && f->severity == SEVERITY_INFO) {
		text->hidden++;
		return 0;
	}
	err = repeats_meet(&text->repeats, view, &repeat);
	if (err <= 0)
		return err;
	if (keep_lines(repeat, view))
		return -ENOMEM;
	errno = 0;
	err = print_first(text, view, repeat);
	return err ? err : text_out_error(text->page.out);
}

static int text_sink_flush(struct sink *sink)
{
	struct text_sink *text = (struct text_sink *)sink;

	errno = 0;
	fflush(text->page.out);
	return text_out_error(text->page.out);
}

static int text_sink_end(struct sink *sink, const struct session_stats *stats)
{
	struct text_sink *text = (struct text_sink *)sink;
	struct summary summary = {
		.stats = stats,
		.repeats = &text->repeats,
		.hidden = text->hidden,
	};

	end_lines(text);
	summary_print(&text->page, &summary);
	return text_sink_flush(sink);
}

static void text_sink_free(struct sink *sink)
{
	struct text_sink *text = (struct text_sink *)sink;

	repeats_free(&text->repeats);
	free(text);
}

static unsigned int page_width(unsigned int width)
{
	if (!width || width > DEFAULT_WIDTH)
		return DEFAULT_WIDTH;
	return width < MIN_WIDTH ? MIN_WIDTH : width;
}

struct sink *text_sink_new(FILE *out, const struct text_options *options)
{
	struct text_sink *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->page.out = out;
	text->page.color = options->color;
	text->page.width = page_width(options->width);
	text->frames = options->frames ? options->frames : DEFAULT_FRAMES;
	text->source = options->source;
	text->quiet_info = options->quiet_info;
	text->repeats.every = options->in_full;
	text->sink.finding = text_sink_finding;
	text->sink.flush = text_sink_flush;
	text->sink.end = text_sink_end;
	text->sink.free = text_sink_free;
	return &text->sink;
}
