/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/socket_record.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

_Static_assert(sizeof(struct record_socket) == 240, "records are a contract");

/* Of these families alone something is told. */
static size_t address_max(uint16_t family)
{
	switch (family) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return SOCKET_IP_MAX;
	case AF_UNIX:
		return SOCKET_PATH_MAX;
	}
	return 0;
}

/* None, or a whole one. */
static bool size_valid(uint16_t family, size_t size)
{
	size_t max = address_max(family);

	return family == AF_UNIX ? size <= max : !size || size == max;
}

bool socket_valid(const void *bytes, size_t size)
{
	struct record_socket socket = {0};

	if (size < record_socket_size(AF_INET) || size > sizeof(socket))
		return false;
	memcpy(&socket, bytes, size);
	return size == record_socket_size(socket.family) && socket.inode &&
	       size_valid(socket.family, socket.local_size) &&
	       size_valid(socket.family, socket.peer_size);
}

bool socket_of_open_fd(const struct record_open_fd *record, struct record_socket *ret)
{
	size_t size = record->h.size - sizeof(*record) - record->link_size;
	const char *bytes = record->link + record->link_size;

	if (!socket_valid(bytes, size))
		return false;
	*ret = (struct record_socket){0};
	memcpy(ret, bytes, size);
	return true;
}

bool socket_of_call(const struct record_call *call, struct record_socket *ret)
{
	switch (call->call) {
	case CALL_INSTALLED:
		if ((call->arg & S_IFMT) != S_IFSOCK)
			return false;
		break;
	case CALL_SOCKET:
	case CALL_ACCEPT:
	case CALL_ACCEPT4:
	case CALL_ADDRESSED:
		break;
	default:
		return false;
	}
	*ret = (struct record_socket){0};
	if (socket_valid(call->name, call->name_size))
		memcpy(ret, call->name, call->name_size);
	return true;
}
