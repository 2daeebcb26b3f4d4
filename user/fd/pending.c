/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/generation.h"
#include "fd/suspects.h"

/* The limits: members kept of one run, pending findings in all, and runs at once. */
#define RUN_PENDING_MAX 4096
#define PENDING_MAX	16384
#define RUNS_MAX	4096

/* What began to wait at since_ns has waited for the settle time. */
static bool is_due(const struct pending *pending, uint64_t since_ns, uint64_t now_ns)
{
	return now_ns == UINT64_MAX ||
	       (now_ns >= since_ns && now_ns - since_ns >= pending->store->limits.settle_ns);
}

/* Something has begun to wait at since_ns: pending.due comes no later than its end. */
static void set_due(struct pending *pending, uint64_t since_ns)
{
	uint64_t due = since_ns + pending->store->limits.settle_ns;

	if (due < pending->due)
		pending->due = due;
}

static void pending_finding_free(struct pending *pending, struct pending_finding *entry)
{
	text_unref(pending->store, entry->text);
	text_unref(pending->store, entry->victim_text);
	for (unsigned int i = 0; i < FINDING_CANDIDATES; i++)
		text_unref(pending->store, entry->candidate_texts[i]);
	pending->waiting_count--;
	free(entry);
}

static void stop_waiting(struct pending *pending, struct pending_finding *entry)
{
	if (!entry->waiting)
		return;
	entry->waiting = false;
	coverage_weigh(entry->table, &entry->finding);
	DL_DELETE(pending->waiters, entry);
	DL_DELETE2(entry->slot->waiters, entry, slot_prev, slot_next);
	entry->slot = NULL;
	entry->table->waiting_count--;
}

/* Adds the finding in the order of the bad calls; those of one time stay in the order of their
 * records. */
static void add_waiter(struct pending *pending, struct pending_finding *entry)
{
	struct pending_finding *after = pending->waiters;

	if (!after || after->prev->finding.bad.time_ns <= entry->finding.bad.time_ns) {
		DL_APPEND(pending->waiters, entry);
		return;
	}
	while (after->finding.bad.time_ns <= entry->finding.bad.time_ns)
		after = after->next;
	DL_PREPEND_ELEM(pending->waiters, after, entry);
}

static int start_waiting(struct pending *pending, struct pending_finding *entry)
{
	entry->slot = slot_get(pending->store, entry->table, entry->finding.fd);
	if (!entry->slot)
		return -ENOMEM;
	entry->waiting = true;
	add_waiter(pending, entry);
	DL_APPEND2(entry->slot->waiters, entry, slot_prev, slot_next);
	entry->table->waiting_count++;
	set_due(pending, entry->finding.bad.time_ns);
	return 0;
}

static void emit(struct pending *pending, const struct finding *finding)
{
	pending->emit(pending->arg, finding);
}

/* Runs */

/* Decides that the run is a sweep, and drops its members. */
static void fold(struct pending *pending, struct run *run)
{
	struct pending_finding *entry = run->members;

	while (entry) {
		struct pending_finding *next = entry->run_next;

		stop_waiting(pending, entry);
		pending_finding_free(pending, entry);
		entry = next;
	}
	run->members = run->last_member = NULL;
	run->waiting_count = 0;
	run->sweep = true;
}

static void emit_sweep(struct pending *pending, const struct run *run)
{
	struct finding finding;

	run_sweep(run, &finding);
	pending->sweep_closes += run->failed;
	emit(pending, &finding);
}

/* Makes each member a finding on its own: one that still waits goes on waiting, others are emitted.
 */
static void release_members(struct pending *pending, struct run *run)
{
	struct pending_finding *entry = run->members;

	while (entry) {
		struct pending_finding *next = entry->run_next;

		entry->run = NULL;
		entry->run_next = NULL;
		if (!entry->waiting) {
			if (entry->silent)
				pending->silent++;
			else
				emit(pending, &entry->finding);
			pending_finding_free(pending, entry);
		}
		entry = next;
	}
	pending->silent += run->silent;
}

