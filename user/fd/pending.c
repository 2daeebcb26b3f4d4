/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/records.h"
#include "base/syscalls.h"
#include "fd/generation.h"

/* Members of one run, all findings that wait, runs at once. */
#define RUN_HELD_MAX 256
#define HELD_MAX     16384
#define RUNS_MAX     4096

static bool is_due(const struct hold *hold, uint64_t since_ns, uint64_t now_ns)
{
	return now_ns == UINT64_MAX ||
	       (now_ns >= since_ns && now_ns - since_ns >= hold->store->limits.settle_ns);
}

static void set_due(struct hold *hold, uint64_t since_ns)
{
	uint64_t due = since_ns + hold->store->limits.settle_ns;

	if (due < hold->due)
		hold->due = due;
}

static void held_free(struct hold *hold, struct held *held)
{
	text_unref(hold->store, held->text);
	text_unref(hold->store, held->victim_text);
	hold->held--;
	free(held);
}

static void stop_waiting(struct hold *hold, struct held *held)
{
	if (!held->waiting)
		return;
	held->waiting = false;
	coverage_weigh(held->table, &held->finding);
	DL_DELETE(hold->waiters, held);
	DL_DELETE2(held->number->waiters, held, number_prev, number_next);
	held->number = NULL;
	held->table->held--;
}

/* In order of the bad calls; of those of one time in order of their records. */
static void add_waiter(struct hold *hold, struct held *held)
{
	struct held *after = hold->waiters;

	if (!after || after->prev->finding.bad.time_ns <= held->finding.bad.time_ns) {
		DL_APPEND(hold->waiters, held);
		return;
	}
	while (after->finding.bad.time_ns <= held->finding.bad.time_ns)
		after = after->next;
	DL_PREPEND_ELEM(hold->waiters, after, held);
}

static int start_waiting(struct hold *hold, struct held *held)
{
	held->number = number_get(hold->store, held->table, held->finding.fd);
	if (!held->number)
		return -ENOMEM;
	held->waiting = true;
	add_waiter(hold, held);
	DL_APPEND2(held->number->waiters, held, number_prev, number_next);
	held->table->held++;
	set_due(hold, held->finding.bad.time_ns);
	return 0;
}

static void emit(struct hold *hold, const struct finding *finding)
{
	hold->emit(hold->arg, finding);
}

/* Runs */

static bool is_sweep(const struct hold *hold, const struct run *run)
{
	if (run->longest < hold->store->limits.sweep || !run->failed)
		return false;
	return run->blind || 2 * run->unseen >= run->failed;
}

static void fold(struct hold *hold, struct run *run)
{
	struct held *held = run->members;

	while (held) {
		struct held *next = held->run_next;

		stop_waiting(hold, held);
		held_free(hold, held);
		held = next;
	}
	run->members = run->last_member = NULL;
	run->held = 0;
	run->sweep = true;
}

static void emit_sweep(struct hold *hold, const struct run *run)
{
	const struct fd_site none = {.missing = SITE_NOT_APPLICABLE};
	bool up = run->step >= 0;
	struct finding finding = {
		.certainty = CERTAINTY_FACT,
		.culprit = CULPRIT_UNKNOWN,
		.tgid = run->tgid,
		.fd = up ? run->first : run->last_failed,
		.last_fd = up ? run->last_failed : run->first,
		.calls = run->failed,
		.table = run->table,
		.bad = run->site,
		.closed = none,
		.opened = none,
		.notes = run->notes,
	};

	finding_set_kind(&finding, FINDING_CLOSE_SWEEP);
	hold->sweep_closes += run->failed;
	emit(hold, &finding);
}

/* Each on its own. One that still waits for its explanation goes on waiting. */
static void release_members(struct hold *hold, struct run *run)
{
	struct held *held = run->members;

	while (held) {
		struct held *next = held->run_next;

		held->run = NULL;
		held->run_next = NULL;
		if (!held->waiting) {
			if (held->silent)
				hold->silent++;
			else
				emit(hold, &held->finding);
			held_free(hold, held);
		}
		held = next;
	}
	hold->silent += run->silent;
}

