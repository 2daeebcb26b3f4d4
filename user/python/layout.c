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
#define LAYOUT_STR_STATE                                                        \
	.str_length = 16, .str_hash = 24, .str_state = 32, .str_kind_shift = 2, \
	.str_kind_mask = 7, .str_compact_bit = 5, .str_ascii_bit = 6

/* Include/cpython/unicodeobject.h (3.7: Include/unicodeobject.h), with wstr. */
#define LAYOUT_STR_WSTR LAYOUT_STR_STATE, .str_ascii = 48, .str_data = 72

/* Include/cpython/unicodeobject.h since 3.12: wstr and wstr_length are gone. */
#define LAYOUT_STR LAYOUT_STR_STATE, .str_ascii = 40, .str_data = 56

/* PyThreadState up to 3.10 (Include/pystate.h, Include/cpython/pystate.h). */
#define LAYOUT_TSTATE_OBJECT                                              \
	.tstate_interp = 16, .tstate_frame = 24, .tstate_thread_id = 176, \
	.cframe_current = LAYOUT_NONE

/* What _PyInterpreterFrame brought with 3.11: absent from a PyFrameObject and its code. */
#define LAYOUT_NO_IFRAME                                                                     \
	.frame_owner = LAYOUT_NONE, .frame_entry = LAYOUT_NONE, .code_version = LAYOUT_NONE, \
	.code_adaptive = LAYOUT_NONE, .code_firsttraceable = LAYOUT_NONE

static const struct py_layout layouts[] = {
	{
		/* 3.7.4 on: Include/internal/pystate.h, Include/frameobject.h, Include/code.h */
		.version = 0x0307,
		.frames = PY_FRAMES_OBJECT,
		.lasti_scale = 1,
		.runtime_tss = 1504 + MUTEX_GROWTH,
		.runtime_interp = 24,
		LAYOUT_TSTATE_OBJECT,
		.frame_size = 108,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 104,
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
		.runtime_tss = 1392 + MUTEX_GROWTH,
		.runtime_interp = 32,
		LAYOUT_TSTATE_OBJECT,
		.frame_size = 108,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 104,
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
		.runtime_tss = 584 + MUTEX_GROWTH,
		.runtime_interp = 32,
		LAYOUT_TSTATE_OBJECT,
		.frame_size = 108,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 104,
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
		.runtime_tss = 584 + MUTEX_GROWTH,
		.runtime_interp = 32,
		LAYOUT_TSTATE_OBJECT,
		.frame_size = 100,
		.frame_back = 24,
		.frame_code = 32,
		.frame_lasti = 96,
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
		.runtime_tss = 592 + MUTEX_GROWTH,
		.runtime_interp = 40,
		.tstate_interp = 16,
		.tstate_frame = 56,
		.tstate_thread_id = 152,
		.cframe_current = 8,
		.frame_size = 72,
		.frame_back = 48,
		.frame_code = 32,
		.frame_lasti = 56,
		.frame_owner = 69,
		.frame_entry = 68,
		.code_size = 184,
		.code_firstlineno = 72,
		.code_version = LAYOUT_NONE,
		.code_filename = 112,
		.code_name = 128,
		.code_table = 136,
		.code_adaptive = 184,
		.code_firsttraceable = 168,
		LAYOUT_BYTES,
		LAYOUT_STR_WSTR,
	},
	{
		/* The files of 3.11; FRAME_OWNED_BY_CSTACK is 3. */
		.version = 0x030c,
		.frames = PY_FRAMES_CFRAME,
		.lasti_scale = 1,
		.runtime_tss = 1544,
		.runtime_interp = 40,
		.tstate_interp = 16,
		.tstate_frame = 56,
		.tstate_thread_id = 136,
		.cframe_current = 0,
		.frame_size = 72,
		.frame_back = 8,
		.frame_code = 0,
		.frame_lasti = 56,
		.frame_owner = 70,
		.frame_entry = LAYOUT_NONE,
		.shim_owner = 3,
		.code_size = 192,
		.code_firstlineno = 68,
		.code_version = 92,
		.code_filename = 112,
		.code_name = 128,
		.code_table = 136,
		.code_adaptive = 192,
		.code_firsttraceable = 176,
		LAYOUT_BYTES,
		LAYOUT_STR,
	},
	{
		/*
		 * The files of 3.12, with _Py_DebugOffsets in Include/internal/pycore_runtime.h;
		 * _PyCFrame is gone. Builds with the GIL only.
		 */
		.version = 0x030d,
		.frames = PY_FRAMES_CURRENT,
		.lasti_scale = 1,
		.runtime_tss = 2160,
		.runtime_interp = 632,
		.tstate_interp = 16,
		.tstate_frame = 72,
		.tstate_thread_id = 152,
		.cframe_current = LAYOUT_NONE,
		.frame_size = 72,
		.frame_back = 8,
		.frame_code = 0,
		.frame_lasti = 56,
		.frame_owner = 70,
		.frame_entry = LAYOUT_NONE,
		.shim_owner = 3,
		.code_size = 200,
		.code_firstlineno = 68,
		.code_version = 92,
		.code_filename = 112,
		.code_name = 128,
		.code_table = 136,
		.code_adaptive = 200,
		.code_firsttraceable = 184,
		LAYOUT_BYTES,
		LAYOUT_STR,
	},
	{.version = 0},
};

_Static_assert(sizeof(layouts) / sizeof(layouts[0]) <= LAYOUTS_MAX, "one slot per version");

const struct py_layout *python_layouts(void)
{
	return layouts;
}

const struct py_layout *python_layout(unsigned int version)
{
	for (const struct py_layout *l = layouts; l->version; l++) {
		if (l->version == version)
			return l;
	}
	return NULL;
}
