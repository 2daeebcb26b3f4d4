/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Findings made by hand, for the tests of the reports.
 *
 * Owns: one worked example (a file object whose number os.close() took away), a hard one,
 * hostile ones, and sinks that write into memory. Include cmocka.h before it.
 */
#ifndef FDTRACE_TESTS_VIEWS_H
#define FDTRACE_TESTS_VIEWS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/report.h"
#include "session/sink.h"

#define MS UINT64_C(1000000)

/* 2026-11-24 10:00:00 UTC less the boot time of the examples, 1000 s. */
#define WALL_OFFSET (INT64_C(1795514400) * 1000000000 - INT64_C(1000) * 1000000000)
#define BOOT_NS	    (UINT64_C(1000) * 1000000000)

struct example {
	struct finding finding;
	struct process process;
	struct finding_view view;
	struct stack *stacks[3];
};

static inline struct stack *stack_of(enum python_status status, const struct stack_frame *frames,
				     size_t count)
{
	struct stack *stack = calloc(1, sizeof(*stack) + count * sizeof(*frames));

	if (!stack)
		abort();
	stack->status = status;
	stack->count = count;
	if (count)
		memcpy(stack->frames, frames, count * sizeof(*frames));
	return stack;
}

static inline struct fd_site site_of(uint16_t call, int64_t ret, uint32_t tid, uint64_t time_ns)
{
	return (struct fd_site){
		.call = call,
		.ret = ret,
		.tgid = 4242,
		.tid = tid,
		.time_ns = time_ns,
		.stack_id = 1,
		.python = PYTHON_COMPLETE,
	};
}

/* Puts the stack at place 0 (bad), 1 (closed) or 2 (opened); NULL: none. */
static inline void example_stack(struct example *e, int place, struct stack *stack)
{
	free(e->stacks[place]);
	e->stacks[place] = stack;
	e->view.bad = e->stacks[0];
	e->view.closed = e->stacks[1];
	e->view.opened = e->stacks[2];
}

static inline void example_sites(struct example *e)
{
	static const struct stack_frame bad[] = {
		{"main", "/srv/app/app.py", 14, 5, false, 0, 0},
		{"<module>", "/srv/app/app.py", 20, 1, false, 0, 0}};
	static const struct stack_frame closed[] = {
		{"main", "/srv/app/app.py", 12, 5, false, 0, 0},
		{"<module>", "/srv/app/app.py", 20, 1, false, 0, 0}};
	static const struct stack_frame opened[] = {
		{"main", "/srv/app/app.py", 10, 5, false, 0, 0},
		{"<module>", "/srv/app/app.py", 20, 1, false, 0, 0}};

	e->finding.bad = site_of(CALL_CLOSE, -9, 4242, BOOT_NS + 1234567);
	e->finding.closed = site_of(CALL_CLOSE, 0, 4242, BOOT_NS);
	e->finding.opened = site_of(CALL_OPENAT, 7, 4242, BOOT_NS - 2100 * MS);
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, bad, 2));
	example_stack(e, 1, stack_of(PYTHON_COMPLETE, closed, 2));
	example_stack(e, 2, stack_of(PYTHON_COMPLETE, opened, 2));
}

/* The bug of the example in the documentation of Python's Development Mode. */
static inline struct example *example_new(void)
{
	struct example *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->process = (struct process){
		.pid = 4242,
		.ns_pid = 7,
		.start_ns = BOOT_NS - 5000 * MS,
		.comm = "python3",
		.exe = (char *)"/usr/bin/python3.11",
		.cgroup = (char *)"/system.slice/app.service",
		.runtime = (char *)"CPython 3.11.2",
	};
	e->finding = (struct finding){
		.kind = FINDING_DOUBLE_CLOSE,
		.certainty = CERTAINTY_FACT,
		.severity = SEVERITY_ERROR,
		.culprit = CULPRIT_UNKNOWN,
		.tgid = 4242,
		.fd = 7,
		.last_fd = 7,
		.calls = 1,
		.what = {.type = FD_FILE, .call = CALL_OPENAT, .path = "/etc/hostname"},
	};
	e->view = (struct finding_view){
		.finding = &e->finding,
		.process = &e->process,
		.wall_offset_ns = WALL_OFFSET,
		.id = 1,
		.bug = "b1:0123456789abcdef",
	};
	example_sites(e);
	return e;
}

static inline void example_free(struct example *e)
{
	for (int i = 0; i < 3; i++)
		free(e->stacks[i]);
	free(e);
}

/* The call may have meant what was closed, or what another function opened and closed before. */
static inline void example_open(struct example *e)
{
	struct fd_site other = site_of(CALL_CLOSE, 0, 4243, BOOT_NS - 3000 * MS);

	e->finding.attribution = ATTRIBUTION_OPEN;
	e->finding.candidate_count = 2;
	e->finding.candidates[0] =
		(struct fd_candidate){e->finding.what, e->finding.opened, e->finding.closed};
	e->finding.candidates[1] =
		(struct fd_candidate){.opened = {.missing = SITE_HISTORY_CUT}, .closed = other};
	e->view.candidates[0].opened = e->stacks[2];
	e->view.candidates[0].closed = e->stacks[1];
	e->view.candidates[1].closed = e->stacks[0];
}

