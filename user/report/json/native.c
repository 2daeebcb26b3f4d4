/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/json/value.h"

#include "report/format.h"

/* A name, where there is one, and the place in the file, as addr2line takes it. */
static json_t *native_frame_value(const struct native_frame *frame)
{
	json_t *object = json_object();
	int err = 0;

	if (!object)
		return NULL;
	if (frame->symbol)
		err |= json_object_set_new(object, "symbol", value_text(frame->symbol));
	if (frame->module)
		err |= json_object_set_new(object, "module", value_text(frame->module));
	err |= json_object_set_new(object, frame->module ? "offset" : "address",
				   value_address(frame->address));
	return value_whole(object, err);
}

static json_t *native_frames_value(const struct native_stack *native)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < native->count && !err; i++)
		err = json_array_append_new(array, native_frame_value(&native->frames[i]));
	return value_whole(array, err);
}

int value_set_native(json_t *object, const struct stack *stack)
{
	int err = 0;

	if (!stack || !stack->native)
		return 0;
	if (stack->native->count)
		err = json_object_set_new(object, "native", native_frames_value(stack->native));
	return err | json_object_set_new(object, "native_status",
					 json_string(format_native_status(stack->native)));
}
