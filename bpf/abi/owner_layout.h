/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where Python's descriptor owners (record.h: enum owner_type) keep their number: one struct
 * owner_layout per minor version; and which code of a Python's file tells who closes.
 *
 * Owns: the form of that data, which the user side fills in (user/python/owner_layout.c) and the
 * kernel side reads. Not part of a recording.
 */
#ifndef FDTRACE_OWNER_LAYOUT_H
#define FDTRACE_OWNER_LAYOUT_H

#include "abi/record.h"

/* sizeof(PyObject), with the GIL and in free-threaded builds. */
#define OBJECT_HEAD	 16
#define OBJECT_HEAD_FREE 32

/* Byte offsets in the objects and in their types. */
struct owner_layout {
	__u16 version;	       /* 0x030b: CPython 3.11; 0: none */
	__u16 fd[OWNER_TYPES]; /* int, right behind the object's header; of OWNER_NONE: 0 */
	__u16 closefd_at;      /* of FileIO: the byte with the bit ... */
	__u8 closefd_mask;     /* ... that says whether it closes its descriptor */
	__u8 sockets_late; /* 1: socket(fileno=) makes no call, its object shows when it is used */
	__u16 finalizing_at; /* of FileIO: char, not 0 while it is finalized */
	__u16 dict_at;	     /* of FileIO: its __dict__, NULL until __init__ is nearly done */
	__u16 type_name;     /* of PyTypeObject: tp_name */
	__u16 type_base;     /* tp_base */
	__u16 type_dict;     /* tp_dict */
};

/* System calls at whose end an owner shows in the registers of the thread that made them. */
enum owner_call {
	OWNER_CALL_NONE = 0,
	OWNER_CALL_FSTAT,    /* FileIO.__init__ has set its number already */
	OWNER_CALL_FSTATAT,  /* the same, of a descriptor (AT_EMPTY_PATH) */
	OWNER_CALL_SOCKET,   /* the object has -1 in its place still, and takes the result */
	OWNER_CALL_SOCKNAME, /* of socket(fileno=): -1 still; of the method: its number */
	OWNER_CALL_EPOLL,    /* 0 still, as tp_alloc leaves it */
	OWNER_CALL_USE,	     /* calls of a socket object's methods: sockets_late */
	/* From here on they move bytes: transfer.bpf.h. */
	OWNER_CALL_IO,	    /* none shows */
	OWNER_CALL_MESSAGE, /* as OWNER_CALL_USE */
};

/*
 * Code of a Python's file that tells who closes or uses a descriptor, by its return addresses.
 * start: the address, in struct python_file without load bias; size: bytes, 0: not known.
 */
enum owner_code {
	CODE_OS_CLOSE = 0,   /* os.close(), Modules/posixmodule.c: os_close */
	CODE_FINALIZE_IO,    /* _io._IOBase's tp_finalize, Modules/_io/iobase.c: iobase_finalize */
	CODE_FINALIZE,	     /* PyObject_CallFinalizer() */
	CODE_FINALIZE_FREED, /* PyObject_CallFinalizerFromDealloc() */
	CODE_OS_READ,	     /* os.read(), os.write() */
	CODE_OS_WRITE,
	CODE_FILE_READ, /* methods of _io.FileIO, Modules/_io/fileio.c */
	CODE_FILE_READALL,
	CODE_FILE_READINTO,
	CODE_FILE_WRITE,
	/* Methods of _socket.socket, Modules/socketmodule.c, where they are of this file. */
	CODE_SOCKET_RECV,
	CODE_SOCKET_RECV_INTO,
	CODE_SOCKET_RECVFROM,
	CODE_SOCKET_RECVFROM_INTO,
	CODE_SOCKET_SEND,
	CODE_SOCKET_SENDALL,
	CODE_SOCKET_SENDTO,
	CODE_SOCKET_RECVMSG,
	CODE_SOCKET_RECVMSG_INTO,
	CODE_SOCKET_SENDMSG,
	OWNER_CODES,
};

struct code_range {
	__u64 start;
	__u64 size;
};

#endif
