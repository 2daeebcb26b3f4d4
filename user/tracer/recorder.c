/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/output_file.h"
#include "session/repeats.h"
#include "session/shown.h"

/* What is kept is written at least so often: what a kill can cost. */
#define FLUSH_NS 1000000000ull

static struct recording_parameters parameters_of(const struct session_options *session)
{
	return (struct recording_parameters){
		.started_ns = session->started_ns,
		.wall_offset_ns = session->wall_offset_ns,
		.settle_ns = session->fd.settle_ns,
		.max_stacks = session->max_stacks,
		.history = session->fd.history,
		.tables = session->fd.tables,
		.memory_kib = session->memory >> 10,
		.sweep = session->fd.sweep,
	};
}

static void note_error(struct recorder *recorder, int err)
{
	if (err && !recorder->error)
		recorder->error = err;
}

static void keep_record(struct recorder *recorder, const struct record_header *record)
{
	struct record_rights bare = {0};

	if (!recorder->writer)
		return;
	if (record->type == RECORD_RIGHTS) {
		bare.h = *record;
		bare.h.size = sizeof(bare);
		record = &bare.h;
	}
	note_error(recorder, recording_write(recorder->writer, record));
}

/* The one who keeps the lines of a source_recorder. */
static int keep_source(void *arg, const struct record_header *record)
{
	keep_record(arg, record);
	return 0;
}

void recorder_close(struct recorder *recorder)
{
	if (!recorder->path)
		return;
	recorder_tick(recorder, UINT64_MAX);
	recording_writer_free(recorder->writer);
	close_fd(recorder->fd);
	*recorder = RECORDER_NONE;
}

/* Asks for the source lines that a report may show of each finding: who is asked records them. */
struct recorder_sink {
	struct sink sink;
	struct source_reader *source; /* lent by the recorder */
	struct repeats repeats;
};

struct asking {
	struct source_reader *source;
	const struct process *process;
};

static int ask_line(void *arg, const struct stack *stack, const struct stack_frame *frame)
{
	const struct asking *asking = arg;

	free(asking->source->line(asking->source, asking->process, stack->rights, frame->file,
				  frame->line));
	return 0;
}

static int recorder_sink_finding(struct sink *base, const struct finding_view *view)
{
	struct recorder_sink *sink = (struct recorder_sink *)base;
	struct asking asking = {sink->source, view->process};
	/* A report shows the first of each bug, kind and place. */
	int err = repeats_meet(&sink->repeats, view, NULL);

	if (err <= 0)
		return err;
	err = shown_each_line(view, RECORD_FRAMES_MAX, ask_line, &asking);
	sink->source->done(sink->source);
	return err;
}

static void recorder_sink_free(struct sink *base)
{
	struct recorder_sink *sink = (struct recorder_sink *)base;

	repeats_free(&sink->repeats);
	free(sink);
}

static int add_sink(struct recorder *recorder)
{
	struct recorder_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->sink.finding = recorder_sink_finding;
	sink->sink.free = recorder_sink_free;
	sink->source = &recorder->source.reader;
	return session_add_sink(recorder->session, &sink->sink);
}

int recorder_open(struct recorder *recorder, const struct recorder_options *options)
{
	struct recording_parameters parameters = parameters_of(options->made_with);
	int err;

	recorder->session = options->session;
	recorder->path = options->path;
	if (!options->path)
		return 0;
	recorder->fd = output_file_open(options->path, false);
	if (recorder->fd < 0)
		return recorder->fd;
	err = recording_writer_new(recorder->fd, options->limit, &parameters, &recorder->writer);
	if (err)
		return err;
	source_recorder_init(&recorder->source, options->lines, keep_source, recorder);
	return add_sink(recorder);
}

struct source_reader *recorder_source(struct recorder *recorder)
{
	return recorder->path ? &recorder->source.reader : NULL;
}

int recorder_feed(struct recorder *recorder, const struct record_header *record)
{
	int err = session_record(recorder->session, record);

	keep_record(recorder, record);
	return err;
}

void recorder_tick(struct recorder *recorder, uint64_t now_ns)
{
	if (!recorder->writer || now_ns < recorder->flushed_ns + FLUSH_NS)
		return;
	recorder->flushed_ns = now_ns;
	note_error(recorder, recording_flush(recorder->writer));
}

const char *recorder_full(struct recorder *recorder)
{
	if (recorder->told || recorder->error != -EFBIG)
		return NULL;
	recorder->told = true;
	snprintf(recorder->text, sizeof(recorder->text),
		 "%s has reached --record-size: nothing more is recorded, tracing goes on",
		 recorder->path);
	return recorder->text;
}

const char *recorder_failure(struct recorder *recorder)
{
	if (recorder->told || !recorder->error || recorder->error == -EFBIG)
		return NULL;
	recorder->told = true;
	snprintf(recorder->text, sizeof(recorder->text), "cannot record to %s: %s; tracing goes on",
		 recorder->path, strerror(-recorder->error));
	return recorder->text;
}
