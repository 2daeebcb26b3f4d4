/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a socket is, and whom it connects.
 *
 * Owns: the layout of a struct record_socket, under the rules of record.h. It stands in place of
 * the name of calls that make a socket or give it an address, and behind the link of one that was
 * open before.
 */
#ifndef FDTRACE_SOCKET_H
#define FDTRACE_SOCKET_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Bytes of an IPv6 address, and of sockaddr_un.sun_path. */
#define SOCKET_IP_MAX	16
#define SOCKET_PATH_MAX 108

enum socket_flag {
	SOCKET_LISTENS = 1,
	SOCKET_CONNECTED = 2, /* it has a peer, or is about to (connect() that does not wait) */
};

/*
 * Ports in host order. IPv4 and IPv6 addresses in network order; size 0: none. Of a UNIX socket
 * what the kernel keeps of sun_path: a path with its NUL, or a NUL and an abstract name.
 */
struct record_socket {
	__u64 inode; /* the socket's own number, the same for all its descriptors */
	__u16 family;
	__u16 type;	/* SOCK_STREAM … */
	__u16 protocol; /* IPPROTO_TCP, NETLINK_ROUTE … */
	__u8 flags;	/* enum socket_flag */
	__u8 unused;
	__u16 local_port;
	__u16 peer_port;
	__u8 local_size; /* bytes that hold */
	__u8 peer_size;
	__u8 unused2[2];
	union {
		struct {
			__u8 local[SOCKET_IP_MAX];
			__u8 peer[SOCKET_IP_MAX];
		} ip;
		struct { /* AF_UNIX */
			__u8 local[SOCKET_PATH_MAX];
			__u8 peer[SOCKET_PATH_MAX];
		} path;
	};
};

/* Bytes of one of this family: only one of a UNIX socket has a path. */
static inline __u32 record_socket_size(__u16 family)
{
	return __builtin_offsetof(struct record_socket, ip) +
	       (family == 1 ? 2 * SOCKET_PATH_MAX : 2 * SOCKET_IP_MAX);
}

#endif
