/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "stack/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded.h"
#include "base/records.h"
#include "python/code.h"
#include "stack/caller.h"

#define STACKS_DEFAULT 65536
#define BYTES_DEFAULT  (16u << 20)
/* What the heap adds to both blocks of a stack, at most. */
#define HEAP_HEADS     (2 * 24)

struct stored_stack {
	struct bounded_item item;
	uint64_t id;
	uint32_t tgid;
	uint16_t depth;
	uint8_t python;
	struct record_rights *rights; /* NULL: not known */
	struct caller_frames known;
	struct record_frame frames[];
};

struct stack_store {
	struct bounded stacks;
	struct code_cache *codes;
	struct native_store *natives;
	stack_forget_fn forget;
	void *arg;
};

static size_t stored_size(const struct stored_stack *stored)
{
	return sizeof(*stored) + stored->depth * sizeof(stored->frames[0]) + HEAP_HEADS +
	       (stored->rights ? stored->rights->h.size : 0);
}

static void stored_stack_free(struct bounded_item *item)
{
	struct stored_stack *stored = (struct stored_stack *)item;

	free(stored->rights);
	free(stored);
}

/* The kernel side is told to send it again when it next occurs. */
static void forget_stored_stack(void *arg, const struct bounded_item *item)
{
	const struct stack_store *store = arg;

	store->forget(store->arg, ((const struct stored_stack *)item)->id);
}

int stack_store_new(const struct stack_limits *limits, stack_forget_fn forget, void *arg,
		    struct stack_store **ret_store)
{
	struct stack_store *store = calloc(1, sizeof(*store));
	int err;

	if (!store)
		return -ENOMEM;
	err = code_cache_new(0, limits->code_bytes, &store->codes);
	if (!err)
		err = native_store_new(0, limits->native_bytes, forget, arg, &store->natives);
	if (err) {
		code_cache_free(store->codes);
		free(store);
		return err;
	}
	store->stacks = (struct bounded){
		.items_max = limits->stacks ? limits->stacks : STACKS_DEFAULT,
		.bytes_max = limits->stack_bytes ? limits->stack_bytes : BYTES_DEFAULT,
		.item_free = stored_stack_free,
		.forget = forget ? forget_stored_stack : NULL,
		.arg = store,
	};
	store->forget = forget;
	store->arg = arg;
	*ret_store = store;
	return 0;
}

void stack_store_forgotten(const struct stack_store *store, struct stack_counts *ret)
{
	ret->stacks = store->stacks.forgotten + native_store_forgotten(store->natives);
	ret->codes = code_cache_forgotten(store->codes);
}

void stack_store_free(struct stack_store *store)
{
	if (!store)
		return;
	bounded_drop_all(&store->stacks);
	code_cache_free(store->codes);
	native_store_free(store->natives);
	free(store);
}

static struct stored_stack *find_stack(const struct stack_store *store, uint64_t id)
{
	return (struct stored_stack *)bounded_find(&store->stacks, &id, sizeof(id));
}

static int add_stack(struct stack_store *store, const struct record_stack *record)
{
	size_t bytes = record->depth * sizeof(record->frames[0]);
	struct stored_stack *stored;
	int err;

	if (record->h.size < sizeof(*record) + bytes || record->depth > RECORD_FRAMES_MAX)
		return -EINVAL;
	stored = calloc(1, sizeof(*stored) + bytes);
	if (!stored)
		return -ENOMEM;
	stored->id = record->stack_id;
	stored->tgid = record->h.tgid;
	stored->depth = record->depth;
	stored->python = record->python;
	memcpy(stored->frames, record->frames, bytes);
	caller_find(store->codes, stored->tgid, stored->frames, stored->depth,
		    stored->python == PYTHON_COMPLETE, &stored->known);
	stored->item.bytes = stored_size(stored);
	/* Sent again, it takes the old one's place: the newest identities count. */
	err = bounded_add(&store->stacks, &stored->item, &stored->id, sizeof(stored->id));
	if (err)
		stored_stack_free(&stored->item);
	return err;
}

/* Those of a stack that has just come; of one that is not there, they are of no use. */
static int add_rights(struct stack_store *store, const struct record_rights *record)
{
	struct stored_stack *stored = find_stack(store, record->stack_id);

	if (!stored)
		return 0;
	free(stored->rights);
	stored->rights = malloc(record->h.size);
	if (stored->rights)
		memcpy(stored->rights, record, record->h.size);
	bounded_resize(&store->stacks, &stored->item, stored_size(stored));
	return stored->rights ? 0 : -ENOMEM;
}

static int add_record(struct stack_store *store, const struct record_header *record)
{
	switch (record->type) {
	case RECORD_STACK:
		if (record->size < sizeof(struct record_stack))
			return -EINVAL;
		return add_stack(store, (const struct record_stack *)record);
	case RECORD_RIGHTS:
		if (!record_valid(record))
			return -EINVAL;
		return add_rights(store, (const struct record_rights *)record);
	case RECORD_CODE:
		if (record->size < sizeof(struct record_code))
			return -EINVAL;
		return code_cache_add(store->codes, (const struct record_code *)record);
	case RECORD_CODE_TABLE:
		if (record->size < sizeof(struct record_code_table))
			return -EINVAL;
		return code_cache_add_table(store->codes, (const struct record_code_table *)record);
	case RECORD_NATIVE_STACK:
		return native_store_add(store->natives, (const struct record_native_stack *)record);
	}
	return -EINVAL;
}

int stack_store_record(struct stack_store *store, const struct record_header *record)
{
	int err = add_record(store, record);

	if (code_cache_relieve(store->codes) && store->forget)
		store->forget(store->arg, 0);
	return err;
}

