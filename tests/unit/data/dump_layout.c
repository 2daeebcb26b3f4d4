/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where a CPython's own headers put what struct py_layout (bpf/abi/py_layout.h) wants to know:
 * lines of version, field, value, of which tests/tools/layouts.py makes the tables. It compiles and
 * runs this with the headers of each version: from 3.6 on, x86_64; free-threaded with
 * -DPy_GIL_DISABLED=1. -1: this version has no such field.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <stddef.h>
#include <stdio.h>

#if PY_VERSION_HEX < 0x03070000
#include <pystate.h> /* _PyRuntime came with 3.7 */
#elif PY_VERSION_HEX < 0x03080000
#include <internal/pystate.h>
#elif PY_VERSION_HEX < 0x03090000
#include <internal/pycore_pystate.h>
#else
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_code.h>
#include <internal/pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe_structs.h>
#endif

#ifdef Py_GIL_DISABLED
#define BUILD "t"
#else
#define BUILD ""
#endif

#define OF(type, field) ((long)offsetof(type, field))

static void put_word(const char *field, const char *word)
{
	printf("%04x" BUILD " %s %s\n", PY_MAJOR_VERSION << 8 | PY_MINOR_VERSION, field, word);
}

static void put(const char *field, long number)
{
	char word[32];

	snprintf(word, sizeof(word), "%ld", number);
	put_word(field, word);
}

/*
 * The key: autoTSSkey; from 3.15 on a thread-local, and in 3.6 there is no _PyRuntime: its place is
 * each build's own (user/python/gilstate.c).
 */
static void put_runtime(void)
{
#if PY_VERSION_HEX < 0x03070000
	put_word("key", "PY_KEY_NONE");
	put("runtime_key", 0);
	put("runtime_interp", 0); /* interp_head itself */
	put("key_mutexes", 0);
#elif PY_VERSION_HEX < 0x030c0000
	put_word("key", "PY_KEY_TSS");
	put("runtime_key", OF(_PyRuntimeState, gilstate.autoTSSkey));
	put("runtime_interp", OF(_PyRuntimeState, interpreters.head));
	put("key_mutexes", 2); /* of pthread_mutex_t in front of the key: glibc's differ in size */
#elif PY_VERSION_HEX < 0x030f0000
	put_word("key", "PY_KEY_TSS");
	put("runtime_key", OF(_PyRuntimeState, autoTSSkey));
	put("runtime_interp", OF(_PyRuntimeState, interpreters.head));
	put("key_mutexes", 0);
#else
	put_word("key", "PY_KEY_NONE");
	put("runtime_key", 0);
	put("runtime_interp", OF(_PyRuntimeState, interpreters.head));
	put("key_mutexes", 0);
#endif
}

static void put_interp(void)
{
	put("ob_type", OF(PyObject, ob_type));
	put("interp_next", OF(PyInterpreterState, next));
#if PY_VERSION_HEX < 0x030b0000
	put("interp_threads", OF(PyInterpreterState, tstate_head));
#else
	put("interp_threads", OF(PyInterpreterState, threads.head));
#endif
}

static void put_tstate(void)
{
	put("tstate_next", OF(PyThreadState, next));
	put("tstate_interp", OF(PyThreadState, interp));
	put("tstate_thread_id", OF(PyThreadState, thread_id));
#if PY_VERSION_HEX < 0x030c0000
	put("tstate_status", -1);
#else
	put("tstate_status", OF(PyThreadState, _status));
#endif
	/* Only where it may point into the thread state itself (root_cframe). */
#if PY_VERSION_HEX < 0x030a0000 || PY_VERSION_HEX >= 0x030c0000
	put("tstate_cframe", -1);
#else
	put("tstate_cframe", OF(PyThreadState, cframe));
#endif
#if PY_VERSION_HEX < 0x030b0000
	put_word("frames", "PY_FRAMES_OBJECT");
	put("tstate_frame", OF(PyThreadState, frame));
	put("cframe_current", -1);
#elif PY_VERSION_HEX < 0x030d0000
	put_word("frames", "PY_FRAMES_CFRAME");
	put("tstate_frame", OF(PyThreadState, cframe));
	put("cframe_current", OF(_PyCFrame, current_frame));
#else
	put_word("frames", "PY_FRAMES_CURRENT");
	put("tstate_frame", OF(PyThreadState, current_frame));
	put("cframe_current", -1);
#endif
}

