/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One message a packet, with a descriptor if need be, between us and a confined process.
 *
 * Owns: how a descriptor travels. Never: looks at what a message says.
 */
#ifndef FDTRACE_SECURITY_PACKET_H
#define FDTRACE_SECURITY_PACKET_H

#include <stddef.h>
#include <sys/types.h>

/* fd: lent; -1: none. flags: of send(2). 0 or negative errno. */
int packet_send(int to, const void *bytes, size_t size, int fd, int flags);

/*
 * Waits for one, of room bytes at most. *ret_fd: the descriptor that came with it, owned by the
 * caller, or -1. Its size; 0: nobody sends any more; negative errno.
 */
ssize_t packet_receive(int from, void *bytes, size_t room, int *ret_fd);

#endif
