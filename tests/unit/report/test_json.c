/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/mem.h"
#include "report/report.h"
#include "json_lines.h"
#include "views.h"

static const char example_line[] =
	"{\"schema\":\"fdtrace/1\",\"kind\":\"double_close\",\"certainty\":\"fact\","
	"\"severity\":\"error\",\"time\":\"2026-11-24T10:00:00.001234Z\","
	"\"time_unix_nano\":\"1795514400001234567\",\"count\":1,"
	"\"fingerprint\":\"v1:a7e4443f6895ee3c\",\"id\":1,\"bug\":\"b1:0123456789abcdef\","
	"\"process\":{\"pid\":4242,\"ns_pid\":7,\"start_time\":\"2026-11-24T09:59:55.000000Z\","
	"\"comm\":\"python3\",\"exe\":\"/usr/bin/python3.11\","
	"\"cgroup\":\"/system.slice/app.service\",\"runtime\":\"CPython 3.11.2\"},"
	"\"fd\":7,\"what\":{\"type\":\"file\",\"path\":\"/etc/hostname\",\"path_from\":\"call\","
	"\"call\":\"openat\"},"
	"\"sites\":{\"bad\":{\"call\":\"close\",\"result\":\"EBADF\",\"tid\":4242,"
	"\"time_unix_nano\":\"1795514400001234567\",\"python\":["
	"{\"function\":\"main\",\"file\":\"/srv/app/app.py\",\"line\":14},"
	"{\"function\":\"<module>\",\"file\":\"/srv/app/app.py\",\"line\":20}],"
	"\"python_status\":\"complete\"},"
	"\"closed\":{\"call\":\"close\",\"result\":0,\"tid\":4242,"
	"\"time_unix_nano\":\"1795514400000000000\",\"python\":["
	"{\"function\":\"main\",\"file\":\"/srv/app/app.py\",\"line\":12},"
	"{\"function\":\"<module>\",\"file\":\"/srv/app/app.py\",\"line\":20}],"
	"\"python_status\":\"complete\"},"
	"\"opened\":{\"call\":\"openat\",\"result\":7,\"tid\":4242,"
	"\"time_unix_nano\":\"1795514397900000000\",\"python\":["
	"{\"function\":\"main\",\"file\":\"/srv/app/app.py\",\"line\":10},"
	"{\"function\":\"<module>\",\"file\":\"/srv/app/app.py\",\"line\":20}],"
	"\"python_status\":\"complete\"}},"
	"\"since_close_ns\":\"1234567\",\"open_for_ns\":\"2100000000\",\"culprit\":\"unknown\","
	"\"evidence\":[\"openat made fd 7 in thread 4242.\","
	"\"close on fd 7 in thread 4242 returned 0.\","
	"\"close on fd 7 in thread 4242 returned EBADF.\"],"
	"\"explanation\":\"fd 7 (file \\\"/etc/hostname\\\") was closed at app.py:12 in main; "
	"1.2 ms later the same thread closed it again at app.py:14 in main and got EBADF.\","
	"\"advice\":\"Close fd 7 either at app.py:12 or at app.py:14, not at both: through the "
	"file object, if one owns the number, or open that with closefd=False.\",\"notes\":[]}\n";

static void test_json_finding(void **state)
{
	struct example *e = example_new();
	struct capture c;

	capture_json(&c, false);
	assert_null(c.sink->call);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	capture_expect(&c, example_line);
	capture_free(&c);
	example_free(e);
}

static void test_json_what_is_missing(void **state)
{
	struct example *e = example_hard();
	json_t *value, *sites, *bad, *notes;
	struct capture c;

	e->process.exe = NULL;
	e->process.exited = true;
	capture_json(&c, false);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	value = parse_line(c.text);
	sites = json_object_get(value, "sites");
	bad = json_object_get(sites, "bad");
	notes = json_object_get(value, "notes");

	assert_null(json_object_get(sites, "opened"));
	assert_null(json_object_get(value, "open_for_ns"));
	assert_string_equal(text_at(value, "since_close_ns"), "-10");
	assert_string_equal(text_at(bad, "python_status"), "cut");
	assert_null(json_object_get(json_array_get(json_object_get(bad, "python"), 1), "line"));
	assert_null(json_object_get(json_array_get(json_object_get(bad, "python"), 2), "line"));
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(sites, "closed"), "python")), 0);
	assert_null(json_object_get(json_object_get(value, "process"), "exe"));
	assert_int_equal(json_array_size(notes), 7);
	assert_string_equal(json_string_value(json_array_get(notes, 1)),
			    "sites.bad.python: cut, 4 or more: others lie outside these.");
	assert_string_equal(json_string_value(json_array_get(notes, 6)),
			    "process: not known: exe; it was gone before they could be read.");
	json_decref(value);
	capture_free(&c);
	example_free(e);
}

