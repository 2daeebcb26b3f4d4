/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/json/value.h"

struct json_sink {
	struct sink sink;
	FILE *out;
};

static int out_error(FILE *out)
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
	return out_error(json->out);
}

static int json_sink_finding(struct sink *sink, const struct finding_view *view)
{
	return put_line(sink, value_finding(view));
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
	return out_error(json->out);
}

static int json_sink_end(struct sink *sink, const struct session_stats *stats)
{
	int err = put_line(sink, value_summary(stats));

	return err ? err : json_sink_flush(sink);
}

static void json_sink_free(struct sink *sink)
{
	free(sink);
}

struct sink *json_sink_new(FILE *out, bool events)
{
	struct json_sink *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->out = out;
	json->sink.finding = json_sink_finding;
	json->sink.call = events ? json_sink_call : NULL;
	json->sink.flush = json_sink_flush;
	json->sink.end = json_sink_end;
	json->sink.free = json_sink_free;
	return &json->sink;
}
