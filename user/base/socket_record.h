/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a record tells of a socket.
 *
 * Owns: finding that in a record, and the check whether it makes sense. Never: words it.
 */
#ifndef FDTRACE_BASE_SOCKET_RECORD_H
#define FDTRACE_BASE_SOCKET_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/record_user.h"

/* Size bytes are a struct record_socket that makes sense. bytes: not aligned. */
bool socket_valid(const void *bytes, size_t size);

/* What stands behind the link of a valid record. False: nothing, or what makes no sense. */
bool socket_of_open_fd(const struct record_open_fd *record, struct record_socket *ret);

/*
 * Whether the call is one that tells of a socket, in place of a name. *ret: all of it 0 if what it
 * tells is not known.
 */
bool socket_of_call(const struct record_call *call, struct record_socket *ret);

#endif
