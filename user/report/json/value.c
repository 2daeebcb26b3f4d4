/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/json/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "report/format.h"
#include "report/format_socket.h"
#include "session/fingerprint.h"

/* Every integer up to here is exact in a double, which is what many readers use. */
#define EXACT_MAX (INT64_C(1) << 53)

static int set_address(json_t *object, const char *key, const struct record_socket *socket,
		       bool peer)
{
	char address[ADDRESS_SIZE];

	format_address(socket, peer, address);
	return *address ? json_object_set_new(object, key, value_text(address)) : 0;
}

int value_set_socket(json_t *object, const struct record_socket *socket)
{
	const char *protocol = format_protocol(socket);
	int err = 0;

	if (protocol)
		err = json_object_set_new(object, "protocol", json_string(protocol));
	err |= set_address(object, "local", socket, false);
	err |= set_address(object, "peer", socket, true);
	if (socket->flags & SOCKET_LISTENS)
		err |= json_object_set_new(object, "listening", json_true());
	return err;
}

json_t *value_whole(json_t *value, int err)
{
	if (!err)
		return value;
	json_decref(value);
	return NULL;
}

json_t *value_bytes(const char *bytes, size_t size)
{
	_cleanup_free_ char *text = text_for_json(bytes, size);

	return text ? json_string(text) : NULL;
}

json_t *value_text(const char *text)
{
	return value_bytes(text, strlen(text));
}

json_t *value_int(int64_t n)
{
	return n >= -EXACT_MAX && n <= EXACT_MAX ? json_integer(n) : value_nano(n);
}

json_t *value_count(uint64_t n)
{
	char digits[24];

	if (n <= (uint64_t)EXACT_MAX)
		return json_integer((json_int_t)n);
	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	return json_string(digits);
}

json_t *value_attributes(const struct attributes *list)
{
	json_t *object = json_object();
	int err = object ? 0 : -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct attribute *row = &list->rows[i];

		err |= json_object_set_new(object, row->key,
					   row->text ? value_text(row->text)
						     : value_int(row->number));
	}
	return value_whole(object, err);
}

json_t *value_nano(int64_t ns)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, ns);
	return json_string(digits);
}

json_t *value_address(uint64_t address)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "0x%" PRIx64, address);
	return json_string(digits);
}

json_t *value_result(int64_t ret)
{
	char buf[WORD_SIZE];

	return ret < 0 ? json_string(format_errno(ret, buf)) : value_int(ret);
}

int value_set_cause(json_t *object, uint64_t id, bool perhaps, uint64_t or_id)
{
	json_t *ids;
	int err;

	if (!id)
		return 0;
	if (!perhaps)
		return json_object_set_new(object, "caused_by", value_count(id));
	ids = json_array();
	err = json_array_append_new(ids, value_count(id));
	if (or_id)
		err |= json_array_append_new(ids, value_count(or_id));
	return json_object_set_new(object, "may_follow_from", ids) | err;
}

int value_set_time(json_t *object, int64_t unix_nano)
{
	char time[WORD_SIZE];
	int err;

	err = json_object_set_new(object, "time", json_string(format_time(unix_nano, false, time)));
	return err | json_object_set_new(object, "time_unix_nano", value_nano(unix_nano));
}

static json_t *python_frame_value(const struct stack_frame *frame)
{
	json_t *object = json_object();
	int err;

	err = json_object_set_new(object, "function", value_text(frame->function));
	err |= json_object_set_new(object, "file", value_text(frame->file));
	if (frame->line > 0)
		err |= json_object_set_new(object, "line", json_integer(frame->line));
	if (frame->receiver)
		err |= json_object_set_new(object, "receiver", value_address(frame->receiver));
	if (frame->compiled)
		err |= json_object_set_new(object, "compiled_by", json_string("Nuitka"));
	return value_whole(object, err);
}

static json_t *python_frames_value(const struct stack *stack, size_t count)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = json_array_append_new(array, python_frame_value(&stack->frames[i]));
	return value_whole(array, err);
}

/* Whether an empty array is the truth: there is no Python frame. */
static bool knows_frames(const struct stack *stack)
{
	if (!stack || stack->lost)
		return false;
	return stack->count || stack->status == PYTHON_COMPLETE ||
	       stack->status == PYTHON_NO_THREAD || stack->status == PYTHON_NO_FRAMES;
}

int value_set_stack(json_t *object, const struct stack *stack, uint64_t stack_id, uint8_t python,
		    bool brief)
{
	const char *status = format_python_status(stack, stack_id, python);
	bool known = knows_frames(stack);
	size_t all = known ? stack->count : 0;
	size_t count = brief && all ? stack_place_frames(stack) : all;
	int err = 0;

	if (known)
		err = json_object_set_new(object, "python", python_frames_value(stack, count));
	/* More lie outside. */
	if (count < all && stack->status == PYTHON_COMPLETE)
		status = format_python_status(NULL, 0, PYTHON_CUT);
	return err | json_object_set_new(object, "python_status", json_string(status));
}

int value_add_note(void *array, const char *sentence)
{
	return json_array_append_new(array, value_text(sentence));
}
