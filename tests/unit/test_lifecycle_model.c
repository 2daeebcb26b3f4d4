/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Random programs of racing threads in a kernel in miniature (kernel_model.h), their records as
 * they would come, and what the lifecycle says of them:
 *
 * - No fact is wrong: the kind, and the calls that it names, are those of the model.
 * - A failed close whose number was opened and closed by calls that overlap with no other is
 *   reported, and as a fact where the records show the order.
 *
 * FDTRACE_MODEL_HISTORIES: how many. FDTRACE_MODEL_SEED: the first one's seed. A history that
 * fails is cut down to the steps that matter, and printed with its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sched.h>

#include "fd/lifecycle.h"
#include "kernel_model.h"
#include "model_script.h"

#ifdef __SANITIZE_ADDRESS__
#define HISTORIES 20000
#else
#define HISTORIES 200000
#endif

#define RING_FD 40

struct trial {
	struct model model;
	struct fd_world *world;
	bool lost;	  /* since the last record that arrived */
	bool unknown;	  /* a loss after which not every call can be told */
	uint64_t loss;	  /* when the last loss happened; 0: none */
	uint64_t loss_ns; /* the latest stamp of a record that was lost */
	uint64_t listed;  /* the end of the last list */
	struct slot list[NUMBERS];
	unsigned int findings, facts, expected;
	char wrong[256]; /* empty: nothing */
};

/* Records */

static uint16_t call_of(enum op op)
{
	static const uint16_t calls[OPS] = {
		[OP_OPEN] = CALL_OPENAT,
		[OP_PAIR] = CALL_PIPE2,
		[OP_DUP] = CALL_DUP,
		[OP_DUP_ONTO] = CALL_DUP2,
		[OP_CLOSE] = CALL_CLOSE,
		[OP_CLOSE_RANGE] = CALL_CLOSE_RANGE,
		[OP_CLOSE_RANGE_UNSHARE] = CALL_CLOSE_RANGE,
		[OP_USE] = CALL_OTHER,
		[OP_RECEIVE] = CALL_INSTALLED,
		[OP_CLOSE_HIDDEN] = CALL_REMOVED,
		[OP_UNSHARE] = CALL_UNSHARE,
	};

	return calls[op];
}

static struct record_header header_of(const struct kcall *call, size_t size)
{
	return (struct record_header){
		.size = size,
		.time_ns = call->stamp,
		.tgid = call->tgid,
		.tid = call->tid,
	};
}

static void feed_call(struct trial *t, const struct kcall *call)
{
	const struct script *script = t->model.script;
	const struct step *step = call->step;
	bool midst = step->op == OP_RECEIVE || step->op == OP_CLOSE_HIDDEN;
	struct record_call r = {
		.h = header_of(call, sizeof(r)),
		.table = call->address,
		.stack_id = call->id,
		.ret = call->ret,
		.fd = call->fd,
		.fd2 = call->fd2,
		.call = call_of(step->op),
		.nr = midst ? 0 : UINT16_MAX, /* of another call than any */
		.still_open = call->still_open,
	};

	if (script->enters == ENTERS_ALL || (script->enters == ENTERS_SOME && !step->no_enter))
		r.enter_ns = midst ? 0 : call->enter;
	if (script->births)
		r.thread_ns = call->born;
	if (step->op == OP_OPEN)
		r.fd = -100; /* AT_FDCWD */
	if (step->op == OP_UNSHARE)
		r.flags = CLONE_FILES;
	else if (step->op == OP_CLOSE_RANGE_UNSHARE)
		r.flags = 1 << 1;
	else if (step->cloexec)
		r.flags = 02000000; /* O_CLOEXEC */
	if (step->op == OP_DUP || step->op == OP_DUP_ONTO || step->op == OP_CLOSE_RANGE)
		r.flags = 0;
	fd_call(t->world, &r);
}

