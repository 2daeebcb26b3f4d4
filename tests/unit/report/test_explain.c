/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/mem.h"
#include "report/report.h"
#include "report/format.h"
#include "views.h"

static void expect(const struct example *e, const char *explanation, const char *advice)
{
	_cleanup_free_ char *said = NULL, *advised = NULL;

	assert_int_equal(finding_explain(&e->view, &said, &advised), 0);
	if (explanation)
		assert_string_equal(said, explanation);
	if (advice)
		assert_string_equal(advised, advice);
}

static void test_double_close(void **state)
{
	struct example *e = example_new();

	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the "
	       "same thread closed it again at app.py:14 in main and got EBADF.",
	       "Close fd 7 either at app.py:12 or at app.py:14, not at both: through the file "
	       "object, if one owns the number, or open that with closefd=False.");
	e->finding.certainty = CERTAINTY_SUSPECTED;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the "
	       "same thread closed it again at app.py:14 in main and got EBADF, probably because "
	       "of that close.",
	       NULL);
	example_free(e);
}

/* Two closes at one line: who called there tells them apart. */
static void test_same_line(void **state)
{
	static const struct stack_frame first[] = {
		{"Upload.release", "/srv/app/app.py", 30, 28, false, 0, 0},
		{"handle", "/srv/app/app.py", 51, 50, false, 0, 0}};
	static const struct stack_frame second[] = {
		{"Upload.release", "/srv/app/app.py", 30, 28, false, 0, 0},
		{"ExitStack.__exit__", "/usr/lib/python3.11/contextlib.py", 589, 560, false, 0, 0},
		{"handle", "/srv/app/app.py", 53, 50, false, 0, 0}};
	struct example *e = example_new();

	example_stack(e, 0, stack_of(PYTHON_COMPLETE, first, 1));
	example_stack(e, 1, stack_of(PYTHON_COMPLETE, first, 1));
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:30 in Upload.release; 1.2 ms "
	       "later the same thread closed it again at the same line and got EBADF.",
	       "See that app.py:30 closes fd 7 only once, as by setting what holds the number to "
	       "None.");
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, second, 3));
	example_stack(e, 1, stack_of(PYTHON_COMPLETE, first, 2));
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:30 in Upload.release (called at "
	       "app.py:51 in handle); 1.2 ms later the same thread closed it again there (called "
	       "at app.py:53 in handle) and got EBADF.",
	       "See that app.py:30 closes fd 7 only once, as by setting what holds the number to "
	       "None: it ran twice with that number, called at app.py:51 and at "
	       "app.py:53.");
	e->finding.kind = FINDING_REUSED_CLOSE;
	e->finding.proofs = PROOF_ONE_OBJECT | PROOF_RECEIVER;
	e->finding.bad.origin = ORIGIN_OS_CLOSE;
	e->finding.bad.ret = 0;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:30 in Upload.release (called at "
	       "app.py:51 in handle); 1.2 ms later the same thread closed the number again there "
	       "(called at app.py:53 in handle), without an error, since it had been opened anew: "
	       "this closed a descriptor that belonged to somebody else.",
	       "See that app.py:30 closes fd 7 only once, as by setting what holds the number to "
	       "None: it ran twice for one object, called at app.py:51 and at "
	       "app.py:53.");
	/* A finalizer ran there: that is no place of the close. */
	e->finding.bad.origin = ORIGIN_FINALIZER;
	e->finding.owner.type = OWNER_FILEIO;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:30 in Upload.release; 1.2 ms "
	       "later the finalizer of the file object opened at app.py:10 in main closed the "
	       "number again, without an error, since it had been opened anew: this closed a "
	       "descriptor that belonged to somebody else.",
	       NULL);
	example_free(e);
}

/* Who made a close, in the words of the rows. */
static const enum site_origin origins[] = {ORIGIN_UNKNOWN, ORIGIN_OTHER, ORIGIN_OS_CLOSE,
					   ORIGIN_METHOD, ORIGIN_FINALIZER};

