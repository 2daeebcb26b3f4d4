/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Random programs of racing threads in a kernel in miniature (kernel_model.h), their records as
 * they would come, and what the lifecycle says of them:
 *
 * - No fact is wrong: the kind, and the calls that it names, are those of the model.
 * - What is proven of who meant which generation is so.
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

#include "model_feed.h"

#ifdef __SANITIZE_ADDRESS__
#define HISTORIES 20000
#else
#define HISTORIES 200000
#endif

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

/* An object that closes in vain means the generation that it had. */
static bool is_of_its_generation(const struct model *m, const struct kcall *bad, int closed,
				 int opened)
{
	int gen = bad->object ? m->objects[bad->object - 1].gen : 0;

	/* Whoever made the call believed in this one. */
	if (opened && bad->believed & bit(opened))
		return closed == m->tables[bad->table].ended_by[bad->fd][opened];
	/* One whose generation began unseen: nobody says which call ended that. */
	if (!gen)
		return bad->object && !opened;
	if (opened && opened != gen)
		return false;
	return closed == m->tables[bad->table].ended_by[bad->fd][gen];
}

/* An object was about to take what this call had opened, and has done so since. */
static bool is_taken(const struct model *m, int gen)
{
	for (unsigned int i = 0; i < m->nobjects; i++)
		if (gen && m->objects[i].gen == gen)
			return true;
	return false;
}

/*
 * dup2 onto a number leaves it its object's. One whose record comes after that of a close which it
 * preceded changes what the number led to, not whose it was.
 */
static bool is_replaced(const struct model *m, const struct kcall *bad, int gen)
{
	int by = bad->ended;

	return by && m->calls[by - 1].step->op == OP_DUP_ONTO &&
	       m->tables[bad->table].ended_by[bad->fd][gen] == by;
}

/* A close that succeeded was not its caller's to make. */
static void check_owners(struct trial *t, const struct kcall *bad, const struct finding *f)
{
	int gen = bad->object ? t->model.objects[bad->object - 1].gen : 0;
	bool reused = f->kind == FINDING_REUSED_CLOSE;
	int ended = id_of(reused ? &f->victim.opened : &f->opened);

	if (bad->step->op != OP_CLOSE || bad->ret < 0 || bad->fd != f->fd)
		wrong(t, bad, "is no close of %d", f->fd);
	else if (ended && ended != bad->ended && !is_replaced(&t->model, bad, ended))
		wrong(t, bad, "ended what %d had opened, not %d", bad->ended, ended);
	else if (!bad->object && !bad->behind && !is_taken(&t->model, bad->ended))
		wrong(t, bad, "no object has the number");
	else if (bad->object && !reused && !bad->behind && gen && gen == bad->ended)
		wrong(t, bad, "is an object's own");
	else if (bad->object && reused && gen && gen == bad->ended)
		wrong(t, bad, "is an object's, of its own life");
	else if (bad->object && reused && id_of(&f->opened) && id_of(&f->opened) != gen &&
		 t->model.calls[id_of(&f->opened) - 1].step->op != OP_DUP_ONTO)
		wrong(t, bad, "is of an object of %d", gen);
}