static void feed_ring(struct trial *t)
{
	struct record_call r = {
		.h = {.size = sizeof(r), .time_ns = 1, .tgid = FIRST_PID, .tid = FIRST_PID},
		.table = FIRST_TABLE,
		.call = CALL_IO_URING_SETUP,
		.arg = t->model.script->removes ? RING_TOLD : 0,
		.ret = RING_FD,
		.fd = -1,
		.fd2 = -1,
	};

	fd_call(t->world, &r);
}

static void feed_fork(struct trial *t, const struct kcall *call)
{
	struct record_fork r = {
		.h = header_of(call, sizeof(r)),
		.parent_table = call->address,
		.child_table = call->child_address,
		.child_tgid = call->child,
		.child_tid = call->child,
		.users = call->shared ? FORK_TABLE_SHARED : FORK_TABLE_ALONE,
	};

	if (call->child)
		fd_fork(t->world, &r);
}

static void feed(struct trial *t, const struct kcall *call)
{
	struct record_exec exec = {.h = header_of(call, sizeof(exec)), .table = call->address};
	struct record_exit exit = {.h = header_of(call, sizeof(exit)), .table = call->address};

	switch (call->step->op) {
	case OP_FORK:
	case OP_FORK_SHARED:
		feed_fork(t, call);
		break;
	case OP_EXEC:
		fd_exec(t->world, &exec);
		break;
	case OP_EXIT:
		fd_exit(t->world, &exit);
		break;
	default:
		feed_call(t, call);
		break;
	}
}

static void on_drain(struct model *m)
{
	struct trial *t = m->arg;

	for (; m->drained < m->emitted; m->drained++) {
		const struct kcall *call = m->ring[m->drained];

		if (call->step->lost) {
			t->lost = true;
			t->loss = call->emit;
			if (t->loss_ns < call->stamp)
				t->loss_ns = call->stamp;
			t->unknown |= call->step->op >= OP_UNSHARE;
			continue;
		}
		/* Whoever tells of it does so when it has happened. */
		if (t->lost)
			fd_gap(t->world, call->stamp > t->loss_ns ? call->stamp : t->loss_ns);
		t->lost = false;
		feed(t, call);
	}
	/* The count of what was lost is read each time, too: nothing need come behind. */
	if (t->lost)
		fd_gap(t->world, m->now);
	t->lost = false;
	fd_settle(t->world, m->now);
}

static void on_attach(struct model *m, uint32_t tgid)
{
	struct trial *t = m->arg;

	fd_process_add(t->world, tgid, 0, FD_FROM_ATTACH);
	if (m->script->ring) {
		struct fd_what ring = {
			.path = "anon_inode:[io_uring]",
			.path_from_proc = true,
			.arg = m->script->removes ? RING_TOLD : 0,
		};

		fd_snapshot_fd(t->world, tgid, RING_FD, &ring, true);
	}
}

/* Those too that are gone. */
static uint32_t threads_ever(const struct model *m, uint32_t tgid)
{
	uint32_t count = 0;

	for (unsigned int i = 0; i < ACTORS; i++)
		count += m->actors[i].born && m->actors[i].tgid == tgid;
	return count;
}

/* What was read is told when all has been. */
static void on_list(struct model *m, uint32_t tgid, int fd, const struct slot *slot)
{
	struct trial *t = m->arg;

	t->list[fd] = *slot;
}

static void on_listed(struct model *m, uint32_t tgid)
{
	struct trial *t = m->arg;
	struct fd_what what = {.type = FD_FILE, .path = "/listed", .path_from_proc = true};

	for (int fd = 0; fd < NUMBERS; fd++)
		if (t->list[fd].open)
			fd_snapshot_fd(t->world, tgid, fd, &what, t->list[fd].cloexec);
	fd_snapshot_end(t->world, tgid, 64, threads_ever(m, tgid), m->now);
	t->unknown |= t->listed || !m->script->attach; /* what is listed may be later than a call */
	t->listed = m->now;
}

/* What is said, and what is true */