static void run_end(struct pending *pending, struct run *run)
{
	HASH_DEL(pending->runs, run);
	if (!run->sweep && run_is_sweep(run))
		fold(pending, run);
	if (run->sweep) {
		emit_sweep(pending, run);
	} else {
		run_weigh(run);
		release_members(pending, run);
	}
	free(run);
}

static struct run *run_find(const struct pending *pending, uint32_t tid)
{
	struct run *run;

	if (!pending->runs)
		return NULL;
	HASH_FIND(hh, pending->runs, &tid, sizeof(tid), run);
	return run;
}

/* The call, a close, is the run's last one so far. */
static void extend(struct pending *pending, struct run *run, const struct record_call *call)
{
	run_extend(run, call);
	set_due(pending, run->last_ns);
}

static struct run *run_begin(struct pending *pending, const struct record_call *call,
			     const struct verdict *verdict)
{
	struct run *run;

	if (HASH_COUNT(pending->runs) >= RUNS_MAX)
		run_end(pending, pending->runs);
	run = calloc(1, sizeof(*run));
	if (!run)
		return NULL;
	run->limits = &pending->store->limits;
	run->tid = call->h.tid;
	run->tgid = call->h.tgid;
	run->table = call->table;
	run->stack_id = call->stack_id;
	run->notes = verdict->finding.notes & NOTE_VFORK_CHILD;
	HASH_ADD(hh, pending->runs, tid, sizeof(run->tid), run);
	return run;
}

/* The run that this close belongs to, a new one if it continues none. NULL without memory. */
static struct run *run_of(struct pending *pending, const struct record_call *call,
			  const struct verdict *verdict)
{
	struct run *run = run_find(pending, call->h.tid);

	if (run && run->waiting_count >= RUN_PENDING_MAX && run_is_sweep(run))
		fold(pending, run);
	if (run && (!run_continues(run, call) || run->waiting_count >= RUN_PENDING_MAX)) {
		run_end(pending, run);
		run = NULL;
	}
	if (!run)
		run = run_begin(pending, call, verdict);
	if (!run)
		return NULL;
	extend(pending, run, call);
	return run;
}

static void make_room_for_finding(struct pending *pending)
{
	while (pending->waiting_count >= PENDING_MAX && pending->runs)
		run_end(pending, pending->runs);
	if (pending->waiting_count >= PENDING_MAX)
		pending_settle(pending, UINT64_MAX);
}

/* A new pending finding, which waits for calls that are recorded later. NULL without memory. */
static struct pending_finding *pending_finding_new(struct pending *pending, struct table *table,
						   const struct record_call *call,
						   const struct verdict *verdict)
{
	struct pending_finding *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->table = table;
	entry->finding = verdict->finding;
	coverage_weigh(table, &entry->finding);
	entry->after_ns = pending->store->after_ns;
	entry->entered = call && record_call_entered(call);
	entry->gen = verdict->gen;
	entry->loose = verdict->loose;
	entry->settled = verdict->settled;
	entry->taken_ns = verdict->taken_ns;
	entry->finds = verdict->act == ACT_REPORT;
	if (start_waiting(pending, entry)) {
		free(entry);
		return NULL;
	}
	entry->text = text_ref(verdict->text);
	entry->victim_text = text_ref(verdict->victim_text);
	for (unsigned int i = 0; i < FINDING_CANDIDATES; i++)
		entry->candidate_texts[i] = text_ref(verdict->candidate_texts[i]);
	pending->waiting_count++;
	return entry;
}

static void join(struct run *run, struct pending_finding *entry)
{
	entry->run = run;
	if (run->last_member)
		run->last_member->run_next = entry;
	else
		run->members = entry;
	run->last_member = entry;
	run->waiting_count++;
}

int pending_failed(struct pending *pending, struct table *table, const struct record_call *call,
		   const struct verdict *verdict)
{
	struct pending_finding *entry;
	struct run *run;

	if (call->fd < 0) {
		pending_break(pending, call->h.tid);
		if (verdict->act == ACT_REPORT)
			emit(pending, &verdict->finding);
		else
			pending->silent++;
		return 0;
	}
	make_room_for_finding(pending);
	run = run_of(pending, call, verdict);
	if (!run)
		return -ENOMEM;
	run_failed(run, verdict);
	if (run->sweep)
		return 0;
	if (verdict->act == ACT_SILENT) {
		run->silent++;
	} else {
		entry = pending_finding_new(pending, table, call, verdict);
		if (!entry)
			return -ENOMEM;
		join(run, entry);
	}
	if (run->blind && run_is_sweep(run))
		fold(pending, run);
	return 0;
}

