/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otel_context.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "process/peek.h"
#include "process/proc.h"

#define SIGNATURE  "OTEL_CTX"
#define VERSION	   2
/* Mappings of that name that are looked at. */
#define PLACES_MAX 8

struct place {
	uint64_t start, end;
};

struct search {
	dev_t memfd_dev;
	struct place wanted; /* of the second round: the message */
	bool found;	     /* it lies in one mapping */
	struct place places[PLACES_MAX];
	size_t count;
};

/* How its name begins, as /proc/PID/maps shows the three ways to make it. */
static bool has_name(const char *path)
{
	static const char *const names[] = {"[anon:OTEL_CTX]", "[anon_shmem:OTEL_CTX]",
					    "/memfd:OTEL_CTX"};

	for (size_t i = 0; path && i < ARRAY_SIZE(names); i++)
		if (!strncmp(path, names[i], strlen(names[i])))
			return true;
	return false;
}

/* No file, or a memfd: to read it never waits for a file system that is the process's own. */
static bool is_memory(const struct search *search, const struct proc_mapping *mapping)
{
	return !mapping->inode ||
	       (search->memfd_dev && mapping->dev_major == major(search->memfd_dev) &&
		mapping->dev_minor == minor(search->memfd_dev));
}

static int look_at_mapping(void *arg, const struct proc_mapping *mapping)
{
	struct search *search = arg;
	const struct place place = {mapping->start, mapping->end};

	if (!is_memory(search, mapping))
		return 0;
	if (search->wanted.end) {
		search->found =
			place.start <= search->wanted.start && search->wanted.end <= place.end;
		return search->found;
	}
	if (has_name(mapping->path))
		search->places[search->count++] = place;
	return search->count == PLACES_MAX;
}

/* That of a place; false: there is none, or it is being changed. */
static bool read_header(int fd, const struct place *place, struct otel_context_header *ret)
{
	return place->end - place->start >= sizeof(*ret) &&
	       peek_read(fd, place->start, ret, sizeof(*ret)) &&
	       !memcmp(ret->signature, SIGNATURE, sizeof(ret->signature)) &&
	       ret->version == VERSION && ret->published_ns && ret->payload_size &&
	       ret->payload_size <= OTEL_CONTEXT_MAX &&
	       ret->payload <= UINT64_MAX - ret->payload_size;
}

/* It lies in memory that may be read. */
static bool may_read(pid_t pid, dev_t memfd_dev, const struct otel_context_header *header)
{
	struct search search = {
		.memfd_dev = memfd_dev,
		.wanted = {header->payload, header->payload + header->payload_size},
	};

	return proc_each_data_mapping(pid, look_at_mapping, &search) >= 0 && search.found;
}

/* What was published in between does not fit its header: then it is not taken. */
static char *read_payload(int fd, const struct place *place,
			  const struct otel_context_header *header)
{
	_cleanup_free_ char *payload = malloc(header->payload_size);
	struct otel_context_header again;

	if (!payload || !peek_read(fd, header->payload, payload, header->payload_size) ||
	    !read_header(fd, place, &again) || memcmp(header, &again, sizeof(again)))
		return NULL;
	return TAKE_PTR(payload);
}

int otel_context_read(pid_t pid, dev_t memfd_dev, char **ret, size_t *ret_size)
{
	struct search search = {.memfd_dev = memfd_dev};
	int err = proc_each_data_mapping(pid, look_at_mapping, &search);
	_cleanup_close_ int fd = -1;

	if (err < 0)
		return err;
	if (!search.count)
		return -ENOENT;
	fd = peek_open(pid);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < search.count; i++) {
		struct otel_context_header header;

		if (!read_header(fd, &search.places[i], &header) ||
		    !may_read(pid, memfd_dev, &header))
			continue;
		*ret = read_payload(fd, &search.places[i], &header);
		*ret_size = header.payload_size;
		return *ret ? 0 : -ENOENT;
	}
	return -ENOENT;
}
