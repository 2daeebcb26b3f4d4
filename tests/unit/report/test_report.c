/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/mem.h"
#include "report/report.h"
#include "own_rights.h"
#include "views.h"

#define FIRST_LINES                                                                          \
	"error[double_close]: fd 7 was closed twice\n"                                       \
	"  #1, file \"/etc/hostname\", python3 (pid 4242), 2026-11-24 10:00:00.001234 UTC\n" \
	"\n"                                                                                 \
	"  closed again: close(7) = EBADF, thread 4242\n"                                    \
	"    File \"/srv/app/app.py\", line 14, in main\n"                                   \
	"    File \"/srv/app/app.py\", line 20, in <module>\n"                               \
	"\n"

static void test_text_finding(void **state)
{
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	capture_expect(
		&c, FIRST_LINES
		"  closed before: close(7) = 0, same thread, 1.2 ms earlier\n"
		"    File \"/srv/app/app.py\", line 12, in main\n"
		"    File \"/srv/app/app.py\", line 20, in <module>\n"
		"\n"
		"  opened: openat(\"/etc/hostname\") = 7, same thread, 2.1 s before that close\n"
		"    File \"/srv/app/app.py\", line 10, in main\n"
		"    File \"/srv/app/app.py\", line 20, in <module>\n"
		"\n"
		"  What happened: fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; "
		"1.2 ms later the same\n"
		"    thread closed it again at app.py:14 in main and got EBADF.\n"
		"  What to change: Close fd 7 either at app.py:12 or at app.py:14, not at both: "
		"through the file\n"
		"    object, if one owns the number, or open that with closefd=False.\n"
		"\n");
	capture_free(&c);
	example_free(e);
}

static void test_headlines(void **state)
{
	static const struct {
		enum finding_kind kind;
		enum certainty certainty;
		const char *text;
	} expected[] = {
		{FINDING_DOUBLE_CLOSE, CERTAINTY_FACT, "fd 7 was closed twice"},
		{FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED, "fd 7 was probably closed twice"},
		{FINDING_DOUBLE_CLOSE_UNSEEN, CERTAINTY_SUSPECTED,
		 "fd 7 was closed although probably not open any more"},
		{FINDING_USE_AFTER_CLOSE, CERTAINTY_FACT, "fd 7 was used after its close"},
		{FINDING_REUSED_CLOSE, CERTAINTY_SUSPECTED,
		 "fd 7 was closed, but probably belonged to somebody else"},
		{FINDING_OWNED_CLOSE, CERTAINTY_FACT,
		 "fd 7 was closed, but a Python object owned it"},
		{FINDING_MISDIRECTED_IO, CERTAINTY_SUSPECTED,
		 "fd 7 was used by an object that probably does not have it any more"},
		{FINDING_BAD_FD, CERTAINTY_FACT, "fd 7 was used, but was never open"},
		{FINDING_CLOSE_SWEEP, CERTAINTY_FACT, "fds 7 to 20 were closed, but were not open"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct finding f = {.kind = expected[i].kind,
				    .certainty = expected[i].certainty,
				    .fd = 7,
				    .last_fd = 20};
		char text[128];

		finding_headline(&f, text, sizeof(text));
		assert_string_equal(text, expected[i].text);
	}
}

static void test_text_what_is_missing(void **state)
{
	struct example *e = example_hard();
	char *expected;
	struct capture c;

	assert_true(
		asprintf(
			&expected,
			"warning[use_after_close]: fd 7 was probably used after its close\n"
			"  #1, pipe made as a pair with fd 8, python3 (pid 4242), container\n"
			"    0123456789ab, 2026-11-24 09:59:59.999999 UTC\n"
			"\n"
			"  used: dup = EBADF, thread 4250\n"
			"    File \"/srv/app/app.py\", line 41, in C.run\n"
			"    File \"/srv/app/app.py\", no line, in C.loop\n"
			"    File \"/usr/lib/python3.11/threading.py\", line not known, in "
			"Thread.run\n"
			"    \xe2\x80\xa6 1 more frame\n"
			"    Python stack: cut, 4 or more: others lie outside these\n"
			"\n"
			"  closed before: close(7) = 0, another thread (4242), at about the same\n"
			"    time\n"
			"    Python stack: none, this thread runs no Python\n"
			"\n"
			"  opened: not seen (%s)\n"
			"\n"
			"  What happened: fd 7 (pipe made as a pair with fd 8) was closed by thread\n"
			"    4242; at about the same time thread 4250 called dup on it at app.py:41\n"
			"    in C.run and got EBADF, probably because of that close.\n"
			"  What to change: Most likely: Close fd 7 only after every thread that uses\n"
			"    it has stopped: once it is closed, the number may name another thread's\n"
			"    descriptor.\n"
			"  Note: The earlier close was still under way when the later call failed:\n"
			"    they raced.\n"
			"\n",
			site_missing_text(SITE_BEFORE_ATTACH)) > 0);
	capture_text(&c, &(struct text_options){.width = 75, .frames = 3});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	capture_expect(&c, expected);
	free(expected);
	capture_free(&c);
	example_free(e);
}

static void test_text_lost_stack(void **state)
{
	struct example *e = example_new();
	struct capture c;

	example_stack(e, 0, stack_of(PYTHON_COMPLETE, NULL, 0));
	e->stacks[0]->lost = true;
	capture_text(&c, &(struct text_options){});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "  closed again: close(7) = EBADF, thread 4242\n"
				       "    Python stack: not here, its records were lost\n"));
	capture_free(&c);
	example_free(e);
}

