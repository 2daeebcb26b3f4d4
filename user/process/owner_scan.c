/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/owner_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/find_word.h"
#include "base/mem.h"
#include "process/peek.h"
#include "process/proc.h"
#include "process/regions.h"
#include "python/owner_layout.h"
#include "python/owner_object.h"
#include "python/owner_types.h"

/* A read, and a piece of work between two looks at the clock. */
#define PIECE_SIZE (256 << 10)

/* A round looks for so many types at once: each costs a comparison a word. */
#define ROUND_TYPES 32

/* The first finds the types, the second the objects; further ones are for late and many types. */
#define ROUNDS_MAX 16

static const struct owner_scan_limits usual = {
	.max_bytes = 16ull << 30,
	.max_types = 1 << 17,
	.max_claims = 1 << 17,
	.max_regions = PROC_MAPPINGS_MAX,
};

/* The C library and the files' data have nearly every type; the memory of objects the rest. */
#define TYPES_KEPT_IN	(REGION_FILE | REGION_BSS | REGION_HEAP)
#define OBJECTS_KEPT_IN (REGION_BSS | REGION_HEAP | REGION_ANON)

struct candidate {
	uint64_t object;
	uint64_t type;
	uint64_t name; /* address of the type's tp_name */
	int32_t fd;
	uint8_t kind;
};

enum phase {
	PHASE_LIST,
	PHASE_SEARCH,
	PHASE_HAND_OUT,
	PHASE_DONE,
};

struct owner_scan {
	pid_t tid; /* the thread whose /proc is read */
	int mem_fd;
	int links_fd; /* /proc/PID/fd */
	struct pages pages;
	const struct owner_layout *owners;
	unsigned int ob_type;
	uint64_t type_at;   /* the word that holds the address of PyType_Type ... */
	uint64_t type_type; /* ... and that address */
	struct owner_scan_limits limits;
	struct owner_scan_progress progress;
	struct regions regions;
	struct owner_types *types;
	enum phase phase;

	/* The round: what is looked for, and where. */
	unsigned int round;
	unsigned int kinds; /* of regions */
	size_t searched;    /* so many of the types found have had a round */
	struct owner_type_found wanted_types[ROUND_TYPES];
	uint64_t wanted[ROUND_TYPES + 1]; /* their addresses, then perhaps that of PyType_Type */
	size_t wanted_count;

	/* The place: of the region, and the piece that was read. */
	size_t region;
	uint64_t at;
	uint64_t *piece;
	uint64_t piece_at;
	size_t piece_size;

	struct candidate *candidates;
	size_t candidate_count, candidate_room, handed_out;
};

static bool read_memory(void *arg, uint64_t address, void *buf, size_t size)
{
	const struct owner_scan *scan = arg;

	return peek_read(scan->mem_fd, address, buf, size);
}

/* What was read with the piece is not read again. */
static bool take_bytes(const struct owner_scan *scan, uint64_t address, void *buf, size_t size)
{
	uint64_t at = address - scan->piece_at;

	if (address < scan->piece_at || at > scan->piece_size || scan->piece_size - at < size)
		return peek_read(scan->mem_fd, address, buf, size);
	memcpy(buf, (const char *)scan->piece + at, size);
	return true;
}

/* The program that the scan began with has its memory still: see peek_open(). */
static bool is_there(const struct owner_scan *scan)
{
	uint64_t type_type;

	return peek_read(scan->mem_fd, scan->type_at, &type_type, sizeof(type_type));
}

static int offer_type(struct owner_scan *scan, uint64_t address)
{
	uint8_t bytes[OWNER_TYPE_SIZE];
	int err;

	if (!take_bytes(scan, address, bytes, sizeof(bytes)))
		return 0;
	err = owner_types_offer(scan->types, address, bytes);
	if (err == -ENOSPC)
		scan->progress.limited = true;
	return err == -ENOSPC ? 0 : err;
}

