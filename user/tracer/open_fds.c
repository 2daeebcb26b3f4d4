/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/open_fds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Of more than so many sockets the rest have no addresses. */
#define SOCKETS_MAX 16384

struct sockets {
	struct open_socket *of;
	size_t count, room;
	record_fn feed;
	void *arg;
};

static int keep_open_fd(void *arg, const void *item)
{
	struct sockets *sockets = arg;

	if (sockets->count == SOCKETS_MAX)
		return -E2BIG;
	if (mem_grow(&sockets->of, &sockets->room, sockets->count + 1, sizeof(*sockets->of)))
		return -ENOMEM;
	memcpy(&sockets->of[sockets->count++], item, sizeof(*sockets->of));
	return 0;
}

static int compare_fd(const void *a, const void *b)
{
	const struct open_socket *x = a, *y = b;

	return (x->fd > y->fd) - (x->fd < y->fd);
}

/* "socket:[1234]": the socket that has this number; NULL: not known. */
static const struct record_socket *find_socket(const struct sockets *sockets,
					       const struct record_open_fd *record)
{
	const struct open_socket *found, key = {.fd = record->fd};
	char link[64], expected[64];

	if (record->link_size >= sizeof(link) || !sockets->count)
		return NULL;
	found = bsearch(&key, sockets->of, sockets->count, sizeof(key), compare_fd);
	if (!found)
		return NULL;
	memcpy(link, record->link, record->link_size);
	link[record->link_size] = '\0';
	snprintf(expected, sizeof(expected), "socket:[%" PRIu64 "]", (uint64_t)found->socket.inode);
	return strcmp(link, expected) ? NULL : &found->socket;
}

static int add_socket(void *arg, const struct record_header *record)
{
	const struct record_open_fd *listed = (const void *)record;
	const struct sockets *sockets = arg;
	const struct record_socket *socket;
	union {
		struct record_open_fd record;
		char room[sizeof(struct record_open_fd) + 64 + sizeof(struct record_socket)];
	} buf;
	size_t size;

	socket = record->type == RECORD_OPEN_FD ? find_socket(sockets, listed) : NULL;
	if (!socket)
		return sockets->feed(sockets->arg, record);
	size = record_socket_size(socket->family);
	memcpy(&buf, listed, record->size);
	memcpy(buf.room + record->size, socket, size);
	buf.record.h.size += size;
	return sockets->feed(sockets->arg, &buf.record.h);
}

int open_fds_list(struct ebpf *ebpf, pid_t pid, open_fds_list_fn list, record_fn feed, void *arg)
{
	struct sockets sockets = {.feed = feed, .arg = arg};
	int err;

	/* Without this look, or with a part of it, sockets are known, but not whom they connect. */
	ebpf_each_socket(ebpf, pid, keep_open_fd, &sockets);
	if (sockets.count)
		qsort(sockets.of, sockets.count, sizeof(*sockets.of), compare_fd);
	err = list(pid, ebpf_ring_flags(ebpf), add_socket, &sockets);
	free(sockets.of);
	return err;
}