/* Under the innermost frame, and under the innermost one outside Python's library. */
static void test_text_source(void **state)
{
	static const char text[] = "def main():\n    s.close()  # \033[2J\nmain()\n";
	char file[] = "/tmp/fdtrace-report-XXXXXX";
	struct stack_frame frames[] = {
		{"socket.close", "/usr/lib/python3.11/no-such-file.py", 500, 496, false, 0, 0},
		{"main", file, 2, 1, false, 0, 0},
		{"<module>", file, 3, 1, false, 0, 0},
	};
	struct example *e = example_new();
	char expected[512];
	union own_rights own;
	struct source *source;
	struct capture c;
	int fd = mkstemp(file);

	assert_true(dprintf(fd, "%s", text) > 0);
	close(fd);
	e->process.pid = 0x7ffffffe; /* gone */
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, frames, 3));
	e->stacks[0]->rights = own_rights(&own);
	own_source(&source);
	capture_text(&c, &(struct text_options){.source = source_files(source)});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	snprintf(expected, sizeof(expected),
		 "    File \"/usr/lib/python3.11/no-such-file.py\", line 500, in socket.close\n"
		 "    File \"%s\", line 2, in main\n"
		 "      s.close()  # \\x1b[2J\n"
		 "    File \"%s\", line 3, in <module>\n\n",
		 file, file);
	assert_non_null(strstr(c.text, expected));
	unlink(file);
	capture_free(&c);
	source_free(source);
	example_free(e);
}

static void test_text_color(void **state)
{
	static const struct stack_frame frames[] = {
		{"socket.close", "/usr/lib/python3.11/socket.py", 500, 496, false, 0, 0},
		{"main", "/srv/app/app.py", 14, 5, false, 0, 0},
	};
	struct example *e = example_new();
	struct capture c;

	example_stack(e, 0, stack_of(PYTHON_COMPLETE, frames, 2));
	capture_text(&c, &(struct text_options){.color = true});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "\033[1;31merror[double_close]:\033[0m fd 7 was closed"));
	assert_non_null(strstr(c.text, "    \033[2mFile \"/usr/lib/python3.11/socket.py\", line "
				       "500, in socket.close\033[0m\n"
				       "    File \"/srv/app/app.py\", line 14, in main\n"));
	capture_free(&c);
	example_free(e);
}

static void test_text_summary(void **state)
{
	static const char *const unseen[] = {"descriptors passed over sockets", NULL};
	struct session_stats stats = {
		.findings = {[FINDING_DOUBLE_CLOSE] = 1204, [FINDING_BAD_FD] = 1},
		.suspected = 1,
		.records = 1234567,
		.lost = {[LOSS_CALL] = 10, [LOSS_CODE] = 2},
		.processes = 1,
		.processes_seen = 3,
		.duration_ns = 12345 * MS,
		.unseen = unseen,
	};
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){.quiet_info = true});
	for (int i = 0; i < 1204; i++)
		assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->finding.kind = FINDING_BAD_FD;
	e->finding.severity = SEVERITY_INFO;
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_string_equal(
		strstr(c.text, "fdtrace:"),
		"fdtrace: 1,205 findings of 1 bug in 12.3 s: 1,204 double_close, 1 bad_fd; 1 "
		"suspected, not proved\n"
		"  12 records were lost (calls 10, code objects 2), so double closes may have been "
		"missed, and some\n"
		"    stacks are not shown; a larger --ring-size helps.\n"
		"  Bugs, and what else was seen of each:\n"
		"    #1 double_close: closed at app.py:12 in main, closed again at app.py:14 in main\n"
		"      (b1:0123456789abcdef)\n"
		"      +1,203 double_close of fd 7 (file \"/etc/hostname\") at app.py:14 in main\n"
		"  1 finding of little weight not shown (see --all).\n"
		"  1,234,567 records from 3 processes.\n"
		"  Cannot be seen here: descriptors passed over sockets\n");
	assert_null(strstr(strstr(c.text, FIRST_LINES) + 1, FIRST_LINES));
	capture_free(&c);
	example_free(e);
}

