/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/fd_install.h"

#include <string.h>
#include <sys/stat.h>

#include "base/syscalls.h"
#include "fd/fd_kind.h"

struct fd_what installed_what(const struct record_call *call)
{
	switch (call->arg & S_IFMT) {
	case S_IFSOCK:
		return (struct fd_what){.type = FD_SOCKET};
	case S_IFIFO:
		return (struct fd_what){.type = FD_PIPE};
	case S_IFREG:
	case S_IFDIR:
	case S_IFCHR:
	case S_IFBLK:
		return (struct fd_what){.type = FD_FILE};
	}
	/* A call whose end nothing shows, but of which it is known what it makes. */
	if (call->arg & INSTALLED_BY_CALL)
		return (struct fd_what){.type = fd_kind_type(syscall_call(call->nr))};
	return (struct fd_what){.type = FD_UNKNOWN};
}

/* By this thread, since its last call as a whole was told of. */
static bool is_recent(const struct store *store, const struct fd_site *site, uint32_t tid)
{
	return site->missing == SITE_SEEN && site->call == CALL_INSTALLED && site->tid == tid &&
	       store->installed_ns && site->time_ns >= store->installed_ns;
}

struct generation *installed_by(const struct store *store, const struct table *table, int32_t fd,
				const struct record_call *call)
{
	struct slot *slot = slot_find(table, fd);

	if (call->call == CALL_INSTALLED)
		return NULL;
	for (struct generation *gen = slot ? slot->newest : NULL; gen; gen = gen->older)
		if (is_recent(store, &gen->opened, call->h.tid) && gen->opened.nr == call->nr)
			return gen;
	return NULL;
}

static bool is_by_clone(const struct fd_site *site)
{
	const char *name = syscall_name(site->nr);

	return name && (!strcmp(name, "clone") || !strcmp(name, "clone3"));
}

void installed_since_copy(struct store *store, struct table *child, uint32_t tid)
{
	struct slot *slot;

	EACH_SLOT(child, at, slot)
	{
		const struct generation *gen = slot->newest;

		if (gen && is_recent(store, &gen->opened, tid) && is_by_clone(&gen->opened) &&
		    slot_own(slot))
			slot_drop_newest(store, slot);
	}
}