static void test_json_hostile(void **state)
{
	static const char hostile[] = "\x01\x1b]0;x\x07 \xff\xc3 \xe2\x80\xa8 \xc2\x85 \"\\\n";
	static const struct stack_frame frame = {hostile, hostile, 3, 1, false, 0, 0};
	struct example *e = example_new();
	json_t *value, *what;
	struct capture c;

	memset(e->process.comm, 0xff, sizeof(e->process.comm));
	e->finding.what.path = hostile;
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, &frame, 1));
	capture_json(&c, false);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	value = parse_line(c.text);
	what = json_object_get(value, "what");
	assert_string_equal(text_at(what, "path"), "\x01\x1b]0;x\x07 \xc3\xbf\xc3\x83 "
						   "\xe2\x80\xa8 \xc2\x85 \"\\\n");
	assert_int_equal(
		json_string_length(json_object_get(json_object_get(value, "process"), "comm")), 32);
	json_decref(value);
	capture_free(&c);
	example_free(e);
}

static json_t *call_line(struct record_call *call, const char *name, size_t name_size,
			 const struct stack *stack)
{
	_cleanup_free_ struct record_call *record = calloc(1, sizeof(*record) + name_size);
	struct process process = {.pid = 4242, .comm = "python3"};
	struct call_view view = {
		.process = &process, .stack = stack, .wall_offset_ns = WALL_OFFSET};
	struct capture c;
	json_t *value;

	*record = *call;
	record->h.tgid = 4242;
	record->h.tid = 4243;
	record->h.time_ns = BOOT_NS;
	record->name_size = name_size;
	if (name_size)
		memcpy(record->name, name, name_size);
	view.call = record;
	capture_json(&c, true);
	assert_int_equal(c.sink->call(c.sink, &view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	value = parse_line(c.text);
	capture_free(&c);
	return value;
}

static void expect_call(struct record_call call, const char *name, const char *expected)
{
	json_t *value = call_line(&call, name, name ? strlen(name) : 0, NULL);
	_cleanup_free_ char *line = json_dumps(value, JSON_COMPACT);
	char whole[512];

	snprintf(whole, sizeof(whole),
		 "{\"schema\":\"fdtrace/1\",\"kind\":\"call\",%s,\"pid\":4242,\"tid\":4243,"
		 "\"comm\":\"python3\",\"time\":\"2026-11-24T10:00:00.000000Z\","
		 "\"time_unix_nano\":\"1795514400000000000\",\"python_status\":\"none\"}",
		 expected);
	assert_string_equal(line, whole);
	json_decref(value);
}

static void test_json_calls(void **state)
{
	expect_call((struct record_call){.call = CALL_OPENAT, .ret = 7, .fd = -1, .fd2 = -1},
		    "/etc/hostname",
		    "\"call\":\"openat\",\"fd\":7,\"result\":7,\"path\":\"/etc/hostname\","
		    "\"flags\":0");
	expect_call((struct record_call){.call = CALL_OPENAT, .ret = -2, .fd = 4, .fd2 = -1}, "x",
		    "\"call\":\"openat\",\"dir_fd\":4,\"result\":\"ENOENT\",\"errno\":2,"
		    "\"path\":\"x\",\"flags\":0");
	expect_call((struct record_call){.call = CALL_CLOSE, .ret = -9, .fd = -1, .fd2 = -1}, NULL,
		    "\"call\":\"close\",\"fd\":-1,\"result\":\"EBADF\",\"errno\":9");
	expect_call((struct record_call){.call = CALL_DUP2, .ret = 9, .fd = 7, .fd2 = 9}, NULL,
		    "\"call\":\"dup2\",\"fd\":9,\"from\":7,\"result\":9");
	expect_call((struct record_call){.call = CALL_DUP, .ret = 9, .fd = 7, .fd2 = -1}, NULL,
		    "\"call\":\"dup\",\"fd\":9,\"from\":7,\"result\":9");
	expect_call((struct record_call){.call = CALL_PIPE2, .ret = 0, .fd = 3, .fd2 = 4}, NULL,
		    "\"call\":\"pipe2\",\"fd\":3,\"fd2\":4,\"result\":0");
	expect_call((struct record_call){.call = CALL_CLOSE_RANGE, .ret = 0, .fd = 3, .fd2 = -1},
		    NULL, "\"call\":\"close_range\",\"fd\":3,\"last_fd\":4294967295,\"result\":0");
	expect_call((struct record_call){.call = CALL_FCNTL_SETFD, .ret = 0, .fd = 3, .flags = 1},
		    NULL, "\"call\":\"fcntl(F_SETFD)\",\"fd\":3,\"cloexec\":true,\"result\":0");
	expect_call((struct record_call){.call = CALL_ACCEPT4, .ret = 5, .fd = 3}, NULL,
		    "\"call\":\"accept4\",\"fd\":5,\"listener\":3,\"result\":5,\"flags\":0");
	expect_call((struct record_call){.call = CALL_SOCKET, .ret = 5, .fd = -1, .arg = AF_UNIX},
		    NULL,
		    "\"call\":\"socket\",\"fd\":5,\"domain\":\"AF_UNIX\",\"result\":5,\"flags\":0");
	expect_call((struct record_call){.call = CALL_CLOSE, .ret = -4095, .fd = 3, .fd2 = -1},
		    NULL, "\"call\":\"close\",\"fd\":3,\"result\":\"errno 4095\",\"errno\":4095");
	expect_call((struct record_call){.call = CALL_CLOSE, .ret = -512, .fd = 3, .fd2 = -1}, NULL,
		    "\"call\":\"close\",\"fd\":3,\"result\":\"ERESTARTSYS\",\"errno\":512");
}

static void test_json_call_stack(void **state)
{
	static const struct stack_frame frames[] = {{"f", "a.py", 1, 1, false, 0, 0},
						    {"g", "a.py", -1, 1, false, 0, 0}};
	struct stack *stack = stack_of(PYTHON_COMPLETE, frames, 2);
	struct record_call call = {.call = CALL_CLOSE, .stack_id = 5, .python = PYTHON_COMPLETE};
	json_t *value = call_line(&call, NULL, 0, stack);

	assert_string_equal(text_at(value, "python_status"), "complete");
	assert_int_equal(json_array_size(json_object_get(value, "python")), 2);
	assert_int_equal(json_array_size(json_object_get(value, "notes")), 1);
	json_decref(value);
	value = call_line(&call, "a\0b", 3, NULL);
	assert_string_equal(text_at(value, "python_status"), "lost");
	assert_null(json_object_get(value, "python"));
	assert_string_equal(text_at(value, "name"), "a\xef\xbf\xbd"
						    "b");
	json_decref(value);
	free(stack);
}

static void test_json_summary(void **state)
{
	static const char *const unseen[] = {"x", NULL};
	struct session_stats stats = {
		.findings = {[FINDING_DOUBLE_CLOSE] = 2},
		.records = (UINT64_C(1) << 53) + 1,
		.lost = {[LOSS_CALL] = 3},
		.processes_seen = 4,
		.duration_ns = 5000000000,
		.unseen = unseen,
	};
	struct capture c;

	capture_json(&c, false);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_string_equal(
		c.text,
		"{\"schema\":\"fdtrace/1\",\"kind\":\"summary\",\"duration_ns\":\"5000000000\","
		"\"findings\":{\"double_close\":2,\"double_close_unseen\":0,\"use_after_close\":0,"
		"\"reused_close\":0,\"owned_close\":0,\"misdirected_io\":0,\"bad_fd\":0,\"close_sweep\":0},"
		"\"suspected\":0,\"records\":\"9007199254740993\",\"processes\":0,"
		"\"processes_seen\":4,\"descriptors\":0,\"sweep_closes\":0,\"silent\":0,"
		"\"stacks_missing\":0,\"bugs\":[],\"bugs_in_all\":0,\"lost\":{\"calls\":3,\"stacks\":0,\"code_objects\":0,"
		"\"process_events\":0,\"processes_not_followed\":0},\"unseen\":[\"x\"]}\n");
	capture_free(&c);
	stats.forgotten = 5;
	capture_json(&c, false);
	assert_int_equal(c.sink->end(c.sink, &stats), 0);
	assert_non_null(strstr(c.text, ",\"forgotten\":{\"descriptors\":5,\"stacks\":0,"
				       "\"code_objects\":0},\"unseen\""));
	capture_free(&c);
}

static void test_json_attribution(void **state)
{
	struct example *e = example_new();
	json_t *value, *candidates, *second;
	struct capture c;

	e->finding.attribution = ATTRIBUTION_LIKELY;
	capture_json(&c, false);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	value = parse_line(c.text);
	assert_string_equal(text_at(value, "attribution"), "likely");
	assert_null(json_object_get(value, "candidates"));
	json_decref(value);
	capture_free(&c);

	example_open(e);
	capture_json(&c, false);
	assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
	assert_int_equal(c.sink->flush(c.sink), 0);
	value = parse_line(c.text);
	assert_string_equal(text_at(value, "attribution"), "open");
	candidates = json_object_get(value, "candidates");
	assert_int_equal(json_array_size(candidates), 2);
	second = json_array_get(candidates, 1);
	assert_null(json_object_get(second, "opened"));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(second, "closed"), "tid")),
		4243);
	json_decref(value);
	capture_free(&c);
	example_free(e);
}