/* Where it is known who closed first, the advice does not ask. */
static void test_known_origins(void **state)
{
	static const enum finding_kind kinds[] = {FINDING_DOUBLE_CLOSE, FINDING_REUSED_CLOSE,
						  FINDING_USE_AFTER_CLOSE, FINDING_OWNED_CLOSE};
	const size_t n = ARRAY_SIZE(origins), all = ARRAY_SIZE(kinds) * n * n * 2 * 2;
	struct example *e = example_new();

	e->finding.owner.type = OWNER_FILEIO;
	for (size_t i = 0; i < all; i++) {
		_cleanup_free_ char *said = NULL, *advised = NULL;

		e->finding.kind = kinds[i % ARRAY_SIZE(kinds)];
		e->finding.closed.origin = origins[i / ARRAY_SIZE(kinds) % n];
		e->finding.bad.origin = origins[i / ARRAY_SIZE(kinds) / n % n];
		e->finding.what.type = i / (ARRAY_SIZE(kinds) * n * n) % 2 ? FD_SOCKET : FD_FILE;
		e->finding.what.path = NULL;
		e->finding.bad.tid = i >= all / 2 ? 4243 : 4242;
		assert_int_equal(finding_explain(&e->view, &said, &advised), 0);
		if (e->finding.closed.origin || e->finding.bad.origin)
			assert_null(strstr(advised, "if one owns"));
		assert_null(strstr(advised, "does os.close()"));
		assert_null(strstr(advised, "at ."));
	}
	example_free(e);
}

/* What was closed is not forgotten by whoever asks for a stream that is not there. */
static void test_standard_stream(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_USE_AFTER_CLOSE;
	e->finding.bad.call = CALL_DUP;
	e->finding.fd = 1;
	e->finding.notes = NOTE_STANDARD_STREAM;
	for (int i = 0; i < 3; i++)
		example_stack(e, i, stack_of(PYTHON_NONE, NULL, 0));
	expect(e,
	       "dup asked for standard output (fd 1) and got EBADF: it is closed; the number was "
	       "last that of the file \"/etc/hostname\", which was closed by thread 4242, 1.2 ms "
	       "before.",
	       "Nothing, if the program is meant to do without standard output; else give it one, "
	       "if only /dev/null.");
	e->finding.closed.missing = SITE_BEFORE_ATTACH;
	expect(e, "dup asked for standard output (fd 1) and got EBADF: it is closed.", NULL);
	example_free(e);
}

/* Each generation that the call may have meant is named by what it was. */
static void test_candidates(void **state)
{
	struct example *e = example_new();
	struct fd_candidate *candidates = e->finding.candidates;

	e->finding.attribution = ATTRIBUTION_OPEN;
	e->finding.candidate_count = 1;
	candidates[0] =
		(struct fd_candidate){e->finding.what, e->finding.opened, e->finding.closed};
	e->view.candidates[0].opened = e->view.opened;
	e->view.candidates[0].closed = e->view.closed;
	expect(e,
	       "fd 7 was closed at app.py:14 in main and got EBADF: it had been closed already; the "
	       "call may have meant the file \"/etc/hostname\" opened at app.py:10 in main and "
	       "closed at app.py:12 in main: which of the two calls was wrong is not known.",
	       NULL);
	e->finding.candidate_count = 3;
	candidates[1] = candidates[2] = candidates[0];
	candidates[1].what = (struct fd_what){.type = FD_PIPE};
	candidates[2].what = (struct fd_what){};
	candidates[2].closed.origin = ORIGIN_FINALIZER;
	expect(e,
	       "fd 7 was closed at app.py:14 in main and got EBADF: it had been closed already; the "
	       "call may have meant the file \"/etc/hostname\" opened at app.py:10 in main and "
	       "closed at app.py:12 in main, or the pipe closed by thread 4242, or the descriptor "
	       "closed by a finalizer: which of these is not known.",
	       NULL);
	e->view.candidates[0].opened = e->view.candidates[0].closed = NULL;
	example_free(e);
}

