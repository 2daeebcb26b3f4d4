/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otlp_answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/amount.h"
#include "otlp.pb-c.h"

enum otlp_verdict otlp_verdict(long status)
{
	if (status >= 200 && status < 300)
		return OTLP_ACCEPTED;
	switch (status) {
	case 429:
	case 502:
	case 503:
	case 504:
		return OTLP_AGAIN;
	case 400:
	case 413:
		return OTLP_TOO_WRONG;
	default:
		return status < 200 ? OTLP_AGAIN : OTLP_REFUSED;
	}
}

static void set_partial(struct otlp_partial *ret, int64_t rejected, const char *text)
{
	ret->rejected = rejected > 0 ? (uint64_t)rejected : 0;
	snprintf(ret->text, sizeof(ret->text), "%s", text ? text : "");
}

static void read_protobuf(const uint8_t *body, size_t length, struct otlp_partial *ret)
{
	Otlp__ExportLogsServiceResponse *answer =
		otlp__export_logs_service_response__unpack(NULL, length, body);

	if (answer && answer->partial_success)
		set_partial(ret, answer->partial_success->rejected_log_records,
			    answer->partial_success->error_message);
	if (answer)
		otlp__export_logs_service_response__free_unpacked(answer, NULL);
}

/* An integer of 64 bits is a string in JSON, and read as a number, too. */
static int64_t integer_of(const json_t *value)
{
	const char *text = json_string_value(value);
	unsigned long number;

	if (!text)
		return json_integer_value(value);
	return amount_number(text, text + strlen(text), INT64_MAX, &number) ? (int64_t)number : 0;
}

static void read_json(const uint8_t *body, size_t length, struct otlp_partial *ret)
{
	json_t *answer = json_loadb((const char *)body, length, 0, NULL);
	const json_t *partial = json_object_get(answer, "partialSuccess");

	if (partial)
		set_partial(ret, integer_of(json_object_get(partial, "rejectedLogRecords")),
			    json_string_value(json_object_get(partial, "errorMessage")));
	json_decref(answer);
}

void otlp_read_partial(const uint8_t *body, size_t length, bool json, struct otlp_partial *ret)
{
	*ret = (struct otlp_partial){0};
	if (json)
		read_json(body, length, ret);
	else
		read_protobuf(body, length, ret);
}

uint64_t otlp_backoff_ns(unsigned int failures, uint64_t retry_after_s, uint32_t random)
{
	uint64_t wait = BACKOFF_FIRST_NS, least;

	while (failures-- && wait < BACKOFF_MAX_NS)
		wait *= 2;
	wait -= wait / 2 / 1000 * random / UINT32_MAX * 1000; /* in microseconds: else too large */
	if (!retry_after_s)
		return wait;
	least = (retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S) *
		BACKOFF_FIRST_NS;
	/* Of many who were told the same, not all come at once. */
	return least + (wait < BACKOFF_FIRST_NS ? wait : BACKOFF_FIRST_NS) / 2;
}