static void check_sites(struct trial *t, const struct kcall *bad, const struct finding *f)
{
	int closed = id_of(&f->closed), opened = id_of(&f->opened);

	if (bad->past.swept && closed == bad->past.swept && !opened)
		return;
	if (is_of_its_generation(&t->model, bad, closed, opened))
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

	if (f->kind == FINDING_OWNED_CLOSE || f->kind == FINDING_REUSED_CLOSE) {
		t->owned++;
		check_owners(t, bad, f);
		return;
	}
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

/* Its caller meant what it is said to have meant, and the culprit closed what was not its own. */
static void check_proven(struct trial *t, const struct finding *f)
{
	const struct kcall *bad = &t->model.calls[f->bad.stack_id - 1], *closed;
	int opened = id_of(&f->opened);

	t->proven++;
	if (bad->person < 0 || f->kind == FINDING_OWNED_CLOSE)
		return;
	if (opened && !(bad->believed & bit(opened)) && !is_replaced(&t->model, bad, opened))
		wrong(t, bad, "is proven to mean %d, which its caller never had", opened);
	if (f->kind == FINDING_REUSED_CLOSE && bad->believed & bit(bad->ended))
		wrong(t, bad, "is proven to steal %d, which was its caller's", bad->ended);
	if (f->culprit != CULPRIT_CLOSED || !(f->proofs & PROOF_STOLEN) || !id_of(&f->closed))
		return;
	closed = &t->model.calls[id_of(&f->closed) - 1];
	if (closed->person >= 0 && closed->believed & bit(closed->ended))
		wrong(t, closed, "is proven to have stolen %d, its caller's", closed->ended);
}

static void on_finding(void *arg, const struct finding *f)
{
	struct trial *t = arg;
	bool reused = f->kind == FINDING_REUSED_CLOSE;
	bool by_victim = reused && f->victim.failed.missing == SITE_SEEN;
	const struct fd_site *site = by_victim ? &f->victim.failed : &f->bad;
	struct kcall *bad = &t->model.calls[site->stack_id - 1];

	t->findings++;
	bad->reused = reused;
	if (bad->reported)
		wrong(t, bad, "is reported twice");
	bad->reported = true;
	if (f->attribution == ATTRIBUTION_PROVEN)
		check_proven(t, f);
	if (f->certainty != CERTAINTY_FACT)
		return;
	t->facts++;
	bad->fact = true;
	check_fact(t, &t->model.calls[f->bad.stack_id - 1], f);
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

/* Both calls of the last generation were seen whole, in this very table. */
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

	/* Who made the call may have meant another generation than the last. */
	if (m->script->holders)
		return true;
	/*
	 * C code may mean whatever it had there before; so may an object that is met late. Nor is
	 * it certain then that the close before was made behind its back.
	 */
	if (m->script->owners && (!bad->os_close || closed->behind))
		return true;
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

/*
 * Room for a part of what a history would have known: what has been forgotten is not said to be
 * otherwise.
 */
static struct fd_limits little_room(uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ull | 1;
	struct fd_limits limits = {0};

	limits.numbers = 1 + below(&state, 6);
	limits.history = 1 + below(&state, 4);
	limits.tables = below(&state, 2) ? 0 : 1 + below(&state, 3);
	limits.bytes = below(&state, 2) ? 0 : 500 + below(&state, 6000);
	return limits;
}

static void run(const struct script *script, struct trial *t)
{
	struct fd_limits limits = little_room(script->seed);

	*t = (struct trial){.model = {
				    .script = script,
				    .drain = on_drain,
				    .attach = on_attach,
				    .list = on_list,
				    .listed = on_listed,
			    }};
	t->model.arg = t;
	assert_int_equal(fd_world_new(script->cramped ? &limits : NULL, on_finding, t, &t->world),
			 0);
	if (!script->attach)
		fd_process_add(t->world, FIRST_PID, FIRST_TABLE, FD_FROM_START);
	if (!script->attach && script->ring)
		feed_ring(t);
	model_run(&t->model);
	fd_settle(t->world, UINT64_MAX);
	if (!script->cramped)
		check_reported(t);
	fd_world_counts(t->world, &t->counts);
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
	if (call->caller.count) {
		const struct person *p = &m->persons[call->person];

		print_message("    by %s at %u, kind %u, line %u%s; believes %#llx%s\n",
			      p->frame ? "a function" : "an object", p->place, p->kind, p->line,
			      call->caller.count > 2 ? ", helped" : "",
			      (unsigned long long)call->believed,
			      call->object ? ", of a C object" : "");
	}
	if (call->ret == -EBADF)
		print_message("    true: opened by %d, closed by %d\n", call->past.opened,
			      call->past.closed);
}

static void print_failure(const struct script *script, const struct trial *t)
{
	const struct model *m = &t->model;

	print_message("seed %llu%s: %s\n", (unsigned long long)script->seed,
		      script->cramped ? " with little room" : "", t->wrong);
	if (script->cramped) {
		struct fd_limits l = little_room(script->seed);

		print_message("numbers %u, history %u, tables %u, bytes %zu; ", l.numbers,
			      l.history, l.tables, l.bytes);
	}
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

static void try_history(uint64_t seed, bool cramped, struct trial *t)
{
	struct script script;

	draw_script(seed, &script);
	script.cramped = cramped;
	if (!fails(&script, t))
		return;
	cut_down(&script, t);
	print_failure(&script, t);
	fail_msg("a history is judged wrongly");
}

/* Each was judged wrongly once, and is beyond those that are tried every time. */
static void test_once_wrong(void **state)
{
	static const uint64_t seeds[] = {
		905495,	  942546,   1558716,  1671661,	1680365,  2059377,  2518087,  2800498,
		3120190,  3218158,  3295219,  3563312,	3643909,  3840510,  4408769,  5322878,
		5338357,  6292054,  6699925,  6903607,	7275098,  7381129,  8126985,  8137679,
		8346868,  9190326,  11702317, 13515622, 14137025, 15832383, 19611807, 19907358,
		22226306, 543862,   697282,   815611,	848410,	  877378,   893833,   967777,
		998080,	  2000230,  2255854,  4629238,	5107999,  5185135,  5795515,  6079966,
		6117202,  6138199,  6170365,  6196360,	6200320,  6201541,  6267331,  6731944,
		34023382, 34385047, 34793176, 9888379,	1176079,  2172634,  3123628,  20687959,
		42168184, 52646540, 2540506,  80248218};
	struct trial t;

	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++)
		try_history(seeds[i], false, &t);
	try_history(2705100, true, &t);
	try_history(5978008, true, &t);
	try_history(32025964, true, &t);
	try_history(20361328, true, &t);
	try_history(14693812, true, &t);
	try_history(52245424, true, &t);
}

static void test_histories(void **state)
{
	uint64_t first = setting("FDTRACE_MODEL_SEED", 1);
	uint64_t count = setting("FDTRACE_MODEL_HISTORIES", HISTORIES);
	uint64_t findings = 0, facts = 0, expected = 0, owned = 0, proven = 0;
	struct trial t;

	for (uint64_t seed = first; seed < first + count; seed++) {
		try_history(seed, false, &t);
		findings += t.findings;
		facts += t.facts;
		expected += t.expected;
		owned += t.owned;
		proven += t.proven;
	}
	print_message("%llu histories: %llu findings, %llu facts, %llu by owners, %llu proven; "
		      "%llu had to be told\n",
		      (unsigned long long)count, (unsigned long long)findings,
		      (unsigned long long)facts, (unsigned long long)owned,
		      (unsigned long long)proven, (unsigned long long)expected);
	assert_true(count < 1000 || (facts > count && expected > count / 10));
}

/* With room for little, less is said, but nothing else. */
static void test_histories_forgotten(void **state)
{
	uint64_t first = setting("FDTRACE_MODEL_SEED", 1);
	uint64_t count = setting("FDTRACE_MODEL_HISTORIES", HISTORIES) / 4;
	uint64_t facts = 0, forgotten = 0;
	struct trial t;

	for (uint64_t seed = first; seed < first + count; seed++) {
		try_history(seed, true, &t);
		facts += t.facts;
		forgotten += t.counts.forgotten;
	}
	print_message("%llu histories: %llu numbers forgotten, %llu facts all the same\n",
		      (unsigned long long)count, (unsigned long long)forgotten,
		      (unsigned long long)facts);
	assert_true(count < 1000 || (forgotten > count && facts > count / 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_wrong),
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_histories_forgotten),
	};

	return cmocka_run_group_tests_name("lifecycle_model", tests, NULL, NULL);
}
