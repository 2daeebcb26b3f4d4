/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Write down where a CPython's own headers put what user/python/layout.c says. For each
 * version, with the headers of that version (3.7 on, a build with the GIL, x86_64):
 *
 *	cc -I$INCLUDE -I$INCLUDE/internal dump_layout.c -o dump && ./dump >> layouts.txt
 *
 * where INCLUDE is what sysconfig.get_path("include") says. test_layout.c reads the lines:
 * version, field, number; -1: this version has no such field.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <stddef.h>
#include <stdio.h>

#if PY_VERSION_HEX < 0x03080000
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

#define OF(type, field) ((long)offsetof(type, field))

static void put(const char *field, long number)
{
	printf("%04x %s %ld\n", PY_MAJOR_VERSION << 8 | PY_MINOR_VERSION, field, number);
}

static void put_runtime(void)
{
#if PY_VERSION_HEX < 0x030c0000
	put("runtime_tss", OF(_PyRuntimeState, gilstate.autoTSSkey));
#else
	put("runtime_tss", OF(_PyRuntimeState, autoTSSkey));
#endif
	put("runtime_interp", OF(_PyRuntimeState, interpreters.head));
}

static void put_tstate(void)
{
	put("tstate_interp", OF(PyThreadState, interp));
	put("tstate_thread_id", OF(PyThreadState, thread_id));
#if PY_VERSION_HEX < 0x030b0000
	put("tstate_frame", OF(PyThreadState, frame));
	put("cframe_current", -1);
#elif PY_VERSION_HEX < 0x030d0000
	put("tstate_frame", OF(PyThreadState, cframe));
	put("cframe_current", OF(_PyCFrame, current_frame));
#else
	put("tstate_frame", OF(PyThreadState, current_frame));
	put("cframe_current", -1);
#endif
}

#if PY_VERSION_HEX < 0x030b0000
static void put_frame(void)
{
	put("frame_end", OF(PyFrameObject, f_lasti) + (long)sizeof(int));
	put("frame_back", OF(PyFrameObject, f_back));
	put("frame_code", OF(PyFrameObject, f_code));
	put("frame_lasti", OF(PyFrameObject, f_lasti));
	put("frame_owner", -1);
	put("frame_entry", -1);
	put("shim_owner", 0);
}
#else
static void put_frame(void)
{
	put("frame_end", OF(_PyInterpreterFrame, localsplus));
	put("frame_back", OF(_PyInterpreterFrame, previous));
	put("frame_owner", OF(_PyInterpreterFrame, owner));
#if PY_VERSION_HEX < 0x030d0000
	put("frame_code", OF(_PyInterpreterFrame, f_code));
	put("frame_lasti", OF(_PyInterpreterFrame, prev_instr));
#else
	put("frame_code", OF(_PyInterpreterFrame, f_executable));
	put("frame_lasti", OF(_PyInterpreterFrame, instr_ptr));
#endif
#if PY_VERSION_HEX < 0x030c0000
	put("frame_entry", OF(_PyInterpreterFrame, is_entry));
	put("shim_owner", 0);
#else
	put("frame_entry", -1);
	put("shim_owner", FRAME_OWNED_BY_CSTACK);
#endif
}
#endif

static void put_code(void)
{
	put("code_firstlineno", OF(PyCodeObject, co_firstlineno));
	put("code_filename", OF(PyCodeObject, co_filename));
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
#else
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
}

/* PyASCIIObject.state, a structure of bit fields, as the one word that it is in memory. */
static unsigned int state_word(const PyASCIIObject *s)
{
	unsigned int word;

	memcpy(&word, &s->state, sizeof(word));
	return word;
}

static void put_text(void)
{
	PyASCIIObject kind, compact, ascii;

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
	put_tstate();
	put_frame();
	put_code();
	put_text();
	return 0;
}