static void run_end(struct hold *hold, struct run *run)
{
	HASH_DEL(hold->runs, run);
	if (!run->sweep && is_sweep(hold, run))
		fold(hold, run);
	if (run->sweep)
		emit_sweep(hold, run);
	else
		release_members(hold, run);
	free(run);
}

static struct run *run_find(const struct hold *hold, uint32_t tid)
{
	struct run *run;

	if (!hold->runs)
		return NULL;
	HASH_FIND(hh, hold->runs, &tid, sizeof(tid), run);
	return run;
}

static bool is_site(const struct run *run, uint64_t stack_id)
{
	return stack_id == run->stack_id || !run->other_stack_id || stack_id == run->other_stack_id;
}

static bool continues(const struct hold *hold, const struct run *run,
		      const struct record_call *call)
{
	int64_t distance = (int64_t)call->fd - run->last;
	unsigned int reach = call->stack_id == run->stack_id ? hold->store->limits.sweep : 1;

	if (call->h.tgid != run->tgid || call->table != run->table || !is_site(run, call->stack_id))
		return false;
	if (!distance || (run->step && (distance > 0) != (run->step > 0)))
		return false;
	return llabs(distance) <= reach;
}

/* The first close of a run, or one that continues it. */
static void extend(struct hold *hold, struct run *run, const struct record_call *call)
{
	bool same_site = call->stack_id == run->stack_id;

	if (run->longest)
		run->step = call->fd > run->last ? 1 : -1;
	if (same_site && run->longest && call->fd - run->last == run->step)
		run->stretch++;
	else
		run->stretch = 1;
	if (run->stretch > run->longest)
		run->longest = run->stretch;
	if (!same_site) {
		run->other_stack_id = run->stack_id;
		run->stack_id = call->stack_id;
	}
	run->last = call->fd;
	run->last_ns = call->h.time_ns;
	set_due(hold, run->last_ns);
}

static struct run *run_begin(struct hold *hold, const struct record_call *call,
			     const struct verdict *verdict)
{
	struct run *run;

	if (HASH_COUNT(hold->runs) >= RUNS_MAX)
		run_end(hold, hold->runs);
	run = calloc(1, sizeof(*run));
	if (!run)
		return NULL;
	run->tid = call->h.tid;
	run->tgid = call->h.tgid;
	run->table = call->table;
	run->stack_id = call->stack_id;
	run->notes = verdict->finding.notes & NOTE_VFORK_CHILD;
	HASH_ADD(hh, hold->runs, tid, sizeof(run->tid), run);
	return run;
}

/* The run that this failed close belongs to, its own if need be. */
static struct run *run_of(struct hold *hold, const struct record_call *call,
			  const struct verdict *verdict)
{
	struct run *run = run_find(hold, call->h.tid);

	if (run && run->held >= RUN_HELD_MAX && is_sweep(hold, run))
		fold(hold, run);
	if (run && (!continues(hold, run, call) || run->held >= RUN_HELD_MAX)) {
		run_end(hold, run);
		run = NULL;
	}
	if (!run)
		run = run_begin(hold, call, verdict);
	if (!run)
		return NULL;
	extend(hold, run, call);
	return run;
}

static void count_failed(struct run *run, const struct verdict *verdict)
{
	if (!run->failed) {
		run->first = verdict->finding.fd;
		run->site = verdict->finding.bad;
	}
	run->last_failed = verdict->finding.fd;
	run->failed++;
	run->blind += verdict->evidence == EVIDENCE_BLIND;
	run->unseen += verdict->evidence != EVIDENCE_OWN;
}

static void make_room(struct hold *hold)
{
	while (hold->held >= HELD_MAX && hold->runs)
		run_end(hold, hold->runs);
	if (hold->held >= HELD_MAX)
		hold_settle(hold, UINT64_MAX);
}

/* It waits for calls that are recorded later. NULL without memory. */
static struct held *held_new(struct hold *hold, struct table *table, const struct record_call *call,
			     const struct verdict *verdict)
{
	struct held *held = calloc(1, sizeof(*held));

	if (!held)
		return NULL;
	held->table = table;
	held->finding = verdict->finding;
	coverage_weigh(table, &held->finding);
	held->after_ns = hold->store->after_ns;
	held->entered = call && record_call_entered(call);
	held->life = verdict->life;
	held->loose = verdict->loose;
	held->taken_ns = verdict->taken_ns;
	held->finds = verdict->act == ACT_REPORT;
	if (start_waiting(hold, held)) {
		free(held);
		return NULL;
	}
	held->text = text_ref(verdict->text);
	held->victim_text = text_ref(verdict->victim_text);
	hold->held++;
	return held;
}