static struct stack *stack_new(size_t frames, enum python_status status)
{
	struct stack *stack = calloc(1, sizeof(*stack) + frames * sizeof(stack->frames[0]));

	if (!stack)
		return NULL;
	stack->status = status;
	stack->loop_of = frames ? calloc(frames, sizeof(*stack->loop_of)) : NULL;
	if (frames && !stack->loop_of) {
		free(stack);
		return NULL;
	}
	return stack;
}

static char *copy_or_unknown(const char *text)
{
	return strdup(text ? text : "?");
}

/* Whether what was sent for a frame is a code object, as far as it was sent. */
static bool is_consistent(struct stack_store *store, const struct stored_stack *stored,
			  const struct record_frame *frame)
{
	const struct code_info *code =
		code_cache_find(store->codes, stored->tgid, frame->code, frame->ident);

	return !code || code->consistent;
}

/* Appends one frame of the loop that is reached, unless a traceback would not show it. 0 or
 * -ENOMEM. */
static int resolve_frame(struct stack_store *store, const struct stored_stack *stored,
			 const struct record_frame *frame, struct stack *stack)
{
	const struct code_info *code =
		code_cache_find(store->codes, stored->tgid, frame->code, frame->ident);
	struct stack_frame *out = &stack->frames[stack->count];
	bool compiled = frame->owner == FRAME_COMPILED;
	char *function, *file;

	if (code && !compiled && code_frame_incomplete(code, frame->owner, frame->lasti))
		return 0;
	function = copy_or_unknown(code ? code->function : NULL);
	file = copy_or_unknown(code ? code->file : NULL);
	if (!function || !file) {
		free(function);
		free(file);
		return -ENOMEM;
	}
	out->function = function;
	out->file = file;
	out->firstlineno = code ? code->firstlineno : 0;
	out->compiled = compiled;
	out->at = (uint16_t)(frame - stored->frames);
	out->line = compiled ? frame->lasti
			     : code_cache_line(store->codes, stored->tgid, frame->code,
					       frame->ident, frame->lasti);
	stack->loop_of[stack->count++] = stack->loops;
	return 0;
}

struct stack *stack_resolve(struct stack_store *store, uint64_t stack_id, enum python_status status)
{
	const struct stored_stack *stored = stack_id ? find_stack(store, stack_id) : NULL;
	struct stack *stack = stack_new(stored ? stored->depth : 0, status);

	if (!stack || !stack_id)
		return stack;
	if (!stored) {
		stack->lost = true;
		return stack;
	}
	stack->rights = stored->rights;
	for (size_t i = 0; i < stored->depth; i++) {
		if (!is_consistent(store, stored, &stored->frames[i])) {
			stack->status = PYTHON_UNSOUND;
			break;
		}
		if (resolve_frame(store, stored, &stored->frames[i], stack)) {
			stack_free(stack);
			return NULL;
		}
		stack->loops += stored->frames[i].entry != 0;
	}
	if (stored->depth && !stored->frames[stored->depth - 1].entry)
		stack->loops++; /* of a loop that began further out */
	return stack;
}

int stack_add_native(struct stack_store *store, struct stack *stack, enum native_taken taken,
		     uint64_t native_id)
{
	if (taken == NATIVE_NOT_ASKED)
		return 0;
	stack->native = native_resolve(store->natives, taken, native_id);
	return stack->native ? 0 : -ENOMEM;
}

/* The frames of a call whose stack is the calling thread's own; NULL: there are none. */
static const struct caller_frames *frames_of(const struct stack_store *store,
					     const struct record_call *call)
{
	const struct stored_stack *stored;

	if (!call->stack_id || (call->python != PYTHON_COMPLETE && call->python != PYTHON_CUT &&
				call->python != PYTHON_FAULT))
		return NULL;
	stored = find_stack(store, call->stack_id);
	return stored ? &stored->known : NULL;
}

void stack_caller(const struct stack_store *store, const struct record_call *call,
		  struct caller *ret)
{
	const struct caller_frames *known = frames_of(store, call);

	if (known)
		caller_fill(known, call, ret);
	else
		ret->count = 0;
}

void stack_add_receivers(const struct stack_store *store, const struct record_call *call,
			 struct stack *stack)
{
	const struct caller_frames *known = frames_of(store, call);
	struct caller caller;

	if (!known)
		return;
	caller_fill(known, call, &caller);
	for (size_t i = 0; i < stack->count; i++) {
		for (unsigned int j = 0; j < caller.count; j++) {
			if (known->at[j] == stack->frames[i].at &&
			    caller.frames[j].kind == LOCAL_OBJECT)
				stack->frames[i].receiver = caller.frames[j].local;
		}
	}
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	for (size_t i = 0; i < stack->count; i++) {
		free((char *)stack->frames[i].function);
		free((char *)stack->frames[i].file);
	}
	free(stack->loop_of);
	free(stack->native);
	free(stack);
}

bool stack_frame_is_library(const struct stack_frame *frame)
{
	const char *file = frame->file;

	if (strstr(file, "/site-packages/") || strstr(file, "/dist-packages/"))
		return false;
	return !strncmp(file, "<frozen ", 8) || strstr(file, "/lib/python3.") ||
	       strstr(file, "/lib64/python3.");
}

const struct stack_frame *stack_user_frame(const struct stack *stack)
{
	if (!stack || !stack->count)
		return NULL;
	for (size_t i = 0; i < stack->count; i++)
		if (!stack_frame_is_library(&stack->frames[i]))
			return &stack->frames[i];
	return &stack->frames[0];
}
