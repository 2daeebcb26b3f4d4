/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where CPython keeps what the frame walk reads: one struct py_layout per minor version.
 *
 * Owns: the form of that data, which the user side fills in (user/python/layout.c) and the kernel
 * side reads. All numbers are byte offsets unless a comment
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

/* Where a thread finds its own thread state, also while it has not got the GIL. */
enum py_key {
	PY_KEY_NONE = 0,   /* only in the lists of interpreters and threads */
	PY_KEY_INT = 1,	   /* int autoTLSkey, a pthread_key_t (3.6) */
	PY_KEY_TSS = 2,	   /* Py_tss_t: is it there, and the pthread_key_t (3.7 to 3.14) */
	PY_KEY_LOCAL = 3,  /* a thread-local, key_offset from the thread pointer (3.15) */
	PY_KEY_MODULE = 4, /* the same in the block of a module, whose number is at runtime_key */
};

struct py_layout {
	__u16 version;	  /* 0x030b: 3.11; 0: this slot is free */
	__u8 frames;	  /* enum py_frames */
	__u8 lasti_scale; /* f_lasti is in units of so many bytes: 1, 3.10: 2 */

	/* From _PyRuntime, in 3.6 from interp_head */
	__s32 runtime_key;    /* gilstate.autoTSSkey and its like: see enum py_key */
	__u32 runtime_interp; /* interpreters.head */
	__s32 key_offset;
	__u8 key; /* enum py_key */

	__u8 ob_type; /* PyObject */

	/* PyInterpreterState */
	__u16 interp_next;
	__u16 interp_threads; /* threads.head, up to 3.10 tstate_head */

	/* PyThreadState */
	__u16 tstate_next;
	__u16 tstate_interp;
	__u16 tstate_status; /* bit 3: the one that the key shows (3.12 on) */
	__u16 tstate_cframe; /* on the C stack, or in the thread state itself (3.10, 3.11) */
	__u16 tstate_frame;  /* frame, cframe or current_frame */
	__u16 tstate_thread_id;
	__u16 cframe_current; /* in _PyCFrame: current_frame */

	/* PyFrameObject or _PyInterpreterFrame */
	__u16 frame_size; /* bytes that hold all fields below */
	__u16 frame_back;
	__u16 frame_code;
	__u16 frame_lasti; /* int f_lasti, or the instruction pointer */
	__u16 frame_owner;
	__u16 frame_entry;  /* 3.11: is_entry */
	__u16 frame_tlbc;   /* int, which copy of the bytecode runs (3.14 on, free-threaded) */
	__u16 frame_object; /* PyFrameObject, where one was made (3.11 on); before, the frame itself
			     */
	__u16 object_line;  /* in it: int f_lineno */
	__u16 frame_local;  /* the first local variable: localsplus[0] */
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
	__u16 code_tlbc;	   /* pointer to the copies: {size, entries[]} of 8 bytes each */
	__u16 code_firsttraceable; /* int, in code units of two bytes */
	__u16 code_arguments;	   /* int co_argcount */
	__u16 code_keywords;	   /* int co_kwonlyargcount */
	__u16 code_flags;	   /* int */
	__u16 code_kinds;	   /* bytes: of each local variable, what it is (3.11 on) */

	/* type; tp_name stands behind the head of an object of variable size */
	__u16 type_flags; /* unsigned long tp_flags */

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
};

#endif
