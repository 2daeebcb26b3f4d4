/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/unwind.h"

/* As much text as a record has room for beside its frames. */
#define TEXT_MAX                                      \
	(60000 - sizeof(struct record_native_stack) - \
	 RECORD_NATIVES_MAX * sizeof(struct record_native_frame))

/* A file that was given. */
struct file {
	struct object *object;
	bool lack_said;
};

struct worker {
	char *debug_dir;
	struct file *files;
	uint32_t count;
	struct unwind_module modules[MESSAGE_MODULES_MAX];
	struct unwind_stack stack;
	char text[TEXT_MAX];
	uint32_t text_size;
	union {
		struct record_native_stack record;
		uint8_t room[65536];
	} answer;
};

struct worker *worker_new(const char *debug_dir)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->debug_dir = debug_dir ? strdup(debug_dir) : NULL;
	if (debug_dir && !worker->debug_dir) {
		free(worker);
		return NULL;
	}
	return worker;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	for (uint32_t i = 0; i < worker->count; i++)
		object_free(worker->files[i].object);
	free(worker->files);
	free(worker->debug_dir);
	free(worker);
}

int worker_file(struct worker *worker, const struct message_file *message, int fd)
{
	struct file *grown;
	char name[MESSAGE_NAME_MAX];

	if (message->id != worker->count) {
		close(fd);
		return -EINVAL;
	}
	grown = reallocarray(worker->files, worker->count + 1, sizeof(*grown));
	if (!grown) {
		close(fd);
		return -ENOMEM;
	}
	worker->files = grown;
	memcpy(name, message->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	grown[worker->count] = (struct file){object_new(fd, name, worker->debug_dir), false};
	return grown[worker->count++].object ? 0 : -ENOMEM;
}

int worker_names(struct worker *worker, const struct message_names *message, int fd)
{
	if (message->id >= worker->count)
		return -EINVAL;
	object_add_names(worker->files[message->id].object, fd);
	return 0;
}

static void take_modules(struct worker *worker, const struct message_unwind *message)
{
	for (uint32_t i = 0; i < message->modules; i++) {
		const struct message_module *from = &message->module[i];

		worker->modules[i] = (struct unwind_module){
			.mapping = {from->start, from->end, from->offset, from->exec},
			.object = from->file < worker->count ? worker->files[from->file].object
							     : NULL,
		};
	}
}

/* Where a text lies in the answer, once for equal ones; 0 (""): none, or no room is left. */
static uint32_t put_text(struct worker *worker, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	uint32_t at = 0;

	if (size <= 1)
		return 0;
	while (at < worker->text_size) {
		if (!strcmp(worker->text + at, text))
			return at;
		at += strlen(worker->text + at) + 1;
	}
	if (size > TEXT_MAX - worker->text_size)
		return 0;
	memcpy(worker->text + at, text, size);
	worker->text_size += size;
	return at;
}

static size_t make_answer(struct worker *worker, enum native_end end)
{
	struct record_native_stack *answer = &worker->answer.record;
	const struct unwind_stack *stack = &worker->stack;

	*answer = (struct record_native_stack){.end = end, .depth = stack->depth};
	worker->text[0] = '\0';
	worker->text_size = 1;
	for (size_t i = 0; i < stack->depth; i++) {
		const struct unwind_frame *frame = &stack->frames[i];

		answer->frames[i] = (struct record_native_frame){
			.address = frame->address,
			.symbol = put_text(worker, frame->symbol),
			.module =
				put_text(worker, frame->object ? object_name(frame->object) : NULL),
		};
	}
	answer->text_size = worker->text_size;
	memcpy(&answer->frames[stack->depth], worker->text, worker->text_size);
	answer->h.size =
		sizeof(*answer) + stack->depth * sizeof(answer->frames[0]) + worker->text_size;
	return answer->h.size;
}

size_t worker_unwind(struct worker *worker, const struct message_unwind *message, size_t size,
		     const struct record_native_stack **ret_answer)
{
	struct unwind_memory memory;
	struct unwind_regs regs;
	enum native_end end;

	if (size < sizeof(*message) || message->modules > MESSAGE_MODULES_MAX ||
	    message->bytes > RECORD_STACK_MAX ||
	    size != sizeof(*message) + message->modules * sizeof(message->module[0]) +
			    message->bytes)
		return 0;
	take_modules(worker, message);
	memcpy(regs.value, message->regs, sizeof(regs.value));
	memory = (struct unwind_memory){
		.start = message->sp,
		.bytes = (const uint8_t *)&message->module[message->modules],
		.size = message->bytes,
	};
	end = unwind(regs, &memory, worker->modules, message->modules, &worker->stack);
	*ret_answer = &worker->answer.record;
	return make_answer(worker, end);
}

/* Says it of this file, if it has not been said. */
static bool lacks_names(struct worker *worker, const struct object *object,
			struct message_lacking *ret)
{
	for (uint32_t i = 0; i < worker->count; i++) {
		struct file *file = &worker->files[i];

		if (file->object != object || file->lack_said)
			continue;
		file->lack_said = true;
		*ret = (struct message_lacking){.id = i};
		ret->bytes = object_lacks_names(file->object, ret->build_id);
		return ret->bytes > 0;
	}
	return false;
}

bool worker_lacks_names(struct worker *worker, struct message_lacking *ret)
{
	const struct unwind_stack *stack = &worker->stack;

	for (size_t i = 0; i < stack->depth; i++) {
		const struct unwind_frame *frame = &stack->frames[i];

		if (frame->object && !frame->symbol && lacks_names(worker, frame->object, ret))
			return true;
	}
	return false;
}
