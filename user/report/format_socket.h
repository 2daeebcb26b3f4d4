/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The words for a socket: its protocol, its two addresses.
 *
 * Owns: that wording, the same in text and JSON. Pure. Paths and abstract names are the traced
 * program's: hostile, and escaped in format_socket() alone.
 */
#ifndef FDTRACE_REPORT_FORMAT_SOCKET_H
#define FDTRACE_REPORT_FORMAT_SOCKET_H

#include <stdbool.h>

#include "report/format.h"

/* "./", a path and a NUL. */
#define ADDRESS_SIZE (SOCKET_PATH_MAX + 3)

/* "tcp", "udp", "unix", "unix dgram", "netlink route"; NULL: it has no name here. */
const char *format_protocol(const struct record_socket *socket);

/*
 * "127.0.0.1:5000", "[::1]:80"; of a UNIX socket its path, or with a '@' in front (and for each NUL
 * in it) its abstract name; "./@name" is a path. "": none. Raw: the caller escapes it.
 */
const char *format_address(const struct record_socket *socket, bool peer, char buf[ADDRESS_SIZE]);

/*
 * "tcp 127.0.0.1:5000 -> 127.0.0.1:6379", "tcp listening on 0.0.0.0:8000", 'unix (unnamed) ->
 * "/run/x"', "netlink route socket"; NULL: neither address nor netlink protocol is known of it.
 */
const char *format_socket(const struct record_socket *socket, char buf[WHAT_SIZE]);

#endif
