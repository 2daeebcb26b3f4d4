/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/layout.h"

#include <stddef.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "no layouts for this architecture"
#endif

/*
 * Two pthread_mutex_t lie in front of gilstate.autoTSSkey up to 3.11; glibc's are 48 bytes
 * each on arm64, 40 on x86_64. All other offsets are the same on both.
 */
#ifdef __aarch64__
#define MUTEX_GROWTH 16
#else
#define MUTEX_GROWTH 0
#endif

/* Include/cpython/bytesobject.h: PyBytesObject; the same in all versions below. */
#define LAYOUT_BYTES .bytes_size = 16, .bytes_data = 32

/* Bits of PyASCIIObject.state: interned 2, kind 3, compact 1, ascii 1. */
#define LAYOUT_STR_STATE_BITS \
	.str_kind_shift = 2, .str_kind_mask = 7, .str_compact_bit = 5, .str_ascii_bit = 6
#define LAYOUT_STR_STATE LAYOUT_STR_STATE_BITS, .str_length = 16, .str_hash = 24, .str_state = 32

/* Include/cpython/unicodeobject.h (3.7: Include/unicodeobject.h), with wstr. */
#define LAYOUT_STR_WSTR LAYOUT_STR_STATE, .str_ascii = 48, .str_data = 72

/* Include/cpython/unicodeobject.h since 3.12: wstr and wstr_length are gone. */
#define LAYOUT_STR LAYOUT_STR_STATE, .str_ascii = 40, .str_data = 56

/* PyInterpreterState and the links of PyThreadState, Include/internal/pycore_interp.h. */
#define LAYOUT_INTERP \
	.ob_type = 8, .interp_next = 0, .interp_threads = 8, .tstate_next = 8, .tstate_interp = 16

/* PyThreadState up to 3.10 (Include/pystate.h, Include/cpython/pystate.h). */
#define LAYOUT_TSTATE_OBJECT                                             \
	LAYOUT_INTERP, .tstate_frame = 24, .tstate_status = LAYOUT_NONE, \
		       .cframe_current = LAYOUT_NONE

/* What _PyInterpreterFrame brought with 3.11: absent from a PyFrameObject and its code. */
#define LAYOUT_NO_IFRAME                                                                     \
	.frame_owner = LAYOUT_NONE, .frame_entry = LAYOUT_NONE, .frame_object = LAYOUT_NONE, \
	.code_version = LAYOUT_NONE, .code_adaptive = LAYOUT_NONE,                           \
	.code_firsttraceable = LAYOUT_NONE, LAYOUT_NO_TLBC

/* Only free-threaded builds, from 3.14 on, have more than one copy of the bytecode. */
#define LAYOUT_NO_TLBC .frame_tlbc = LAYOUT_NONE, .code_tlbc = LAYOUT_NONE

/* What all builds of 3.13 to 3.15 share: Include/cpython/pystate.h, pycore_interpframe_structs.h.
 */
#define LAYOUT_FRAMES_CURRENT                                                                 \
	.frames = PY_FRAMES_CURRENT, .lasti_scale = 1, .tstate_next = 8, .tstate_interp = 16, \
	.tstate_status = 32, .tstate_cframe = LAYOUT_NONE, .tstate_frame = 72,                \
	.cframe_current = LAYOUT_NONE, .frame_back = 8, .frame_code = 0, .frame_lasti = 56,   \
	.frame_entry = LAYOUT_NONE, .frame_object = 48, .shim_owner = 3

/*
 * PyCodeObject behind an object header that is grown by so many bytes, up to co_linetable; and
 * f_lineno of PyFrameObject (Include/internal/pycore_frame.h).
 */
#define LAYOUT_CODE(grown)                                                                        \
	.object_line = 40 + (grown), .ob_type = 8 + (grown), .code_firstlineno = 68 + (grown),    \
	.code_version = 92 + (grown), .code_filename = 112 + (grown), .code_name = 128 + (grown), \
	.code_table = 136 + (grown)

