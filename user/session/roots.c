/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "session/roots.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

/* Calls remembered: of a finding at most three. */
#define ROOTS_MAX 8192

/* One call of a process: no thread makes two at one time. */
struct call_key {
	uint64_t time_ns;
	uint32_t tgid, tid;
	int32_t fd;
	uint32_t zero; /* no byte of a key is left to chance */
};

struct rooted {
	struct call_key key;
	struct root root;
	UT_hash_handle hh;
};

struct roots {
	struct rooted *all; /* the oldest first */
	uint64_t ids;	    /* given out */
};

int roots_new(struct roots **ret_roots)
{
	*ret_roots = calloc(1, sizeof(**ret_roots));
	return *ret_roots ? 0 : -ENOMEM;
}

void roots_free(struct roots *roots)
{
	struct rooted *rooted, *next;

	if (!roots)
		return;
	HASH_ITER (hh, roots->all, rooted, next) {
		HASH_DEL(roots->all, rooted);
		free(rooted);
	}
	free(roots);
}

static struct call_key call_key_of(const struct fd_site *site, int32_t fd)
{
	return (struct call_key){
		.time_ns = site->time_ns, .tgid = site->tgid, .tid = site->tid, .fd = fd};
}

static struct rooted *find_rooted(const struct roots *roots, const struct fd_site *site, int32_t fd)
{
	struct call_key key = call_key_of(site, fd);
	struct rooted *rooted = NULL;

	if (site_seen(site))
		HASH_FIND(hh, roots->all, &key, sizeof(key), rooted);
	return rooted;
}

static struct root root_of(const struct roots *roots, const struct finding *finding)
{
	const struct rooted *rooted = NULL;

	/* Of an open one it is not known which close came before, unless the number was taken. */
	if (finding->attribution != ATTRIBUTION_OPEN ||
	    finding->proofs & (PROOF_BEHIND | PROOF_STOLEN))
		rooted = find_rooted(roots, &finding->closed, finding->fd);
	if (!rooted)
		rooted = find_rooted(roots, &finding->bad, finding->fd);
	return rooted ? rooted->root : (struct root){0};
}

/* Without memory it is as if it had been forgotten. */
static void add_rooted(struct roots *roots, const struct fd_site *site, int32_t fd,
		       const struct root *root)
{
	struct rooted *rooted, *oldest = roots->all;

	if (!site_seen(site) || find_rooted(roots, site, fd))
		return;
	if (HASH_COUNT(roots->all) >= ROOTS_MAX) {
		HASH_DEL(roots->all, oldest);
		free(oldest);
	}
	rooted = calloc(1, sizeof(*rooted));
	if (!rooted)
		return;
	rooted->key = call_key_of(site, fd);
	rooted->root = *root;
	HASH_ADD(hh, roots->all, key, sizeof(rooted->key), rooted);
}

static void add_calls(struct roots *roots, const struct finding *finding, const struct root *root)
{
	add_rooted(roots, &finding->bad, finding->fd, root);
	if (finding->victim.known)
		add_rooted(roots, &finding->victim.failed, finding->fd, root);
	/* It was closed too early: whatever else fails for that is the same bug. */
	if (finding->kind == FINDING_USE_AFTER_CLOSE)
		add_rooted(roots, &finding->closed, finding->fd, root);
}

void roots_trace(struct roots *roots, struct finding_view *view, struct root *root)
{
	view->id = ++roots->ids;
	*root = root_of(roots, view->finding);
	view->caused_by = root->id;
	view->bug = root->bug;
	if (!root->id) {
		root->id = view->id;
		finding_bug(view, root->bug);
	}
	add_calls(roots, view->finding, root);
}