static void test_text_forgotten(void **state)
{
	struct session_stats stats = {.processes_seen = 1, .records = 42, .duration_ns = 4000 * MS};
	struct capture c;

	capture_text(&c, &(struct text_options){});
	stats.forgotten = 1200;
	stats.forgotten_stacks = 1;
	stats.forgotten_codes = 12;
	stats.stacks_missing = 3;
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	capture_expect(&c,
		       "fdtrace: no double close was seen in 1 process during 4.0 s, as far "
		       "as is remembered.\n"
		       "  Forgotten for want of room: 1,200 descriptors with their histories, "
		       "1 stack, 12 code objects, the\n"
		       "    oldest first. What rests on them is not told, or not as a fact; "
		       "a larger --memory helps.\n"
		       "  42 records from 1 process.\n"
		       "  3 stacks could not be shown: they were forgotten, or their records were "
		       "lost.\n");
	capture_free(&c);
}

static void test_text_nothing_found(void **state)
{
	struct session_stats stats = {.processes_seen = 1, .records = 42, .duration_ns = 4000 * MS};
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){.quiet_info = true});
	e->finding.severity = SEVERITY_INFO;
	stats.findings[e->finding.kind] = 1;
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	capture_expect(&c, "fdtrace: no double close was seen in 1 process during 4.0 s.\n"
			   "  1 finding of little weight not shown (see --all).\n"
			   "  42 records from 1 process.\n");
	stats.findings[e->finding.kind] = 0;
	stats.lost[LOSS_STACK] = 1;
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_string_equal(c.text,
			    "fdtrace: no double close was seen in 1 process during 4.0 s, as far "
			    "as the records tell.\n"
			    "  1 record was lost (stacks 1), so some stacks or their lines are not "
			    "shown; a larger --ring-size\n"
			    "    helps.\n"
			    "  1 finding of little weight not shown (see --all).\n"
			    "  42 records from 1 process.\n");
	capture_free(&c);
	example_free(e);
}

/* Of one that may follow from either of two bugs, both are named, and it is counted for neither. */
static void test_text_may_follow(void **state)
{
	struct session_stats stats = {.findings = {3}, .processes_seen = 1, .records = 9};
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	e->view.id = 2;
	e->view.caused_by = e->view.first_of_bug = 1;
	e->view.perhaps = true;
	e->finding.bad.call = CALL_DUP;
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "may follow"));
	e->view.id = 3;
	e->view.or_by = e->view.first_of_other = 9;
	e->view.bug = "b1:00000000000000ff";
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "#9\n"));
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_non_null(strstr(c.text, "3 findings of 1 bug in"));
	assert_non_null(strstr(c.text, "    1 finding may follow from one or another of them.\n"));
	capture_free(&c);
	example_free(e);
}

static void meet(struct capture *c, struct example *e, uint64_t id, uint64_t caused_by)
{
	e->view.id = id;
	e->view.caused_by = caused_by;
	assert_int_equal(c->sink->finding(c->sink, &e->view), 0);
}

