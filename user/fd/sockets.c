/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/sockets.h"

#include <string.h>

#include "base/socket_record.h"

static struct text *socket_text(struct store *store, const struct record_socket *socket)
{
	return text_new(store, (const void *)socket, record_socket_size(socket->family));
}

struct text *text_of_call(struct store *store, const struct record_call *call, enum fd_type type)
{
	struct record_socket socket;

	if (!call->name_size)
		return NULL;
	if (socket_of_call(call, &socket))
		return socket.inode ? socket_text(store, &socket) : NULL;
	/* socketpair() has no name; a recording may hold anything. */
	return type == FD_SOCKET ? NULL : text_new(store, call->name, call->name_size);
}

struct text *text_of_what(struct store *store, const struct fd_what *what)
{
	const char *path = what_path(what);

	if (what_socket(what))
		return socket_text(store, what_socket(what));
	return path ? text_new(store, path, strlen(path)) : NULL;
}

void socket_addressed(struct table *table, const struct record_call *call)
{
	struct slot *slot = call->fd < 0 ? NULL : slot_find(table, call->fd);
	struct record_socket now;

	if (!slot || !socket_of_call(call, &now) || !now.inode)
		return;
	for (struct generation *gen = slot->newest; gen; gen = gen->older) {
		const struct record_socket *known = what_socket(&gen->what);

		if (!known || known->inode != now.inode || known->family != now.family)
			continue;
		memcpy(text_of(gen)->bytes, &now, text_of(gen)->size);
		break;
	}
}
