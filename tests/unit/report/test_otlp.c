/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/text.h"
#include "otlp.pb-c.h"
#include "report/otlp/message.h"
#include "report/otlp/stacktrace.h"
#include "views.h"

#define NOW UINT64_C(1795514401000000000)

/* What the sink has put: the last, and how many. */
struct got {
	uint8_t *bytes;
	size_t length, count;
};

static uint64_t now(void)
{
	return NOW;
}

static void take_record(void *arg, const uint8_t *bytes, size_t length)
{
	struct got *got = arg;

	free(got->bytes);
	got->bytes = (uint8_t *)mem_dup_text(bytes, length);
	got->length = length;
	got->count++;
}

static struct sink *sink_into(struct got *got, bool json)
{
	const struct otlp_options options = {
		.json = json,
		.run = "00ff",
		.host_id = "abcd",
		.now = now,
		.put = take_record,
		.arg = got,
	};
	struct sink *sink = otlp_sink_new(&options);

	assert_non_null(sink);
	return sink;
}

static Otlp__ResourceLogs *unpack(const struct got *got)
{
	Otlp__ResourceLogs *logs = otlp__resource_logs__unpack(NULL, got->length, got->bytes);

	assert_non_null(logs);
	assert_int_equal(logs->n_scope_logs, 1);
	assert_int_equal(logs->scope_logs[0]->n_log_records, 1);
	return logs;
}

