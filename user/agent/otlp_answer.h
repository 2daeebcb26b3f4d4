/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a receiver of OTLP/HTTP has answered (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP
 * response"), and when it is asked again.
 *
 * Owns: what follows from a status; reading the answer, which is hostile. Pure.
 */
#ifndef FDTRACE_AGENT_OTLP_ANSWER_H
#define FDTRACE_AGENT_OTLP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum otlp_verdict {
	OTLP_ACCEPTED,
	OTLP_AGAIN,	/* the same later: 429, 502, 503, 504, or no answer at all */
	OTLP_TOO_WRONG, /* some row in it is wrong, or it is too large: 400, 413 */
	OTLP_REFUSED,	/* every other status: it must not be tried again */
};

/* status 0: no answer has come. */
enum otlp_verdict otlp_verdict(long status);

struct otlp_partial {
	uint64_t rejected; /* rows that were not taken, of an accepted request */
	char text[256];	   /* why, or a warning; raw; "": nothing was said */
};

/* The body of an accepted request's answer: what cannot be read says nothing. */
void otlp_read_partial(const uint8_t *body, size_t length, bool json, struct otlp_partial *ret);

/* The first wait, and the longest, nanoseconds; and the longest that Retry-After is heeded. */
#define BACKOFF_FIRST_NS  UINT64_C(1000000000)
#define BACKOFF_MAX_NS	  (64 * BACKOFF_FIRST_NS)
#define RETRY_AFTER_MAX_S 3600

/*
 * How long to wait after the nth failure in a row (from 0), nanoseconds: twice as long each time,
 * less a part of up to a half by chance (random: any number), so that a fleet does not come back
 * at one moment; and never before retry_after_s are over (0: it was not said).
 */
uint64_t otlp_backoff_ns(unsigned int failures, uint64_t retry_after_s, uint32_t random);

#endif