static void join(struct run *run, struct held *held)
{
	held->run = run;
	if (run->last_member)
		run->last_member->run_next = held;
	else
		run->members = held;
	run->last_member = held;
	run->held++;
}

int hold_failed(struct hold *hold, struct table *table, const struct record_call *call,
		const struct verdict *verdict)
{
	struct held *held;
	struct run *run;

	if (call->fd < 0) {
		hold_break(hold, call->h.tid);
		if (verdict->act == ACT_REPORT)
			emit(hold, &verdict->finding);
		else
			hold->silent++;
		return 0;
	}
	make_room(hold);
	run = run_of(hold, call, verdict);
	if (!run)
		return -ENOMEM;
	count_failed(run, verdict);
	if (run->sweep)
		return 0;
	if (verdict->act == ACT_SILENT) {
		run->silent++;
	} else {
		held = held_new(hold, table, call, verdict);
		if (!held)
			return -ENOMEM;
		join(run, held);
	}
	if (run->blind && is_sweep(hold, run))
		fold(hold, run);
	return 0;
}

int hold_owned(struct hold *hold, struct table *table, const struct record_call *call,
	       const struct verdict *verdict)
{
	struct held *held;
	struct run *run;

	make_room(hold);
	run = run_of(hold, call, verdict);
	if (!run)
		return -ENOMEM;
	if (run->sweep)
		return 0;
	held = held_new(hold, table, call, verdict);
	if (!held)
		return -ENOMEM;
	join(run, held);
	return 0;
}

int hold_used(struct hold *hold, struct table *table, const struct record_call *call,
	      const struct verdict *verdict)
{
	if (verdict->act != ACT_REPORT) {
		hold->silent++;
		return 0;
	}
	if (verdict->finding.fd < 0) {
		emit(hold, &verdict->finding);
		return 0;
	}
	return hold_alone(hold, table, call, verdict);
}

int hold_alone(struct hold *hold, struct table *table, const struct record_call *call,
	       const struct verdict *verdict)
{
	make_room(hold);
	return held_new(hold, table, call, verdict) ? 0 : -ENOMEM;
}

void hold_closed(struct hold *hold, const struct record_call *call)
{
	struct run *run = run_find(hold, call->h.tid);

	if (!run)
		return;
	if (!continues(hold, run, call)) {
		run_end(hold, run);
		return;
	}
	extend(hold, run, call);
	if (!run->sweep && run->blind && is_sweep(hold, run))
		fold(hold, run);
}

void hold_break(struct hold *hold, uint32_t tid)
{
	struct run *run = run_find(hold, tid);

	if (run)
		run_end(hold, run);
}

/* Waiting */

/* All is said: it is emitted now, or by its run. */
static void decided(struct hold *hold, struct held *held)
{
	stop_waiting(hold, held);
	if (held->run)
		return;
	if (held->silent)
		hold->silent++;
	else
		emit(hold, &held->finding);
	held_free(hold, held);
}

/* It waits on: yet another close may come that fits as well. */
static void explained(struct hold *hold, struct held *held, const struct life *life, bool sure)
{
	verdict_pending(&held->finding, life, sure);
	text_unref(hold->store, held->text);
	held->text = text_ref(life->text);
	held->finds = true;
}

/* The failed close came after the life had begun: by its thread, its entry, or by far. */
static bool failed_after(const struct hold *hold, const struct held *held, const struct life *life)
{
	const struct fd_site listed = {.time_ns = held->table->snapshot_ns}; /* seen */
	const struct fd_site *bad = &held->finding.bad, *begun = &life->opened;

	if (begun->missing == SITE_BEFORE_EXEC)
		return true;
	if (begun->missing == SITE_BEFORE_ATTACH && held->table->snapshot)
		begun = &listed;
	else if (begun->missing != SITE_SEEN && !life->shown)
		return false;
	if (bad->tid == begun->tid || held->after_ns > begun->time_ns)
		return true;
	return !held->entered && bad->time_ns > begun->time_ns + hold->store->limits.settle_ns;
}

