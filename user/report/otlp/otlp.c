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

static int put_message(struct otlp_sink *otlp, const struct otlp_message *message)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t length;
	int err = otlp_encode(message, otlp->options.json, &bytes, &length);

	if (!err)
		otlp->options.put(otlp->options.arg, bytes, length);
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
		err = put_message(otlp, &message);
	otlp_message_clear(&message);
	return err;
}

static int put_count(struct otlp_sink *otlp, const struct repeat *repeat,
		     const struct finding_view *view)
{
	struct otlp_message message = {0};
	int err = otlp_update_record(&otlp->options, repeat, view, &message);

	if (!err)
		err = put_message(otlp, &message);
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

static int otlp_sink_end(struct sink *sink, const struct session_stats *stats)
{
	struct otlp_sink *otlp = (struct otlp_sink *)sink;
	struct repeat *repeat = NULL;
	int err = 0;

	while (!err && (repeat = repeats_unwritten(&otlp->repeats, repeat)))
		err = put_count(otlp, repeat, NULL);
	return err;
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
	otlp->sink.finding = otlp_sink_finding;
	otlp->sink.end = otlp_sink_end;
	otlp->sink.free = otlp_sink_free;
	return &otlp->sink;
}