static void test_threads(void **state)
{
	struct example *e = example_new();

	e->finding.bad.tid = 4243;
	e->finding.what = (struct fd_what){};
	expect(e,
	       "fd 7 was closed at app.py:12 in main by thread 4242; 1.2 ms later thread 4243 "
	       "closed it again at app.py:14 in main and got EBADF.",
	       "Let one thread own fd 7 and be the only one that closes it: between the two closes "
	       "another thread's open may get the same number, and its descriptor is closed "
	       "instead.");
	e->finding.bad.time_ns = e->finding.closed.time_ns - 10;
	expect(e,
	       "fd 7 was closed at app.py:12 in main by thread 4242; at about the same time thread "
	       "4243 closed it again at app.py:14 in main and got EBADF.",
	       NULL);
	example_free(e);
}

static void test_socket_in_library(void **state)
{
	static const struct stack_frame frames[] = {
		{"socket._real_close", "/usr/lib/python3.11/socket.py", 494, 492, false, 0, 0},
		{"socket.close", "/usr/lib/python3.11/socket.py", 500, 496, false, 0, 0},
		{"Server.stop", "/srv/venv/lib/python3.11/site-packages/srv/core.py", 77, 70, false,
		 0, 0},
	};
	struct example *e = example_new();

	e->finding.what = (struct fd_what){
		.type = FD_SOCKET, .call = CALL_SOCKET, .arg = AF_INET, .flags = SOCK_STREAM};
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, frames, 3));
	expect(e,
	       "fd 7 (AF_INET SOCK_STREAM socket) was closed at app.py:12 in main; 1.2 ms later "
	       "the same thread closed it again at core.py:77 in Server.stop and got EBADF.",
	       "Close fd 7 either at app.py:12 or at core.py:77, not at both: through the socket "
	       "object, if one owns the number, or take that out of the object with detach() "
	       "first.");
	example_free(e);
}

/* The line that is the user's own has no os.close() in it. */
static void test_os_close_in_library(void **state)
{
	static const struct stack_frame frames[] = {
		{"finalize.__call__", "/usr/lib/python3.11/weakref.py", 590, 580, false, 0, 0},
		{"drop", "/srv/app/app.py", 18, 16, false, 0, 0},
	};
	struct example *e = example_new();

	e->finding.bad.origin = e->finding.closed.origin = ORIGIN_OS_CLOSE;
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, frames, 2));
	expect(e, NULL,
	       "Close fd 7 in one place: drop the os.close() at weakref.py:590 in "
	       "finalize.__call__ (reached from app.py:18), or, if that one is to stay, the one at "
	       "app.py:12.");
	example_free(e);
}

static void test_no_python(void **state)
{
	struct example *e = example_new();

	for (int i = 0; i < 3; i++)
		example_stack(e, i, stack_of(PYTHON_NONE, NULL, 0));
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed by thread 4242; 1.2 ms later the same "
	       "thread closed it again and got EBADF.",
	       "Close fd 7 in one place only, and set the variable that holds it to -1 once it is "
	       "closed.");
	example_stack(e, 0, NULL);
	example_stack(e, 1, NULL);
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed by thread 4242; 1.2 ms later the same "
	       "thread closed it again and got EBADF.",
	       NULL);
	example_free(e);
}

static void test_fork(void **state)
{
	struct example *e = example_new();

	e->finding.closed.inherited = true;
	e->finding.closed.tgid = e->finding.closed.tid = 4000;
	e->finding.closed.call = CALL_DUP2;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main (dup2) by the parent "
	       "process 4000, before the fork; 1.2 ms later process 4242 closed it again at "
	       "app.py:14 in main and got EBADF.",
	       "Do not close fd 7 in the child: its parent had closed it before the fork, so the "
	       "number may be anybody's by now.");
	example_free(e);
}

