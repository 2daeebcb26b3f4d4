/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The values one after the other, each with a NUL behind it: none of them has one in it. */
static size_t service_key(const struct service *service, char *ret)
{
	size_t size = 0;

	for (size_t i = 0; i < SERVICE_FIELDS; i++) {
		const char *value = service->values[i] ? service->values[i] : "";
		size_t length = strlen(value) + 1;

		if (ret)
			memcpy(ret + size, value, length);
		size += length;
	}
	return size;
}

static void free_row(struct coverage_row *row)
{
	service_free(&row->service);
	free(row);
}

static int copy_service(const struct service *service, struct service *ret)
{
	ret->source = service->source;
	for (size_t i = 0; i < SERVICE_FIELDS; i++) {
		if (!service->values[i])
			continue;
		ret->values[i] = strdup(service->values[i]);
		if (!ret->values[i])
			return -1;
	}
	return 0;
}

/* NULL: no memory. */
static struct coverage_row *row_of(struct coverage *coverage, const struct service *service)
{
	static const struct service none = {.source = SERVICE_NOWHERE};
	size_t size = service_key(service, NULL);
	struct coverage_row *row = calloc(1, sizeof(*row) + size + 1), *found = NULL;
	bool others;

	if (!row)
		return NULL;
	service_key(service, row->key);
	HASH_FIND(hh, coverage->rows, row->key, size, found);
	others = !found && HASH_COUNT(coverage->rows) >= COVERAGE_SERVICES_MAX;
	if (others) {
		service = &none;
		memset(row->key, 0, size + 1);
		row->key[0] = '\1'; /* no value begins so */
		size = 1;
		HASH_FIND(hh, coverage->rows, row->key, size, found);
	}
	if (found) {
		free(row);
		return found;
	}
	row->others = others;
	if (copy_service(service, &row->service)) {
		free_row(row);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, coverage->rows, row->key, size, row);
	if (row->hh.tbl)
		return row;
	free_row(row);
	return NULL;
}

void coverage_watch(struct coverage_watch *watch, uint64_t now_ns, uint64_t calls)
{
	*watch = (struct coverage_watch){.since_ns = now_ns, .calls = calls};
}

void coverage_add(struct coverage *coverage, const struct service *service,
		  struct coverage_watch *watch, uint64_t now_ns, uint64_t calls)
{
	struct coverage_row *row;

	if (!watch->since_ns)
		return;
	row = row_of(coverage, service);
	if (row) {
		row->processes += !watch->counted;
		row->full_ns += now_ns > watch->since_ns ? now_ns - watch->since_ns : 0;
		row->calls += calls > watch->calls ? calls - watch->calls : 0;
	}
	coverage->missing += !row;
	watch->counted = true;
	watch->since_ns = now_ns;
	watch->calls = calls;
}

void coverage_add_finding(struct coverage *coverage, const struct service *service)
{
	struct coverage_row *row = row_of(coverage, service);

	if (row)
		row->findings++;
	coverage->missing += !row;
}

void coverage_clear(struct coverage *coverage)
{
	struct coverage_row *row = NULL, *next = NULL;

	HASH_ITER (hh, coverage->rows, row, next) {
		HASH_DEL(coverage->rows, row);
		free_row(row);
	}
	coverage->missing = 0;
}