static void __attribute__((format(printf, 3, 4)))
wrong(struct trial *t, const struct kcall *call, const char *format, ...)
{
	va_list args;
	int used;

	if (*t->wrong)
		return;
	used = snprintf(t->wrong, sizeof(t->wrong), "call %d: ", call->id);
	va_start(args, format);
	vsnprintf(t->wrong + used, sizeof(t->wrong) - used, format, args);
	va_end(args);
}

static int id_of(const struct fd_site *site)
{
	return site->missing == SITE_SEEN ? (int)site->stack_id : 0;
}

static void check_sites(struct trial *t, const struct kcall *bad, const struct finding *f)
{
	int closed = id_of(&f->closed), opened = id_of(&f->opened);

	if (bad->past.swept && closed == bad->past.swept && !opened)
		return;
	if (closed != bad->past.closed)
		wrong(t, bad, "closed by %d, not %d", bad->past.closed, closed);
	else if (opened && opened != bad->past.opened)
		wrong(t, bad, "opened by %d, not %d", bad->past.opened, opened);
}

/* The first close was not seen: it is in no record that has come, or will. */
static void check_unseen(struct trial *t, const struct kcall *bad)
{
	const struct kcall *closed;

	if (!bad->past.closed)
		return;
	closed = &t->model.calls[bad->past.closed - 1];
	if (closed->traced && !closed->step->lost)
		wrong(t, bad, "closed by %d, which was seen", closed->id);
}

static void check_fact(struct trial *t, const struct kcall *bad, const struct finding *f)
{
	bool closes = bad->step->op == OP_CLOSE;

	if (bad->ret != -EBADF || bad->fd != f->fd) {
		wrong(t, bad, "did not fail on %d", f->fd);
		return;
	}
	switch (f->kind) {
	case FINDING_DOUBLE_CLOSE:
	case FINDING_USE_AFTER_CLOSE:
		if (closes != (f->kind == FINDING_DOUBLE_CLOSE))
			wrong(t, bad, "is no %s", finding_kind_name(f->kind));
		check_sites(t, bad, f);
		break;
	case FINDING_DOUBLE_CLOSE_UNSEEN:
		check_unseen(t, bad);
		break;
	case FINDING_BAD_FD:
		if (bad->past.ever && !bad->past.swept)
			wrong(t, bad, "%d had been open", bad->fd);
		break;
	default:
		wrong(t, bad, "%s as a fact", finding_kind_name(f->kind));
		break;
	}
}

static void on_finding(void *arg, const struct finding *f)
{
	struct trial *t = arg;
	bool reused = f->kind == FINDING_REUSED_CLOSE;
	const struct fd_site *site = reused ? &f->victim.failed : &f->bad;
	struct kcall *bad = &t->model.calls[site->stack_id - 1];

	t->findings++;
	bad->reused = reused;
	if (bad->reported)
		wrong(t, bad, "is reported twice");
	bad->reported = true;
	if (f->certainty != CERTAINTY_FACT)
		return;
	t->facts++;
	bad->fact = true;
	check_fact(t, bad, f);
}

/* No two calls on the number overlap, from the beginning to the bad close. */
static bool is_quiet(const struct model *m, const struct kcall *bad)
{
	const struct kcall *calls[CALLS_MAX];
	unsigned int count = 0;

	for (unsigned int i = 0; i < m->ncalls; i++) {
		const struct kcall *call = &m->calls[i];

		if (call->table == bad->table && (call->touched & 1u << bad->fd) &&
		    call->enter <= bad->emit)
			calls[count++] = call;
	}
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int j = 0; j < i; j++)
			if (calls[i]->enter <= calls[j]->emit && calls[j]->enter <= calls[i]->emit)
				return false;
	return true;
}

/* Both calls of the last life were seen whole, in this very table. */
static bool is_seen(const struct trial *t, const struct kcall *bad)
{
	const struct model *m = &t->model;
	const struct kcall *opened, *closed;

	if (!bad->traced || bad->step->lost || !bad->past.opened || !bad->past.closed ||
	    t->unknown || m->tables[bad->table].racing)
		return false;
	opened = &m->calls[bad->past.opened - 1];
	closed = &m->calls[bad->past.closed - 1];
	return opened->table == bad->table && closed->table == bad->table &&
	       opened->enter > m->traced_since && opened->enter > t->listed &&
	       opened->enter > t->loss;
}