/* f_lasti counts code units in 3.10 alone. */
#if PY_VERSION_HEX < 0x030b0000
static void put_frame(void)
{
	put("lasti_scale", PY_VERSION_HEX < 0x030a0000 ? 1 : 2);
	put("frame_size", OF(PyFrameObject, f_lasti) + (long)sizeof(int));
	if (OF(PyFrameObject, f_lineno) != OF(PyFrameObject, f_lasti) + (long)sizeof(int))
		abort(); /* a line is read behind what is read of a frame */
	put("object_line", OF(PyFrameObject, f_lineno));
	put("frame_local", OF(PyFrameObject, f_localsplus));
	put("frame_back", OF(PyFrameObject, f_back));
	put("frame_code", OF(PyFrameObject, f_code));
	put("frame_lasti", OF(PyFrameObject, f_lasti));
	put("frame_owner", -1);
	put("frame_entry", -1);
	put("frame_object", -1);
	put("frame_tlbc", -1);
	put("shim_owner", 0);
	put("code_tag_mask", 0);
}
#else
static void put_frame(void)
{
	put("lasti_scale", 1);
	put("frame_size", OF(_PyInterpreterFrame, localsplus));
	put("frame_local", OF(_PyInterpreterFrame, localsplus));
	put("object_line", OF(PyFrameObject, f_lineno));
	put("frame_back", OF(_PyInterpreterFrame, previous));
	put("frame_owner", OF(_PyInterpreterFrame, owner));
	put("frame_object", OF(_PyInterpreterFrame, frame_obj));
#if PY_VERSION_HEX < 0x030d0000
	put("frame_code", OF(_PyInterpreterFrame, f_code));
	put("frame_lasti", OF(_PyInterpreterFrame, prev_instr));
#else
	put("frame_code", OF(_PyInterpreterFrame, f_executable));
	put("frame_lasti", OF(_PyInterpreterFrame, instr_ptr));
#endif
	/* A _PyStackRef (pycore_stackref.h): no pointer has these bits of its own. */
	put("code_tag_mask", PY_VERSION_HEX < 0x030e0000 ? 0 : 7);
#if PY_VERSION_HEX < 0x030c0000
	put("frame_entry", OF(_PyInterpreterFrame, is_entry));
	put("shim_owner", 0);
#elif PY_VERSION_HEX < 0x030e0000
	put("frame_entry", -1);
	put("shim_owner", FRAME_OWNED_BY_CSTACK);
#else
	put("frame_entry", -1);
	put("shim_owner", FRAME_OWNED_BY_INTERPRETER);
#endif
#if PY_VERSION_HEX >= 0x030e0000 && defined(Py_GIL_DISABLED)
	put("frame_tlbc", OF(_PyInterpreterFrame, tlbc_index));
#else
	put("frame_tlbc", -1);
#endif
}
#endif

static void put_code(void)
{
	put("code_firstlineno", OF(PyCodeObject, co_firstlineno));
	put("code_filename", OF(PyCodeObject, co_filename));
	put("code_arguments", OF(PyCodeObject, co_argcount));
	put("code_keywords", OF(PyCodeObject, co_kwonlyargcount));
	put("code_flags", OF(PyCodeObject, co_flags));
#if PY_VERSION_HEX < 0x030a0000
	put("code_table", OF(PyCodeObject, co_lnotab));
#else
	put("code_table", OF(PyCodeObject, co_linetable));
#endif
#if PY_VERSION_HEX < 0x030b0000
	put("code_size", sizeof(PyCodeObject));
	put("code_name", OF(PyCodeObject, co_name));
	put("code_adaptive", -1);
	put("code_firsttraceable", -1);
	put("code_kinds", -1);
#else
	put("code_kinds", OF(PyCodeObject, co_localspluskinds));
	/* tp_basicsize of PyCode_Type, Objects/codeobject.c */
	put("code_size", OF(PyCodeObject, co_code_adaptive));
	put("code_name", OF(PyCodeObject, co_qualname));
	put("code_adaptive", OF(PyCodeObject, co_code_adaptive));
	put("code_firsttraceable", OF(PyCodeObject, _co_firsttraceable));
#endif
#if PY_VERSION_HEX < 0x030c0000
	put("code_version", -1);
#else
	put("code_version", OF(PyCodeObject, co_version));
#endif
#if PY_VERSION_HEX >= 0x030e0000 && defined(Py_GIL_DISABLED)
	put("code_tlbc", OF(PyCodeObject, co_tlbc));
#else
	put("code_tlbc", -1);
#endif
}

/* PyASCIIObject.state, a structure of bit fields, as the one word that it is in memory. */
static unsigned int state_word(const PyASCIIObject *s)
{
	unsigned int word;

	memcpy(&word, &s->state, sizeof(word));
	return word;
}

static void put_objects(void)
{
	PyASCIIObject kind, compact, ascii;

	put("type_flags", OF(PyTypeObject, tp_flags));
	memset(&kind, 0, sizeof(kind));
	memset(&compact, 0, sizeof(compact));
	memset(&ascii, 0, sizeof(ascii));
	kind.state.kind = ~0u;
	compact.state.compact = 1;
	ascii.state.ascii = 1;
	put("bytes_size", OF(PyVarObject, ob_size));
	put("bytes_data", OF(PyBytesObject, ob_sval));
	put("str_length", OF(PyASCIIObject, length));
	put("str_hash", OF(PyASCIIObject, hash));
	put("str_state", OF(PyASCIIObject, state));
	put("str_ascii", sizeof(PyASCIIObject));
	put("str_data", sizeof(PyCompactUnicodeObject));
	put("str_kind_shift", __builtin_ctz(state_word(&kind)));
	put("str_kind_mask", state_word(&kind) >> __builtin_ctz(state_word(&kind)));
	put("str_compact_bit", __builtin_ctz(state_word(&compact)));
	put("str_ascii_bit", __builtin_ctz(state_word(&ascii)));
}

int main(void)
{
	put_runtime();
	put_interp();
	put_tstate();
	put_frame();
	put_code();
	put_objects();
	return 0;
}
