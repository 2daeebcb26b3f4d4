/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is known of a socket beyond its being one: its protocol and its addresses.
 *
 * Owns: the texts in which generations that came from one socket share that, and their change.
 * Never: takes a number alone for the socket that it was when something was learned of it.
 */
#ifndef FDTRACE_FD_SOCKETS_H
#define FDTRACE_FD_SOCKETS_H

#include "abi/record.h"
#include "fd/table.h"

/*
 * What a generation's path, or of a socket fd_what.socket, points into, with one reference. NULL:
 * it has none, or there is no memory. type: what the call makes.
 */
struct text *text_of_call(struct store *store, const struct record_call *call, enum fd_type type);
struct text *text_of_what(struct store *store, const struct fd_what *what);

/*
 * The call has given the socket an address, or a peer (SHAPE_ADDRESS): all that came from this
 * socket knows it from now on.
 */
void socket_addressed(struct table *table, const struct record_call *call);

#endif
