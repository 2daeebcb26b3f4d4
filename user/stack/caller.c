/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "stack/caller.h"

#include <string.h>

#include "base/mem.h"
#include "base/records.h"

_Static_assert(CALLER_FRAMES == RECORD_CALLER_FRAMES && CALLER_LOCALS == RECORD_CALLER_LOCALS,
	       "each of the record's frames may be told");

/* Of tp_flags (Include/object.h, the same from 3.6 on). */
#define TYPE_IS_HEAP   (1u << 9)
#define TYPE_IS_PLAIN  (1u << 24 | 1u << 27 | 1u << 28) /* of int, bytes and str */
#define TYPE_IS_CLASS  (1u << 31)
/* Of co_flags (Include/code.h). */
#define CODE_OPTIMIZED 1u /* a function: its locals are in fast places */
#define CODE_VARARGS   4u
#define CODE_KEYWORDS  8u
#define CODE_SUSPENDED (0x20u | 0x80u | 0x200u) /* generator, coroutine, asynchronous generator */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t not_zero(uint64_t hash)
{
	return hash ? hash : 1;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = text ? strlen(text) : 0;

	return size >= strlen(end) && !strcmp(text + size - strlen(end), end);
}

/*
 * Its only argument is an iterator, made for it. Frames of their own have generator expressions,
 * and up to 3.11 the others, which are called by the function around them at once.
 */
static bool is_comprehension(const struct code_info *code)
{
	static const char *const names[] = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (ends_with(code->function, names[i]))
			return true;
	return false;
}

/* Interpreter's own types whose objects many callers pass. A name may have been cut. */
static bool is_common_type(const struct record_first_local *local)
{
	static const char *const names[] = {
		"NoneType", "float",  "tuple", "module", "function", "builtin_function_or_method",
		"cell",	    "method",
	};

	if (local->type_flags & TYPE_IS_HEAP)
		return false; /* a class may have any name */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(local->type_name, names[i], sizeof(local->type_name) - 1))
			return true;
	return false;
}

/* Whether *args or **kwargs comes first, which are made anew for each call. */
static bool is_collected(const struct record_first_local *local)
{
	uint32_t collected =
		!!(local->code_flags & CODE_VARARGS) + !!(local->code_flags & CODE_KEYWORDS);

	return local->arguments <= collected;
}

static enum local_kind kind_of(const struct code_info *code)
{
	const struct record_first_local *local = &code->local;

	if (!code->local_told || !local->arguments || local->cell || !local->type)
		return LOCAL_UNKNOWN;
	if (is_comprehension(code))
		return local->code_flags & CODE_SUSPENDED ? LOCAL_UNKNOWN : LOCAL_PLAIN;
	if (local->type_flags & TYPE_IS_PLAIN)
		return LOCAL_PLAIN;
	if (local->type_flags & TYPE_IS_CLASS || is_common_type(local) || is_collected(local))
		return LOCAL_COMMON;
	return LOCAL_OBJECT;
}

static bool is_named_close(const struct code_info *code)
{
	static const char *const names[] = {"__exit__", "__aexit__", "__del__"};
	const char *name = code->function ? strrchr(code->function, '.') : NULL;

	name = name ? name + 1 : code->function;
	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return name && strstr(name, "close");
}

/*
 * Before 3.11, where code has a plain name: what is named so and called on an object of a class is
 * its method; what takes no argument is a module's function, though it may be defined in another.
 */
static enum code_role role_by_look(const struct code_info *code, enum local_kind kind)
{
	bool closes = is_named_close(code);

	if (kind == LOCAL_OBJECT && code->local.type_flags & TYPE_IS_HEAP && closes)
		return ROLE_METHOD;
	if (!code->local.arguments && !closes && strcmp(code->function, "<lambda>") != 0)
		return ROLE_FUNCTION;
	return ROLE_UNKNOWN;
}

