/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/regions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "process/proc.h"

/* Of one read: 32 MiB in pages of 4 KiB. */
#define ENTRIES 8192

#define PAGE_PRESENT (1ull << 63)
#define PAGE_SWAPPED (1ull << 62)

/* linux/fs.h, Linux 6.7 on: the headers that fdtrace is built with may be older. */
struct page_stretch {
	uint64_t start, end, categories;
};
struct pagemap_scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_PAGEMAP  _IOWR('f', 16, struct pagemap_scan)
#define SCAN_PRESENT  (1 << 3)
#define SCAN_SWAPPED  (1 << 4)
#define SCAN_SPAN_MAX (64ull << 30) /* addresses that one call walks over at most */

struct listing {
	struct regions *regions;
	size_t max;
};

static enum region_kind kind_of_mapping(const struct regions *before,
					const struct proc_mapping *mapping)
{
	const struct region *last = before->count ? &before->list[before->count - 1] : NULL;

	if (mapping->inode)
		return REGION_FILE;
	if (mapping->path && !strcmp(mapping->path, PROC_HEAP))
		return REGION_HEAP;
	return last && last->kind == REGION_FILE && last->end == mapping->start ? REGION_BSS
										: REGION_ANON;
}

static int add_region(void *arg, const struct proc_mapping *mapping)
{
	const struct listing *listing = arg;
	struct regions *regions = listing->regions;

	if (regions->count == listing->max) {
		regions->cut = true;
		return -E2BIG;
	}
	if (mem_grow(&regions->list, &regions->room, regions->count + 1, sizeof(*regions->list)))
		return -ENOMEM;
	regions->list[regions->count] = (struct region){.start = mapping->start,
							.end = mapping->end,
							.kind = kind_of_mapping(regions, mapping)};
	regions->count++;
	return 0;
}

int regions_list(pid_t pid, size_t max, struct regions *ret)
{
	struct listing listing = {.regions = ret, .max = max};
	int err;

	*ret = (struct regions){0};
	err = proc_each_data_mapping(pid, add_region, &listing);
	if (err != -E2BIG)
		return err;
	ret->cut = true; /* by max, or by what proc.h bounds */
	return 0;
}

void regions_free(struct regions *regions)
{
	free(regions->list);
	*regions = (struct regions){0};
}

int pages_open(pid_t pid, struct pages *ret)
{
	char path[32];

	*ret = (struct pages){.size = (uint64_t)sysconf(_SC_PAGESIZE)};
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	ret->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	ret->entries = calloc(ENTRIES, sizeof(*ret->entries));
	if (ret->entries)
		return 0;
	pages_close(ret);
	return -ENOMEM;
}

void pages_close(struct pages *pages)
{
	free(pages->entries);
	close_fd(pages->fd);
	*pages = (struct pages){.fd = -1};
}

/*
 * Where the first page from there on is that is anywhere, as far as one call tells. Older kernels
 * do not tell: a program that reserves terabytes has them read entry by entry.
 */
static uint64_t skip_absent(const struct pages *pages, uint64_t from, uint64_t end)
{
	struct page_stretch first;
	struct pagemap_scan scan = {
		.size = sizeof(scan),
		.start = from,
		.end = end - from < SCAN_SPAN_MAX ? end : from + SCAN_SPAN_MAX,
		.vec = (uintptr_t)&first,
		.vec_len = 1,
		.max_pages = 1,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT,
	};
	int found = ioctl(pages->fd, SCAN_PAGEMAP, &scan);

	if (found < 0)
		return from;
	return found ? first.start : scan.end;
}

/* Has entries tell of what is from there on. False: nothing can be told. */
static bool scan_pages(struct pages *pages, uint64_t from, uint64_t end)
{
	uint64_t count = (end - from) / pages->size;
	ssize_t got;

	if (count > ENTRIES)
		count = ENTRIES;
	got = pread(pages->fd, pages->entries, count * sizeof(*pages->entries),
		    (off_t)(from / pages->size * sizeof(*pages->entries)));
	pages->start = from;
	pages->end = from;
	if (got < (ssize_t)sizeof(*pages->entries))
		return false;
	pages->end += (size_t)got / sizeof(*pages->entries) * pages->size;
	return true;
}

void pages_next(struct pages *pages, uint64_t from, uint64_t end, uint64_t *ret_start,
		uint64_t *ret_end)
{
	uint64_t at = from, last = end;
	const uint64_t *entry;

	if (from < pages->start || from >= pages->end) {
		at = skip_absent(pages, from, end);
		if (at == from && !scan_pages(pages, from, end))
			at = end;
		if (at > from) {
			*ret_start = *ret_end = at;
			return;
		}
	}
	if (last > pages->end)
		last = pages->end;
	entry = &pages->entries[(from - pages->start) / pages->size];
	for (; at < last && !(*entry & PAGE_PRESENT); entry++, at += pages->size)
		pages->swapped += *entry & PAGE_SWAPPED ? 1 : 0;
	*ret_start = at;
	for (; at < last && *entry & PAGE_PRESENT; entry++)
		at += pages->size;
	*ret_end = at;
}