/* NULL: there is none. A number as text. Lent till the next call. */
static const char *value_of(Otlp__KeyValue **list, size_t count, const char *key)
{
	static char digits[24];

	for (size_t i = 0; i < count; i++) {
		const Otlp__AnyValue *value = list[i]->value;

		if (strcmp(list[i]->key, key))
			continue;
		if (value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
			return value->string_value;
		assert_int_equal(value->value_case, OTLP__ANY_VALUE__VALUE_INT_VALUE);
		snprintf(digits, sizeof(digits), "%lld", (long long)value->int_value);
		return digits;
	}
	return NULL;
}

struct expected {
	const char *key, *value;
};

static void expect_values(Otlp__KeyValue **list, size_t count, const struct expected *expected,
			  size_t expected_count)
{
	assert_int_equal(count, expected_count);
	for (size_t i = 0; i < expected_count; i++) {
		assert_string_equal(list[i]->key, expected[i].key);
		assert_string_equal(value_of(list, count, expected[i].key), expected[i].value);
	}
}

#define TRACE(line)                                          \
	"Traceback (most recent call last):\n"               \
	"  File \"/srv/app/app.py\", line 20, in <module>\n" \
	"  File \"/srv/app/app.py\", line " line ", in main\n"

static const struct expected resource_values[] = {
	{"host.id", "abcd"},
	{"os.type", "linux"},
	{"process.pid", "4242"},
	{"process.vpid", "7"},
	{"process.creation.time", "2026-11-24T09:59:55.000000Z"},
	{"process.executable.name", "python3.11"},
	{"process.executable.path", "/usr/bin/python3.11"},
	{"process.runtime.name", "cpython"},
	{"process.runtime.version", "3.11.2"},
	{"process.runtime.description", "CPython 3.11.2"},
	{"process.linux.cgroup", "/system.slice/app.service"},
	{"fdtrace.process.comm", "python3"},
};

static void test_finding(void **state)
{
	static const struct expected some[] = {
		{"log.record.uid", "00ff-1"},
		{"fdtrace.id", "1"},
		{"fdtrace.bug", "b1:0123456789abcdef"},
		{"fdtrace.kind", "double_close"},
		{"fdtrace.certainty", "fact"},
		{"fdtrace.fd.number", "7"},
		{"fdtrace.fd.what", "file \"/etc/hostname\""},
		{"error.type", "EBADF"},
		{"fdtrace.code.call", "bad"},
		{"code.function.name", "main"},
		{"code.file.path", "/srv/app/app.py"},
		{"code.line.number", "14"},
		{"code.stacktrace", TRACE("14")},
		{"fdtrace.closed.stacktrace", TRACE("12")},
		{"fdtrace.opened.stacktrace", TRACE("10")},
		{"fdtrace.since_close_ns", "1234567"},
	};
	struct example *e = example_new();
	struct got got = {0};
	struct sink *sink = sink_into(&got, false);
	Otlp__ResourceLogs *logs;
	Otlp__LogRecord *record;

	assert_int_equal(sink->finding(sink, &e->view), 0);
	assert_int_equal(got.count, 1);
	logs = unpack(&got);
	record = logs->scope_logs[0]->log_records[0];
	expect_values(logs->resource->attributes, logs->resource->n_attributes, resource_values,
		      ARRAY_SIZE(resource_values));
	assert_string_equal(logs->scope_logs[0]->scope->name, "fdtrace");
	assert_string_equal(record->event_name, "fdtrace.fd.double_close");
	assert_int_equal(record->severity_number, 17);
	assert_string_equal(record->severity_text, "error");
	assert_int_equal(record->time_unix_nano, UINT64_C(1795514400001234567));
	assert_int_equal(record->observed_time_unix_nano, NOW);
	assert_non_null(strstr(record->body->string_value, "was closed at app.py:12 in main"));
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		assert_string_equal(value_of(record->attributes, record->n_attributes, some[i].key),
				    some[i].value);
	otlp__resource_logs__free_unpacked(logs, NULL);
	sink->free(sink);
	free(got.bytes);
	example_free(e);
}

/* The close before is at fault: that is where the code is to be changed. */
static void test_culprit(void **state)
{
	struct example *e = example_new();
	struct got got = {0};
	struct sink *sink = sink_into(&got, false);
	Otlp__ResourceLogs *logs;
	Otlp__LogRecord *record;

	e->finding.culprit = CULPRIT_CLOSED;
	assert_int_equal(sink->finding(sink, &e->view), 0);
	logs = unpack(&got);
	record = logs->scope_logs[0]->log_records[0];
	assert_string_equal(value_of(record->attributes, record->n_attributes, "code.line.number"),
			    "12");
	assert_string_equal(value_of(record->attributes, record->n_attributes, "fdtrace.code.call"),
			    "closed");
	assert_string_equal(
		value_of(record->attributes, record->n_attributes, "fdtrace.bad.stacktrace"),
		TRACE("14"));
	otlp__resource_logs__free_unpacked(logs, NULL);
	sink->free(sink);
	free(got.bytes);
	example_free(e);
}

/* The first, the tenth, and at the end how many there were. */
static void test_repeats(void **state)
{
	struct example *e = example_new();
	struct got got = {0};
	struct sink *sink = sink_into(&got, false);
	Otlp__ResourceLogs *logs;
	Otlp__LogRecord *record;

	for (int i = 1; i <= 12; i++) {
		e->view.id = i;
		assert_int_equal(sink->finding(sink, &e->view), 0);
		assert_int_equal(got.count, i < 10 ? 1 : 2);
	}
	assert_int_equal(sink->end(sink, NULL), 0);
	assert_int_equal(got.count, 3);
	logs = unpack(&got);
	record = logs->scope_logs[0]->log_records[0];
	expect_values(logs->resource->attributes, logs->resource->n_attributes, resource_values, 2);
	assert_string_equal(record->event_name, "fdtrace.update");
	assert_string_equal(value_of(record->attributes, record->n_attributes, "log.record.uid"),
			    "00ff-1-12");
	assert_string_equal(value_of(record->attributes, record->n_attributes, "fdtrace.count"),
			    "12");
	assert_int_equal(sink->end(sink, NULL), 0);
	assert_int_equal(got.count, 3);
	otlp__resource_logs__free_unpacked(logs, NULL);
	sink->free(sink);
	free(got.bytes);
	example_free(e);
}

static const struct attributes *service(void *arg, const struct finding_view *view)
{
	static const struct attributes list = {
		{{"service.name", "billing", 0}, {"process.pid", NULL, 4242}, {"os.type", "x", 0}},
		3};

	return &list;
}

static const struct attributes *owner(void *arg, const struct finding_view *view)
{
	static const struct attributes list = {{{"fdtrace.owner", "team", 0}}, 1};

	return &list;
}

static bool permit(void *arg)
{
	return *(const bool *)arg;
}

/* What the agent knows of a finding is told with it, each key once; and nothing that may not be. */
static void test_asks(void **state)
{
	static const struct finding_seen seen = {SEEN_RETURNED, 1, 2, 3, true};
	struct example *e = example_new();
	struct got got = {0};
	bool permitted = false;
	const struct otlp_options options = {
		.finding = {.resource = service,
			    .attributes = owner,
			    .permit = permit,
			    .permit_arg = &permitted},
		.run = "00ff",
		.now = now,
		.put = take_record,
		.arg = &got,
	};
	struct sink *sink = otlp_sink_new(&options);
	Otlp__ResourceLogs *logs;
	Otlp__LogRecord *record;

	assert_non_null(sink);
	e->view.seen = &seen;
	assert_int_equal(sink->finding(sink, &e->view), 0);
	assert_int_equal(sink->counts(sink), 0);
	assert_int_equal(got.count, 0);
	permitted = true;
	assert_int_equal(sink->finding(sink, &e->view), 0);
	assert_int_equal(got.count, 1);
	logs = unpack(&got);
	record = logs->scope_logs[0]->log_records[0];
	assert_string_equal(
		value_of(logs->resource->attributes, logs->resource->n_attributes, "service.name"),
		"billing");
	for (size_t i = 0; i < logs->resource->n_attributes; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(logs->resource->attributes[i]->key,
						logs->resource->attributes[j]->key);
	assert_string_equal(value_of(record->attributes, record->n_attributes, "fdtrace.owner"),
			    "team");
	assert_string_equal(
		value_of(record->attributes, record->n_attributes, "fdtrace.seen.state"),
		"returned");
	otlp__resource_logs__free_unpacked(logs, NULL);
	sink->free(sink);
	free(got.bytes);
	example_free(e);
}

/* What is no finding: findings that were held back, and events of the agent's own. */
static void test_other_records(void **state)
{
	static const struct suppressed suppressed = {1200, 1, (int64_t)NOW};
	struct got got = {0};
	struct sink *sink = sink_into(&got, false);
	const struct otlp_options options = {
		.run = "00ff", .now = now, .put = take_record, .arg = &got};
	const struct otlp_event event = {"fdtrace.agent.x", "it is so", "x-1", NOW,
					 service(0, 0),	    owner(0, 0)};
	Otlp__ResourceLogs *logs;
	Otlp__LogRecord *record;

	assert_int_equal(sink->suppressed(sink, &suppressed), 0);
	logs = unpack(&got);
	record = logs->scope_logs[0]->log_records[0];
	assert_string_equal(record->event_name, "fdtrace.suppressed");
	assert_string_equal(record->body->string_value, "1,200 findings were held back");
	otlp__resource_logs__free_unpacked(logs, NULL);
	assert_int_equal(otlp_put_event(&options, &event), 0);
	logs = unpack(&got);
	record = logs->scope_logs[0]->log_records[0];
	assert_string_equal(record->event_name, "fdtrace.agent.x");
	assert_int_equal(record->severity_number, 9);
	assert_string_equal(value_of(record->attributes, record->n_attributes, "log.record.uid"),
			    "00ff-x-1");
	assert_string_equal(value_of(record->attributes, record->n_attributes, "fdtrace.owner"),
			    "team");
	otlp__resource_logs__free_unpacked(logs, NULL);
	sink->free(sink);
	free(got.bytes);
}

/* Integers of 64 bits as strings, enums as numbers, names in camel case. */
static void test_json(void **state)
{
	struct example *e = example_new();
	struct got got = {0};
	struct sink *sink = sink_into(&got, true);
	const char *key, *text;
	json_t *logs, *pair;
	json_t *record;
	size_t i;

	assert_int_equal(sink->finding(sink, &e->view), 0);
	logs = json_loadb((char *)got.bytes, got.length, 0, NULL);
	assert_int_equal(json_unpack(logs, "{s:[{s:[o]}]}", "scopeLogs", "logRecords", &record), 0);
	assert_int_equal(json_integer_value(json_object_get(record, "severityNumber")), 17);
	assert_string_equal(json_string_value(json_object_get(record, "timeUnixNano")),
			    "1795514400001234567");
	assert_string_equal(json_string_value(json_object_get(record, "observedTimeUnixNano")),
			    "1795514401000000000");
	assert_string_equal(json_string_value(json_object_get(record, "eventName")),
			    "fdtrace.fd.double_close");
	json_array_foreach(json_object_get(record, "attributes"), i, pair)
	{
		assert_int_equal(json_unpack(pair, "{s:s}", "key", &key), 0);
		if (!strcmp(key, "fdtrace.fd.number")) {
			assert_int_equal(json_unpack(pair, "{s:{s:s}}", "value", "intValue", &text),
					 0);
			assert_string_equal(text, "7");
		}
	}
	json_decref(logs);
	sink->free(sink);
	free(got.bytes);
	example_free(e);
}

static bool is_utf8(const char *text)
{
	size_t size = strlen(text), step;
	unsigned int c;

	for (size_t at = 0; at < size; at += step) {
		step = text_utf8((const unsigned char *)text + at, size - at, &c);
		if (!step)
			return false;
	}
	return true;
}

/* Whatever the names are, every text is UTF-8, each trace has a line for a frame, all has a bound.
 */
static void test_hostile(void **state)
{
	struct example *e = example_new();
	struct got got = {0};

	for (int i = 0; i < 2000; i++) {
		struct sink *sink = sink_into(&got, i % 4 == 0);
		char *texts[4];

		example_hostile(e, texts);
		assert_int_equal(sink->finding(sink, &e->view), 0);
		assert_true(got.length < 1 << 20);
		if (i % 4) {
			Otlp__ResourceLogs *logs = unpack(&got);
			Otlp__LogRecord *record = logs->scope_logs[0]->log_records[0];

			assert_true(is_utf8(record->body->string_value));
			for (size_t at = 0; at < record->n_attributes; at++)
				if (record->attributes[at]->value->value_case ==
				    OTLP__ANY_VALUE__VALUE_STRING_VALUE)
					assert_true(is_utf8(
						record->attributes[at]->value->string_value));
			otlp__resource_logs__free_unpacked(logs, NULL);
		} else {
			json_t *logs = json_loadb((char *)got.bytes, got.length, 0, NULL);

			assert_non_null(logs);
			json_decref(logs);
		}
		sink->free(sink);
		for (int t = 0; t < 4; t++)
			free(texts[t]);
	}
	free(got.bytes);
	example_free(e);
}

/* Of a deep stack with long names the innermost frames are there. */
static void test_deep_stack(void **state)
{
	_cleanup_free_ struct stack_frame *frames = calloc(2000, sizeof(*frames));
	_cleanup_free_ char *text = NULL;
	struct stack *stack;

	assert_non_null(frames);
	for (int i = 0; i < 2000; i++)
		frames[i] = (struct stack_frame){
			"function", "/srv/application/module.py", i + 1, 1, false, 0, 0};
	stack = stack_of(PYTHON_COMPLETE, frames, 2000);
	assert_int_equal(otlp_stacktrace(stack, &text), 0);
	assert_true(strlen(text) < STACKTRACE_MAX + 100);
	assert_non_null(strstr(text, "):\n  ... "));
	assert_non_null(strstr(text, ", line 1, in function\n"));
	assert_null(strstr(text, ", line 2000, "));
	free(stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding), cmocka_unit_test(test_culprit),
		cmocka_unit_test(test_repeats), cmocka_unit_test(test_json),
		cmocka_unit_test(test_asks),	cmocka_unit_test(test_other_records),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_deep_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