/* Free-threaded builds (Py_GIL_DISABLED, PEP 703): object headers have 16 bytes more. */
#define LAYOUT_BYTES_FREE .bytes_size = 32, .bytes_data = 48
#define LAYOUT_STR_FREE \
	.str_length = 32, .str_hash = 40, .str_state = 48, .str_ascii = 56, .str_data = 72
/* There, from 3.14 on, interned is a byte of its own. */
#define LAYOUT_STR_FREE_BITS \
	.str_kind_shift = 8, .str_kind_mask = 7, .str_compact_bit = 11, .str_ascii_bit = 12

/* _PyRuntime and PyInterpreterState, with the GIL and without. */
#define LAYOUT_RUNTIME_313                                                                \
	.version = 0x030d, .key = PY_KEY_TSS, .runtime_key = 2160, .runtime_interp = 632, \
	.interp_next = 7264, .interp_threads = 7344
#define LAYOUT_RUNTIME_314                                                                \
	.version = 0x030e, .key = PY_KEY_TSS, .runtime_key = 2336, .runtime_interp = 808, \
	.interp_next = 7272, .interp_threads = 7344
/* The key has become a thread-local, whose place is each build's own (gilstate.h). */
#define LAYOUT_RUNTIME_315                                                                 \
	.version = 0x030f, .key = PY_KEY_NONE, .runtime_interp = 936, .interp_next = 7264, \
	.interp_threads = 7336

