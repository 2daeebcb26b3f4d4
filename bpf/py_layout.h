/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where CPython keeps what the frame walk reads: one struct py_layout per minor version.
 *
 * Owns: the form of that data, which the user side fills in (user/python/layout.c names the
 * CPython sources) and the kernel side reads. All numbers are byte offsets unless a comment
 * says otherwise. Not part of a recording.
 */
#ifndef FDTRACE_PY_LAYOUT_H
#define FDTRACE_PY_LAYOUT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define LAYOUTS_MAX 32
#define LAYOUT_NONE 0xffff /* this version has no such field */

enum py_frames {
	PY_FRAMES_OBJECT = 1,  /* tstate->frame, PyFrameObject chain (up to 3.10) */
	PY_FRAMES_CFRAME = 2,  /* tstate->cframe->current_frame (3.11, 3.12) */
	PY_FRAMES_CURRENT = 3, /* tstate->current_frame (3.13 on) */
};

struct py_layout {
	__u16 version;	  /* 0x030b: 3.11; 0: this slot is free */
	__u8 frames;	  /* enum py_frames */
	__u8 lasti_scale; /* f_lasti is in units of so many bytes: 1, 3.10: 2 */

	/* _PyRuntime */
	__u32 runtime_tss;    /* gilstate.autoTSSkey */
	__u32 runtime_interp; /* interpreters.head */

	/* PyThreadState */
	__u16 tstate_interp;
	__u16 tstate_frame; /* frame, cframe or current_frame */
	__u16 tstate_thread_id;
	__u16 cframe_current; /* in _PyCFrame: current_frame */

	/* PyFrameObject or _PyInterpreterFrame */
	__u16 frame_size; /* bytes that hold all fields below */
	__u16 frame_back;
	__u16 frame_code;
	__u16 frame_lasti; /* int f_lasti, or the instruction pointer */
	__u16 frame_owner;
	__u16 frame_entry;  /* 3.11: is_entry */
	__u8 shim_owner;    /* frames of this owner and above are not Python's own (0: none) */
	__u8 code_tag_mask; /* low bits of f_executable that are a tag */

	/* PyCodeObject */
	__u16 code_size; /* tp_basicsize: bytes that are there for sure */
	__u16 code_firstlineno;
	__u16 code_version; /* u32, unique per code object (3.12 on) */
	__u16 code_filename;
	__u16 code_name; /* co_qualname where there is one, else co_name */
	__u16 code_table;
	__u16 code_adaptive;	   /* bytecode inside the object; none: f_lasti is an offset */
	__u16 code_firsttraceable; /* int, in code units of two bytes */

	/* bytes, str */
	__u16 bytes_size; /* ob_size */
	__u16 bytes_data;
	__u16 str_length;
	__u16 str_hash;
	__u16 str_state;
	__u16 str_ascii; /* data of a compact ASCII string */
	__u16 str_data;	 /* data of a compact string that is not ASCII */
	__u8 str_kind_shift;
	__u8 str_kind_mask;
	__u8 str_compact_bit;
	__u8 str_ascii_bit;
	__u16 unused;
};

#endif
