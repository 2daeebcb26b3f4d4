/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/format_socket.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "report/text/wrap.h"

#define PATH_COLUMNS 60
/* In quotation marks. */
#define SHOWN_SIZE   (PATH_COLUMNS * 4 + 3)

#ifndef IPPROTO_MPTCP /* since Linux 5.6 */
#define IPPROTO_MPTCP 262
#endif

static const char *ip_protocol(const struct record_socket *socket)
{
	if (socket->type == SOCK_RAW)
		return "raw";
	switch (socket->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_MPTCP:
		return "mptcp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	}
	return NULL;
}

static const char *unix_protocol(const struct record_socket *socket)
{
	switch (socket->type) {
	case SOCK_STREAM:
		return "unix";
	case SOCK_DGRAM:
		return "unix dgram";
	case SOCK_SEQPACKET:
		return "unix seqpacket";
	}
	return NULL;
}

static const char *netlink_protocol(const struct record_socket *socket)
{
	static const char *const names[] = {
		[NETLINK_ROUTE] = "netlink route",
		[NETLINK_USERSOCK] = "netlink usersock",
		[NETLINK_FIREWALL] = "netlink firewall",
		[NETLINK_SOCK_DIAG] = "netlink sock_diag",
		[NETLINK_NFLOG] = "netlink nflog",
		[NETLINK_XFRM] = "netlink xfrm",
		[NETLINK_SELINUX] = "netlink selinux",
		[NETLINK_ISCSI] = "netlink iscsi",
		[NETLINK_AUDIT] = "netlink audit",
		[NETLINK_FIB_LOOKUP] = "netlink fib_lookup",
		[NETLINK_CONNECTOR] = "netlink connector",
		[NETLINK_NETFILTER] = "netlink netfilter",
		[NETLINK_KOBJECT_UEVENT] = "netlink kobject_uevent",
		[NETLINK_GENERIC] = "netlink generic",
		[NETLINK_RDMA] = "netlink rdma",
		[NETLINK_CRYPTO] = "netlink crypto",
	};

	return socket->protocol < ARRAY_SIZE(names) ? names[socket->protocol] : NULL;
}

const char *format_protocol(const struct record_socket *socket)
{
	switch (socket->family) {
	case AF_INET:
	case AF_INET6:
		return ip_protocol(socket);
	case AF_UNIX:
		return unix_protocol(socket);
	case AF_NETLINK:
		return netlink_protocol(socket);
	case AF_VSOCK:
		return "vsock";
	}
	return NULL;
}

/* A path ends with its NUL; an abstract name begins with one, and has a length of its own. */
static void unix_address(const uint8_t *bytes, size_t size, char buf[ADDRESS_SIZE])
{
	size_t at = 0;

	if (size && bytes[0] == '@')
		at = stpcpy(buf, "./") - buf;
	for (size_t i = 0; i < size && (bytes[i] || !bytes[0]); i++)
		buf[at++] = bytes[i] ? (char)bytes[i] : '@';
	buf[at] = '\0';
}

const char *format_address(const struct record_socket *socket, bool peer, char buf[ADDRESS_SIZE])
{
	const uint8_t *path = peer ? socket->path.peer : socket->path.local;
	const uint8_t *ip = peer ? socket->ip.peer : socket->ip.local;
	unsigned int size = peer ? socket->peer_size : socket->local_size;
	unsigned int port = peer ? socket->peer_port : socket->local_port;
	char text[INET6_ADDRSTRLEN];

	buf[0] = '\0';
	if (!size)
		return buf;
	switch (socket->family) {
	case AF_UNIX:
		unix_address(path, size, buf);
		break;
	case AF_INET:
		snprintf(buf, ADDRESS_SIZE, "%s:%u", inet_ntop(AF_INET, ip, text, sizeof(text)),
			 port);
		break;
	case AF_INET6:
		snprintf(buf, ADDRESS_SIZE, "[%s]:%u", inet_ntop(AF_INET6, ip, text, sizeof(text)),
			 port);
		break;
	}
	return buf;
}

static const char *shown_address(const struct record_socket *socket, bool peer,
				 char buf[SHOWN_SIZE])
{
	char address[ADDRESS_SIZE], path[PATH_COLUMNS * 4 + 1];

	format_address(socket, peer, address);
	if (!*address)
		return "(unnamed)";
	layout_name(address, PATH_COLUMNS, path, sizeof(path));
	snprintf(buf, SHOWN_SIZE, socket->family == AF_UNIX ? "\"%s\"" : "%s", path);
	return buf;
}

const char *format_socket(const struct record_socket *socket, char buf[WHAT_SIZE])
{
	char local[SHOWN_SIZE], peer[SHOWN_SIZE];
	const char *protocol = format_protocol(socket);

	if (!protocol)
		return NULL;
	if (socket->flags & SOCKET_LISTENS)
		snprintf(buf, WHAT_SIZE, "%s listening on %s", protocol,
			 shown_address(socket, false, local));
	else if (socket->flags & SOCKET_CONNECTED)
		snprintf(buf, WHAT_SIZE, "%s %s -> %s", protocol,
			 shown_address(socket, false, local), shown_address(socket, true, peer));
	else if (socket->local_size)
		snprintf(buf, WHAT_SIZE, "%s bound to %s", protocol,
			 shown_address(socket, false, local));
	else if (socket->family == AF_NETLINK)
		snprintf(buf, WHAT_SIZE, "%s socket", protocol);
	else
		return NULL;
	return buf;
}
