/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What to change, by who closed: the rows that advice.c looks through, from the first to the last.
 *
 * Owns: the sentences. A row without a condition takes all. Each has its program, and the fix that
 * it advises, in tests/e2e/test_advice.py.
 *
 * In a sentence: {fd}; {at_a}, {at_b}: " at " and the place, or nothing; {a} and {b} the
 * places of the close before and of the bad call, {w} of the one that is known to be wrong; {ca}
 * {cb} {cw} the C code that made it, {call_a} {call_w} its system call; {o} where it was opened;
 * {pa} and {pb}: from where that one place was called; {stream} what was asked for; {owner} whose
 * object it was; {instead} what that object offers so that somebody else may close its number;
 * {give} the same for a C library; {root} the finding that tells the cause.
 */
#ifndef FDTRACE_REPORT_ADVICE_ROWS_H
#define FDTRACE_REPORT_ADVICE_ROWS_H

#include <stdint.h>

#include "session/sink.h"

/* Who made a close: bits. */
enum closer {
	CLOSER_UNKNOWN = 1 << 0,
	CLOSER_METHOD = 1 << 1,
	CLOSER_FINALIZER = 1 << 2,
	CLOSER_OS_CLOSE = 1 << 3,
	CLOSER_C = 1 << 4,     /* C code that is none of these */
	CLOSER_RANGE = 1 << 5, /* close_range() */
	CLOSER_PARENT = 1 << 6,
	CLOSER_UNSEEN = 1 << 7,

	CLOSER_OBJECT = CLOSER_METHOD | CLOSER_FINALIZER,
	/* As far as is known, code that keeps a bare number: an object that had closed would know.
	 */
	CLOSER_PLAIN = CLOSER_OS_CLOSE | CLOSER_UNKNOWN,
};

/* What must hold of a finding: bits. */
enum fact {
	FACT_STOLEN = 1 << 0,	  /* the close before took what was not its own */
	FACT_BEHIND = 1 << 1,	  /* the wrong close went behind an object's back */
	FACT_THREADS = 1 << 2,	  /* of two threads */
	FACT_PYTHON = 1 << 3,	  /* Python made one of the calls */
	FACT_SAME = 1 << 4,	  /* both at one place */
	FACT_TWO_OWNERS = 1 << 5, /* the object that closed had had the number before */
	FACT_SOCKET = 1 << 6,
	FACT_METHOD = 1 << 7,	   /* an object's method makes the call, and closed it not before */
	FACT_STREAM = 1 << 8,	   /* the call asked for a standard stream */
	FACT_CALLERS = 1 << 9,	   /* FACT_SAME, and they were called from two places */
	FACT_ONE_OBJECT = 1 << 10, /* a method of one object made both, and it had opened it */
	FACT_KEPT = 1 << 11,	   /* an object keeps the bare number */
};

#define OF(KIND) (1u << FINDING_##KIND)

