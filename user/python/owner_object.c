/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/owner_object.h"

#include <string.h>

/* Address families are numbered from 1 on (AF_UNIX); Linux has not got 64 of them. */
#define FAMILY_MAX 63

/* Where the references are counted in a free-threaded build: Include/object.h, struct _object. */
#define FREE_LOCAL_AT  12
#define FREE_SHARED_AT 16

static bool is_free_threaded(const struct owner_layout *owners)
{
	return owners->fd[OWNER_FILEIO] >= OBJECT_HEAD_FREE;
}

/*
 * 0 or less: it cannot be an owner. The count is the low half of a word, whose upper quarter 3.14
 * uses for flags; what is between is zero, and is not if the word is a pointer.
 */
static int64_t references(const struct owner_layout *owners, const uint8_t *bytes)
{
	uint64_t word;
	uint32_t count;
	int64_t shared;

	if (!is_free_threaded(owners)) {
		memcpy(&word, bytes, sizeof(word));
		return word >> 32 & 0xffff ? 0 : (uint32_t)word;
	}
	memcpy(&count, bytes + FREE_LOCAL_AT, sizeof(count));
	memcpy(&shared, bytes + FREE_SHARED_AT, sizeof(shared));
	return count + (shared >> 2); /* two bits below are flags */
}

/*
 * A word of the stack that happens to be a type's address has two others beside it: a small
 * number behind it would be a socket of family 0, which no socket is. Modules/socketmodule.h:
 * sock_family comes right behind sock_fd.
 */
static bool has_family(const struct owner_layout *owners, const uint8_t *bytes)
{
	int32_t family;

	memcpy(&family, bytes + owners->fd[OWNER_SOCKET] + sizeof(int32_t), sizeof(family));
	return family > 0 && family <= FAMILY_MAX;
}

static uint8_t flags_of(const struct owner_layout *owners, enum owner_type kind,
			const uint8_t *bytes)
{
	if (kind != OWNER_FILEIO)
		return OWNER_CLOSES;
	return (bytes[owners->closefd_at] & owners->closefd_mask ? OWNER_CLOSES : 0) |
	       (bytes[owners->finalizing_at] ? OWNER_FINALIZING : 0);
}

bool owner_object_claims(const struct owner_layout *owners, enum owner_type kind, uint64_t type,
			 const uint8_t bytes[OWNER_OBJECT_SIZE], int32_t *ret_fd,
			 uint8_t *ret_flags)
{
	int64_t count = references(owners, bytes);
	uint64_t has_type;

	/* ob_type ends the header. */
	memcpy(&has_type, bytes + owners->fd[kind] - sizeof(has_type), sizeof(has_type));
	memcpy(ret_fd, bytes + owners->fd[kind], sizeof(*ret_fd));
	*ret_flags = flags_of(owners, kind, bytes);
	return has_type == type && count > 0 && count <= INT32_MAX && *ret_fd >= 0 &&
	       *ret_flags & OWNER_CLOSES && (kind != OWNER_SOCKET || has_family(owners, bytes));
}