/* All calls on the number are one thread's. */
static bool is_one_thread(const struct model *m, const struct kcall *bad)
{
	for (unsigned int i = 0; i < m->ncalls; i++)
		if (m->calls[i].table == bad->table && (m->calls[i].touched & 1u << bad->fd) &&
		    m->calls[i].tid != bad->tid)
			return false;
	return true;
}

/* Nothing shows that this open was entered when its process was traced. */
static bool may_be_older(const struct trial *t, const struct kcall *opened)
{
	const struct model *m = &t->model;

	if (!m->script->attach || (t->listed && opened->stamp > t->listed))
		return false;
	for (unsigned int i = 0; i < m->ncalls; i++) {
		const struct kcall *call = &m->calls[i];

		/* What comes in the midst of a call says nothing of when that was entered. */
		if (call != opened && call->traced && !call->step->lost &&
		    call->step->op != OP_RECEIVE && call->stamp <= opened->stamp &&
		    (call->tid == opened->tid || call->child == opened->tid))
			return false;
	}
	return true;
}

/* Something hidden may have come between: a close by io_uring, or what another range closed. */
static bool is_doubtful(const struct trial *t, const struct kcall *bad, const struct kcall *closed)
{
	const struct model *m = &t->model;

	if ((m->script->ring && !m->script->removes) ||
	    may_be_older(t, &m->calls[bad->past.opened - 1]))
		return true;
	/* It may have been closed before what is open was listed: a range does not show that. */
	if (m->script->attach && is_range(closed) &&
	    (!t->listed || bad->table ||
	     m->calls[bad->past.opened - 1].stamp <= t->listed + SETTLE_NS))
		return true;
	for (unsigned int i = 0; i < m->ncalls; i++) {
		const struct kcall *call = &m->calls[i];
		if (call->stayed) /* in its table, which is not always known */
			return true;
		/* Which of two tables has been listed is not known. */
		if (unshares(call) && m->script->attach && call->enter <= t->listed)
			return true;
		if (is_range(call) && call != closed && call->fd <= bad->fd && call->fd2 >= bad->fd)
			return true;
	}
	return false;
}

static void check_reported(struct trial *t)
{
	struct model *m = &t->model;

	for (unsigned int i = 0; i < m->ncalls; i++) {
		const struct kcall *bad = &m->calls[i];

		if (bad->step->op != OP_CLOSE || bad->ret != -EBADF || !is_seen(t, bad) ||
		    !is_quiet(m, bad) || is_ageless(m, bad))
			continue;
		t->expected++;
		if (!bad->reported && (!m->script->ring || m->script->removes))
			wrong(t, bad, "is not reported");
		if (bad->fact || bad->reused || t->loss ||
		    is_doubtful(t, bad, &m->calls[bad->past.closed - 1]))
			continue;
		/* Of what is told in the midst of a call it is never known when that was entered.
		 */
		if ((m->script->enters == ENTERS_ALL && !m->script->installs &&
		     !m->script->removes) ||
		    is_one_thread(m, bad))
			wrong(t, bad, "is reported, but not as a fact");
	}
}

static void run(const struct script *script, struct trial *t)
{
	*t = (struct trial){.model = {
				    .script = script,
				    .drain = on_drain,
				    .attach = on_attach,
				    .list = on_list,
				    .listed = on_listed,
			    }};
	t->model.arg = t;
	assert_int_equal(fd_world_new(NULL, on_finding, t, &t->world), 0);
	if (!script->attach)
		fd_process_add(t->world, FIRST_PID, FIRST_TABLE, FD_FROM_START);
	if (!script->attach && script->ring)
		feed_ring(t);
	model_run(&t->model);
	fd_settle(t->world, UINT64_MAX);
	check_reported(t);
	fd_world_free(t->world);
}

/* Failures */

