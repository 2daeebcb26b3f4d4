/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otlp_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The key of ExportLogsServiceRequest.resource_logs on the wire: its number, and "bytes follow". */
#define RESOURCE_LOGS_KEY (1 << 3 | 2)
#define VARINT_MAX	  10

static const char json_head[] = "{\"resourceLogs\":[", json_end[] = "]}";

static struct otlp_range *top(struct otlp_batch *batch)
{
	return &batch->ranges[batch->range_count - 1];
}

/* A protobuf message begins with the key of a field, whose number is not that of a brace: 15. */
static bool row_is_json(const struct outbox_row *row)
{
	return row->length && row->data[0] == '{';
}

void otlp_batch_begin(struct otlp_batch *batch, size_t count)
{
	batch->ranges[0] = (struct otlp_range){0, count};
	batch->range_count = count ? 1 : 0;
}

/* The range that goes next is cut after so many rows. */
static void cut_range(struct otlp_batch *batch, size_t count)
{
	struct otlp_range range = *top(batch);

	*top(batch) = (struct otlp_range){range.first + count, range.count - count};
	batch->ranges[batch->range_count++] = (struct otlp_range){range.first, count};
}

const struct otlp_range *otlp_batch_next(struct otlp_batch *batch)
{
	struct otlp_range *range;
	size_t same = 1;

	if (!batch->range_count)
		return NULL;
	range = top(batch);
	while (same < range->count && row_is_json(&batch->rows[range->first + same]) ==
					      row_is_json(&batch->rows[range->first]))
		same++;
	if (same < range->count)
		cut_range(batch, same);
	return top(batch);
}

void otlp_batch_done(struct otlp_batch *batch)
{
	batch->range_count--;
}

bool otlp_batch_split(struct otlp_batch *batch)
{
	size_t count = top(batch)->count;

	if (count == 1)
		return false;
	cut_range(batch, count / 2);
	return true;
}

bool otlp_batch_is_json(const struct otlp_batch *batch)
{
	return row_is_json(&batch->rows[batch->ranges[batch->range_count - 1].first]);
}

static uint8_t *copy_bytes(uint8_t *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static uint8_t *put_varint(uint8_t *at, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)n;
	return at;
}

static uint8_t *put_element(uint8_t *at, const struct outbox_row *row, bool json, bool first)
{
	if (json) {
		if (!first)
			*at++ = ',';
	} else {
		*at++ = RESOURCE_LOGS_KEY;
		at = put_varint(at, row->length);
	}
	return copy_bytes(at, row->data, row->length);
}

int otlp_batch_body(const struct otlp_batch *batch, uint8_t **ret_body, size_t *ret_length)
{
	const struct otlp_range *range = &batch->ranges[batch->range_count - 1];
	const struct outbox_row *rows = &batch->rows[range->first];
	size_t room = sizeof(json_head) + sizeof(json_end);
	bool json = otlp_batch_is_json(batch);
	uint8_t *body, *at;

	for (size_t i = 0; i < range->count; i++)
		room += 1 + VARINT_MAX + rows[i].length;
	body = at = malloc(room);
	if (!body)
		return -ENOMEM;
	if (json)
		at = copy_bytes(at, json_head, sizeof(json_head) - 1);
	for (size_t i = 0; i < range->count; i++)
		at = put_element(at, &rows[i], json, !i);
	if (json)
		at = copy_bytes(at, json_end, sizeof(json_end) - 1);
	*ret_length = at - body;
	if (*ret_length > OTLP_REQUEST_MAX) {
		free(body);
		return -EFBIG;
	}
	*ret_body = body;
	return 0;
}