static int add_candidate(struct owner_scan *scan, const struct candidate *candidate)
{
	if (scan->candidate_count == scan->limits.max_claims) {
		scan->progress.limited = true;
		return 0;
	}
	if (scan->candidate_count == scan->candidate_room) {
		size_t room = scan->candidate_room ? scan->candidate_room * 2 : 64;
		struct candidate *grown =
			reallocarray(scan->candidates, room, sizeof(*scan->candidates));

		if (!grown)
			return -ENOMEM;
		scan->candidates = grown;
		scan->candidate_room = room;
	}
	scan->candidates[scan->candidate_count++] = *candidate;
	return 0;
}

/* This word is the address of an owner's type: of its object, or of a class derived from it. */
static int meet_owner(struct owner_scan *scan, uint64_t address,
		      const struct owner_type_found *type)
{
	struct candidate candidate = {
		.object = address - scan->ob_type,
		.type = type->address,
		.name = type->name,
		.kind = type->kind,
	};
	uint8_t bytes[OWNER_OBJECT_SIZE], flags;
	int err = 0;

	if (take_bytes(scan, candidate.object, bytes, sizeof(bytes)) &&
	    owner_object_claims(scan->owners, type->kind, type->address, bytes, &candidate.fd,
				&flags))
		err = add_candidate(scan, &candidate);
	/* The words beside a class's tp_base may look like an object's, by chance. */
	return err ? err : offer_type(scan, address - owner_types_base_at(scan->types));
}

static int meet_word(struct owner_scan *scan, uint64_t address, uint64_t word)
{
	if (word == scan->type_type)
		return offer_type(scan, address - scan->ob_type);
	for (size_t i = 0; i < ROUND_TYPES; i++) {
		if (scan->wanted_types[i].address == word)
			return meet_owner(scan, address, &scan->wanted_types[i]);
	}
	return 0;
}

static int search_piece(struct owner_scan *scan)
{
	size_t count = scan->piece_size / sizeof(uint64_t), at = 0;
	int err = 0;

	for (; !err; at++) {
		at = find_word(scan->piece, count, at, scan->wanted, scan->wanted_count);
		if (at == count)
			return 0;
		err = meet_word(scan, scan->piece_at + at * sizeof(uint64_t), scan->piece[at]);
	}
	return err;
}

/* What is not mapped any more is passed over. */
static int read_piece(struct owner_scan *scan, uint64_t start, size_t size)
{
	struct iovec local = {scan->piece, size};
	struct iovec remote = {(void *)(uintptr_t)start, size};
	ssize_t got = process_vm_readv(scan->tid, &local, 1, &remote, 1, 0);

	if (got < 0 && errno != EFAULT)
		return -errno;
	scan->piece_at = start;
	scan->piece_size = got < 0 ? 0 : (size_t)got;
	scan->progress.bytes_read += scan->piece_size;
	return 0;
}

/* The next piece of a region. */
static int search_region(struct owner_scan *scan, const struct region *region)
{
	uint64_t start, end;
	int err = 0;

	pages_next(&scan->pages, scan->at, region->end, &start, &end);
	if (end - start > PIECE_SIZE)
		end = start + PIECE_SIZE;
	if (end > start) {
		err = read_piece(scan, start, end - start);
		err = err ? err : search_piece(scan);
	}
	scan->progress.done += end - scan->at;
	if (scan->round == 1) /* each round passes over them again */
		scan->progress.bytes_swapped = scan->pages.swapped * scan->pages.size;
	scan->at = end;
	return err;
}

/* The next region of the round, from its beginning; false: the round is over. */
static bool next_region(struct owner_scan *scan)
{
	while (scan->region < scan->regions.count &&
	       !(scan->regions.list[scan->region].kind & scan->kinds))
		scan->region++;
	if (scan->region == scan->regions.count)
		return false;
	scan->at = scan->regions.list[scan->region].start;
	return true;
}

static void begin_round(struct owner_scan *scan, unsigned int kinds)
{
	scan->kinds = kinds;
	scan->region = 0;
	for (size_t i = 0; i < scan->regions.count; i++) {
		if (scan->regions.list[i].kind & kinds)
			scan->progress.total +=
				scan->regions.list[i].end - scan->regions.list[i].start;
	}
	scan->phase = next_region(scan) ? PHASE_SEARCH : PHASE_HAND_OUT;
}

