/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/otlp/message.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "otlp.pb-c.h"

/* The semantic conventions that the attributes are named by. */
#define SCHEMA_URL "https://opentelemetry.io/schemas/1.37.0"
#define SCOPE_NAME "fdtrace"

/* Cut within a character, the rest of that is wrong UTF-8, and made right like any other. */
static char *clean_text(const char *bytes, size_t size)
{
	return text_for_json(bytes, size < OTLP_TEXT_MAX ? size : OTLP_TEXT_MAX);
}

static bool has_room(const struct otlp_attributes *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].key, key))
			return false;
	return list->count < OTLP_ATTRIBUTES_MAX;
}

int otlp_add_bytes(struct otlp_attributes *list, const char *key, const char *bytes, size_t size)
{
	char *text;

	if (!bytes || !has_room(list, key))
		return 0;
	text = clean_text(bytes, size);
	if (!text)
		return -ENOMEM;
	list->items[list->count++] = (struct otlp_attribute){.key = key, .text = text};
	return 0;
}

int otlp_add_text(struct otlp_attributes *list, const char *key, const char *text)
{
	return text ? otlp_add_bytes(list, key, text, strlen(text)) : 0;
}

int otlp_add_number(struct otlp_attributes *list, const char *key, int64_t number)
{
	if (has_room(list, key))
		list->items[list->count++] = (struct otlp_attribute){.key = key, .number = number};
	return 0;
}

int otlp_add_list(struct otlp_attributes *list, const struct attributes *more)
{
	int err = 0;

	for (size_t i = 0; i < more->count; i++) {
		const struct attribute *row = &more->rows[i];

		err |= row->text ? otlp_add_text(list, row->key, row->text)
				 : otlp_add_number(list, row->key, row->number);
	}
	return err;
}

int otlp_set_body(struct otlp_message *message, const char *text)
{
	free(message->body);
	message->body = clean_text(text, strlen(text));
	return message->body ? 0 : -ENOMEM;
}

static void clear_attributes(struct otlp_attributes *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].text);
	list->count = 0;
}

void otlp_message_clear(struct otlp_message *message)
{
	clear_attributes(&message->resource);
	clear_attributes(&message->record);
	free(TAKE_PTR(message->body));
}

/* --- protobuf ------------------------------------------------------------------------------- */

/* The attributes as protobuf-c wants them; they point into the list. */
struct packed_attributes {
	Otlp__KeyValue *pointers[OTLP_ATTRIBUTES_MAX];
	Otlp__KeyValue pairs[OTLP_ATTRIBUTES_MAX];
	Otlp__AnyValue values[OTLP_ATTRIBUTES_MAX];
};

static void set_text_value(Otlp__AnyValue *value, char *text)
{
	otlp__any_value__init(value);
	value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	value->string_value = text;
}

static void pack_attributes(const struct otlp_attributes *list, struct packed_attributes *ret)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct otlp_attribute *item = &list->items[i];

		otlp__key_value__init(&ret->pairs[i]);
		otlp__any_value__init(&ret->values[i]);
		ret->values[i].value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
		ret->values[i].int_value = item->number;
		if (item->text)
			set_text_value(&ret->values[i], item->text);
		ret->pairs[i].key = (char *)item->key;
		ret->pairs[i].value = &ret->values[i];
		ret->pointers[i] = &ret->pairs[i];
	}
}

