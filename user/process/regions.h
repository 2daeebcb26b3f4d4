/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where a process keeps its data, and which pages of that are resident.
 *
 * Owns: the list of its mappings of data, and the reading of /proc/PID/pagemap
 * (Documentation/admin-guide/mm/pagemap.rst). Never: touches a page.
 */
#ifndef FDTRACE_PROCESS_REGIONS_H
#define FDTRACE_PROCESS_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum region_kind {
	REGION_FILE = 1 << 0, /* a file's, private: .data */
	REGION_BSS = 1 << 1,  /* nothing's, right behind a file's: .bss */
	REGION_HEAP = 1 << 2, /* brk(2)'s */
	REGION_ANON = 1 << 3, /* any other */
};

struct region {
	uint64_t start; /* addresses; end is the first beyond */
	uint64_t end;
	enum region_kind kind;
};

struct regions {
	struct region *list;
	size_t count, room;
	bool cut; /* there were more than max */
};

/* By address, at most max. The caller frees them, also after an error. 0 or negative errno. */
int regions_list(pid_t pid, size_t max, struct regions *ret);
void regions_free(struct regions *regions);

/* Opens with pages_open(); 0 and NULL otherwise. */
struct pages {
	int fd;
	uint64_t size; /* of a page, bytes */
	uint64_t *entries;
	uint64_t start, end; /* the addresses that entries tell of */
	uint64_t swapped;    /* pages in swap that were passed over */
};

/* Of the program that pid runs now. 0 or negative errno. */
int pages_open(pid_t pid, struct pages *ret);
void pages_close(struct pages *pages);

/*
 * The first stretch of resident pages at or behind from, which is a page's address, and before
 * end: *ret_start to *ret_end. Both are the same where there is none before *ret_end, from where
 * the caller goes on: a call does a bounded work. What it says may be some calls old.
 */
void pages_next(struct pages *pages, uint64_t from, uint64_t end, uint64_t *ret_start,
		uint64_t *ret_end);

#endif
