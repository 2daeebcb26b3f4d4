/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/run.h"

#include <stdlib.h>

#include "base/mem.h"
#include "fd/pending.h"

/* A run in disorder goes on while one of so many closes fails. */
#define ONE_FAILS_OF 4

/* At many places means at so many, or more. */
#define MANY_PLACES 4

bool run_is_sweep(const struct run *run)
{
	if (run->disorder)
		return run->blind >= run->limits->sweep;
	if (run->longest < run->limits->sweep || !run->failed)
		return false;
	return run->blind || 2 * run->unseen >= run->failed;
}

static bool is_site(const struct run *run, uint64_t stack_id)
{
	return stack_id == run->stack_id || !run->other_stack_id || stack_id == run->other_stack_id;
}

/* It is the next number, or one not far from it, in the direction of the run. */
static bool is_in_order(const struct run *run, const struct record_call *call)
{
	int64_t distance = (int64_t)call->fd - run->last;
	unsigned int reach = call->stack_id == run->stack_id ? run->limits->sweep : 1;

	if (run->disorder || (run->step && (distance > 0) != (run->step > 0)))
		return false;
	return llabs(distance) <= reach;
}

bool run_continues(const struct run *run, const struct record_call *call)
{
	if (call->h.tgid != run->tgid || call->table != run->table ||
	    !is_site(run, call->stack_id) || call->fd == run->last)
		return false;
	if (is_in_order(run, call))
		return true;
	if (!call->stack_id || !run->stack_id)
		return false;
	/* What was a sweep in order is over: what else the site closes is no part of it. */
	if (!run->disorder && run_is_sweep(run))
		return false;
	return ONE_FAILS_OF * run->failed >= run->closes;
}

void run_extend(struct run *run, const struct record_call *call)
{
	bool same_site = call->stack_id == run->stack_id;

	if (run->closes && !is_in_order(run, call))
		run->disorder = true;
	if (run->closes)
		run->step = call->fd > run->last ? 1 : -1;
	if (same_site && run->closes && call->fd - run->last == run->step)
		run->stretch++;
	else
		run->stretch = 1;
	if (run->stretch > run->longest)
		run->longest = run->stretch;
	if (!same_site) {
		run->other_stack_id = run->stack_id;
		run->stack_id = call->stack_id;
	}
	run->closes++;
	run->last = call->fd;
	run->last_ns = call->h.time_ns;
}

void run_failed(struct run *run, const struct verdict *verdict)
{
	int32_t fd = verdict->finding.fd;

	if (!run->failed) {
		run->lowest = run->highest = fd;
		run->site = verdict->finding.bad;
	}
	if (fd < run->lowest)
		run->lowest = fd;
	if (fd > run->highest)
		run->highest = fd;
	run->failed++;
	run->blind += verdict->evidence == EVIDENCE_BLIND;
	run->unseen += verdict->evidence != EVIDENCE_OWN;
}

void run_sweep(const struct run *run, struct finding *ret)
{
	const struct fd_site none = {.missing = SITE_NOT_APPLICABLE};

	*ret = (struct finding){
		.certainty = CERTAINTY_FACT,
		.culprit = CULPRIT_UNKNOWN,
		.tgid = run->tgid,
		.fd = run->lowest,
		.last_fd = run->highest,
		.calls = run->failed,
		.table = run->table,
		.bad = run->site,
		.closed = none,
		.opened = none,
		.notes = run->notes,
	};
	finding_set_kind(ret, FINDING_CLOSE_SWEEP);
}

/* The severity of runs that are no sweeps */

/* os.close() was called with a number that had been closed: no object did that to its own. */
static bool is_number_closed_twice(const struct pending_finding *member)
{
	const struct finding *f = &member->finding;

	return member->finds && f->kind == FINDING_DOUBLE_CLOSE &&
	       f->bad.origin == ORIGIN_OS_CLOSE && site_seen(&f->closed);
}

/* The object that owned what had been there had closed it. */
static bool closed_by_owner(const struct pending_finding *member)
{
	enum site_origin origin = member->finding.closed.origin;

	return member->settled || origin == ORIGIN_METHOD || origin == ORIGIN_FINALIZER;
}

typedef uint64_t (*place_fn)(const struct pending_finding *member);

static uint64_t place_opened(const struct pending_finding *member)
{
	return site_seen(&member->finding.opened) ? member->finding.opened.stack_id : 0;
}

static uint64_t place_closed(const struct pending_finding *member)
{
	return member->finding.closed.stack_id;
}

/* How many of the members have this place. */
static uint32_t count_at(const struct run *run, place_fn place, uint64_t stack_id)
{
	uint32_t count = 0;

	for (const struct pending_finding *m = run->members; m; m = m->run_next)
		count += is_number_closed_twice(m) && place(m) == stack_id;
	return count;
}

/* The members have many places, and none is that of more than half of them. */
static bool are_many(const struct run *run, place_fn place, uint32_t members)
{
	uint64_t seen[MANY_PLACES] = {0}, frequent = 0;
	unsigned int places = 0, i;
	int lead = 0;

	for (const struct pending_finding *m = run->members; m; m = m->run_next) {
		uint64_t at = is_number_closed_twice(m) ? place(m) : 0;

		if (!at)
			continue;
		/* If a place has more than half, it leads at the end. */
		if (!lead)
			frequent = at;
		lead += at == frequent ? 1 : -1;
		for (i = 0; i < places && seen[i] != at; i++)
			;
		if (i == places && places < ARRAY_SIZE(seen))
			seen[places++] = at;
	}
	return places == MANY_PLACES && 2 * count_at(run, place, frequent) <= members;
}

/* What the loop closed was hardly its own (see above). */
static bool is_over_others(const struct run *run)
{
	uint32_t members = 0, owned = 0, listings = 0;

	if (!run->stack_id)
		return false;
	if (run->blind >= 2 && 2 * run->blind >= run->failed)
		return true;
	for (const struct pending_finding *m = run->members; m; m = m->run_next) {
		members += is_number_closed_twice(m);
		owned += is_number_closed_twice(m) && closed_by_owner(m);
		listings += !!(m->finding.notes & NOTE_LISTING);
	}
	if (listings)
		return true;
	if (members < run->limits->sweep || 2 * run->failed < run->closes)
		return false;
	if (4 * (owned + run->blind) >= 3 * run->failed)
		return true;
	if (count_at(run, place_closed, run->stack_id) ||
	    (run->other_stack_id && count_at(run, place_closed, run->other_stack_id)))
		return false;
	return are_many(run, place_opened, members) && are_many(run, place_closed, members);
}

void run_weigh(const struct run *run)
{
	if (!is_over_others(run))
		return;
	for (struct pending_finding *m = run->members; m; m = m->run_next) {
		if (!is_number_closed_twice(m) || m->finding.severity == SEVERITY_INFO)
			continue;
		m->finding.severity = SEVERITY_INFO;
		m->finding.notes |= NOTE_LOOP;
	}
}