static void test_unseen(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_DOUBLE_CLOSE_UNSEEN;
	e->finding.what = (struct fd_what){};
	e->finding.closed.missing = SITE_LOST;
	expect(e, NULL,
	       "Look for another close of fd 7; a larger --ring-size loses fewer records, so that "
	       "it may be seen.");
	e->finding.closed.missing = SITE_HISTORY_CUT;
	expect(e, NULL,
	       "Look for another close of fd 7; a longer --history keeps it, so that it may be "
	       "shown.");
	e->finding.closed.missing = SITE_BEFORE_ATTACH;
	expect(e,
	       "fd 7 was closed at app.py:14 in main and got EBADF: it had been closed already, by "
	       "a close that was not seen (before fdtrace attached).",
	       "Look for another close of fd 7; when the program is run by fdtrace from its start "
	       "(fdtrace -- COMMAND), it may be seen.");
	example_free(e);
}

static void test_use_after_close(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_USE_AFTER_CLOSE;
	e->finding.bad.call = CALL_DUP;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the "
	       "same thread called dup on it at app.py:14 in main and got EBADF.",
	       "Use fd 7 only while it is open: make the call at app.py:14 before the close "
	       "at app.py:12, or close it later (a with block around its whole use does that).");
	e->finding.bad.tid = 5000;
	expect(e, NULL,
	       "Close fd 7 only after every thread that uses it has stopped: once it is closed, "
	       "the number may name another thread's descriptor.");
	example_free(e);
}

static void test_reused(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_REUSED_CLOSE;
	e->finding.certainty = CERTAINTY_SUSPECTED;
	e->finding.bad.ret = 0;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the "
	       "same thread closed the number again at app.py:14 in main, without an error, since "
	       "it had been opened anew: this probably closed a descriptor that belonged to "
	       "somebody else.",
	       "Most likely: Once fd 7 is closed, forget the number: drop the close at app.py:14, "
	       "or let it close through the object that owns the descriptor, which knows when it is closed.");
	e->finding.certainty = CERTAINTY_FACT;
	e->finding.culprit = CULPRIT_CLOSED;
	e->finding.owner.type = OWNER_FILEIO;
	e->finding.bad.origin = ORIGIN_FINALIZER;
	e->finding.closed.origin = ORIGIN_OS_CLOSE;
	e->finding.victim = (struct fd_victim){
		.known = true,
		.owner.type = OWNER_SOCKET,
		.what.type = FD_SOCKET,
		.opened.missing = SITE_BEFORE_ATTACH,
		.failed.missing = SITE_NOT_APPLICABLE,
	};
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the "
	       "finalizer of the file object opened at app.py:10 in main "
	       "closed the number again, without an error, since it had been opened anew: this "
	       "closed the socket of the socket object: the first close was made behind the back of the "
	       "file object that owned it.",
	       "Drop the os.close() at app.py:12 and let the file object close it, or open it with "
	       "closefd=False.");
	example_free(e);
}

/* A finalizer closed what no object is known to have owned: of which object is not said. */
static void test_closed_by_some_finalizer(void **state)
{
	struct example *e = example_new();
	char *explanation, *advice;

	e->finding.closed.origin = ORIGIN_FINALIZER;
	e->finding.owner.type = OWNER_NONE;
	assert_int_equal(finding_explain(&e->view, &explanation, &advice), 0);
	assert_non_null(strstr(explanation, "was closed by a finalizer"));
	assert_null(strstr(explanation, "opened at"));
	free(explanation);
	free(advice);
	e->finding.owner.type = OWNER_FILEIO;
	assert_int_equal(finding_explain(&e->view, &explanation, &advice), 0);
	assert_non_null(strstr(explanation, "by the finalizer of the file object opened at "));
	free(explanation);
	free(advice);
	example_free(e);
}