static int encode_protobuf(const struct otlp_message *message, uint8_t **ret_bytes,
			   size_t *ret_length)
{
	Otlp__ResourceLogs logs = OTLP__RESOURCE_LOGS__INIT;
	Otlp__Resource resource = OTLP__RESOURCE__INIT;
	Otlp__ScopeLogs scope_logs = OTLP__SCOPE_LOGS__INIT, *scopes[] = {&scope_logs};
	Otlp__InstrumentationScope scope = OTLP__INSTRUMENTATION_SCOPE__INIT;
	Otlp__LogRecord record = OTLP__LOG_RECORD__INIT, *records[] = {&record};
	_cleanup_free_ struct packed_attributes *packed = calloc(2, sizeof(*packed));
	Otlp__AnyValue body;
	uint8_t *bytes;

	if (!packed)
		return -ENOMEM;
	pack_attributes(&message->resource, &packed[0]);
	pack_attributes(&message->record, &packed[1]);
	resource.attributes = packed[0].pointers;
	resource.n_attributes = message->resource.count;
	scope.name = SCOPE_NAME;
	scope.version = FDTRACE_VERSION;
	record.attributes = packed[1].pointers;
	record.n_attributes = message->record.count;
	record.time_unix_nano = message->time_unix_nano;
	record.observed_time_unix_nano = message->observed_time_unix_nano;
	record.severity_number = message->severity_number;
	record.severity_text = (char *)message->severity_text;
	record.event_name = (char *)message->event_name;
	if (message->body) {
		set_text_value(&body, message->body);
		record.body = &body;
	}
	scope_logs.scope = &scope;
	scope_logs.log_records = records;
	scope_logs.n_log_records = 1;
	logs.resource = &resource;
	logs.scope_logs = scopes;
	logs.n_scope_logs = 1;
	logs.schema_url = SCHEMA_URL;
	*ret_length = otlp__resource_logs__get_packed_size(&logs);
	bytes = malloc(*ret_length);
	if (!bytes)
		return -ENOMEM;
	otlp__resource_logs__pack(&logs, bytes);
	*ret_bytes = bytes;
	return 0;
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* As the JSON mapping has every integer of 64 bits. */
static json_t *number_text(uint64_t number, bool negative)
{
	return json_sprintf("%s%" PRIu64, negative ? "-" : "", number);
}

static json_t *text_object(const char *text)
{
	return json_pack("{s:s}", "stringValue", text);
}

static json_t *number_object(int64_t number)
{
	uint64_t amount = number < 0 ? -(uint64_t)number : (uint64_t)number;

	return json_pack("{s:o}", "intValue", number_text(amount, number < 0));
}

static json_t *attribute_array(const struct otlp_attributes *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct otlp_attribute *item = &list->items[i];
		json_t *value = item->text ? text_object(item->text) : number_object(item->number);
		json_t *pair = json_pack("{s:s, s:o}", "key", item->key, "value", value);

		if (json_array_append_new(array, pair)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *record_object(const struct otlp_message *message)
{
	json_t *record = json_pack(
		"{s:o, s:o, s:i, s:s, s:s, s:o}", "timeUnixNano",
		number_text(message->time_unix_nano, false), "observedTimeUnixNano",
		number_text(message->observed_time_unix_nano, false), "severityNumber",
		message->severity_number, "severityText", message->severity_text, "eventName",
		message->event_name, "attributes", attribute_array(&message->record));

	if (record && message->body &&
	    json_object_set_new(record, "body", text_object(message->body))) {
		json_decref(record);
		return NULL;
	}
	return record;
}

static int encode_json(const struct otlp_message *message, uint8_t **ret_bytes, size_t *ret_length)
{
	json_t *logs = json_pack("{s:{s:o}, s:[{s:{s:s, s:s}, s:[o]}], s:s}", "resource",
				 "attributes", attribute_array(&message->resource), "scopeLogs",
				 "scope", "name", SCOPE_NAME, "version", FDTRACE_VERSION,
				 "logRecords", record_object(message), "schemaUrl", SCHEMA_URL);
	char *text = logs ? json_dumps(logs, JSON_COMPACT) : NULL;

	json_decref(logs);
	if (!text)
		return -ENOMEM;
	*ret_bytes = (uint8_t *)text;
	*ret_length = strlen(text);
	return 0;
}

int otlp_encode(const struct otlp_message *message, bool json, uint8_t **ret_bytes,
		size_t *ret_length)
{
	return json ? encode_json(message, ret_bytes, ret_length)
		    : encode_protobuf(message, ret_bytes, ret_length);
}