static enum code_role role_of(const struct code_info *code, enum local_kind kind)
{
	if (!code->function || code->function_cut || strstr(code->function, "<locals>"))
		return ROLE_UNKNOWN;
	if (code->version < 0x030b)
		return role_by_look(code, kind);
	/* The body of a module, or of a class, which has the name of what a method would be. */
	if (!(code->local.code_flags & CODE_OPTIMIZED))
		return strcmp(code->function, "<module>") == 0 ? ROLE_FUNCTION : ROLE_UNKNOWN;
	return strchr(code->function, '.') ? ROLE_METHOD : ROLE_FUNCTION;
}

/*
 * What stands outside of an activation is the same as long as it lives; of a generator's it is
 * whoever resumes it. Of compiled code nothing but the function is known: frames are used again,
 * and locals lie elsewhere.
 */
static void describe_frame(const struct code_info *code, const struct record_frame *frame,
			   uint64_t outer, struct caller_frame *ret)
{
	ret->code = not_zero(mix(mix(0, frame->code), frame->ident));
	if (!code || !code->local_told || frame->owner == FRAME_COMPILED)
		return;
	ret->generator = code->local.code_flags & CODE_SUSPENDED;
	ret->outer = ret->generator ? 0 : outer;
	ret->kind = kind_of(code);
	ret->role = role_of(code, ret->kind);
	ret->closes = is_named_close(code);
	ret->alone = code->local.arguments == 1;
	if (ret->kind == LOCAL_OBJECT)
		ret->type = code->local.type;
}

static bool is_begun(const struct code_info *code, const struct record_frame *frame)
{
	return !code || frame->owner == FRAME_COMPILED ||
	       !code_frame_incomplete(code, frame->owner, frame->lasti);
}

/* Of how many frames all is as it should be, from the innermost on. */
static size_t count_consistent(const struct code_cache *codes, uint32_t tgid,
			       const struct record_frame *frames, size_t depth)
{
	for (size_t i = 0; i < depth; i++) {
		const struct code_info *code =
			code_cache_find(codes, tgid, frames[i].code, frames[i].ident);

		if (code && !code->consistent)
			return i;
	}
	return depth;
}

void caller_find(const struct code_cache *codes, uint32_t tgid, const struct record_frame *frames,
		 size_t depth, bool whole, struct caller_frames *ret)
{
	size_t consistent = count_consistent(codes, tgid, frames, depth);
	size_t count = consistent < CALLER_FRAMES ? consistent : CALLER_FRAMES;
	uint64_t outer[CALLER_FRAMES], hash = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = consistent; i-- > 0;) {
		if (i < CALLER_FRAMES)
			outer[i] = whole && consistent == depth ? not_zero(hash) : 0;
		hash = mix(mix(mix(hash, frames[i].code), frames[i].ident),
			   (uint32_t)frames[i].lasti);
	}
	for (size_t i = 0; i < count; i++) {
		const struct code_info *code =
			code_cache_find(codes, tgid, frames[i].code, frames[i].ident);

		if (!is_begun(code, &frames[i]))
			continue;
		describe_frame(code, &frames[i], outer[i], &ret->caller.frames[ret->caller.count]);
		ret->at[ret->caller.count++] =
			frames[i].owner == FRAME_COMPILED ? CALLER_FRAMES : (uint8_t)i;
	}
}

void caller_fill(const struct caller_frames *known, const struct record_call *call,
		 struct caller *ret)
{
	struct record_caller record;

	record_call_caller(call, &record);
	*ret = known->caller;
	for (unsigned int i = 0; i < ret->count; i++) {
		struct caller_frame *frame = &ret->frames[i];
		unsigned int at = known->at[i];
		bool told = at < CALLER_LOCALS;

		frame->address = at < CALLER_FRAMES ? record.frames[at] : 0;
		frame->local = told ? record.locals[at] : 0;
		if (!frame->local && (told || frame->kind == LOCAL_OBJECT)) {
			frame->kind = LOCAL_UNKNOWN;
			frame->type = 0;
		}
	}
}
