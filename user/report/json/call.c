/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/json/value.h"

#include <string.h>

#include "base/socket_record.h"
#include "base/syscalls.h"
#include "report/notes.h"
#include "report/format.h"

static int set_int(json_t *object, const char *key, int64_t n)
{
	return json_object_set_new(object, key, value_int(n));
}

/* A descriptor argument, where the call has one. */
static int set_fd(json_t *object, const char *key, int32_t fd)
{
	return fd >= 0 ? set_int(object, key, fd) : 0;
}

static int set_new(json_t *object, const struct record_call *call)
{
	return call->ret >= 0 ? set_int(object, "fd", call->ret) : 0;
}

static int set_made(json_t *object, const struct record_call *call)
{
	int err = set_new(object, call);

	if (call->call == CALL_ACCEPT || call->call == CALL_ACCEPT4)
		err |= set_fd(object, "listener", call->fd);
	if (call->call == CALL_SOCKET && format_domain(call->arg))
		err |= json_object_set_new(object, "domain", json_string(format_domain(call->arg)));
	if (call->call == CALL_PIDFD_OPEN)
		err |= set_int(object, "target_pid", call->arg);
	return err;
}

/* The number that the call made or acted on is "fd", whatever the call. */
static int set_numbers(json_t *object, const struct record_call *call)
{
	int err;

	switch (call_shape(call->call)) {
	case SHAPE_OPEN:
		err = set_new(object, call);
		return err | set_fd(object, "dir_fd", call->fd);
	case SHAPE_MAKE:
		return set_made(object, call);
	case SHAPE_DUP:
		err = set_new(object, call);
		return err | set_int(object, "from", call->fd);
	case SHAPE_DUP_ONTO:
		err = set_int(object, "fd", call->fd2);
		return err | set_int(object, "from", call->fd);
	case SHAPE_CLOSE_RANGE:
		/* Both are unsigned there: ~0 is "to the end". */
		err = set_int(object, "fd", (uint32_t)call->fd);
		return err | set_int(object, "last_fd", (uint32_t)call->fd2);
	case SHAPE_PAIR:
		err = set_fd(object, "fd", call->fd);
		return err | set_fd(object, "fd2", call->fd2);
	case SHAPE_SET_FD:
		err = set_int(object, "fd", call->fd);
		return err | json_object_set_new(object, "cloexec", json_boolean(call->flags & 1));
	case SHAPE_UNSHARE:
		return 0;
	default:
		err = set_int(object, "fd", call->fd);
		return err | set_fd(object, "fd2", call->fd2);
	}
}

static int set_name(json_t *object, const struct record_call *call)
{
	enum call_shape shape = call_shape(call->call);
	const char *key = shape == SHAPE_OPEN ? "path" : "name";
	struct record_socket socket;
	int err = 0;

	if (socket_of_call(call, &socket))
		err = value_set_socket(object, &socket);
	else if (call->name_size)
		err = json_object_set_new(object, key, value_bytes(call->name, call->name_size));
	if (call->name_size && call->name_cut)
		err |= json_object_set_new(object, "name_cut", json_true());
	if (shape == SHAPE_OPEN || shape == SHAPE_MAKE)
		err |= set_int(object, "flags", call->flags);
	return err;
}

static int set_process(json_t *object, const struct call_view *view)
{
	const struct process *process = view->process;
	int err = set_int(object, "pid", view->call->h.tgid);

	err |= set_int(object, "tid", view->call->h.tid);
	if (process)
		err |= json_object_set_new(
			object, "comm",
			value_bytes(process->comm, strnlen(process->comm, sizeof(process->comm))));
	return err;
}

/* python_status says why a stack is not whole; only lines need a word. */
static int set_notes(json_t *object, const struct call_view *view)
{
	json_t *notes = json_array();
	int err = 0;

	if (view->stack)
		err = notes_lines("call", view->stack, value_add_note, notes);
	if (!err && json_array_size(notes))
		return json_object_set_new(object, "notes", notes);
	json_decref(notes);
	return err;
}

json_t *value_call(const struct call_view *view)
{
	const struct record_call *call = view->call;
	json_t *object = json_object();
	char name[WORD_SIZE];
	const char *origin;
	int err;

	err = json_object_set_new(object, "schema", json_string("fdtrace/1"));
	err |= json_object_set_new(object, "kind", json_string("call"));
	err |= json_object_set_new(object, "call",
				   json_string(call_name(call->call, call->nr, name)));
	err |= set_numbers(object, call);
	err |= json_object_set_new(object, "result", value_result(call->ret));
	if (call->ret < 0)
		err |= set_int(object, "errno", -call->ret);
	err |= set_name(object, call);
	err |= set_process(object, view);
	err |= value_set_time(object, (int64_t)call->h.time_ns + view->wall_offset_ns);
	err |= value_set_stack(object, view->stack, call->stack_id, call->python, false);
	origin = format_origin(ORIGIN_UNKNOWN, view->stack, call->call);
	if (origin)
		err |= json_object_set_new(object, "origin", json_string(origin));
	err |= value_set_native(object, view->stack);
	err |= set_notes(object, view);
	return value_whole(object, err);
}
