/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/log.h"
#include "recording/reader.h"
#include "cli/outputs.h"

/* The reports are flushed after every so many records. */
#define FLUSH_EVERY 1024

struct replay {
	const struct options *options;
	int fd;
	struct recording_reader *reader;
	struct session *session;
	struct source_player sources;
	struct outputs outputs;
	uint16_t last; /* the type of the last record, 0 before the first */
};

int replay_record(struct session *session, struct source_player *sources,
		  const struct record_header *record)
{
	int err = record->type == RECORD_SOURCE ? source_player_record(sources, record)
						: session_record(session, record);

	/* A record that makes no sense made no difference when it was recorded, either. */
	return err == -EINVAL || err == -ESRCH ? 0 : err;
}

static const char *why_not(int err)
{
	switch (err) {
	case -ENOEXEC:
		return "it is no recording";
	case -EPROTONOSUPPORT:
		return "a newer fdtrace recorded it";
	case -EXDEV:
		return "it was recorded on another architecture";
	case -EBADMSG:
		return "it is damaged";
	case -ENODATA:
		return "it is truncated";
	default:
		return strerror(-err);
	}
}

static int open_recording(struct replay *replay)
{
	const char *path = replay->options->replay;
	int err;

	replay->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	err = replay->fd < 0 ? -errno : recording_reader_new(replay->fd, &replay->reader);
	if (!err)
		return EXIT_OK;
	log_error("cannot replay %s: %s", path, why_not(err));
	return EXIT_FAILED;
}

static int open_session(struct replay *replay)
{
	const struct recording_parameters *p = recording_parameters(replay->reader);
	struct session_options options = {
		.fd =
			{
				.history = p->history,
				.tables = p->tables,
				.sweep = p->sweep,
				.settle_ns = p->settle_ns,
			},
		.max_stacks = p->max_stacks,
		.memory = (size_t)p->memory_kib << 10,
		.started_ns = p->started_ns,
		.wall_offset_ns = p->wall_offset_ns,
	};

	struct sink *sink;
	int status;

	if (session_new(&options, &replay->session)) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	source_player_init(&replay->sources);
	status = outputs_open(&replay->outputs, replay->options, &replay->sources.reader, &sink);
	if (!status && session_add_sink(replay->session, sink)) {
		log_error("too many outputs");
		status = EXIT_FAILED;
	}
	return status;
}

static int flush(struct replay *replay, bool all)
{
	int err = session_flush(replay->session);

	return err ? err : output_flush(&replay->outputs.output, all);
}

/*
 * Feeds all records, up to the last or to a damaged place. *ret_read: how the reading ended, as
 * from recording_next(). Returns 0 or negative errno of a record or an output.
 */
static int feed_all(struct replay *replay, int *ret_read)
{
	const struct record_header *record;
	uint64_t count = 0;
	int err = 0;

	while (!err && replay->last != RECORD_END && replay->last != RECORD_CUT) {
		*ret_read = recording_next(replay->reader, &record);
		if (*ret_read <= 0)
			break;
		replay->last = record->type;
		err = replay_record(replay->session, &replay->sources, record);
		if (!err && ++count % FLUSH_EVERY == 0)
			err = flush(replay, false);
	}
	return err;
}

/* Tells the user what the recording lacks, and returns the exit status for that. */
static int judge_end(const struct replay *replay, int read)
{
	const char *path = replay->options->replay;
	uint64_t whole = recording_whole(replay->reader);

	if (replay->last == RECORD_END)
		return EXIT_OK;
	if (replay->last == RECORD_CUT) {
		log_error("%s ends before its session did: it had reached --record-size", path);
		return EXIT_OK;
	}
	if (read == 0)
		log_error("%s is truncated after byte %" PRIu64 ": what came before has been "
			  "reported, a summary cannot be given",
			  path, whole);
	else
		log_error("%s cannot be read after byte %" PRIu64 ": %s; what came before has been "
			  "reported, a summary cannot be given",
			  path, whole, why_not(read));
	return EXIT_FAILED;
}

static int run(struct replay *replay)
{
	const struct options *options = replay->options;
	struct session_stats stats;
	int status, err, read = 0;

	status = open_recording(replay);
	if (!status)
		status = open_session(replay);
	if (status)
		return status;
	err = feed_all(replay, &read);
	/* Only the end of a recording tells how much was lost: without it there is no summary. */
	if (!err)
		err = session_end(replay->session,
				  replay->last == RECORD_END && outputs_summary(options));
	if (!err)
		err = flush(replay, true);
	if (err)
		return outputs_failed(&replay->outputs, err, false);
	status = judge_end(replay, read);
	session_stats(replay->session, &stats);
	if (!status && options->error_exitcode && session_stats_findings(&stats))
		status = options->error_exitcode;
	return status;
}

int replay_run(const struct options *options)
{
	struct replay replay = {.options = options, .fd = -1, .outputs = OUTPUTS_NONE};
	int status;

	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	status = run(&replay);
	session_free(replay.session);
	source_player_free(&replay.sources);
	recording_reader_free(replay.reader);
	outputs_close(&replay.outputs);
	close_fd(replay.fd);
	return status;
}