static bool fails(const struct script *script, struct trial *t)
{
	run(script, t);
	return *t->wrong;
}

static bool without_step(struct script *script, unsigned int index, struct trial *t)
{
	struct script less = *script;

	less.count--;
	memmove(&less.steps[index], &less.steps[index + 1],
		(less.count - index) * sizeof(less.steps[0]));
	if (!fails(&less, t))
		return false;
	*script = less;
	return true;
}

static void cut_down(struct script *script, struct trial *t)
{
	bool again;

	do {
		again = false;
		for (unsigned int i = script->count; i-- > 0;)
			again |= without_step(script, i, t);
	} while (again);
	run(script, t);
}

static void print_call(const struct model *m, const struct kcall *call)
{
	uint64_t since = m->calls[0].enter;

	print_message("%3d %-14s tid %u table %u fd %d %d = %lld  %llu..%llu..%llu%s%s%s%s\n",
		      call->id, op_names[call->step->op], call->tid, call->table, call->fd,
		      call->fd2, (long long)call->ret, (unsigned long long)(call->enter - since),
		      (unsigned long long)(call->stamp - since),
		      (unsigned long long)(call->emit - since), call->traced ? "" : " (no record)",
		      call->traced && call->step->lost ? " (lost)" : "",
		      call->reported ? " reported" : "", call->fact ? " as a fact" : "");
	if (call->ret == -EBADF)
		print_message("    true: opened by %d, closed by %d\n", call->past.opened,
			      call->past.closed);
}

static void print_failure(const struct script *script, const struct trial *t)
{
	const struct model *m = &t->model;

	print_message("seed %llu: %s\n", (unsigned long long)script->seed, t->wrong);
	print_message("attach %d births %d enters %d; the reader's:", script->attach,
		      script->births, script->enters);
	for (unsigned int i = 0; i < script->count; i++)
		if (script->steps[i].actor == READER)
			print_message(" %s", op_names[script->steps[i].op]);
	print_message("; listed %llu\n",
		      (unsigned long long)(t->listed ? t->listed - m->calls[0].enter : 0));
	for (unsigned int i = 0; i < m->ncalls; i++)
		print_call(m, &m->calls[i]);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void try_history(uint64_t seed, struct trial *t)
{
	struct script script;

	draw_script(seed, &script);
	if (!fails(&script, t))
		return;
	cut_down(&script, t);
	print_failure(&script, t);
	fail_msg("a history is judged wrongly");
}

/* Each was judged wrongly once, and is beyond those that are tried every time. */
static void test_once_wrong(void **state)
{
	static const uint64_t seeds[] = {905495,   942546,   1558716,  1671661,	 1680365,  2059377,
					 2518087,  2800498,  3120190,  3218158,	 3295219,  3563312,
					 3643909,  3840510,  4408769,  5322878,	 5338357,  6292054,
					 6699925,  6903607,  7275098,  7381129,	 8126985,  8137679,
					 8346868,  9190326,  11702317, 13515622, 14137025, 15832383,
					 19611807, 19907358, 22226306};
	struct trial t;

	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++)
		try_history(seeds[i], &t);
}

static void test_histories(void **state)
{
	uint64_t first = setting("FDTRACE_MODEL_SEED", 1);
	uint64_t count = setting("FDTRACE_MODEL_HISTORIES", HISTORIES);
	uint64_t findings = 0, facts = 0, expected = 0;
	struct trial t;

	for (uint64_t seed = first; seed < first + count; seed++) {
		try_history(seed, &t);
		findings += t.findings;
		facts += t.facts;
		expected += t.expected;
	}
	print_message("%llu histories: %llu findings, %llu facts; %llu had to be told\n",
		      (unsigned long long)count, (unsigned long long)findings,
		      (unsigned long long)facts, (unsigned long long)expected);
	assert_true(count < 1000 || (facts > count && expected > count / 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_wrong),
		cmocka_unit_test(test_histories),
	};

	return cmocka_run_group_tests_name("lifecycle_model", tests, NULL, NULL);
}