/* What follows from a finding is a line that names the one that was shown; and counted with it. */
static void test_text_consequence(void **state)
{
	struct session_stats stats = {.findings = {4}, .processes_seen = 1, .records = 9};
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){});
	e->finding.culprit = CULPRIT_CLOSED;
	meet(&c, e, 1, 0);
	meet(&c, e, 2, 0); /* the same again */
	e->finding.kind = FINDING_USE_AFTER_CLOSE;
	e->finding.bad.call = CALL_DUP;
	meet(&c, e, 3, 2);
	meet(&c, e, 4, 2);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_string_equal(
		strstr(c.text, "#3"),
		"#3 use_after_close of fd 7 (file \"/etc/hostname\") by dup at app.py:14 in main, "
		"EBADF: follows from\n"
		"    #1\n"
		"\n"
		"fdtrace: 4 findings of 1 bug in 0 ns: 4 double_close\n"
		"  Bugs, and what else was seen of each:\n"
		"    #1 double_close: the close at app.py:12 in main (b1:0123456789abcdef)\n"
		"      +2 use_after_close of fd 7 (file \"/etc/hostname\") by dup at app.py:14 in main\n"
		"      +1 double_close of fd 7 (file \"/etc/hostname\") at app.py:14 in main\n"
		"  9 records from 1 process.\n");
	capture_free(&c);
	example_free(e);
}

/* A finalizer stands nowhere: it is known by its object. */
static void test_text_finalizer(void **state)
{
	struct session_stats stats = {.findings = {1}, .processes_seen = 1, .records = 9};
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){});
	e->finding.kind = FINDING_REUSED_CLOSE;
	e->finding.culprit = CULPRIT_BAD;
	e->finding.bad.origin = ORIGIN_FINALIZER;
	e->finding.owner.type = OWNER_SOCKET;
	meet(&c, e, 1, 0);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);

	assert_non_null(strstr(c.text, "    #1 reused_close: closed again by the finalizer of the "
				       "socket object opened at app.py:10 in main\n"
				       "      (b1:0123456789abcdef)\n"));
	capture_free(&c);
	example_free(e);
}

/* What it follows from was not shown, or all is asked for: it is told in full. */
static void test_text_consequence_in_full(void **state)
{
	struct example *e = example_new();
	struct capture c;

	capture_text(&c, &(struct text_options){.quiet_info = true});
	e->finding.severity = SEVERITY_INFO;
	meet(&c, e, 1, 0);
	e->finding.severity = SEVERITY_ERROR;
	meet(&c, e, 2, 1);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "  #2, file"));
	capture_free(&c);
	capture_text(&c, &(struct text_options){.in_full = true});
	meet(&c, e, 1, 0);
	meet(&c, e, 2, 1);
	assert_int_equal(c.sink->flush(c.sink), 0);
	assert_non_null(strstr(c.text, "  #1, file"));
	assert_non_null(strstr(c.text, "  #2, follows from #1, file"));
	capture_free(&c);
	example_free(e);
}

/* Where it is open what the call meant, nobody is accused: the candidates stand there. */
static void test_text_open(void **state)
{
	struct example *e = example_new();
	struct capture c;

	example_open(e);
	capture_text(&c, &(struct text_options){});
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	capture_expect(
		&c, FIRST_LINES
		"  either closed before: close(7) = 0, same thread, 1.2 ms earlier\n"
		"    File \"/srv/app/app.py\", line 12, in main\n"
		"    File \"/srv/app/app.py\", line 20, in <module>\n"
		"\n"
		"  opened: openat(\"/etc/hostname\") = 7, same thread, 2.1 s before that close\n"
		"    File \"/srv/app/app.py\", line 10, in main\n"
		"    File \"/srv/app/app.py\", line 20, in <module>\n"
		"\n"
		"  or closed before: close(7) = 0, another thread (4243), 3.0 s earlier\n"
		"    File \"/srv/app/app.py\", line 14, in main\n"
		"    File \"/srv/app/app.py\", line 20, in <module>\n"
		"\n"
		"  opened: not seen (the history kept is too short)\n"
		"\n"
		"  What happened: fd 7 was closed at app.py:14 in main and got EBADF: it had been "
		"closed already;\n"
		"    the call may have meant the file \"/etc/hostname\" opened at app.py:10 in main "
		"and closed at\n"
		"    app.py:12 in main, or the descriptor closed at app.py:14 in main: which of these "
		"is not known.\n"
		"  What to change: Find out for which of these descriptors the call at app.py:14 was "
		"meant: whoever\n"
		"    made it still has fd 7 as its own although it is closed; with a longer "
		"--history or --native\n"
		"    more may be known.\n"
		"\n");
	capture_free(&c);
	example_free(e);
}