static const struct py_layout layouts[] = {
	{
		/*
		 * Include/pystate.h, Include/frameobject.h, Include/code.h. There is no _PyRuntime:
		 * interp_head and autoTLSkey are variables of Python/pystate.c (gilstate.h).
		 */
		.version = 0x0306,
		.frames = PY_FRAMES_OBJECT,
		.lasti_scale = 1,
		.key = PY_KEY_NONE,
		LAYOUT_TSTATE_OBJECT,
		.tstate_thread_id = 152,
		.tstate_cframe = LAYOUT_NONE,
		.frame_size = 124,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 120,
		.object_line = 124,
		.code_size = 144,
		.code_firstlineno = 36,
		.code_filename = 96,
		.code_name = 104,
		.code_table = 112,
		LAYOUT_NO_IFRAME,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/* 3.7.4 on: Include/internal/pystate.h, Include/frameobject.h, Include/code.h */
		.version = 0x0307,
		.frames = PY_FRAMES_OBJECT,
		.lasti_scale = 1,
		.key = PY_KEY_TSS,
		.runtime_key = 1504 + MUTEX_GROWTH,
		.runtime_interp = 24,
		LAYOUT_TSTATE_OBJECT,
		.tstate_thread_id = 176,
		.tstate_cframe = LAYOUT_NONE,
		.frame_size = 108,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 104,
		.object_line = 108,
		.code_size = 144,
		.code_firstlineno = 36,
		.code_filename = 96,
		.code_name = 104,
		.code_table = 112,
		LAYOUT_NO_IFRAME,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/* Include/internal/pycore_pystate.h, Include/frameobject.h, Include/code.h */
		.version = 0x0308,
		.frames = PY_FRAMES_OBJECT,
		.lasti_scale = 1,
		.key = PY_KEY_TSS,
		.runtime_key = 1392 + MUTEX_GROWTH,
		.runtime_interp = 32,
		LAYOUT_TSTATE_OBJECT,
		.tstate_thread_id = 176,
		.tstate_cframe = LAYOUT_NONE,
		.frame_size = 108,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 104,
		.object_line = 108,
		.code_size = 176,
		.code_firstlineno = 40,
		.code_filename = 104,
		.code_name = 112,
		.code_table = 120,
		LAYOUT_NO_IFRAME,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/*
		 * Include/internal/pycore_runtime.h, Include/cpython/frameobject.h,
		 * Include/cpython/code.h
		 */
		.version = 0x0309,
		.frames = PY_FRAMES_OBJECT,
		.lasti_scale = 1,
		.key = PY_KEY_TSS,
		.runtime_key = 584 + MUTEX_GROWTH,
		.runtime_interp = 32,
		LAYOUT_TSTATE_OBJECT,
		.tstate_thread_id = 176,
		.tstate_cframe = LAYOUT_NONE,
		.frame_size = 108,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 104,
		.object_line = 108,
		.code_size = 176,
		.code_firstlineno = 40,
		.code_filename = 104,
		.code_name = 112,
		.code_table = 120,
		LAYOUT_NO_IFRAME,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/* The files of 3.9; f_lasti now counts code units, co_linetable is PEP 626's. */
		.version = 0x030a,
		.frames = PY_FRAMES_OBJECT,
		.lasti_scale = 2,
		.key = PY_KEY_TSS,
		.runtime_key = 584 + MUTEX_GROWTH,
		.runtime_interp = 32,
		LAYOUT_TSTATE_OBJECT,
		.tstate_thread_id = 176,
		.tstate_cframe = 48,
		.frame_size = 100,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 96,
		.object_line = 100,
		.code_size = 176,
		.code_firstlineno = 40,
		.code_filename = 104,
		.code_name = 112,
		.code_table = 120,
		LAYOUT_NO_IFRAME,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/*
		 * Include/internal/pycore_runtime.h, Include/cpython/pystate.h (_PyCFrame),
		 * Include/internal/pycore_frame.h (_PyInterpreterFrame), Include/cpython/code.h.
		 * tp_basicsize ends where the bytecode begins (Objects/codeobject.c).
		 */
		.version = 0x030b,
		.frames = PY_FRAMES_CFRAME,
		.lasti_scale = 1,
		.key = PY_KEY_TSS,
		.runtime_key = 592 + MUTEX_GROWTH,
		.runtime_interp = 40,
		.ob_type = 8,
		.interp_next = 0,
		.interp_threads = 16,
		.tstate_next = 8,
		.tstate_interp = 16,
		.tstate_status = LAYOUT_NONE,
		.tstate_cframe = 56,
		.tstate_frame = 56,
		.tstate_thread_id = 152,
		.cframe_current = 8,
		.frame_size = 72,
		.frame_back = 48,
		.frame_code = 32,
		.frame_lasti = 56,
		.frame_owner = 69,
		.frame_entry = 68,
		.frame_object = 40,
		.object_line = 40,
		.code_size = 184,
		.code_firstlineno = 72,
		.code_version = LAYOUT_NONE,
		.code_filename = 112,
		.code_name = 128,
		.code_table = 136,
		.code_adaptive = 184,
		.code_firsttraceable = 168,
		LAYOUT_NO_TLBC,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/* The files of 3.11; FRAME_OWNED_BY_CSTACK is 3. */
		.version = 0x030c,
		.frames = PY_FRAMES_CFRAME,
		.lasti_scale = 1,
		.key = PY_KEY_TSS,
		.runtime_key = 1544,
		.runtime_interp = 40,
		.interp_next = 0,
		.interp_threads = 72,
		.tstate_next = 8,
		.tstate_interp = 16,
		.tstate_status = 24,
		.tstate_cframe = LAYOUT_NONE,
		.tstate_frame = 56,
		.tstate_thread_id = 136,
		.cframe_current = 0,
		.frame_size = 72,
		.frame_back = 8,
		.frame_code = 0,
		.frame_lasti = 56,
		.frame_owner = 70,
		.frame_entry = LAYOUT_NONE,
		.frame_object = 48,
		.shim_owner = 3,
		.code_size = 192,
		LAYOUT_CODE(0),
		.code_adaptive = 192,
		.code_firsttraceable = 176,
		LAYOUT_NO_TLBC,
		LAYOUT_BYTES,
		LAYOUT_STR,
	},
	{
		/*
		 * The files of 3.12, with _Py_DebugOffsets in Include/internal/pycore_runtime.h;
		 * _PyCFrame is gone.
		 */
		LAYOUT_RUNTIME_313,
		LAYOUT_FRAMES_CURRENT,
		.tstate_thread_id = 152,
		.frame_size = 72,
		.frame_owner = 70,
		LAYOUT_CODE(0),
		.code_size = 200,
		.code_adaptive = 200,
		.code_firsttraceable = 184,
		LAYOUT_NO_TLBC,
		LAYOUT_BYTES,
		LAYOUT_STR,
	},
	{
		/*
		 * _Py_DebugOffsets in Include/internal/pycore_debug_offsets.h, _PyInterpreterFrame
		 * in pycore_interpframe_structs.h; f_executable is a _PyStackRef, with a tag in its
		 * low bits (pycore_stackref.h); FRAME_OWNED_BY_INTERPRETER is 3.
		 */
		LAYOUT_RUNTIME_314,
		LAYOUT_FRAMES_CURRENT,
		.tstate_thread_id = 152,
		.frame_size = 80,
		.frame_owner = 74,
		.code_tag_mask = 7,
		LAYOUT_CODE(0),
		.code_size = 208,
		.code_adaptive = 208,
		.code_firsttraceable = 192,
		LAYOUT_NO_TLBC,
		LAYOUT_BYTES,
		LAYOUT_STR,
	},
	{
		/* The files of 3.14. */
		LAYOUT_RUNTIME_315,
		LAYOUT_FRAMES_CURRENT,
		.tstate_thread_id = 176,
		.frame_size = 80,
		.frame_owner = 74,
		.code_tag_mask = 7,
		LAYOUT_CODE(0),
		.code_size = 208,
		.code_adaptive = 208,
		.code_firsttraceable = 192,
		LAYOUT_NO_TLBC,
		LAYOUT_BYTES,
		LAYOUT_STR,
	},
	{.version = 0},
};

