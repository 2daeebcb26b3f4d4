/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One log record of OpenTelemetry, with the resource that it is of, as the bytes of a ResourceLogs
 * message or as the JSON object for it.
 *
 * Owns: both encodings, and that each text in them is UTF-8 without NUL, whatever bytes it was made
 * of: Collectors hand on what they get. Bounded: OTLP_TEXT_MAX bytes of each text. Pure. Never:
 * knows what a finding is.
 */
#ifndef FDTRACE_REPORT_OTLP_MESSAGE_H
#define FDTRACE_REPORT_OTLP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attribute.h"

#define OTLP_ATTRIBUTES_MAX 48
#define OTLP_TEXT_MAX	    (64u << 10)

/*
 * Keys live as long as the message; texts are copied. Beyond OTLP_ATTRIBUTES_MAX nothing is added,
 * nor is a key that is there already: OpenTelemetry has each at most once.
 */
struct otlp_attributes {
	size_t count;
	struct otlp_attribute {
		const char *key;
		char *text; /* from the heap; NULL: a number */
		int64_t number;
	} items[OTLP_ATTRIBUTES_MAX];
};

struct otlp_message {
	struct otlp_attributes resource, record;
	const char *event_name; /* a literal */
	char *body;		/* from the heap */
	const char *severity_text;
	int severity_number; /* SeverityNumber of opentelemetry-proto: 9 info, 13 warn, 17 error */
	uint64_t time_unix_nano, observed_time_unix_nano;
};

/* bytes NULL: nothing is added. 0 or -ENOMEM. */
int otlp_add_bytes(struct otlp_attributes *list, const char *key, const char *bytes, size_t size);
int otlp_add_text(struct otlp_attributes *list, const char *key, const char *text);
int otlp_add_number(struct otlp_attributes *list, const char *key, int64_t number);

/* Those that have another key. */
int otlp_add_list(struct otlp_attributes *list, const struct attributes *more);

int otlp_set_body(struct otlp_message *message, const char *text);

/* From the heap. 0 or -ENOMEM. */
int otlp_encode(const struct otlp_message *message, bool json, uint8_t **ret_bytes,
		size_t *ret_length);

/* What has been added to it. */
void otlp_message_clear(struct otlp_message *message);

#endif
