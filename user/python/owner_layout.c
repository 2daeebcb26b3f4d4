/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/owner_layout.h"

#include <stddef.h>

#include "base/mem.h"

/*
 * fd comes right behind the object's header in all three: Modules/_io/fileio.c (fileio),
 * Modules/socketmodule.h (PySocketSockObject), Modules/selectmodule.c (pyEpoll_Object). In
 * fileio the bits follow: created, readable, writable, appending, seekable (2), closefd; and then
 * the char finalizing.
 */
#define OWNERS(minor, closefd_bit)                                                         \
	{                                                                                  \
		.version = 0x0300 | (minor),                                               \
		.fd = {[OWNER_FILEIO] = 16, [OWNER_SOCKET] = 16, [OWNER_EPOLL] = 16},      \
		.closefd_at = 20, .closefd_mask = 1 << (closefd_bit), .finalizing_at = 21, \
	}

static const struct owner_layout layouts[] = {
	OWNERS(6, 6),
	OWNERS(7, 6),
	OWNERS(8, 6),
	OWNERS(9, 6),
	OWNERS(10, 6),
	OWNERS(11, 6),
	OWNERS(12, 6),
	OWNERS(13, 6),
	OWNERS(14, 6),
	/* The bit truncate was put before closefd. */
	OWNERS(15, 7),
};

const struct owner_layout *python_owner_layout(unsigned int version)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		if (layouts[i].version == version)
			return &layouts[i];
	}
	return NULL;
}

/* sizeof(PyObject) with the GIL; the length of a str comes right behind it. */
#define HEAD_SIZE 16

const struct owner_layout *python_owners_of(const struct py_layout *layout)
{
	return layout->str_length == HEAD_SIZE ? python_owner_layout(layout->version) : NULL;
}
