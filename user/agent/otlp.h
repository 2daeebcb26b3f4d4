/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Sends what waits in an outbox to a receiver of OTLP/HTTP logs.
 *
 * Owns: when a row is sent, sent again, or set aside: as the specification of OTLP says, one
 * request at a time, each row at least once. Never: waits; loses a row that it
 * has not counted.
 */
#ifndef FDTRACE_AGENT_OTLP_H
#define FDTRACE_AGENT_OTLP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/outbox.h"

struct otlp;

struct otlp_settings {
	char *endpoint; /* otlp.endpoint: the URL, or "none" */
	char *headers;	/* otlp.headers, as in otlp_headers.h */
	char *ca_file;	/* otlp.ca_file: a file, or "system" */
	uint64_t timeout_ms;
	bool plain; /* otlp.compression: none */
	bool json;  /* otlp.encoding */
};

enum otlp_request_end {
	REQUEST_OK,
	REQUEST_AGAIN,
	REQUEST_NO_ANSWER,
	REQUEST_SPLIT,
	REQUEST_REFUSED
};
#define OTLP_REQUEST_ENDS 5
const char *otlp_request_end_name(enum otlp_request_end end);

/* Whether both say the same. */
bool otlp_settings_same(const struct otlp_settings *a, const struct otlp_settings *b);

struct otlp_stats {
	uint64_t delivered; /* rows */
	uint64_t refused;   /* rows that the receiver will never take */
	uint64_t rejected;  /* rows that it says it has not taken of a request that it took */
	uint64_t requests[OTLP_REQUEST_ENDS];
	uint64_t failures; /* so often has it begun to fail */
	bool works;	   /* the last request was taken, or none has ended yet */
};

/*
 * settings: copied, its texts lent; outbox: lent. 0; -ENOSYS: libcurl is not to be had: *ret_why,
 * lent; other negative errno.
 */
int otlp_new(const struct otlp_settings *settings, struct outbox *outbox, struct otlp **ret,
	     const char **ret_why);

/* What is taken and not settled is returned to the outbox. */
void otlp_free(struct otlp *otlp);

/* Readable when otlp_step() has something to do, rows that the outbox has no fd for aside. Lent. */
int otlp_fd(const struct otlp *otlp);
void otlp_step(struct otlp *otlp, uint64_t now_ns);

void otlp_stats(const struct otlp *otlp, struct otlp_stats *ret);

/*
 * What is wrong, once each time that it begins to be, or with *ret_over that it is no more. NULL:
 * nothing new. Lent.
 */
const char *otlp_trouble(struct otlp *otlp, bool *ret_over);

#endif