static void test_owned(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_OWNED_CLOSE;
	e->finding.owner.type = OWNER_FILEIO;
	e->finding.bad.origin = ORIGIN_OS_CLOSE;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:14 in main behind the back of "
	       "the file object that owns it, opened at app.py:10 in main: that object will use "
	       "and close the number later, whoever has it by then.",
	       "Drop the os.close() at app.py:14 and let the file object close it, or open it with "
	       "closefd=False.");
	e->finding.owner.type = OWNER_SOCKET;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:14 in main behind the back of "
	       "the socket object that owns it, opened at app.py:10 in main: that object will use "
	       "and close the number later, whoever has it by then.",
	       "Drop the os.close() at app.py:14 and let the socket object close it, or take the "
	       "number out of the object with detach() first.");
	e->finding.bad.origin = ORIGIN_OTHER;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:14 in main behind the back of "
	       "the socket object that owns it, opened at app.py:10 in main: that object will use "
	       "and close the number later, whoever has it by then.",
	       "Do not let C code called from main() at app.py:14 close the number that the socket "
	       "object closes, too: give it what detach() takes out of the object, or a number of "
	       "its own (os.dup()).");
	example_free(e);
}

static void test_misdirected(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_MISDIRECTED_IO;
	e->finding.owner.type = OWNER_FILEIO;
	e->finding.culprit = CULPRIT_CLOSED;
	e->finding.closed.origin = ORIGIN_OS_CLOSE;
	e->finding.bad.call = CALL_TRANSFERRED;
	e->finding.bad.nr = SYS_write;
	e->finding.bad.ret = 3;
	e->finding.victim.known = true;
	e->finding.victim.what.type = FD_FILE;
	e->finding.victim.what.path = "/srv/accounts.db";
	e->finding.victim.opened.missing = e->finding.victim.failed.missing = SITE_NOT_APPLICABLE;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the same "
	       "thread wrote 3 bytes at app.py:14 in main through the file object that has the "
	       "number still: they went into the file \"/srv/accounts.db\".",
	       "Drop the os.close() at app.py:12 and let the file object close it, or open it with "
	       "closefd=False.");
	e->finding.bad.nr = SYS_recvfrom;
	e->finding.bad.ret = 1;
	e->finding.certainty = CERTAINTY_SUSPECTED;
	e->finding.culprit = CULPRIT_BAD; /* another object had closed it, by right */
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the same "
	       "thread read 1 byte at app.py:14 in main through the file object that has the "
	       "number still: it probably came out of the file \"/srv/accounts.db\".",
	       "Most likely: Let one object alone own fd 7: two had the number that was opened at "
	       "app.py:10, and one of them is closed at app.py:12; detach() one of them, or make it "
	       "with a dup() of the number.");
	/* An object that opened it keeps the bare number; it owns nothing. */
	e->finding.proofs = PROOF_RECEIVER | PROOF_KEPT;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:12 in main; 1.2 ms later the same "
	       "thread read 1 byte at app.py:14 in main by a method of the object that had opened it "
	       "and keeps its number: it probably came out of the file \"/srv/accounts.db\", unless "
	       "the object has been given the number since.",
	       "Most likely: Once fd 7 is closed, forget the number: set the attribute that "
	       "app.py:14 takes it from to None at app.py:12, and use it only while it is open.");
	example_free(e);
}

/* A class that says more than its base is named; its name may be any bytes. */
static void test_owner_of_a_class(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_OWNED_CLOSE;
	e->finding.owner = (struct fd_owner){.type = OWNER_SOCKET, .name = "ssl.SSLSocket"};
	e->finding.bad.origin = ORIGIN_OS_CLOSE;
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:14 in main behind the back of "
	       "the ssl.SSLSocket object that owns it, opened at app.py:10 in main: that object "
	       "will use and close the number later, whoever has it by then.",
	       "Drop the os.close() at app.py:14 and let the ssl.SSLSocket object close it, or take "
	       "the number out of the object with detach() first.");
	strcpy(e->finding.owner.name, "socket.socket");
	expect(e,
	       "fd 7 (file \"/etc/hostname\") was closed at app.py:14 in main behind the back of "
	       "the socket object that owns it, opened at app.py:10 in main: that object will use "
	       "and close the number later, whoever has it by then.",
	       "Drop the os.close() at app.py:14 and let the socket object close it, or take the "
	       "number out of the object with detach() first.");
	example_free(e);
}