/* However many different findings there are, what is kept of them is bounded. */
static void test_text_bounded(void **state)
{
	struct session_stats stats = {.findings = {5000}};
	struct example *e = example_new();
	char function[32];
	struct capture c;

	capture_text(&c, &(struct text_options){});
	for (int i = 0; i < 5000; i++) {
		snprintf(function, sizeof(function), "f%d", i);
		e->stacks[0]->frames[0].function = function;
		assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	}
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_non_null(strstr(
		c.text, "\n  904 findings not shown: too many different ones came before.\n"));
	capture_free(&c);
	example_free(e);
}

static void test_broken_output(void **state)
{
	struct example *e = example_new();
	FILE *full = fopen("/dev/full", "w");
	struct sink *json = json_sink_new(full, &(struct json_options){});
	struct sink *text = text_sink_new(full, &(struct text_options){});

	assert_int_equal(json->finding(json, &e->view), 0); /* still in the buffer */
	assert_int_equal(json->flush(json), -ENOSPC);
	assert_true(text->finding(text, &e->view) < 0);
	json->free(json);
	text->free(text);
	fclose(full);
	example_free(e);
}

static void test_status_line(void **state)
{
	struct session_stats stats = {.findings = {2, [FINDING_CLOSE_SWEEP] = 9},
				      .lost = {[LOSS_CALL] = 12},
				      .processes = 1,
				      .descriptors = 1340};
	char line[128];

	status_line(&stats, 1234.5, 0, line, sizeof(line));
	assert_string_equal(line, "fdtrace: 2 findings, 12 records LOST, 1 process, "
				  "1,235 records/s, 1,340 descriptors open");
	stats.forgotten = 7;
	status_line(&stats, 0, 0, line, sizeof(line));
	assert_string_equal(line, "fdtrace: 2 findings, 12 records LOST, 7 descriptors FORGOTTEN, "
				  "1 process, 0 records/s, 1,340 descriptors open");
	stats.forgotten = 0;
	status_line(&stats, 0, 50, line, sizeof(line));
	assert_string_equal(line, "fdtrace: 2 findings, 12 records LOST, 1 process");
	status_line(&stats, 0, 200, line, 30);
	assert_string_equal(line, "fdtrace: 2 findings");
	stats.searched = 1 << 20;
	stats.to_search = 3 << 20;
	status_line(&stats, 0, 70, line, sizeof(line));
	assert_string_equal(line, "fdtrace: 2 findings, 12 records LOST, 33 % of memory searched");
	status_line(&stats, 0, 3, line, sizeof(line));
	assert_string_equal(line, "");
}

static void assert_fits(const char *text, int width)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	locale_t before = uselocale(utf8);
	mbstate_t state = {};
	int column = 0;

	while (*text) {
		wchar_t c;
		size_t used = mbrtowc(&c, text, strlen(text), &state);

		assert_true(used > 0 && used < 8);
		assert_true(c == '\n' || (c >= ' ' && c != 0x7f));
		column = c == '\n' ? 0 : column + (wcwidth(c) > 0 ? wcwidth(c) : 1);
		assert_true(column <= width);
		text += used;
	}
	uselocale(before);
	freelocale(utf8);
}

static void test_any_text_fits(void **state)
{
	struct example *e = example_new();

	srand(2);
	for (int round = 0; round < 2000; round++) {
		unsigned int width = rand() % 2 ? 0 : 60 + rand() % 60;
		char *texts[4];
		struct capture c;

		example_hostile(e, texts);
		capture_text(&c, &(struct text_options){.width = width});
		assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
		assert_int_equal(c.sink->flush(c.sink), 0);
		assert_fits(c.text, width && width < 99 ? width : 99);
		capture_free(&c);
		for (int i = 0; i < 4; i++)
			free(texts[i]);
	}
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_finding),
		cmocka_unit_test(test_headlines),
		cmocka_unit_test(test_text_what_is_missing),
		cmocka_unit_test(test_text_lost_stack),
		cmocka_unit_test(test_text_source),
		cmocka_unit_test(test_text_color),
		cmocka_unit_test(test_text_summary),
		cmocka_unit_test(test_text_forgotten),
		cmocka_unit_test(test_text_nothing_found),
		cmocka_unit_test(test_text_may_follow),
		cmocka_unit_test(test_text_consequence),
		cmocka_unit_test(test_text_finalizer),
		cmocka_unit_test(test_text_consequence_in_full),
		cmocka_unit_test(test_text_open),
		cmocka_unit_test(test_text_bounded),
		cmocka_unit_test(test_broken_output),
		cmocka_unit_test(test_status_line),
		cmocka_unit_test(test_any_text_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
