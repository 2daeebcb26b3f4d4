/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Recordings that anybody may have made: a file as it is, or, so that its checksums do not keep
 * all else out, the records that lie behind them. Whatever they hold, no report moves a cursor,
 * and JSON is pure ASCII.
 */
#include "fuzz.h"

#include "base/mem.h"
#include "recording/reader.h"
#include "cli/replay.h"
#include "report/report.h"

/* Nothing is written, but looked at. A character of two bytes may lie across two writes. */
static ssize_t check_text(void *cookie, const char *bytes, size_t size)
{
	must(is_harmless(bytes, size));
	return size;
}

static ssize_t check_json(void *cookie, const char *bytes, size_t size)
{
	must(is_ascii(bytes, size));
	return size;
}

static FILE *checked(cookie_write_function_t *check)
{
	return fopencookie(NULL, "w", (cookie_io_functions_t){.write = check});
}

struct subject {
	struct session *session;
	struct source_player sources;
	FILE *text, *json;
};

static void start(struct subject *subject, const struct session_options *options)
{
	struct text_options text = {.source = &subject->sources.reader};

	if (session_new(options, &subject->session))
		abort();
	source_player_init(&subject->sources);
	subject->text = checked(check_text);
	subject->json = checked(check_json);
	must(subject->text && subject->json);
	session_add_sink(subject->session,
			 json_sink_new(subject->json, &(struct json_options){.events = true}));
	session_add_sink(subject->session, text_sink_new(subject->text, &text));
}

static void end(struct subject *subject)
{
	session_end(subject->session, true);
	session_free(subject->session);
	source_player_free(&subject->sources);
	fclose(subject->text);
	fclose(subject->json);
}

/* A record from here on, if it may be one, as recording_next() would give it. */
static size_t feed_one(struct subject *subject, const uint8_t *data, size_t size)
{
	struct record_header header, *record;

	memcpy(&header, data, sizeof(header));
	header.size &= RECORD_SIZE_MAX / 16 - 1;
	if (header.size < sizeof(header))
		header.size = sizeof(header);
	if (header.size > size)
		header.size = size;
	record = malloc(header.size);
	if (!record)
		abort();
	memcpy(record, data, header.size);
	record->size = header.size;
	replay_record(subject->session, &subject->sources, record);
	free(record);
	return record_aligned(header.size);
}

static void fuzz_records(const uint8_t *data, size_t size)
{
	struct session_options options = {.started_ns = 1, .wall_offset_ns = RECORD_TIME_MAX - 1};
	struct subject subject;

	start(&subject, &options);
	for (size_t at = 0; at < size && size - at >= sizeof(struct record_header);)
		at += feed_one(&subject, data + at, size - at);
	end(&subject);
}

static void fuzz_file(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = file_of_bytes(data, size);
	const struct record_header *record;
	struct recording_reader *reader;
	struct subject subject;

	if (recording_reader_new(fd, &reader))
		return;
	start(&subject, &(struct session_options){0});
	while (recording_next(reader, &record) > 0)
		replay_record(subject.session, &subject.sources, record);
	end(&subject);
	recording_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= RECORDING_MAGIC_SIZE && !memcmp(data, RECORDING_MAGIC, RECORDING_MAGIC_SIZE))
		fuzz_file(data, size);
	else
		fuzz_records(data, size);
	return 0;
}
