/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/report.h"

#include <stdlib.h>

#include "base/mem.h"
#include "report/otlp/message.h"
#include "report/otlp/record.h"
#include "session/repeats.h"

struct otlp_sink {
	struct sink sink;
	struct otlp_options options;
	struct repeats repeats;
};

static int put_message(const struct otlp_options *options, const struct otlp_message *message)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t length;
	int err = otlp_encode(message, options->json, &bytes, &length);

	if (!err)
		options->put(options->arg, bytes, length);
	return err;
}

/* What it follows from is what has been written, the first finding of that bug. */
static int put_record(struct otlp_sink *otlp, const struct finding_view *view)
{
	struct finding_view told = *view;
	struct otlp_message message = {0};
	int err;

	if (view->caused_by) {
		told.caused_by = view->first_of_bug;
		told.or_by = view->first_of_other;
	}
	err = otlp_finding_record(&otlp->options, &told, &message);
	if (!err)
		err = put_message(&otlp->options, &message);
	otlp_message_clear(&message);
	return err;
}

static int put_count(struct otlp_sink *otlp, const struct repeat *repeat,
		     const struct finding_view *view)
{
	struct otlp_message message = {0};
	int err = otlp_update_record(&otlp->options, repeat, view, &message);

	if (!err)
		err = put_message(&otlp->options, &message);
	otlp_message_clear(&message);
	return err;
}

static int otlp_sink_finding(struct sink *sink, const struct finding_view *view)
{
	struct otlp_sink *otlp = (struct otlp_sink *)sink;
	struct repeat *repeat;
	int written = repeats_write(&otlp->repeats, view, &repeat);

	if (written == WRITE_FINDING)
		return put_record(otlp, view);
	return written == WRITE_UPDATE ? put_count(otlp, repeat, view) : written;
}

static int otlp_sink_suppressed(struct sink *sink, const struct suppressed *suppressed)
{
	struct otlp_sink *otlp = (struct otlp_sink *)sink;
	struct otlp_message message = {0};
	int err = otlp_suppressed_record(&otlp->options, suppressed, &message);

	if (!err)
		err = put_message(&otlp->options, &message);
	otlp_message_clear(&message);
	return err;
}

static int otlp_sink_counts(struct sink *sink)
{
	struct otlp_sink *otlp = (struct otlp_sink *)sink;
	struct repeat *repeat = NULL;
	int err = 0;

	while (!err && (repeat = repeats_unwritten(&otlp->repeats, repeat)))
		err = put_count(otlp, repeat, NULL);
	return err;
}

static int otlp_sink_end(struct sink *sink, const struct session_stats *stats)
{
	return otlp_sink_counts(sink);
}

static void otlp_sink_free(struct sink *sink)
{
	struct otlp_sink *otlp = (struct otlp_sink *)sink;

	repeats_free(&otlp->repeats);
	free(otlp);
}

struct sink *otlp_sink_new(const struct otlp_options *options)
{
	struct otlp_sink *otlp = calloc(1, sizeof(*otlp));

	if (!otlp)
		return NULL;
	otlp->options = *options;
	otlp->repeats.permit = options->finding.permit;
	otlp->repeats.permit_arg = options->finding.permit_arg;
	otlp->sink.counts = otlp_sink_counts;
	otlp->sink.suppressed = otlp_sink_suppressed;
	otlp->sink.finding = otlp_sink_finding;
	otlp->sink.end = otlp_sink_end;
	otlp->sink.free = otlp_sink_free;
	return &otlp->sink;
}

int otlp_put_event(const struct otlp_options *options, const struct otlp_event *event)
{
	struct otlp_message message = {0};
	int err = otlp_event_record(options, event, &message);

	if (!err)
		err = put_message(options, &message);
	otlp_message_clear(&message);
	return err;
}
