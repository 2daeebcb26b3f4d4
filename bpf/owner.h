/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Python's descriptor owners: which types they are, where they take and give up a number, and
 * where their objects keep it: one struct owner_layout per minor version.
 *
 * Owns: the form of that data, which the user side fills in (user/python/owners.c finds the
 * functions, owner_layout.c names the offsets) and the kernel side reads. Not part of a
 * recording.
 */
#ifndef FDTRACE_OWNER_H
#define FDTRACE_OWNER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum owner_type {
	OWNER_NONE = 0,	  /* a function that belongs to no object */
	OWNER_FILEIO = 1, /* _io.FileIO */
	OWNER_SOCKET = 2, /* _socket.socket */
	OWNER_EPOLL = 3,  /* select.epoll */
	OWNER_TYPES = 4,
};

/* The first argument of each is the object, but of NEW and FROMFD, which return it. */
enum owner_point {
	OWNER_INIT = 1, /* tp_init: entry for the object, return for its number */
	OWNER_NEW,	/* tp_new: return */
	OWNER_FROMFD,	/* the class method fromfd: return */
	OWNER_CLOSE,	/* the method close: entry */
	OWNER_DETACH,	/* the method detach: entry */
	OWNER_FINALIZE, /* tp_finalize, which closes: entry */
	OWNER_DEALLOC,	/* tp_dealloc, which closes: entry */
	OWNER_OS_CLOSE, /* os.close, of OWNER_NONE: entry */
};

/* Byte offsets in the objects of builds with the GIL. */
struct owner_layout {
	__u16 version;	       /* 0x030b: CPython 3.11; 0: none */
	__u16 fd[OWNER_TYPES]; /* int; of OWNER_NONE: 0 */
	__u16 closefd_at;      /* of FileIO: the byte with the bit ... */
	__u8 closefd_mask;     /* ... that says whether it closes its descriptor */
};

#endif