int pending_owned(struct pending *pending, struct table *table, const struct record_call *call,
		  const struct verdict *verdict)
{
	struct pending_finding *entry;
	struct run *run;

	make_room_for_finding(pending);
	run = run_of(pending, call, verdict);
	if (!run)
		return -ENOMEM;
	if (run->sweep)
		return 0;
	entry = pending_finding_new(pending, table, call, verdict);
	if (!entry)
		return -ENOMEM;
	join(run, entry);
	return 0;
}

int pending_used(struct pending *pending, struct table *table, const struct record_call *call,
		 const struct verdict *verdict)
{
	if (verdict->act != ACT_REPORT) {
		pending->silent++;
		return 0;
	}
	if (verdict->finding.fd < 0) {
		emit(pending, &verdict->finding);
		return 0;
	}
	return pending_alone(pending, table, call, verdict);
}

int pending_alone(struct pending *pending, struct table *table, const struct record_call *call,
		  const struct verdict *verdict)
{
	make_room_for_finding(pending);
	return pending_finding_new(pending, table, call, verdict) ? 0 : -ENOMEM;
}

void pending_closed(struct pending *pending, const struct record_call *call)
{
	struct run *run = run_find(pending, call->h.tid);

	if (!run)
		return;
	if (!run_continues(run, call)) {
		run_end(pending, run);
		return;
	}
	extend(pending, run, call);
	if (!run->sweep && run->blind && run_is_sweep(run))
		fold(pending, run);
}

void pending_break(struct pending *pending, uint32_t tid)
{
	struct run *run = run_find(pending, tid);

	if (run)
		run_end(pending, run);
}

/* Waiting */

/* The finding waits no more: it is emitted now, or when its run is over. */
static void decided(struct pending *pending, struct pending_finding *entry)
{
	stop_waiting(pending, entry);
	if (entry->run)
		return;
	if (entry->silent)
		pending->silent++;
	else
		emit(pending, &entry->finding);
	pending_finding_free(pending, entry);
}

/*
 * The end of gen explains the failed close, which is a finding now. It goes on waiting: another
 * close may be recorded that fits as well.
 */
static void explained(struct pending *pending, struct pending_finding *entry,
		      const struct generation *gen, bool sure)
{
	verdict_pending(&entry->finding, gen, sure);
	suspects_of_pending(gen, &entry->finding);
	text_unref(pending->store, entry->text);
	entry->text = text_ref(text_of(gen));
	entry->finds = true;
}

/* The failed close came after the generation began: by its thread, its entry, or the settle time.
 */
static bool failed_after(const struct pending *pending, const struct pending_finding *entry,
			 const struct generation *gen)
{
	const struct fd_site listed = {.time_ns =
					       entry->table->snapshot_ns}; /* missing: SITE_SEEN */
	const struct fd_site *bad = &entry->finding.bad, *begun = &gen->opened;

	if (begun->missing == SITE_BEFORE_EXEC)
		return true;
	if (begun->missing == SITE_BEFORE_ATTACH && entry->table->snapshot)
		begun = &listed;
	else if (begun->missing != SITE_SEEN && gen->began != BEGAN_BEFORE_USE)
		return false;
	if (bad->tid == begun->tid || entry->after_ns > begun->time_ns)
		return true;
	return !entry->entered && bad->time_ns > begun->time_ns + pending->store->limits.settle_ns;
}

/*
 * No other order of the calls fits: the failed close came when this very generation had begun, and
 * the close that succeeded is known to have been entered before the failed one returned.
 */
static bool only_order(const struct pending *pending, const struct pending_finding *entry,
		       const struct record_call *call, const struct generation *gen, bool raced)
{
	if (raced || entry->gen != gen->id || !record_call_entered(call))
		return false;
	return failed_after(pending, entry, gen);
}

