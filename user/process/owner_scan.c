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

/*
 * The first looks into the files' data for types alone, the second everywhere for objects and for
 * types; further ones are for objects that lie before their type, and for many types.
 */
#define ROUNDS_MAX 16

static const struct owner_scan_limits usual = {
	.max_bytes = 16ull << 30,
	.max_types = 1 << 17,
	.max_claims = 1 << 17,
	.max_regions = PROC_MAPPINGS_MAX,
};

#define FILES_DATA	(REGION_FILE | REGION_BSS)
#define OBJECTS_KEPT_IN (REGION_BSS | REGION_HEAP | REGION_ANON)
#define TO_THE_END	UINT64_MAX

struct candidate {
	uint64_t object;
	uint64_t type;
	uint64_t name; /* address of the type's tp_name */
	int32_t fd;
	uint8_t kind;
};

/* Whose objects a round looks for, below an address: the others have been looked for. */
struct wanted_type {
	struct owner_type_found type;
	uint64_t end;
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

	/* Of each of the owners' types that are known: where its objects are yet to be looked for.
	 */
	uint64_t unsearched_end[OWNER_TYPES_FOUND_MAX]; /* 0: nowhere */
	size_t known;

	/* The round: what is looked for, and where. */
	unsigned int round;
	unsigned int kinds;   /* of regions */
	uint64_t round_end;   /* it ends at this address */
	uint64_t round_began; /* so much had been done then */
	uint64_t again; /* bytes of it that are to be passed over once more, as total has it */
	struct wanted_type wanted_types[ROUND_TYPES];
	size_t type_count;
	uint64_t wanted[ROUND_TYPES + 1]; /* their addresses, and perhaps that of PyType_Type */
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

static bool read_scanned_memory(void *arg, uint64_t address, void *buf, size_t size)
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
	if (mem_grow(&scan->candidates, &scan->candidate_room, scan->candidate_count + 1,
		     sizeof(*scan->candidates)))
		return -ENOMEM;
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
	for (size_t i = 0; i < scan->type_count; i++) {
		const struct wanted_type *wanted = &scan->wanted_types[i];

		if (wanted->type.address == word)
			return address < wanted->end ? meet_owner(scan, address, &wanted->type) : 0;
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

static void want_type(struct owner_scan *scan, const struct owner_type_found *type, uint64_t end)
{
	scan->wanted_types[scan->type_count++] = (struct wanted_type){*type, end};
	scan->wanted[scan->wanted_count++] = type->address;
}

/* A round that goes to the end may look for one more from its place on; the rest is for a next. */
static uint64_t want_from_here(struct owner_scan *scan, const struct owner_type_found *type)
{
	uint64_t passed = scan->progress.done - scan->round_began;

	if (!scan->round || scan->round_end != TO_THE_END || scan->type_count == ROUND_TYPES)
		return TO_THE_END;
	want_type(scan, type, TO_THE_END);
	scan->progress.total += passed - scan->again;
	scan->again = passed;
	return scan->at;
}

/* Owners' types that the last piece has made known. */
static void take_new_types(struct owner_scan *scan)
{
	size_t count;
	const struct owner_type_found *found = owner_types_found(scan->types, &count);

	for (; scan->known < count; scan->known++)
		scan->unsearched_end[scan->known] = want_from_here(scan, &found[scan->known]);
	scan->progress.types = owner_types_count(scan->types);
	scan->progress.owner_types = count;
	scan->progress.limited |= count == OWNER_TYPES_FOUND_MAX;
}

/* So far the round goes in this region. */
static uint64_t region_round_end(const struct owner_scan *scan, const struct region *region)
{
	return region->end < scan->round_end ? region->end : scan->round_end;
}

/* The next piece of a region. */
static int search_region(struct owner_scan *scan, const struct region *region)
{
	uint64_t start, end;
	int err = 0;

	pages_next(&scan->pages, scan->at, region_round_end(scan, region), &start, &end);
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
	take_new_types(scan);
	return err;
}

static bool is_of_round(const struct owner_scan *scan, const struct region *region)
{
	return region->kind & scan->kinds && region->start < scan->round_end;
}

/* The next region of the round, from its beginning; false: the round is over. */
static bool next_region(struct owner_scan *scan)
{
	while (scan->region < scan->regions.count &&
	       !is_of_round(scan, &scan->regions.list[scan->region]))
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
	scan->round_began = scan->progress.done;
	for (size_t i = 0; i < scan->regions.count; i++) {
		const struct region *region = &scan->regions.list[i];

		if (is_of_round(scan, region))
			scan->progress.total += region_round_end(scan, region) - region->start;
	}
	scan->progress.total -= scan->again;
	scan->again = 0;
	scan->phase = next_region(scan) ? PHASE_SEARCH : PHASE_HAND_OUT;
}

/* Has the next round look for what none has looked for. False: there is nothing. */
static bool want_unsearched(struct owner_scan *scan)
{
	size_t count;
	const struct owner_type_found *found = owner_types_found(scan->types, &count);

	scan->type_count = scan->wanted_count = 0;
	scan->round_end = 0;
	for (size_t i = 0; i < scan->known && scan->type_count < ROUND_TYPES; i++) {
		if (!scan->unsearched_end[i])
			continue;
		want_type(scan, &found[i], scan->unsearched_end[i]);
		if (scan->round_end < scan->unsearched_end[i])
			scan->round_end = scan->unsearched_end[i];
		scan->unsearched_end[i] = 0;
	}
	return scan->type_count > 0;
}

static void next_round(struct owner_scan *scan)
{
	bool more = want_unsearched(scan);

	scan->round++;
	/* All memory is searched once for types, too: a class may lie anywhere. */
	if (scan->round == 1) {
		scan->wanted[scan->wanted_count++] = scan->type_type;
		scan->round_end = TO_THE_END;
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
	scan->round_end = TO_THE_END;
	begin_round(scan, FILES_DATA);
	return 0;
}

static int search(struct owner_scan *scan)
{
	const struct region *region = &scan->regions.list[scan->region];
	int err = search_region(scan, region);

	if (err)
		return err;
	if (scan->progress.bytes_read >= scan->limits.max_bytes) {
		scan->progress.limited = true;
		scan->phase = PHASE_HAND_OUT;
		return 0;
	}
	if (scan->at < region_round_end(scan, region))
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

static void set_scan_limits(struct owner_scan *scan, const struct owner_scan_limits *limits)
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
				      read_scanned_memory, scan);
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
	set_scan_limits(scan, limits);
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
	/* Another's memory, which is not left lying in ours: nor does a search of ours find it. */
	if (scan->piece)
		explicit_bzero(scan->piece, PIECE_SIZE);
	free(scan->piece);
	free(scan);
}
