/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/earlier_owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "process/owner_scan.h"

/* A process is searched at once, before anything else is done, unless it takes too much. */
#define FIRST_BYTES   (64u << 20)
#define FIRST_NS      1000000000ull
/* So long at a time; the first steps, and those between the records. */
#define FIRST_STEP_NS 20000000ull
#define STEP_NS	      3000000ull

struct search {
	struct search *next;
	struct owner_scan *scan;
	pid_t pid;
	uint64_t program;
	uint64_t begun_ns; /* what is found claims its number since then at the latest */
};

struct earlier_owners {
	struct ebpf *ebpf;
	uint64_t max_bytes;
	record_fn feed;
	void *feed_arg;
	struct search *searches; /* the first to come first */
	uint64_t passed;	 /* bytes of those that ended while others went on */
	const char *missed;
};

int earlier_owners_new(struct ebpf *ebpf, uint64_t max_bytes, record_fn feed, void *feed_arg,
		       struct earlier_owners **ret)
{
	struct earlier_owners *earlier = calloc(1, sizeof(*earlier));

	if (!earlier)
		return -ENOMEM;
	earlier->ebpf = ebpf;
	earlier->max_bytes = max_bytes;
	earlier->feed = feed;
	earlier->feed_arg = feed_arg;
	*ret = earlier;
	return 0;
}

static void drop_scan(struct earlier_owners *earlier, struct search *search)
{
	struct owner_scan_progress progress;

	owner_scan_progress(search->scan, &progress);
	LL_DELETE(earlier->searches, search);
	earlier->passed = earlier->searches ? earlier->passed + progress.total : 0;
	owner_scan_free(search->scan);
	free(search);
}

void earlier_owners_free(struct earlier_owners *earlier)
{
	if (!earlier)
		return;
	while (earlier->searches)
		drop_scan(earlier, earlier->searches);
	free(earlier);
}

/* What Python calls the object's type, as the kernel side tells it of others. */
static int feed_owner_type(struct earlier_owners *earlier, pid_t pid,
			   const struct owner_claim *claim)
{
	size_t size = strlen(claim->name);
	_cleanup_free_ struct record_owner_type *record = NULL;

	record = calloc(1, sizeof(*record) + size);
	if (!record)
		return -ENOMEM;
	record_own(&record->h, RECORD_OWNER_TYPE, sizeof(*record) + size, pid, clock_boot_ns());
	record->type = claim->type;
	record->kind = claim->kind;
	record->name_size = size;
	memcpy(record->name, claim->name, size);
	return earlier->feed(earlier->feed_arg, &record->h);
}

struct finder {
	struct earlier_owners *earlier;
	const struct search *search;
};

static int found(void *arg, const struct owner_claim *owner)
{
	const struct finder *finder = arg;
	const struct search *search = finder->search;
	const struct claim claim = {
		.object = owner->object,
		.type = owner->type,
		.since_ns = search->begun_ns,
		.kind = owner->kind,
		.flags = CLAIM_BEFORE,
	};
	int err = feed_owner_type(finder->earlier, search->pid, owner);

	/* What does not fit into the map stays unknown, as any other's. */
	if (!err)
		ebpf_add_claim(finder->earlier->ebpf, search->pid, search->program, owner->fd,
			       &claim);
	return err;
}

static void note_missed(struct earlier_owners *earlier, const struct search *search, int err)
{
	struct owner_scan_progress progress;

	owner_scan_progress(search->scan, &progress);
	if (progress.limited)
		earlier->missed = "all Python objects that were made before fdtrace attached: a "
				  "process has more memory than is searched for them "
				  "(--heap-scan-limit)";
	else if (progress.bytes_swapped)
		earlier->missed = "Python objects that were made before fdtrace attached and lay "
				  "in swapped-out memory";
	else if (err < 0 && err != -ESRCH)
		earlier->missed = "Python objects that were made before fdtrace attached: the "
				  "memory of a process could not be read";
}

/* False: it is over, and gone. */
static bool step(struct earlier_owners *earlier, struct search *search, uint64_t budget_ns)
{
	struct finder finder = {earlier, search};
	int more = owner_scan_step(search->scan, budget_ns, found, &finder);

	if (more > 0)
		return true;
	note_missed(earlier, search, more);
	drop_scan(earlier, search);
	return false;
}

static void search_at_once(struct earlier_owners *earlier, struct search *search)
{
	uint64_t end = search->begun_ns + FIRST_NS;
	struct owner_scan_progress progress;

	while (step(earlier, search, FIRST_STEP_NS)) {
		owner_scan_progress(search->scan, &progress);
		if (progress.bytes_read > FIRST_BYTES || clock_boot_ns() >= end)
			return;
	}
}

static int begin_scan(struct earlier_owners *earlier, struct search *search,
		      const struct python_runtime *runtime, uint64_t bias)
{
	const struct owner_scan_limits limits = {.max_bytes = earlier->max_bytes};
	int err = owner_scan_new(search->pid, &runtime->layout, runtime->code_type + bias, &limits,
				 &search->scan);

	if (!err)
		LL_APPEND(earlier->searches, search);
	else if (err != -ENOTSUP && err != -ESRCH)
		earlier->missed = "Python objects that were made before fdtrace attached: the "
				  "memory of a process could not be read";
	return err;
}

void earlier_owners_search(struct earlier_owners *earlier, pid_t pid, uint64_t program,
			   const struct python_runtime *runtime, uint64_t bias)
{
	struct search *search = calloc(1, sizeof(*search));

	if (!search)
		return;
	search->pid = pid;
	search->program = program;
	search->begun_ns = clock_boot_ns();
	if (begin_scan(earlier, search, runtime, bias))
		free(search);
	else
		search_at_once(earlier, search);
}

bool earlier_owners_step(struct earlier_owners *earlier)
{
	if (earlier->searches)
		step(earlier, earlier->searches, STEP_NS);
	return earlier->searches;
}

void earlier_owners_progress(const struct earlier_owners *earlier, struct earlier_progress *ret)
{
	*ret = (struct earlier_progress){.done = earlier->passed, .total = earlier->passed};
	for (const struct search *search = earlier->searches; search; search = search->next) {
		struct owner_scan_progress progress;

		owner_scan_progress(search->scan, &progress);
		ret->done += progress.done;
		ret->total += progress.total;
	}
}

const char *earlier_owners_missed(const struct earlier_owners *earlier)
{
	if (earlier->searches && !earlier->missed)
		return "Python objects that were made before fdtrace attached: the search for "
		       "them was not over";
	return earlier->missed;
}
