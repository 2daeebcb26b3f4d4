/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A session is a function of its records: live, recorded and replayed it says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/options.h"
#include "tracer/recorder.h"
#include "recording/reader.h"
#include "cli/replay.h"
#include "own_rights.h"
#include "views.h"

#define PID   4242u
#define TABLE 0xffff888000001000u

static char folder[] = "/tmp/fdtrace-replay-XXXXXX";

static char *in_folder(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

static char *read_file(const char *path, size_t *ret_size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	char *bytes = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(bytes);
	*ret_size = fread(bytes, 1, (1 << 20) - 1, file);
	return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
}

/* A session that is recorded, as the tracer has it; its text kept. */
struct live {
	struct session *session;
	struct recorder recorder;
	struct source *source;
	struct capture text;
	uint64_t seq, now;
};

static void live_start(struct live *live, const char *path)
{
	struct session_options options = {
		.fd = {.history = 2},
		.started_ns = BOOT_NS,
		.wall_offset_ns = WALL_OFFSET,
	};
	struct recorder_options recording = {
		.path = path,
		.limit = 1 << 20,
		.made_with = &options,
	};

	*live = (struct live){.recorder = RECORDER_NONE, .now = BOOT_NS};
	assert_int_equal(session_new(&options, &live->session), 0);
	own_source(&live->source);
	recording.session = live->session;
	recording.lines = source_files(live->source);
	assert_int_equal(recorder_open(&live->recorder, &recording), 0);
	capture_text(&live->text,
		     &(struct text_options){.source = recorder_source(&live->recorder)});
	assert_int_equal(session_add_sink(live->session, live->text.sink), 0);
}

static int live_feed(struct live *live, struct record_header *record)
{
	live->now += 1000;
	record->time_ns = live->now;
	if (record->type < RECORD_OWN)
		record->seq = live->seq++;
	return recorder_feed(&live->recorder, record);
}

static void live_end(struct live *live)
{
	static const char *const unseen[] = {"what comes by post", "what falls from the sky", NULL};
	const uint64_t lost[LOSS_CAUSES] = {[LOSS_CODE] = 3};
	_cleanup_free_ struct record_end *end = record_end_new(lost, 17, unseen, "a hook", 0);

	assert_int_equal(live_feed(live, &end->h), 0);
	assert_int_equal(session_end(live->session, true), 0);
	assert_null(recorder_failure(&live->recorder));
}

static void live_free(struct live *live)
{
	session_free(live->session); /* and its sinks */
	recorder_close(&live->recorder);
	source_free(live->source);
	fclose(live->text.out);
	free(live->text.text);
}

static void feed_process(struct live *live)
{
	static const char exe[] = "/usr/bin/python3.11";
	struct record_process *record = calloc(1, sizeof(*record) + sizeof(exe));

	assert_non_null(record);
	record_own(&record->h, RECORD_PROCESS, sizeof(*record) + strlen(exe), PID, 0);
	record->since = PROCESS_FROM_ATTACH;
	record->facts = PROCESS_COMM | PROCESS_EXE | PROCESS_ROOT;
	record->start_ns = BOOT_NS - 5000 * MS;
	record->same_root = 1;
	record->exe_size = strlen(exe);
	memcpy(record->comm, "python3", 7);
	memcpy(record->data, exe, strlen(exe));
	assert_int_equal(live_feed(live, &record->h), 0);
	free(record);
}

static void feed_open_fd(struct live *live, int32_t fd, const char *link)
{
	struct record_open_fd *record = calloc(1, sizeof(*record) + strlen(link));

	assert_non_null(record);
	record_own(&record->h, RECORD_OPEN_FD, sizeof(*record) + strlen(link), PID, 0);
	record->fd = fd;
	record->link_size = strlen(link);
	memcpy(record->link, link, strlen(link));
	assert_int_equal(live_feed(live, &record->h), 0);
	free(record);
}

static void feed_snapshot(struct live *live)
{
	struct record_snapshot record = {.max_fds = 64};

	feed_open_fd(live, 3, "/srv/data\n");
	feed_open_fd(live, 4, "socket:[1234]");
	feed_open_fd(live, 5, "");
	record_own(&record.h, RECORD_SNAPSHOT, sizeof(record), PID, 0);
	assert_int_equal(live_feed(live, &record.h), 0);
}

/* A code object whose file is this test's own, on line 2. */
static void feed_code(struct live *live, const char *file)
{
	/* 3.11: from instruction 0 on, 8 units, one line further (PEP 626's location table). */
	static const uint8_t table[] = {0x80 | 13 << 3 | 7, 2};
	struct record_code *record = calloc(1, sizeof(*record) + 4096);
	size_t at = strlen(file);

	assert_non_null(record);
	memcpy(record->data, file, at);
	memcpy(record->data + at, "main", 4);
	memcpy(record->data + at + 4, table, sizeof(table));
	record->h = (struct record_header){
		.size = sizeof(*record) + at + 4 + sizeof(table),
		.type = RECORD_CODE,
		.tgid = PID,
		.tid = PID,
	};
	record->code = 0x7000;
	record->ident = 1;
	record->firstlineno = 1;
	record->file_bytes = record->file_chars = at;
	record->name_bytes = record->name_chars = 4;
	record->table_bytes = record->table_total = sizeof(table);
	record->version = 0x030b;
	record->file_width = record->name_width = 1;
	assert_int_equal(live_feed(live, &record->h), 0);
	free(record);
}

static void feed_stack(struct live *live)
{
	struct record_stack *record = calloc(1, sizeof(*record) + sizeof(record->frames[0]));

	assert_non_null(record);
	record->h = (struct record_header){
		.size = sizeof(*record) + sizeof(record->frames[0]),
		.type = RECORD_STACK,
		.tgid = PID,
		.tid = PID,
	};
	record->stack_id = 99;
	record->depth = 1;
	record->python = PYTHON_COMPLETE;
	record->frames[0] = (struct record_frame){.code = 0x7000, .ident = 1, .lasti = 4};
	assert_int_equal(live_feed(live, &record->h), 0);
	free(record);
}

/* Ours: the test's own files are to be shown. */
static void feed_rights(struct live *live)
{
	union own_rights own;

	memset(&own, 0, sizeof(own));
	own_rights(&own);
	own.record.stack_id = 99;
	own.record.h.tgid = own.record.h.tid = PID;
	own.record.h.cpu = 0;
	assert_int_equal(live_feed(live, &own.record.h), 0);
}

static void feed_close(struct live *live, int32_t fd, int64_t ret)
{
	struct record_call record = {
		.h = {.size = sizeof(record), .type = RECORD_CALL, .tgid = PID, .tid = PID},
		.table = TABLE,
		.stack_id = 99,
		.ret = ret,
		.fd = fd,
		.fd2 = -1,
		.call = CALL_CLOSE,
		.python = PYTHON_COMPLETE,
	};

	record.enter_ns = live->now;
	assert_int_equal(live_feed(live, &record.h), 0);
}

/* Closes three numbers twice; the third finding is decided at the very end. */
static void whole_session(struct live *live, const char *source)
{
	struct record_header tick;

	feed_process(live);
	feed_snapshot(live);
	feed_code(live, source);
	feed_stack(live);
	feed_rights(live);
	feed_close(live, 3, 0);
	feed_close(live, 3, -EBADF);
	record_own(&tick, RECORD_TICK, sizeof(tick), 0, 0);
	live->now += 1000 * MS;
	assert_true(session_wants_tick(live->session, live->now));
	assert_int_equal(live_feed(live, &tick), 0);
	feed_close(live, 4, 0);
	feed_close(live, 4, -EBADF);
	feed_close(live, 5, 0);
	feed_close(live, 5, -EBADF);
	live_end(live);
}

/* What `fdtrace replay` makes of a file; the caller frees it. */
static char *replayed(const char *path, bool json, int status)
{
	_cleanup_free_ char *output = in_folder("replayed");
	struct options options = {
		.replay = path,
		.output = output,
		.json = json,
		.all = true,
		.frames = 16,
	};
	size_t size = 0;

	assert_int_equal(replay_run(&options), status);
	return read_file(output, &size);
}

static void test_same(void **state)
{
	_cleanup_free_ char *path = in_folder("recording"), *source = in_folder("app.py");
	_cleanup_free_ char *text = NULL, *json = NULL;
	struct live live;
	struct stat st;

	write_file(source, "import os\n  os.close(fd)\n", 25);
	live_start(&live, path);
	whole_session(&live, source);
	recorder_tick(&live.recorder, UINT64_MAX);
	unlink(source); /* from here on, only the recording has it */
	text = replayed(path, false, EXIT_OK);
	assert_string_equal(text, live.text.text);
	assert_non_null(strstr(text, "line 2, in main\n      os.close(fd)\n"));
	assert_non_null(strstr(text, "\"/srv/data\\n\""));
	assert_non_null(strstr(text, "3 records were lost"));
	assert_non_null(strstr(text, "what falls from the sky"));
	assert_non_null(strstr(text, "3 double_close"));
	json = replayed(path, true, EXIT_OK);
	assert_non_null(strstr(json, "\"duration_ns\":\"1000"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	live_free(&live);
	unlink(path);
}

/* Killed at any moment: findings up to then, no summary, and the exit status says so. */
static void test_truncated(void **state)
{
	_cleanup_free_ char *path = in_folder("recording"), *part = in_folder("part");
	_cleanup_free_ char *whole = NULL, *bytes = NULL;
	struct live live;
	size_t size = 0, lines = 0;
	int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	live_start(&live, path);
	live.recorder.flushed_ns = UINT64_MAX; /* by hand */
	feed_process(&live);
	feed_snapshot(&live);
	feed_close(&live, 3, 0);
	feed_close(&live, 3, -EBADF);
	recording_flush(live.recorder.writer);
	feed_close(&live, 4, 0);
	feed_close(&live, 4, -EBADF);
	recording_flush(live.recorder.writer);
	live_end(&live);
	recording_flush(live.recorder.writer);
	whole = replayed(path, true, EXIT_OK);
	bytes = read_file(path, &size);
	fflush(stderr);
	assert_int_equal(dup2(null, STDERR_FILENO), STDERR_FILENO);
	for (size_t cut = sizeof(struct recording_header); cut < size; cut++) {
		_cleanup_free_ char *some = NULL;

		write_file(part, bytes, cut);
		some = replayed(part, true, EXIT_FAILED);
		assert_memory_equal(some, whole, strlen(some));
		assert_null(strstr(some, "\"summary\""));
		assert_true(strlen(some) >= lines); /* more of it never says less */
		lines = strlen(some);
	}
	assert_int_equal(dup2(err, STDERR_FILENO), STDERR_FILENO);
	close(err);
	close(null);
	assert_true(lines > 1000);
	live_free(&live);
	unlink(path);
	unlink(part);
}

static int record_to(const char *path, struct session *session)
{
	const struct session_options made_with = {0};
	const struct recorder_options options = {
		.path = path,
		.limit = 1 << 20,
		.session = session,
		.made_with = &made_with,
	};
	struct recorder recorder = RECORDER_NONE;
	int err = recorder_open(&recorder, &options);

	recorder_close(&recorder);
	return err;
}

/* Not over anything but a plain file of one's own. */
static void test_where_to(void **state)
{
	_cleanup_free_ char *path = in_folder("there"), *link_path = in_folder("link");
	const struct session_options options = {0};
	struct session *session;
	struct stat st;

	assert_int_equal(session_new(&options, &session), 0);
	write_file(path, "something", 9);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(record_to(link_path, session), -EEXIST);
	unlink(link_path);
	assert_int_equal(link(path, link_path), 0);
	assert_int_equal(record_to(path, session), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 9);
	unlink(link_path);
	assert_int_equal(record_to("/dev/null", session), -EEXIST);
	assert_int_equal(record_to(path, session), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, sizeof(struct recording_header));
	session_free(session);
	unlink(path);
}

/* Real recordings, whose records anybody has changed behind their checksums. */
struct subject {
	struct session *session;
	struct source_player sources;
	struct capture json, text;
};

static void subject_start(struct subject *subject)
{
	struct session_options options = {.fd = {.history = 4}, .started_ns = 1};

	assert_int_equal(session_new(&options, &subject->session), 0);
	source_player_init(&subject->sources);
	capture_json(&subject->json, true);
	capture_text(&subject->text, &(struct text_options){.source = &subject->sources.reader});
	session_add_sink(subject->session, subject->json.sink);
	session_add_sink(subject->session, subject->text.sink);
}

static void subject_end(struct subject *subject)
{
	assert_int_equal(session_end(subject->session, true), 0);
	session_free(subject->session);
	source_player_free(&subject->sources);
	fclose(subject->json.out);
	fclose(subject->text.out);
	/* Whatever was in the records, nothing raw comes out. */
	for (const char *p = subject->text.text; *p; p++)
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
	free(subject->json.text);
	free(subject->text.text);
}

/* The record with a few bytes changed, in memory of its very size. */
static void feed_mutated(struct subject *subject, const struct record_header *record)
{
	uint32_t size = record->size;
	uint8_t *copy = malloc(size);
	int changes = rand() % 4 ? 0 : rand() % 4 + 1;

	assert_non_null(copy);
	memcpy(copy, record, size);
	while (changes--) {
		/* The fixed part is where it hurts. */
		uint32_t range = rand() % 2 && size > 96 ? 96 : size;

		copy[rand() % range] = rand() % 3 ? rand() : rand() % 2 * 255;
	}
	((struct record_header *)(void *)copy)->size =
		size - (rand() % 50 ? 0 : rand() % (size - 31));
	replay_record(subject->session, &subject->sources, (struct record_header *)(void *)copy);
	free(copy);
}

static void mutate(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	const struct record_header *record = NULL;
	struct recording_reader *reader = NULL;
	struct subject subject;

	assert_non_null(file);
	assert_int_equal(recording_reader_new(fileno(file), &reader), 0);
	subject_start(&subject);
	while (recording_next(reader, &record) > 0)
		feed_mutated(&subject, record);
	subject_end(&subject);
	recording_reader_free(reader);
}

static void test_hostile(void **state)
{
	glob_t golden;

	srand(20261124);
	assert_int_equal(glob("tests/golden/*.fdt", 0, NULL, &golden), 0);
	for (size_t i = 0; i < golden.gl_pathc; i++)
		for (int round = 0; round < 8; round++)
			mutate(golden.gl_pathv[i]);
	globfree(&golden);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	_cleanup_free_ char *output = in_folder("replayed");

	unlink(output);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_where_to),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests_name("replay", tests, make_folder, remove_folder);
}
