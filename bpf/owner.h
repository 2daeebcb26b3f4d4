/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where Python's descriptor owners (record.h: enum owner_type) keep their number: one struct
 * owner_layout per minor version.
 *
 * Owns: the form of that data, which the user side fills in (user/python/owner_layout.c) and the
 * kernel side reads. Not part of a recording.
 */
#ifndef FDTRACE_OWNER_H
#define FDTRACE_OWNER_H

#include "record.h"

/* sizeof(PyObject), with the GIL and in free-threaded builds. */
#define OBJECT_HEAD	 16
#define OBJECT_HEAD_FREE 32

/* Byte offsets in the objects. */
struct owner_layout {
	__u16 version;	       /* 0x030b: CPython 3.11; 0: none */
	__u16 fd[OWNER_TYPES]; /* int, right behind the object's header; of OWNER_NONE: 0 */
	__u16 closefd_at;      /* of FileIO: the byte with the bit ... */
	__u8 closefd_mask;     /* ... that says whether it closes its descriptor */
	__u8 unused;
	__u16 finalizing_at; /* of FileIO: char, not 0 while it is finalized */
};

/* The cookie of a probe at a point (kernel 5.15 on). */
#define OWNER_COOKIE(type, point) ((__u64)(type) << 8 | (point))
#define OWNER_EVERYWHERE	  (1ull << 16) /* it is met by every process */

#endif
