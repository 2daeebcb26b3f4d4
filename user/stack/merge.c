/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "stack/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Names of one function: compilers put .cold, .constprop.0 and the like behind it. */
static bool is_frame_of(const struct native_frame *frame, const char *name)
{
	size_t size = strlen(name);

	return frame->symbol && !strncmp(frame->symbol, name, size) &&
	       (!frame->symbol[size] || frame->symbol[size] == '.');
}

static bool is_loop(const struct native_frame *frame)
{
	return is_frame_of(frame, "_PyEval_EvalFrameDefault");
}

static size_t count_loops(const struct native_stack *native)
{
	size_t count = 0;

	for (size_t i = 0; i < native->count; i++)
		count += is_loop(&native->frames[i]);
	return count;
}

/* The file that holds the interpreter; NULL: none is known to run here. */
static const char *interpreter_of(const struct native_stack *native)
{
	for (size_t i = 0; i < native->count; i++)
		if (is_loop(&native->frames[i]))
			return native->frames[i].module;
	return NULL;
}

static bool is_of(const struct native_frame *frame, const char *module)
{
	return module && frame->module && !strcmp(frame->module, module);
}

static bool begins_with(const char *text, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; text && i < count; i++)
		if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* How the interpreter calls a C function, from Objects/call.c, methodobject.c, descrobject.c. */
static bool is_plumbing(const struct native_frame *frame)
{
	static const char *const prefixes[] = {
		"_TAIL_CALL_",	  "PyObject_Vectorcall", "_PyObject_Vectorcall",
		"PyObject_Call",  "_PyObject_Call",	 "_PyObject_MakeTpCall",
		"cfunction_",	  "method_vectorcall",	 "_PyCFunction_",
		"PyCFunction_",	  "_PyVectorcall_",	 "PyVectorcall_",
		"vectorcall_",	  "_PyMethodDef_Raw",	 "_PyMethodDescr_",
		"object_vacall",  "call_function",	 "do_call_core",
		"_PyFunction_Fa", "_PyFunction_Ve",	 "_PyEval_Vector",
	};

	return begins_with(frame->symbol, prefixes, ARRAY_SIZE(prefixes)) &&
	       !is_frame_of(frame, "PyObject_CallFinalizer") &&
	       !is_frame_of(frame, "PyObject_CallFinalizerFromDealloc");
}

/* The C library and the loader: around main(), and around a thread's first function. */
static bool is_libc(const struct native_frame *frame)
{
	static const char *const prefixes[] = {"libc.so", "libc-", "libpthread", "ld-"};

	return begins_with(frame->module, prefixes, ARRAY_SIZE(prefixes));
}

const struct native_frame *native_user_frame(const struct native_stack *native)
{
	for (size_t i = 0; i < native->count; i++)
		if (!is_libc(&native->frames[i]))
			return &native->frames[i];
	return native->count ? &native->frames[0] : NULL;
}

/*
 * Where the function of the C library begins that the program called: what that calls has no name
 * in a stripped one (glibc 2.41: close() makes its system call two functions further in).
 */
static size_t innermost(const struct native_stack *native)
{
	size_t i = 0;

	while (i < native->count && is_libc(&native->frames[i]) && !native->frames[i].symbol)
		i++;
	return i < native->count && is_libc(&native->frames[i]) ? i : 0;
}

/* Where what the program itself called ends: beyond are main()'s caller, or a thread's. */
static size_t outermost(const struct native_stack *native)
{
	size_t end = native->count;

	if (native->end != NATIVE_COMPLETE)
		return end;
	for (size_t i = 0; i < native->count; i++)
		if (is_frame_of(&native->frames[i], "main"))
			return i + 1;
	if (end > 1 && is_frame_of(&native->frames[end - 1], "_start"))
		end--;
	while (end > 1 && is_libc(&native->frames[end - 1]))
		end--;
	return end;
}

/* Does a cut side explain that it has fewer? */
static bool agree(const struct stack *stack)
{
	const struct native_stack *native = stack->native;
	size_t loops = count_loops(native);
	bool python_whole = stack->status == PYTHON_COMPLETE || !stack->count;

	if (stack->lost)
		return false;
	if (loops == stack->loops)
		return true;
	return loops < stack->loops ? native->end != NATIVE_COMPLETE && loops > 0
				    : !python_whole && stack->loops > 0;
}

static void put_python(struct merged_stack *merged, const struct stack_frame *frame)
{
	merged->frames[merged->count++] = (struct merged_frame){.python = frame};
}

static void put_native(struct merged_stack *merged, const struct native_frame *frame)
{
	merged->frames[merged->count++] = (struct merged_frame){.native = frame};
}

static void put_all_natives(struct merged_stack *merged, const struct native_stack *native)
{
	size_t end = outermost(native);

	for (size_t i = innermost(native); i < end; i++)
		put_native(merged, &native->frames[i]);
}

static void keep_apart(struct merged_stack *merged, const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		put_python(merged, &stack->frames[i]);
	merged->python_count = merged->count;
	put_all_natives(merged, stack->native);
}

/*
 * Of the interpreter's own functions those that the innermost Python frame called, and of those
 * that have no name the innermost one: what it is can be looked up.
 */
static bool is_frame_shown(const struct native_stack *native, size_t i, const char *interpreter,
			   size_t loop)
{
	const struct native_frame *frame = &native->frames[i];

	if (!is_of(frame, interpreter))
		return true;
	if (loop || is_plumbing(frame))
		return false;
	return frame->symbol || !i || !is_of(frame - 1, interpreter);
}