/* Sites that were not seen, stacks that are not whole, a race, little room. */
static inline struct example *example_hard(void)
{
	static const struct stack_frame deep[] = {
		{"C.run", "/srv/app/app.py", 41, 30, false, 0, 0},
		{"C.loop", "/srv/app/app.py", 0, 60, false, 0, 0},
		{"Thread.run", "/usr/lib/python3.11/threading.py", -1, 950, false, 0, 0},
		{"C.start", "/srv/app/app.py", 9, 9, false, 0, 0},
	};
	struct example *e = example_new();

	e->process.container_id = (char *)"0123456789abcdef0123456789abcdef";
	e->finding.kind = FINDING_USE_AFTER_CLOSE;
	e->finding.certainty = CERTAINTY_SUSPECTED;
	e->finding.severity = SEVERITY_WARNING;
	e->finding.what = (struct fd_what){.type = FD_PIPE, .call = CALL_PIPE2, .other = 8};
	e->finding.notes = NOTE_PENDING_CLOSE;
	e->finding.bad.call = CALL_DUP;
	e->finding.bad.tid = 4250;
	e->finding.bad.time_ns = BOOT_NS - 10;
	e->finding.closed.python = PYTHON_NO_THREAD;
	e->finding.opened.missing = SITE_BEFORE_ATTACH;
	example_stack(e, 0, stack_of(PYTHON_CUT, deep, 4));
	example_stack(e, 1, stack_of(PYTHON_NO_THREAD, NULL, 0));
	example_stack(e, 2, NULL);
	return e;
}

/* Text as a hostile program would choose it: any byte, escapes, wide characters, no spaces. */
static inline char *hostile_text(void)
{
	static const char *const pieces[] = {
		"\x1b[2J", "\xe6\x97\xa5", "\xf0\x9f\x90\x8d", "/", " ",
		"\xff",	   "\n",	   "\xe2\x80\xae",     "a", "%s"};
	size_t size = rand() % 20 ? rand() % 120 : 3000;
	char *text = calloc(1, size + 8);

	while (text && strlen(text) < size)
		strcat(text, pieces[rand() % ARRAY_SIZE(pieces)]);
	return text;
}

/* Any that may stand in a record (socket_valid()), until the next one is made. */
static inline const struct record_socket *hostile_socket(void)
{
	static const uint16_t families[] = {1, 2, 10, 16, 40}; /* AF_UNIX … AF_VSOCK */
	static const uint8_t most[] = {SOCKET_PATH_MAX, 4, 16, 0, 0};
	static struct record_socket socket;
	int i = rand() % 5;

	for (size_t at = 0; at < sizeof(socket); at++)
		((uint8_t *)&socket)[at] = rand() % 4 ? rand() : 0;
	socket.family = families[i];
	socket.local_size = i ? most[i] : rand() % (most[i] + 1);
	socket.peer_size = i ? most[i] : rand() % (most[i] + 1);
	return &socket;
}

/* Any kind of finding with hostile texts, which the caller frees after use. */
static inline void example_hostile(struct example *e, char *texts[4])
{
	struct stack_frame frames[2];

	for (int i = 0; i < 4; i++)
		texts[i] = hostile_text();
	frames[0] = (struct stack_frame){texts[0], texts[1], rand() % 3 - 1, 1, false, 0, 0};
	frames[1] = (struct stack_frame){texts[1], texts[2], rand(), 1, false, 0, 0};

	e->finding.kind = rand() % FINDING_KINDS;
	e->finding.certainty = rand() % 2;
	e->finding.notes = rand();
	e->finding.fd = rand() - rand();
	e->finding.what.type = rand() % FD_TYPES;
	e->finding.what.path = rand() % 2 ? texts[3] : NULL;
	if (e->finding.what.type == FD_SOCKET)
		e->finding.what.socket = rand() % 2 ? hostile_socket() : NULL;
	e->finding.closed.missing = rand() % 3 ? SITE_SEEN : rand() % 7;
	e->finding.opened.missing = rand() % 3 ? SITE_SEEN : rand() % 7;
	e->finding.bad.call = rand() % 50;
	e->finding.bad.nr = rand();
	e->finding.bad.python = rand();
	memset(e->process.comm, rand(), sizeof(e->process.comm));
	for (int i = 0; i < 3; i++)
		example_stack(e, i, rand() % 4 ? stack_of(rand() % 8, frames, rand() % 3) : NULL);
}

/* A sink that writes into memory. */
struct capture {
	FILE *out;
	char *text;
	size_t size;
	struct sink *sink;
};

static inline void capture_text(struct capture *c, const struct text_options *options)
{
	c->out = open_memstream(&c->text, &c->size);
	c->sink = text_sink_new(c->out, options);
	assert_non_null(c->sink);
}

static inline void capture_json(struct capture *c, bool events)
{
	c->out = open_memstream(&c->text, &c->size);
	c->sink = json_sink_new(c->out, &(struct json_options){.events = events, .every = true});
	assert_non_null(c->sink);
}

/* As a script gets it without --all. */
static inline void capture_json_folded(struct capture *c)
{
	c->out = open_memstream(&c->text, &c->size);
	c->sink = json_sink_new(c->out, &(struct json_options){0});
	assert_non_null(c->sink);
}

static inline void capture_free(struct capture *c)
{
	c->sink->free(c->sink);
	fclose(c->out);
	free(c->text);
}

static inline void capture_expect(struct capture *c, const char *expected)
{
	assert_int_equal(c->sink->flush(c->sink), 0);
	assert_string_equal(c->text, expected);
	rewind(c->out);
}

#endif
