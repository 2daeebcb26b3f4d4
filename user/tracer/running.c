/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/running.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* an element that could not be added has hh.tbl == NULL */
#include <uthash.h>

struct running {
	pid_t pid;
	struct file_version file;
	UT_hash_handle hh;
};

static struct running *find_running(struct running *running, pid_t pid)
{
	struct running *found;

	HASH_FIND_INT(running, &pid, found);
	return found;
}

void running_set(struct running **running, pid_t pid, const struct file_version *file)
{
	struct running *entry = find_running(*running, pid);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return;
		entry->pid = pid;
		HASH_ADD_INT(*running, pid, entry);
		if (!entry->hh.tbl) {
			free(entry);
			return;
		}
	}
	entry->file = *file;
}

const struct file_version *running_file(struct running *running, pid_t pid)
{
	const struct running *found = find_running(running, pid);

	return found ? &found->file : NULL;
}

void running_ended(struct running **running, pid_t pid)
{
	struct running *found = find_running(*running, pid);

	if (!found)
		return;
	HASH_DEL(*running, found);
	free(found);
}

void running_free(struct running **running)
{
	struct running *entry, *next;

	HASH_ITER (hh, *running, entry, next) {
		HASH_DEL(*running, entry);
		free(entry);
	}
}