/* It came when this very life had begun, and the close that succeeded was entered before it. */
static bool only_order(const struct hold *hold, const struct held *held,
		       const struct record_call *call, const struct life *life, bool raced)
{
	if (raced || held->life != life->id || !record_call_entered(call))
		return false;
	return failed_after(hold, held, life);
}

void hold_explain(struct hold *hold, struct number *number, const struct record_call *call,
		  const struct life *life, bool raced)
{
	struct held *held;

	hold_doubt_lives(hold, number, call, false);
	DL_FOREACH2 (number->waiters, held, number_next) {
		if (!hold_may_be_before(hold, held, call))
			continue;
		if (held->finds && (held->finding.closed.missing == SITE_SEEN ||
				    held->finding.kind == FINDING_OWNED_CLOSE))
			verdict_suspect(&held->finding, NOTE_ORDER_UNCERTAIN);
		else if (held->finding.bad.call == CALL_CLOSE)
			explained(hold, held, life, only_order(hold, held, call, life, raced));
		else
			verdict_suspect(&held->finding, NOTE_ORDER_UNCERTAIN);
	}
}

/*
 * No close came that explains it. Open or closed by then, the number is open no more, if the
 * failed close came after the open: EBADF from a file system's flush frees it, too.
 */
static void unexplained(struct hold *hold, struct held *held)
{
	const struct fd_site other_way = {.missing = SITE_OTHER_WAY};
	bool flushed = held->finding.notes & NOTE_FLUSH;
	struct life *life;

	held->silent = true;
	if (!number_own(held->number))
		return;
	life = held->number->newest;
	if (!number_live(held->number) || life->id != held->life || !failed_after(hold, held, life))
		return;
	life->uncertain |= flushed;
	life_over(hold->store, life, flushed ? &held->finding.bad : &other_way);
}

/* It has waited long enough. */
static void waited(struct hold *hold, struct held *held)
{
	if (!held->finds)
		unexplained(hold, held);
	decided(hold, held);
}

static void next_due(struct hold *hold)
{
	struct run *run, *next;

	hold->due = UINT64_MAX;
	if (hold->waiters)
		set_due(hold, hold->waiters->finding.bad.time_ns);
	HASH_ITER (hh, hold->runs, run, next)
		set_due(hold, run->last_ns);
}

void hold_settle(struct hold *hold, uint64_t now_ns)
{
	struct run *run, *next;

	if (now_ns < hold->due)
		return;
	while (hold->waiters && is_due(hold, hold->waiters->finding.bad.time_ns, now_ns))
		waited(hold, hold->waiters);
	HASH_ITER (hh, hold->runs, run, next)
		if (is_due(hold, run->last_ns, now_ns))
			run_end(hold, run);
	next_due(hold);
}

void hold_gap(struct hold *hold)
{
	struct held *held, *next;

	DL_FOREACH_SAFE (hold->waiters, held, next) {
		if (held->finds)
			verdict_suspect(&held->finding, NOTE_GAP);
		waited(hold, held);
	}
}

void hold_process_over(struct hold *hold, uint32_t tgid)
{
	struct run *run, *next;

	HASH_ITER (hh, hold->runs, run, next)
		if (run->tgid == tgid)
			run_end(hold, run);
}

void hold_table_over(struct hold *hold, struct table *table)
{
	struct held *held, *next;

	if (!table->held)
		return;
	DL_FOREACH_SAFE (hold->waiters, held, next)
		if (held->table == table)
			waited(hold, held);
}

static void number_over(void *arg, struct number *number)
{
	struct hold *hold = arg;

	while (number->waiters) {
		/* What may come yet, and what is known, cannot be compared any more. */
		if (number->waiters->finds)
			verdict_suspect(&number->waiters->finding, NOTE_ORDER_UNCERTAIN);
		waited(hold, number->waiters);
	}
}

void hold_init(struct hold *hold, struct store *store, finding_fn fn, void *arg)
{
	*hold = (struct hold){.store = store, .emit = fn, .arg = arg, .due = UINT64_MAX};
	store->forget = number_over;
	store->forget_arg = hold;
}