static const struct advice_row {
	uint32_t kinds;
	uint32_t facts;
	/* Masks of closers; 0: any. wrong: of the call that is known to be wrong. */
	uint32_t first, second, wrong;
	const char *sentence;
} advice_rows[] = {
	/* Whoever asks gets an answer. */
	{OF(USE_AFTER_CLOSE), FACT_STREAM, 0, 0, 0,
	 "Nothing, if the program is meant to do without {stream}; else give it one, if only "
	 "/dev/null."},

	/* The cause is told elsewhere. */
	{OF(DOUBLE_CLOSE) | OF(USE_AFTER_CLOSE) | OF(REUSED_CLOSE) | OF(MISDIRECTED_IO),
	 FACT_STOLEN, CLOSER_FINALIZER, 0, 0,
	 "Nothing here: the close before was that of a finalizer, which meant another descriptor; "
	 "{root} says what to change."},
	{OF(DOUBLE_CLOSE) | OF(USE_AFTER_CLOSE) | OF(REUSED_CLOSE) | OF(MISDIRECTED_IO),
	 FACT_STOLEN, 0, 0, 0,
	 "Nothing here: the close at {a} meant another descriptor; {root} says what to change."},

	/* From an object that keeps a bare number. */
	{OF(MISDIRECTED_IO), FACT_KEPT | FACT_BEHIND, 0, 0, 0,
	 "Let the object that opened fd {fd} close it: drop the close at {w}, or have the object "
	 "forget the number by then, and not use it at {b}."},
	{OF(MISDIRECTED_IO), FACT_KEPT, 0, 0, 0,
	 "Once fd {fd} is closed, forget the number: set the attribute that {b} takes it from to "
	 "None at {a}, and use it only while it is open."},
	{OF(DOUBLE_CLOSE) | OF(USE_AFTER_CLOSE), FACT_METHOD, 0, 0, 0,
	 "Drop the close at {w} and let the object close fd {fd} that does so at {b}, or give it a "
	 "number of its own (os.dup())."},

	/* With others. */
	{OF(DOUBLE_CLOSE) | OF(USE_AFTER_CLOSE), FACT_BEHIND, CLOSER_RANGE, 0, 0,
	 "Leave fd {fd} out of the {call_a}{at_a}, which closed it with others: the {owner} closes "
	 "it."},

	/* Behind an object's back. For os.close() on a file object's number this is the advice of
	 * Python's own documentation: "remove the os.close(fp.fileno()) line, or open the file with
	 * closefd=False" (Doc/library/devmode.rst, "Bad file descriptor error example").
	 */
	{~0u, FACT_BEHIND, 0, 0, CLOSER_OS_CLOSE,
	 "Drop the os.close() at {w} and let the {owner} close it, or {instead}."},
	{~0u, FACT_BEHIND, 0, 0, CLOSER_C,
	 "Do not let {cw} close the number that the {owner} closes, too: {give}."},
	{~0u, FACT_BEHIND, 0, 0, 0,
	 "Drop the close at {w} and let the {owner} close it, or {instead}."},

	/* Twice, and neither is known to be the wrong one. */
	{OF(DOUBLE_CLOSE), 0, CLOSER_PARENT, 0, 0,
	 "Do not close fd {fd} in the child: its parent had closed it before the fork, so the "
	 "number may be anybody's by now."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_RANGE, 0, 0,
	 "Leave fd {fd} out of the {call_a}{at_a}, which closed it with others, or drop the later "
	 "close{at_b}."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), 0, CLOSER_OBJECT, CLOSER_OS_CLOSE, 0,
	 "Drop the os.close() at {b}: the {owner} closes its number itself, and had done so; or "
	 "{instead}."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), 0, CLOSER_OBJECT, CLOSER_C, 0,
	 "Do not let {cb} close the number that the {owner} has closed: {give}."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), 0, CLOSER_C, CLOSER_OBJECT, 0,
	 "Do not let {ca} close the number that the {owner} closes, too: {give}."},
	{OF(DOUBLE_CLOSE), FACT_SAME, CLOSER_OBJECT, CLOSER_OBJECT, 0,
	 "Let one object alone own fd {fd}: two that {b} closes have that number; detach() one of "
	 "them, or make it with a dup() of the number."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_OBJECT, CLOSER_OBJECT, 0,
	 "Let one object alone own fd {fd}: what is closed at {a} had the same number as the "
	 "{owner} that is closed at {b}; detach() one of them, or make it with a dup() of the "
	 "number."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), 0, CLOSER_C, CLOSER_OS_CLOSE, 0,
	 "Drop the os.close() at {b}, since {ca} closes the number itself, or give that a number "
	 "of its own (os.dup())."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), 0, CLOSER_OS_CLOSE, CLOSER_C, 0,
	 "Drop the os.close() at {a}, since {cb} closes the number itself, or give that a number "
	 "of its own (os.dup())."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), 0, CLOSER_C, CLOSER_C, 0,
	 "Give {cb} a number of its own (os.dup()), since {ca} closes fd {fd}, too."},
	{OF(DOUBLE_CLOSE), FACT_THREADS, 0, 0, 0,
	 "Let one thread own fd {fd} and be the only one that closes it: between the two closes "
	 "another thread's open may get the same number, and its descriptor is closed instead."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), FACT_SAME | FACT_CALLERS | FACT_ONE_OBJECT,
	 CLOSER_PLAIN, CLOSER_PLAIN, 0,
	 "See that {b} closes fd {fd} only once, as by setting what holds the number to None: "
	 "it ran twice for one object, called at {pa} and at {pb}."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), FACT_SAME | FACT_ONE_OBJECT, CLOSER_PLAIN,
	 CLOSER_PLAIN, 0,
	 "See that {b} closes fd {fd} only once, as by setting what holds the number to None: "
	 "it ran twice for one object."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), FACT_SAME | FACT_CALLERS, CLOSER_PLAIN, CLOSER_PLAIN,
	 0,
	 "See that {b} closes fd {fd} only once, as by setting what holds the number to None: "
	 "it ran twice with that number, called at {pa} and at {pb}."},
	{OF(DOUBLE_CLOSE) | OF(REUSED_CLOSE), FACT_SAME, CLOSER_PLAIN, CLOSER_PLAIN, 0,
	 "See that {b} closes fd {fd} only once, as by setting what holds the number to None."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_OS_CLOSE, CLOSER_OS_CLOSE, 0,
	 "Close fd {fd} in one place: drop the os.close() at {b}, or, if that one is to stay, the "
	 "one at {a}."},
	/* Of one of them it is not known who made it. */
	{OF(DOUBLE_CLOSE), 0, CLOSER_OS_CLOSE, CLOSER_UNKNOWN, 0,
	 "Close fd {fd} in one place: drop the os.close() at {a}, or else the close{at_b}."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_UNKNOWN, CLOSER_OS_CLOSE, 0,
	 "Close fd {fd} in one place: drop the os.close() at {b}, or else the close{at_a}."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_OBJECT, CLOSER_UNKNOWN, 0,
	 "Drop the later close{at_b}: the {owner} closes its number itself, and had done so; or "
	 "{instead}."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_OS_CLOSE, CLOSER_OBJECT, 0,
	 "Drop the os.close() at {a} and let the {owner} close fd {fd}, or {instead}."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_UNKNOWN, CLOSER_OBJECT, 0,
	 "Let the {owner} alone close fd {fd}: drop the close{at_a}, or {instead}."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_C, CLOSER_UNKNOWN, 0,
	 "Close fd {fd} in one place: drop the later close{at_b}, or give {ca} a number of its own "
	 "(os.dup())."},
	{OF(DOUBLE_CLOSE), 0, CLOSER_UNKNOWN, CLOSER_C, 0,
	 "Close fd {fd} in one place: drop the close{at_a}, or give {cb} a number of its own "
	 "(os.dup())."},
	/* Of neither. */
	{OF(DOUBLE_CLOSE), FACT_PYTHON | FACT_SOCKET, 0, 0, 0,
	 "Close fd {fd} either at {a} or at {b}, not at both: through the socket object, if one owns "
	 "the number, or take that out of the object with detach() first."},
	{OF(DOUBLE_CLOSE), FACT_PYTHON, 0, 0, 0,
	 "Close fd {fd} either at {a} or at {b}, not at both: through the file object, if one owns "
	 "the number, or open that with closefd=False."},
	{OF(DOUBLE_CLOSE), 0, 0, 0, 0,
	 "Close fd {fd} in one place only, and set the variable that holds it to -1 once it is "
	 "closed."},

	{OF(USE_AFTER_CLOSE), 0, CLOSER_RANGE, 0, 0,
	 "Leave fd {fd} out of the {call_a}{at_a}, which closed it with others, or make the later "
	 "call{at_b} before it."},
	{OF(USE_AFTER_CLOSE), 0, CLOSER_C, 0, 0,
	 "Do not let {ca} close fd {fd} while it is used at {b}: {give}."},
	{OF(USE_AFTER_CLOSE), 0, CLOSER_FINALIZER, 0, 0,
	 "Keep the object whose finalizer closed fd {fd} for as long as its number is used{at_b}, or "
	 "use a number of its own there (os.dup()); where two objects have one number, let one alone "
	 "own it."},
	{OF(USE_AFTER_CLOSE), FACT_THREADS, 0, 0, 0,
	 "Close fd {fd} only after every thread that uses it has stopped: once it is closed, the "
	 "number may name another thread's descriptor."},
	{OF(USE_AFTER_CLOSE), FACT_PYTHON, 0, 0, 0,
	 "Use fd {fd} only while it is open: make the call{at_b} before the close{at_a}, or "
	 "close it later (a with block around its whole use does that)."},
	{OF(USE_AFTER_CLOSE), 0, 0, 0, 0,
	 "Use fd {fd} only while it is open: make the call{at_b} before the close{at_a}, or "
	 "close it later."},

	{OF(REUSED_CLOSE) | OF(MISDIRECTED_IO), FACT_TWO_OWNERS, 0, 0, 0,
	 "Let one object alone own fd {fd}: two had the number that was opened at {o}, and one of "
	 "them is closed at {a}; detach() one of them, or make it with a dup() of the number."},
	{OF(MISDIRECTED_IO), 0, 0, 0, 0,
	 "Close fd {fd} through the {owner} alone, which knows then that it has no descriptor any "
	 "more: what it reads and writes after the close{at_a} is somebody else's."},
	{OF(REUSED_CLOSE), 0, 0, CLOSER_OS_CLOSE, 0,
	 "Once fd {fd} is closed, forget the number: drop the os.close() at {b}, or set the variable "
	 "that it takes the number from to None at {a}."},
	{OF(REUSED_CLOSE), 0, 0, 0, 0,
	 "Once fd {fd} is closed, forget the number: drop the close{at_b}, or let it close "
	 "through the object that owns the descriptor, which knows when it is closed."},
};

#endif
