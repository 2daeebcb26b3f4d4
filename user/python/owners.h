/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where in its file a CPython, or a module of it, has Python's descriptor owners take and give
 * up a number: _io.FileIO, _socket.socket, select.epoll; and os.close.
 *
 * Owns: the search for type tables by the types' names, in the ELF file alone: no symbols, no
 * sections, no process. The file is hostile: bounded, every offset checked.
 * Never: guesses. A type is offered with all of its points, or not at all.
 */
#ifndef FDTRACE_PYTHON_OWNERS_H
#define FDTRACE_PYTHON_OWNERS_H

#include <stddef.h>
#include <stdint.h>

#include "owner.h"

struct owner_probe {
	/*
	 * In the file, for a uprobe: where the function begins; on x86_64 behind an endbr64 and a
	 * movabs there, which leave the object and the stack as they are, but which the kernel
	 * can't emulate (arch/x86/kernel/uprobes.c): single-stepping them costs ten times more.
	 */
	uint64_t offset;
	enum owner_point point;
	enum owner_type type;
};

/* All there can be in one file. */
#define OWNER_PROBES_MAX 12

/*
 * fd: an ELF file of x86_64 or aarch64, open for reading; not closed. ret: room for max.
 * 0: *ret_count of them were found, 0 where the file holds none. -ENOTSUP: a type was found
 * twice, or two functions are one: *ret_count are the others. -ENOBUFS: max is too small.
 * -EINVAL: no sane ELF file. -EFBIG: too large a file to be searched. Other negative errno:
 * reading failed. But for 0 and -ENOTSUP, *ret_count is 0.
 */
int python_owners_find(int fd, struct owner_probe *ret, size_t max, size_t *ret_count);

#endif