static void test_json_any_text(void **state)
{
	struct example *e = example_new();

	srand(3);
	for (int round = 0; round < 2000; round++) {
		char *texts[4];
		struct capture c;

		example_hostile(e, texts);
		capture_json(&c, false);
		assert_int_equal(c.sink->finding(c.sink, &e->view), 0);
		assert_int_equal(c.sink->flush(c.sink), 0);
		json_decref(parse_line(c.text));
		capture_free(&c);
		for (int i = 0; i < 4; i++)
			free(texts[i]);
	}
	example_free(e);
}

/* The lines of the examples, for check_schema.py. */
static int print_examples(void)
{
	static const char *const unseen[] = {"x", NULL};
	static const struct fd_owner owners[] = {
		{.type = OWNER_SOCKET, .flags = CLAIM_BEFORE, .name = "ssl.SSLSocket"},
		{.type = OWNER_FILEIO, .name = "\x1b\xff"},
	};
	struct session_stats stats = {.records = UINT64_MAX, .forgotten = 1, .unseen = unseen};
	struct record_call call = {.h = {.tgid = 1, .tid = 2}, .fd = 3, .fd2 = 4};
	struct call_view view = {.call = &call};
	struct sink *sink = json_sink_new(stdout, &(struct json_options){.events = true});
	struct example *easy = example_new(), *hard = example_hard();

	sink->finding(sink, &easy->view);
	example_open(easy);
	easy->view.caused_by = 1;
	sink->finding(sink, &easy->view);
	sink->finding(sink, &easy->view);
	for (int kind = 0; kind < FINDING_KINDS; kind++) {
		hard->finding.kind = kind;
		hard->finding.what.type = kind;
		hard->finding.owner = owners[kind % 2];
		hard->finding.victim = (struct fd_victim){.known = true, .owner = owners[kind % 2]};
		sink->finding(sink, &hard->view);
	}
	hard->view.process = NULL;
	sink->finding(sink, &hard->view);
	for (call.call = CALL_CLOSE; call.call <= CALL_OPEN_TREE; call.call++) {
		sink->call(sink, &view);
		call.ret = call.ret ? 0 : -9;
	}
	sink->end(sink, &stats);
	sink->free(sink);
	example_free(easy);
	example_free(hard);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_finding),	cmocka_unit_test(test_json_what_is_missing),
		cmocka_unit_test(test_json_hostile),	cmocka_unit_test(test_json_calls),
		cmocka_unit_test(test_json_call_stack), cmocka_unit_test(test_json_summary),
		cmocka_unit_test(test_json_any_text),	cmocka_unit_test(test_json_attribution),
	};

	if (argc == 2 && !strcmp(argv[1], "--json"))
		return print_examples();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