/* The same files, with Py_GIL_DISABLED. */
static const struct py_layout free_threaded[] = {
	{
		/* No copies of the bytecode yet, and the bits of a str's state are the old ones. */
		LAYOUT_RUNTIME_313,
		LAYOUT_FRAMES_CURRENT,
		.tstate_thread_id = 152,
		.frame_size = 72,
		.frame_owner = 70,
		LAYOUT_CODE(16),
		.code_size = 216,
		.code_adaptive = 216,
		.code_firsttraceable = 200,
		LAYOUT_NO_TLBC,
		LAYOUT_BYTES_FREE,
		LAYOUT_STR_STATE_BITS,
		LAYOUT_STR_FREE,
	},
	{
		LAYOUT_RUNTIME_314,
		LAYOUT_FRAMES_CURRENT,
		.tstate_thread_id = 152,
		.frame_size = 80,
		.frame_owner = 78,
		.frame_tlbc = 72,
		.code_tag_mask = 7,
		LAYOUT_CODE(16),
		.code_size = 232,
		.code_adaptive = 232,
		.code_tlbc = 224,
		.code_firsttraceable = 208,
		LAYOUT_BYTES_FREE,
		LAYOUT_STR_FREE_BITS,
		LAYOUT_STR_FREE,
	},
	{
		LAYOUT_RUNTIME_315,
		LAYOUT_FRAMES_CURRENT,
		.tstate_thread_id = 176,
		.frame_size = 80,
		.frame_owner = 78,
		.frame_tlbc = 72,
		.code_tag_mask = 7,
		LAYOUT_CODE(16),
		.code_size = 232,
		.code_adaptive = 232,
		.code_tlbc = 224,
		.code_firsttraceable = 208,
		LAYOUT_BYTES_FREE,
		LAYOUT_STR_FREE_BITS,
		LAYOUT_STR_FREE,
	},
	{.version = 0},
};

static const struct py_layout *find_layout(const struct py_layout *table, unsigned int version)
{
	for (; table->version; table++) {
		if (table->version == version)
			return table;
	}
	return NULL;
}

const struct py_layout *python_layouts(bool without_gil)
{
	return without_gil ? free_threaded : layouts;
}

const struct py_layout *python_layout(unsigned int version, bool without_gil)
{
	return find_layout(python_layouts(without_gil), version);
}