static void test_owner_of_any_name(void **state)
{
	struct fd_owner owner = {.type = OWNER_FILEIO};
	char buf[OWNER_SIZE];

	memset(owner.name, '\x1b', sizeof(owner.name) - 1);
	format_owner(&owner, buf);
	assert_null(strchr(buf, '\x1b'));
	assert_true(strlen(buf) < sizeof(buf));
	assert_non_null(strstr(buf, " object"));
	/* Four bytes a column, as wide as there may be. */
	for (size_t i = 0; i + 4 < sizeof(owner.name); i += 4)
		memcpy(owner.name + i, "\xf0\x9f\x98\x80", 4);
	format_owner(&owner, buf);
	assert_non_null(strstr(buf, " object"));
}

static void test_bad_fd(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_BAD_FD;
	e->finding.what = (struct fd_what){};
	e->finding.fd = -1;
	expect(e,
	       "close was called on fd -1 at app.py:14 in main and got EBADF: a negative number is "
	       "no descriptor.",
	       "Test for a negative number before the call: -1 often stands for \"not open\", and "
	       "is what fileno() of a closed socket gives.");
	e->finding.fd = 77;
	expect(e,
	       "close was called on fd 77 at app.py:14 in main and got EBADF: this number was never "
	       "open here.",
	       "Find out where the number 77 comes from: it may have been open in another process, "
	       "or be no descriptor at all.");
	example_free(e);
}

static void test_sweep(void **state)
{
	struct example *e = example_new();

	e->finding.kind = FINDING_CLOSE_SWEEP;
	e->finding.fd = 3;
	e->finding.last_fd = 255;
	e->finding.calls = 250;
	expect(e,
	       "250 closes in a row, from fd 3 to fd 255, at app.py:14 in main got EBADF: none of "
	       "these numbers was open.",
	       "Nothing is broken; os.closerange(3, 256) closes them without the errors, in one "
	       "system call from Python 3.10 on.");
	example_free(e);
}

/* Every kind, certainty and missing site: one sentence each, whatever is known. */
static void test_all_say_something(void **state)
{
	struct example *e = example_new();

	for (int round = 0; round < FINDING_KINDS * 2 * 7 * 2; round++) {
		_cleanup_free_ char *said = NULL, *advised = NULL;

		e->finding.kind = round % FINDING_KINDS;
		e->finding.certainty = round / FINDING_KINDS % 2;
		e->finding.closed.missing = round / FINDING_KINDS / 2 % 7;
		e->finding.opened.missing = e->finding.closed.missing;
		if (round == FINDING_KINDS * 2 * 7)
			for (int i = 0; i < 3; i++)
				example_stack(e, i, NULL);
		assert_int_equal(finding_explain(&e->view, &said, &advised), 0);
		assert_true(strlen(said) > 20 && said[strlen(said) - 1] == '.');
		assert_true(strlen(advised) > 20 && advised[strlen(advised) - 1] == '.');
	}
	example_free(e);
}

/* Names without end do not make sentences without end. */
static void test_long_names(void **state)
{
	struct example *e = example_new();
	_cleanup_free_ char *name = malloc(100001), *said = NULL, *advised = NULL;
	struct stack_frame frame = {name, name, 1, 1, false, 0, 0};

	memset(name, 'x', 100000);
	name[100000] = '\0';
	e->finding.what.path = name;
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, &frame, 1));
	assert_int_equal(finding_explain(&e->view, &said, &advised), 0);
	assert_true(strlen(said) < 600);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double_close),
		cmocka_unit_test(test_same_line),
		cmocka_unit_test(test_known_origins),
		cmocka_unit_test(test_standard_stream),
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_socket_in_library),
		cmocka_unit_test(test_os_close_in_library),
		cmocka_unit_test(test_no_python),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_unseen),
		cmocka_unit_test(test_use_after_close),
		cmocka_unit_test(test_reused),
		cmocka_unit_test(test_closed_by_some_finalizer),
		cmocka_unit_test(test_owned),
		cmocka_unit_test(test_misdirected),
		cmocka_unit_test(test_owner_of_a_class),
		cmocka_unit_test(test_owner_of_any_name),
		cmocka_unit_test(test_bad_fd),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_all_say_something),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
