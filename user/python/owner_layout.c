/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/owner_layout.h"

#include <stddef.h>

#include "base/mem.h"

/*
 * fd comes right behind the object's header in all three: Modules/_io/fileio.c (fileio),
 * Modules/socketmodule.h (PySocketSockObject), Modules/selectmodule.c (pyEpoll_Object). In
 * fileio the bits follow: created, readable, writable, appending, seekable (2), closefd; then the
 * char finalizing, blksize (3.14 on: stat_atopen), weakreflist and dict.
 * The type: Include/cpython/object.h, PyTypeObject, which is a PyVarObject.
 */
#define OWNERS_BEHIND(head, minor, closefd_bit, late)                                             \
	{                                                                                         \
		.version = 0x0300 | (minor),                                                      \
		.fd = {[OWNER_FILEIO] = (head), [OWNER_SOCKET] = (head), [OWNER_EPOLL] = (head)}, \
		.closefd_at = (head) + 4, .closefd_mask = 1 << (closefd_bit),                     \
		.sockets_late = (late), .finalizing_at = (head) + 5, .dict_at = (head) + 24,      \
		.type_name = (head) + 8, .type_base = (head) + 240, .type_dict = (head) + 248,    \
	}
#define OWNERS(minor, closefd_bit) OWNERS_BEHIND(OBJECT_HEAD, minor, closefd_bit, 0)
/* Modules/socketmodule.c: sock_initobj() makes no call of what fileno= gives it. */
#define LATE(minor, closefd_bit)   OWNERS_BEHIND(OBJECT_HEAD, minor, closefd_bit, 1)
#define FREE(minor, closefd_bit)   OWNERS_BEHIND(OBJECT_HEAD_FREE, minor, closefd_bit, 0)

static const struct owner_layout layouts[] = {
	LATE(6, 6),
	LATE(7, 6),
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

static const struct owner_layout free_threaded[] = {
	FREE(13, 6),
	FREE(14, 6),
	FREE(15, 7),
};

static const struct owner_layout *find_owner_layout(const struct owner_layout *table, size_t count,
						    unsigned int version)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].version == version)
			return &table[i];
	}
	return NULL;
}

const struct owner_layout *python_owner_layout(unsigned int version, bool without_gil)
{
	return without_gil ? find_owner_layout(free_threaded, ARRAY_SIZE(free_threaded), version)
			   : find_owner_layout(layouts, ARRAY_SIZE(layouts), version);
}

const struct owner_layout *python_owners_of(const struct py_layout *layout)
{
	/* The length of a str comes right behind its header. */
	return python_owner_layout(layout->version, layout->str_length == OBJECT_HEAD_FREE);
}
