/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Calls with the frames that made them (fd_stream.h), for tests of whose number it was.
 */
#ifndef FDTRACE_TESTS_CALLERS_H
#define FDTRACE_TESTS_CALLERS_H

#include "fd_stream.h"

#define OTHER 101u /* another thread */

/* Functions, objects, and a class; stacks are named by what is called at them. */
enum { MAIN = 0x1000, INIT, CLOSE_IT, AGAIN, HELP, OPEN_B, CLOSE_B, TAKE, STEP, BASE };
#define A_CLASS 0x7f0000009000u
#define B_CLASS 0x7f0000009100u
#define AN_A	0x7f0000001000u
#define ANOTHER 0x7f0000002000u
#define A_FILE	0x7f0000003000u
#define FILES	0x7f0000009200u

/* A function of an object; one that is given a number; one that has no argument. */
#define METHOD(function, object, ...)                                                          \
	{                                                                                      \
		.code = function, .outer = 1, .address = 0x5000 + (function), .local = object, \
		.type = A_CLASS, .kind = LOCAL_OBJECT, __VA_ARGS__                             \
	}
#define HELPER(function, ...)                                                             \
	{                                                                                 \
		.code = function, .outer = 1, .address = 0x5000 + (function), .local = 7, \
		.kind = LOCAL_PLAIN, __VA_ARGS__                                          \
	}
#define PLAIN(function, ...)                                                              \
	{                                                                                 \
		.code = function, .outer = 1, .address = 0x5000 + (function), __VA_ARGS__ \
	}
#define BY(...)                                                         \
	.caller = &(const struct caller)                                \
	{                                                               \
		.count = sizeof((struct caller_frame[]){__VA_ARGS__}) / \
			 sizeof(struct caller_frame),                   \
		.frames = {                                             \
			__VA_ARGS__                                     \
		}                                                       \
	}

/* Of a file object that has the number since then; or since the last record. */
#define FILE_CLAIM_SINCE(time_ns, does, ...)                     \
	.claims = (struct record_claim[]){{.object = A_FILE,     \
					   .type = FILES,        \
					   .since_ns = time_ns,  \
					   .kind = OWNER_FILEIO, \
					   .state = does,        \
					   __VA_ARGS__}},        \
	.nclaims = 1
#define FILE_CLAIM(s, does, ...) FILE_CLAIM_SINCE(stream_last(s), does, __VA_ARGS__)

/* An innocent file: opened, and closed by its own object. */
static inline void borrow(struct stream *s, int32_t fd)
{
	OPEN(s, fd, .stack = 90, BY(PLAIN(OPEN_B), METHOD(MAIN, 0)));
	CLOSE(s, fd, .stack = 91, BY(PLAIN(OPEN_B), METHOD(MAIN, 0)),
	      FILE_CLAIM(s, OWNER_LET_GO, .flags = CLAIM_AT_HAND));
}

static inline const struct finding *only(struct stream *s, enum finding_kind kind,
					 enum certainty certainty, enum attribution attribution)
{
	const struct finding *f = stream_only(s, kind, certainty);

	assert_int_equal(f->attribution, attribution);
	return f;
}

#endif