void pending_explain(struct pending *pending, struct slot *slot, const struct record_call *call,
		     const struct generation *gen, bool raced)
{
	struct pending_finding *entry;

	pending_doubt_generations(pending, slot, call, false);
	DL_FOREACH2 (slot->waiters, entry, slot_next) {
		if (!pending_may_be_before(pending, entry, call))
			continue;
		if (entry->finds && (entry->finding.closed.missing == SITE_SEEN ||
				     entry->finding.kind == FINDING_OWNED_CLOSE))
			finding_doubt(&entry->finding, DOUBT_ORDER);
		else if (entry->finding.bad.call == CALL_CLOSE)
			explained(pending, entry, gen,
				  only_order(pending, entry, call, gen, raced));
		else
			finding_doubt(&entry->finding, DOUBT_ORDER);
	}
}

/*
 * No close came that explains the failed one, so nothing is reported. If the failed close came
 * after the open, the number is open no more, whether or not it was open at that close: a close
 * frees the number even where its EBADF comes from a file system's flush.
 */
static void unexplained(struct pending *pending, struct pending_finding *entry)
{
	const struct fd_site other_way = {.missing = SITE_OTHER_WAY};
	bool flushed = entry->finding.notes & NOTE_FLUSH;
	struct generation *gen;

	entry->silent = true;
	if (!slot_own(entry->slot))
		return;
	gen = entry->slot->newest;
	if (!slot_live(entry->slot) || gen->id != entry->gen || !failed_after(pending, entry, gen))
		return;
	gen->doubts |= doubt_if(flushed, DOUBT_ORDER);
	generation_over(pending->store, gen, flushed ? &entry->finding.bad : &other_way);
}

/* The finding has waited long enough. */
static void waited(struct pending *pending, struct pending_finding *entry)
{
	if (!entry->finds)
		unexplained(pending, entry);
	decided(pending, entry);
}

static void next_due(struct pending *pending)
{
	struct run *run, *next;

	pending->due = UINT64_MAX;
	if (pending->waiters)
		set_due(pending, pending->waiters->finding.bad.time_ns);
	HASH_ITER (hh, pending->runs, run, next)
		set_due(pending, run->last_ns);
}

void pending_settle(struct pending *pending, uint64_t now_ns)
{
	struct run *run, *next;

	if (now_ns < pending->due)
		return;
	while (pending->waiters && is_due(pending, pending->waiters->finding.bad.time_ns, now_ns))
		waited(pending, pending->waiters);
	HASH_ITER (hh, pending->runs, run, next)
		if (is_due(pending, run->last_ns, now_ns))
			run_end(pending, run);
	next_due(pending);
}

void pending_gap(struct pending *pending)
{
	struct pending_finding *entry, *next;

	DL_FOREACH_SAFE (pending->waiters, entry, next) {
		if (entry->finds)
			finding_doubt(&entry->finding, DOUBT_GAP);
		waited(pending, entry);
	}
}

void pending_process_over(struct pending *pending, uint32_t tgid)
{
	struct run *run, *next;

	HASH_ITER (hh, pending->runs, run, next)
		if (run->tgid == tgid)
			run_end(pending, run);
}

void pending_table_over(struct pending *pending, struct table *table)
{
	struct pending_finding *entry, *next;

	if (!table->waiting_count)
		return;
	DL_FOREACH_SAFE (pending->waiters, entry, next)
		if (entry->table == table)
			waited(pending, entry);
}

/* The store is about to forget the slot: its pending findings are decided now. */
static void slot_over(void *arg, struct slot *slot)
{
	struct pending *pending = arg;

	while (slot->waiters) {
		/* Calls recorded from now on cannot be compared with what is known any more. */
		if (slot->waiters->finds)
			finding_doubt(&slot->waiters->finding, DOUBT_ORDER);
		waited(pending, slot->waiters);
	}
}

void pending_init(struct pending *pending, struct store *store, finding_fn fn, void *arg)
{
	*pending = (struct pending){.store = store, .emit = fn, .arg = arg, .due = UINT64_MAX};
	store->forget = slot_over;
	store->forget_arg = pending;
}