/* Each native loop gives way to the Python frames that it runs. */
static void interleave(struct merged_stack *merged, const struct stack *stack)
{
	const struct native_stack *native = stack->native;
	const char *interpreter = interpreter_of(native);
	size_t end = outermost(native), loop = 0, next = 0;

	for (size_t i = innermost(native); i < end; i++) {
		const struct native_frame *frame = &native->frames[i];

		if (!is_loop(frame)) {
			if (is_frame_shown(native, i, interpreter, loop))
				put_native(merged, frame);
			continue;
		}
		if (loop >= stack->loops)
			put_native(merged, frame); /* Python's side is cut */
		while (next < stack->count && stack->loop_of[next] <= loop)
			put_python(merged, &stack->frames[next++]);
		loop++;
	}
	while (next < stack->count) /* the native side is cut */
		put_python(merged, &stack->frames[next++]);
}

struct merged_stack *stack_merge(const struct stack *stack)
{
	size_t most = stack->count + stack->native->count;
	struct merged_stack *merged = calloc(1, sizeof(*merged) + most * sizeof(merged->frames[0]));

	if (!merged)
		return NULL;
	if (!stack->count && !count_loops(stack->native)) {
		merged->result = MERGE_NATIVES;
		put_all_natives(merged, stack->native);
	} else if (agree(stack) && (stack->loop_of || !stack->count)) {
		merged->result = MERGE_WHOLE;
		interleave(merged, stack);
	} else {
		merged->result = MERGE_APART;
		keep_apart(merged, stack);
	}
	return merged;
}

/* Objects/object.c, Objects/typeobject.c, Modules/gcmodule.c, Modules/_io, Modules/socketmodule.c
 */
static bool is_finalizer_frame(const struct native_frame *frame)
{
	static const char *const names[] = {
		"iobase_finalize",  "iobase_dealloc",	      "sock_finalize",
		"sock_dealloc",	    "subtype_dealloc",	      "slot_tp_finalize",
		"_Py_Dealloc",	    "PyObject_CallFinalizer", "PyObject_CallFinalizerFromDealloc",
		"finalize_garbage", "delete_garbage",	      "gc_collect_main",
		"collect",	    "fileio_dealloc",	      "dealloc_warn",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_frame_of(frame, names[i]))
			return true;
	return false;
}

/*
 * By the innermost function outside the C library: Modules/posixmodule.c and those above. Those
 * that end in _impl are Argument Clinic's, and are inlined unless a build does not optimise.
 */
static enum site_origin origin_of(const struct native_frame *inner)
{
	static const char *const methods[] = {
		"_io_FileIO_close",	 "internal_close",	   "sock_close",
		"_io_FileIO_close_impl", "pyepoll_internal_close", "select_epoll_close",
		"pyepoll_close",	 "select_epoll_close_impl"};

	if (is_frame_of(inner, "os_close") || is_frame_of(inner, "os_close_impl"))
		return ORIGIN_OS_CLOSE;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (is_frame_of(inner, methods[i]))
			return ORIGIN_METHOD;
	return ORIGIN_UNKNOWN;
}

enum site_origin stack_origin(const struct stack *stack)
{
	const struct native_stack *native = stack->native;
	const char *interpreter = native ? interpreter_of(native) : NULL;
	const struct native_frame *inner = NULL;
	bool named = true;

	for (size_t i = 0; interpreter && i < native->count; i++) {
		const struct native_frame *frame = &native->frames[i];

		if (is_loop(frame))
			return inner && named ? origin_of(inner) : ORIGIN_UNKNOWN;
		if (is_libc(frame))
			continue;
		if (is_finalizer_frame(frame))
			return ORIGIN_FINALIZER;
		inner = inner ? inner : frame;
		named &= frame->symbol != NULL;
	}
	return ORIGIN_UNKNOWN;
}

/* Modules/gcmodule.c, Python/gc.c: all of its functions that others are called from. */
static enum object_end end_by(const struct native_frame *frame, enum object_end so_far)
{
	static const char *const collector[] = {"gc_collect", "garbage", "collect_main",
						"collect_generations", "collect_with_callback"};

	if (is_frame_of(frame, "collect"))
		return END_COLLECTOR;
	for (size_t i = 0; frame->symbol && i < ARRAY_SIZE(collector); i++)
		if (strstr(frame->symbol, collector[i]))
			return END_COLLECTOR;
	/* Another function of the collector, into which those may have been inlined? */
	if (!frame->symbol || strstr(frame->symbol, "gc") || strstr(frame->symbol, "GC"))
		return END_UNKNOWN;
	return so_far;
}

enum object_end stack_object_end(const struct stack *stack)
{
	const struct native_stack *native = stack->native;
	const char *interpreter = native ? interpreter_of(native) : NULL;
	enum object_end end = END_LAST_REFERENCE;

	for (size_t i = 0; interpreter && i < native->count; i++) {
		const struct native_frame *frame = &native->frames[i];

		if (is_loop(frame))
			return end;
		if (is_libc(frame))
			continue;
		end = end_by(frame, end);
		if (end != END_LAST_REFERENCE)
			return end;
	}
	return END_UNKNOWN;
}

const struct native_frame *stack_c_frame(const struct stack *stack)
{
	const struct native_stack *native = stack->native;
	const char *interpreter = native ? interpreter_of(native) : NULL;

	/* Which file the interpreter is must be known: else any frame may be its own. */
	for (size_t i = 0; interpreter && i < native->count; i++) {
		const struct native_frame *frame = &native->frames[i];

		if (is_loop(frame))
			return NULL;
		if (!frame->module || is_libc(frame) || !strncmp(frame->module, "libffi.", 7))
			continue;
		return is_of(frame, interpreter) ? NULL : frame;
	}
	return NULL;
}
