/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/json/value.h"
#include "session/repeats.h"

/* Of what follows from one bug, so many findings are written with all their sites. */
#define FOLLOWERS_WHOLE 4

struct json_sink {
	struct sink sink;
	FILE *out;
	bool every;
	struct repeats repeats;
};

static int json_out_error(FILE *out)
{
	return ferror(out) ? (errno ? -errno : -EIO) : 0;
}

/* jansson leaves DEL as it is; it can stand within strings alone. */
static void put_escaped(FILE *out, const char *line)
{
	for (;;) {
		size_t size = strcspn(line, "\x7f");

		fwrite(line, 1, size, out);
		if (!line[size])
			return;
		fputs("\\u007f", out);
		line += size + 1;
	}
}

/*
 * One value, one line. Pure ASCII: whatever a name holds, no reader finds a line end in it
 * (U+2028, U+0085), and no terminal a control character. Takes the reference.
 */
static int put_line(struct sink *sink, json_t *value)
{
	struct json_sink *json = (struct json_sink *)sink;
	_cleanup_free_ char *line = NULL;

	if (!value)
		return -ENOMEM;
	line = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(value);
	if (!line)
		return -ENOMEM;
	errno = 0;
	put_escaped(json->out, line);
	fputc('\n', json->out);
	return json_out_error(json->out);
}

/* 10, 100, 1000… */
static bool is_round(uint64_t n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

static int put_update(struct sink *sink, struct repeat *repeat)
{
	repeat->told = repeat->more + 1;
	return put_line(sink, value_update(repeat));
}

static int put_last_updates(struct sink *sink)
{
	struct json_sink *json = (struct json_sink *)sink;
	int err = 0;

	for (struct repeat *r = json->repeats.all; !err && r; r = r->hh.next)
		if (r->told < r->more + 1)
			err = put_update(sink, r);
	return err;
}

/*
 * In full; but of what follows from a finding before, unless every one is asked for, a bug's first
 * ones alone: under load there are hundreds of places that it shows at.
 */
static int put_finding(struct sink *sink, const struct finding_view *view, struct bug *bug)
{
	const struct json_sink *json = (struct json_sink *)sink;
	struct finding_view told = *view;

	if (json->every || !view->caused_by)
		return put_line(sink, value_finding(view, false));
	/* The first findings are those that have been written. */
	told.caused_by = view->first_of_bug;
	told.or_by = view->first_of_other;
	return put_line(sink, value_finding(&told, bug && bug->whole++ >= FOLLOWERS_WHOLE));
}

static int json_sink_finding(struct sink *sink, const struct finding_view *view)
{
	struct json_sink *json = (struct json_sink *)sink;
	struct repeat *repeat;
	int err = repeats_meet(&json->repeats, view, &repeat);

	if (err < 0)
		return err;
	if (err && !repeat->bug->line) {
		repeat->bug->line = value_place_text(view);
		if (!repeat->bug->line)
			return -ENOMEM;
	}
	/* What cannot be counted is written: nothing goes missing. */
	if (err || json->every || !repeat) {
		if (repeat)
			repeat->told = repeat->more + 1;
		return put_finding(sink, view, repeat ? repeat->bug : NULL);
	}
	return is_round(repeat->more + 1) ? put_update(sink, repeat) : 0;
}

static int json_sink_call(struct sink *sink, const struct call_view *view)
{
	return put_line(sink, value_call(view));
}

static int json_sink_flush(struct sink *sink)
{
	struct json_sink *json = (struct json_sink *)sink;

	errno = 0;
	fflush(json->out);
	return json_out_error(json->out);
}

static int json_sink_end(struct sink *sink, const struct session_stats *stats)
{
	struct json_sink *json = (struct json_sink *)sink;
	int err = put_last_updates(sink);

	if (!err)
		err = put_line(sink, value_summary(stats, &json->repeats));
	return err ? err : json_sink_flush(sink);
}

static void json_sink_free(struct sink *sink)
{
	struct json_sink *json = (struct json_sink *)sink;

	repeats_free(&json->repeats);
	free(json);
}

struct sink *json_sink_new(FILE *out, const struct json_options *options)
{
	struct json_sink *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->out = out;
	json->every = options->every;
	json->sink.finding = json_sink_finding;
	json->sink.call = options->events ? json_sink_call : NULL;
	json->sink.flush = json_sink_flush;
	json->sink.end = json_sink_end;
	json->sink.free = json_sink_free;
	return &json->sink;
}