/* Has the round look for owners' types that none has looked for. False: there are none. */
static bool want_next_types(struct owner_scan *scan)
{
	size_t found_count, count;
	const struct owner_type_found *found = owner_types_found(scan->types, &found_count);

	scan->progress.owner_types = found_count;
	if (found_count == OWNER_TYPES_FOUND_MAX)
		scan->progress.limited = true;
	count = found_count - scan->searched;
	if (count > ROUND_TYPES)
		count = ROUND_TYPES;
	memset(scan->wanted_types, 0, sizeof(scan->wanted_types));
	memcpy(scan->wanted_types, found + scan->searched, count * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		scan->wanted[i] = scan->wanted_types[i].address;
	scan->wanted_count = count;
	scan->searched += count;
	return count > 0;
}

static void next_round(struct owner_scan *scan)
{
	bool more = want_next_types(scan);

	scan->round++;
	/* All memory is searched once for types: a class made by a thread lies anywhere. */
	if (scan->round == 1) {
		scan->wanted[scan->wanted_count++] = scan->type_type;
		scan->pages.swapped = 0;
	} else if (more && scan->round == ROUNDS_MAX) {
		scan->progress.limited = true;
	}
	if (scan->round == 1 || (more && scan->round < ROUNDS_MAX))
		begin_round(scan, OBJECTS_KEPT_IN);
	else
		scan->phase = PHASE_HAND_OUT;
}

static int list(struct owner_scan *scan)
{
	int err = regions_list(scan->tid, scan->limits.max_regions, &scan->regions);

	if (err)
		return err;
	scan->progress.limited |= scan->regions.cut;
	scan->wanted[0] = scan->type_type;
	scan->wanted_count = 1;
	begin_round(scan, TYPES_KEPT_IN);
	return 0;
}

static int search(struct owner_scan *scan)
{
	const struct region *region = &scan->regions.list[scan->region];
	int err = search_region(scan, region);

	if (err)
		return err;
	scan->progress.types = owner_types_count(scan->types);
	if (scan->progress.bytes_read >= scan->limits.max_bytes) {
		scan->progress.limited = true;
		scan->phase = PHASE_HAND_OUT;
		return 0;
	}
	if (scan->at < region->end)
		return 0;
	scan->region++;
	if (!next_region(scan))
		next_round(scan);
	return 0;
}

/* The number is open, and is what such an object may have. A FileIO takes everything. */
static bool is_open_as(const struct owner_scan *scan, const struct candidate *candidate)
{
	static const char *const links[OWNER_TYPES] = {
		[OWNER_FILEIO] = "",
		[OWNER_SOCKET] = "socket:[",
		[OWNER_EPOLL] = "anon_inode:[eventpoll]",
	};
	char name[16], link[32]; /* a longer link is cut: all that matters is how it begins */
	const char *expected = links[candidate->kind];
	size_t length = strlen(expected);
	ssize_t got;

	snprintf(name, sizeof(name), "%d", candidate->fd);
	got = readlinkat(scan->links_fd, name, link, sizeof(link));
	return got >= (ssize_t)length && !memcmp(link, expected, length);
}

/* Reads the object once more; the number's kind comes before, the object has the last word. */
static int hand_out(struct owner_scan *scan, const struct candidate *candidate, owner_claim_fn fn,
		    void *arg)
{
	uint8_t bytes[OWNER_OBJECT_SIZE];
	char name[OWNER_CLAIM_NAME_SIZE];
	struct owner_claim claim = {
		.object = candidate->object,
		.type = candidate->type,
		.kind = candidate->kind,
		.name = name,
	};

	peek_text(scan->mem_fd, candidate->name, name, sizeof(name));
	if (!is_open_as(scan, candidate) ||
	    !peek_read(scan->mem_fd, candidate->object, bytes, sizeof(bytes)) ||
	    !owner_object_claims(scan->owners, candidate->kind, candidate->type, bytes, &claim.fd,
				 &claim.flags) ||
	    claim.fd != candidate->fd)
		return 0;
	scan->progress.claims++;
	return fn(arg, &claim);
}

static int hand_out_next(struct owner_scan *scan, owner_claim_fn fn, void *arg)
{
	if (scan->handed_out == scan->candidate_count) {
		scan->phase = PHASE_DONE;
		return 0;
	}
	return hand_out(scan, &scan->candidates[scan->handed_out++], fn, arg);
}

static int take_step(struct owner_scan *scan, owner_claim_fn fn, void *arg)
{
	switch (scan->phase) {
	case PHASE_LIST:
		return list(scan);
	case PHASE_SEARCH:
		return search(scan);
	case PHASE_HAND_OUT:
		return hand_out_next(scan, fn, arg);
	case PHASE_DONE:
		break;
	}
	return 0;
}

int owner_scan_step(struct owner_scan *scan, uint64_t budget_ns, owner_claim_fn fn, void *arg)
{
	uint64_t begin = clock_boot_ns();
	int err = 0;

	do {
		err = take_step(scan, fn, arg);
		if (err)
			return err;
	} while (scan->phase != PHASE_DONE && clock_boot_ns() - begin < budget_ns);
	/* Without its memory nothing is found, which must not look as if nothing were there. */
	if (!is_there(scan))
		return -ESRCH;
	return scan->phase != PHASE_DONE;
}

void owner_scan_progress(const struct owner_scan *scan, struct owner_scan_progress *ret)
{
	*ret = scan->progress;
}

static int open_links(pid_t tid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd", tid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_process(struct owner_scan *scan, pid_t pid)
{
	int err;

	scan->tid = proc_living_thread(pid);
	if (scan->tid < 0)
		return scan->tid;
	scan->mem_fd = peek_open(scan->tid);
	if (scan->mem_fd < 0)
		return scan->mem_fd;
	scan->links_fd = open_links(scan->tid);
	if (scan->links_fd < 0)
		return scan->links_fd;
	err = pages_open(scan->tid, &scan->pages);
	if (err)
		return err;
	if (!peek_read(scan->mem_fd, scan->type_at, &scan->type_type, sizeof(scan->type_type)))
		return -ESRCH;
	return 0;
}

static void set_limits(struct owner_scan *scan, const struct owner_scan_limits *limits)
{
	scan->limits = limits ? *limits : usual;
	if (!scan->limits.max_bytes)
		scan->limits.max_bytes = usual.max_bytes;
	if (!scan->limits.max_types)
		scan->limits.max_types = usual.max_types;
	if (!scan->limits.max_claims)
		scan->limits.max_claims = usual.max_claims;
	if (!scan->limits.max_regions)
		scan->limits.max_regions = usual.max_regions;
}

static int prepare(struct owner_scan *scan, pid_t pid)
{
	int err = open_process(scan, pid);

	if (err)
		return err;
	scan->piece = malloc(PIECE_SIZE);
	scan->types = owner_types_new(scan->type_type, scan->ob_type, scan->limits.max_types,
				      read_memory, scan);
	return scan->piece && scan->types ? 0 : -ENOMEM;
}

int owner_scan_new(pid_t pid, const struct py_layout *layout, uint64_t code_type,
		   const struct owner_scan_limits *limits, struct owner_scan **ret)
{
	const struct owner_layout *owners = python_owners_of(layout);
	struct owner_scan *scan;
	int err;

	if (!owners)
		return -ENOTSUP;
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return -ENOMEM;
	scan->mem_fd = scan->links_fd = scan->pages.fd = -1;
	scan->owners = owners;
	scan->ob_type = layout->ob_type;
	scan->type_at = code_type + layout->ob_type;
	set_limits(scan, limits);
	err = prepare(scan, pid);
	if (err) {
		owner_scan_free(scan);
		return err;
	}
	*ret = scan;
	return 0;
}

void owner_scan_free(struct owner_scan *scan)
{
	if (!scan)
		return;
	close_fd(scan->mem_fd);
	close_fd(scan->links_fd);
	pages_close(&scan->pages);
	regions_free(&scan->regions);
	owner_types_free(scan->types);
	free(scan->candidates);
	free(scan->piece);
	free(scan);
}
