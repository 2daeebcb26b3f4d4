/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What follows from what, which bug that is, and which findings tell a reader the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session/repeats.h"
#include "session/roots.h"
#include "views.h"

static struct root trace(struct roots *roots, struct example *e)
{
	struct root root;

	roots_trace(roots, &e->view, &root);
	e->view.bug = e->view.adopted = e->view.adopter = NULL;
	return root;
}

/* The call of the example's thread at this millisecond. */
static struct fd_site at_ms(unsigned int ms)
{
	return site_of(CALL_CLOSE, 0, 4242, BOOT_NS + ms * MS);
}

/* A finding whose bad call was made then, after a close at that time. */
static struct root trace_at(struct roots *roots, struct example *e, enum finding_kind kind,
			    unsigned int closed, unsigned int bad)
{
	e->finding.kind = kind;
	e->finding.closed = at_ms(closed);
	e->finding.bad = at_ms(bad);
	return trace(roots, e);
}

static struct roots *new_roots(void)
{
	struct roots *roots;

	assert_int_equal(roots_new(&roots), 0);
	return roots;
}

static void a_chain_has_one_root(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();
	struct root first = trace_at(roots, e, FINDING_OWNED_CLOSE, 0, 10), next;

	assert_int_equal(e->view.id, 1);
	assert_int_equal(e->view.caused_by, 0);
	assert_int_equal(first.first.id, 1);
	/* The object takes another's number, whose owner fails. */
	next = trace_at(roots, e, FINDING_REUSED_CLOSE, 10, 20);
	assert_int_equal(e->view.id, 2);
	assert_int_equal(e->view.caused_by, 1);
	assert_string_equal(next.bug, first.bug);
	next = trace_at(roots, e, FINDING_DOUBLE_CLOSE, 20, 30);
	assert_int_equal(e->view.caused_by, 1);
	assert_string_equal(next.bug, first.bug);
	roots_free(roots);
	example_free(e);
}

static void the_victims_call_follows(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	e->finding.victim = (struct fd_victim){.known = true, .failed = at_ms(30)};
	trace_at(roots, e, FINDING_REUSED_CLOSE, 0, 10);
	memset(&e->finding.victim, 0, sizeof(e->finding.victim));
	e->finding.closed.missing = SITE_LOST;
	e->finding.bad = at_ms(30);
	trace(roots, e);
	assert_int_equal(e->view.caused_by, 1);
	roots_free(roots);
	example_free(e);
}

/* Closed too early: the second use is the same bug. A second close and a third are two. */
static void one_early_close(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	trace_at(roots, e, FINDING_USE_AFTER_CLOSE, 0, 10);
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 0, 20);
	assert_int_equal(e->view.caused_by, 1);
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 100, 110);
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 100, 120);
	assert_int_equal(e->view.caused_by, 0);
	roots_free(roots);
	example_free(e);
}

static void another_call_is_no_root(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	trace_at(roots, e, FINDING_REUSED_CLOSE, 0, 10);
	e->finding.fd = 8;
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 10, 20);
	assert_int_equal(e->view.caused_by, 0);
	e->finding.fd = 7;
	e->finding.closed = site_of(CALL_CLOSE, 0, 4243, BOOT_NS + 10 * MS);
	trace(roots, e);
	assert_int_equal(e->view.caused_by, 0);
	e->finding.closed = at_ms(10);
	e->finding.closed.tgid = 1;
	e->finding.bad = at_ms(30);
	trace(roots, e);
	assert_int_equal(e->view.caused_by, 0);
	roots_free(roots);
	example_free(e);
}

static void the_oldest_is_forgotten(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	for (unsigned int i = 0; i < 10000; i++)
		trace_at(roots, e, FINDING_REUSED_CLOSE, 1000000, i);
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 9999, 20000);
	assert_int_equal(e->view.caused_by, 10000);
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 0, 20001);
	assert_int_equal(e->view.caused_by, 0);
	roots_free(roots);
	example_free(e);
}

/* Where a close stands that may be wrong: in this function, at this line of it. */
static struct stack *place_at(const char *function, int line)
{
	const struct stack_frame frame = {function, "/srv/app/app.py", line, 5, false, 0, 0};

	return stack_of(PYTHON_COMPLETE, &frame, 1);
}

/* A wrong close of that function, told. */
static void tell_wrong(struct roots *roots, struct example *e, const char *function, int32_t fd,
		       unsigned int ms)
{
	e->finding.fd = fd;
	e->finding.culprit = CULPRIT_BAD;
	example_stack(e, 0, place_at(function, 30));
	trace_at(roots, e, FINDING_REUSED_CLOSE, 100000 + ms, ms);
	e->finding.culprit = CULPRIT_UNKNOWN;
	example_stack(e, 0, place_at("innocent", 50));
}

/* A failed call that may follow from closes at these places, NULL: of none. */
static struct root trace_suspects(struct roots *roots, struct example *e, unsigned int ms,
				  const char *a, const char *b)
{
	struct stack *stacks[] = {a ? place_at(a, 30) : NULL, b ? place_at(b, 30) : NULL};
	struct root root;

	e->finding.attribution = ATTRIBUTION_OPEN;
	e->finding.suspect_count = !!a + !!b;
	for (unsigned int i = 0; i < 2; i++) {
		e->finding.suspects[i] = at_ms(200000 + ms + i);
		e->view.suspects[i] = stacks[i];
	}
	root = trace_at(roots, e, FINDING_USE_AFTER_CLOSE, 300000 + ms, ms);
	for (unsigned int i = 0; i < 2; i++)
		free(stacks[i]);
	e->finding.attribution = ATTRIBUTION_NONE;
	e->finding.suspect_count = 0;
	return root;
}

/* Who was robbed closes what is another's by then: that is not what is wrong. */
static void who_was_robbed_is_cleared(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	tell_wrong(roots, e, "thief", 7, 10);
	e->finding.culprit = CULPRIT_CLOSED;
	example_stack(e, 1, place_at("thief", 30));
	assert_false(trace_at(roots, e, FINDING_REUSED_CLOSE, 10, 20).cleared);
	example_stack(e, 1, place_at("robbed", 60));
	assert_true(trace_at(roots, e, FINDING_DOUBLE_CLOSE, 20, 30).cleared);
	e->finding.culprit = CULPRIT_UNKNOWN;
	assert_false(trace_at(roots, e, FINDING_DOUBLE_CLOSE, 20, 31).cleared);
	/* Unless it stands where the bug's wrong close does. */
	e->finding.culprit = CULPRIT_CLOSED;
	example_stack(e, 1, place_at("thief", 30));
	assert_false(trace_at(roots, e, FINDING_DOUBLE_CLOSE, 20, 32).cleared);
	roots_free(roots);
	example_free(e);
}

/* It stands where a wrong close of a bug stands: the finding may follow from that, and is told so.
 */
static void it_may_follow(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();
	struct root root;

	tell_wrong(roots, e, "stop", 7, 1);
	root = trace_suspects(roots, e, 2, "stop", NULL);
	assert_int_equal(e->view.caused_by, 1);
	assert_true(e->view.perhaps);
	assert_int_equal(e->view.or_by, 0);
	assert_int_equal(e->view.first_of_bug, 1);
	/* What follows from that does so perhaps, too. */
	e->finding.attribution = ATTRIBUTION_PROVEN;
	trace_at(roots, e, FINDING_DOUBLE_CLOSE, 2, 3);
	assert_int_equal(e->view.caused_by, 1);
	assert_true(e->view.perhaps);
	assert_string_equal(root.bug, root.first.bug);
	roots_free(roots);
	example_free(e);
}

/* Two bugs stay two: what may follow from either is of neither, and the order does not matter. */
static void two_bugs_stay_two(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();
	struct root one, other;

	tell_wrong(roots, e, "stop", 7, 1);
	tell_wrong(roots, e, "drop", 8, 2);
	assert_int_equal(e->view.caused_by, 0);
	one = trace_suspects(roots, e, 3, "stop", "drop");
	assert_int_equal(e->view.caused_by, 1);
	assert_int_equal(e->view.or_by, 2);
	other = trace_suspects(roots, e, 5, "drop", "stop");
	assert_int_equal(e->view.caused_by, 2);
	assert_int_equal(e->view.or_by, 1);
	assert_string_equal(one.bug, other.bug);
	assert_string_not_equal(one.bug, one.first.bug);
	assert_string_not_equal(one.bug, one.other.bug);
	roots_free(roots);
	example_free(e);
}

/* A close that nobody has told of may be why: then the finding is a bug of its own. */
static void an_unknown_suspect(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	tell_wrong(roots, e, "stop", 7, 1);
	trace_suspects(roots, e, 2, "stop", "elsewhere");
	assert_int_equal(e->view.caused_by, 0);
	assert_false(e->view.perhaps);
	/* Nor is anything told of its own place by that. */
	trace_suspects(roots, e, 5, "innocent", NULL);
	assert_int_equal(e->view.caused_by, 0);
	roots_free(roots);
	example_free(e);
}

/* What it follows from is not known any more: a bug that robbed its number may be it. */
static void what_robbed_the_number(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();

	e->finding.table = 1;
	tell_wrong(roots, e, "stop", 7, 1);
	tell_wrong(roots, e, "drop", 8, 2);
	e->finding.suspects_cut = true;
	e->finding.fd = 7;
	trace_suspects(roots, e, 3, NULL, NULL);
	assert_int_equal(e->view.caused_by, 1);
	assert_int_equal(e->view.or_by, 0);
	/* Of a number that none has robbed, any of them; in another table, none. */
	e->finding.fd = 9;
	trace_suspects(roots, e, 5, NULL, NULL);
	assert_int_equal(e->view.caused_by, 1);
	assert_int_equal(e->view.or_by, 2);
	e->finding.table = 2;
	trace_suspects(roots, e, 7, NULL, NULL);
	assert_int_equal(e->view.caused_by, 0);
	roots_free(roots);
	example_free(e);
}

/* One line closes what is an object's, and what is not: that is one bug, told in two ways. */
static void one_wrong_place(void **state)
{
	struct roots *roots = new_roots();
	struct example *e = example_new();
	struct root first, again;

	e->finding.culprit = CULPRIT_BAD;
	first = trace_at(roots, e, FINDING_REUSED_CLOSE, 1000, 1);
	again = trace_at(roots, e, FINDING_OWNED_CLOSE, 1001, 2);
	assert_int_equal(e->view.caused_by, 1);
	assert_false(e->view.perhaps);
	assert_string_equal(again.bug, first.bug);
	e->stacks[0]->frames[0].line = 15;
	trace_at(roots, e, FINDING_OWNED_CLOSE, 1002, 3);
	assert_int_equal(e->view.caused_by, 0);
	roots_free(roots);
	example_free(e);
}

static void expect_bug(struct example *e, const char *than, bool same)
{
	char bug[FINGERPRINT_SIZE];

	finding_bug(&e->view, bug);
	if (same)
		assert_string_equal(bug, than);
	else
		assert_string_not_equal(bug, than);
}

/* Not whether the number was taken by then, not who called from further out, not lines. */
static void what_makes_a_bug(void **state)
{
	static const struct stack_frame deep[] = {{"main", "/opt/app.py", 140, 5, false, 0, 0},
						  {"<module>", "/opt/app.py", 2, 1, false, 0, 0},
						  {"run", "/opt/runner.py", 3, 1, false, 0, 0}};
	static const struct stack_frame other[] = {{"stop", "/srv/app/app.py", 14, 5, false, 0, 0}};
	struct example *e = example_new();
	char bug[FINGERPRINT_SIZE];

	finding_bug(&e->view, bug);
	assert_memory_equal(bug, "b1:", 3);
	e->finding.fd = 9;
	e->finding.kind = FINDING_REUSED_CLOSE;
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, deep, 3));
	example_stack(e, 2, NULL);
	expect_bug(e, bug, true);
	e->finding.kind = FINDING_USE_AFTER_CLOSE;
	expect_bug(e, bug, false);
	e->finding.kind = FINDING_DOUBLE_CLOSE;
	example_stack(e, 1, stack_of(PYTHON_COMPLETE, other, 1));
	expect_bug(e, bug, false);
	example_free(e);
}

/* Of a finalizer's close, what was opened tells; without frames, the program and the number. */
static void bugs_without_a_place(void **state)
{
	static const struct stack_frame other[] = {{"load", "/srv/app/app.py", 10, 5, false, 0, 0}};
	struct example *e = example_new();
	char bug[FINGERPRINT_SIZE];

	e->finding.bad.origin = ORIGIN_FINALIZER;
	finding_bug(&e->view, bug);
	example_stack(e, 0, stack_of(PYTHON_COMPLETE, other, 1));
	expect_bug(e, bug, true);
	example_stack(e, 2, stack_of(PYTHON_COMPLETE, other, 1));
	expect_bug(e, bug, false);

	e->finding.bad.origin = ORIGIN_UNKNOWN;
	example_stack(e, 0, NULL);
	finding_bug(&e->view, bug);
	expect_bug(e, bug, true);
	e->finding.fd = 9;
	expect_bug(e, bug, false);
	example_free(e);
}

static int meet(struct repeats *repeats, struct example *e)
{
	return repeats_meet(repeats, &e->view, NULL);
}

static void the_same_to_a_reader(void **state)
{
	struct example *e = example_new();
	struct repeats repeats = {0};

	assert_int_equal(meet(&repeats, e), 1);
	e->finding.fd = 9;
	e->finding.bad.tid = 5;
	assert_int_equal(meet(&repeats, e), 0);
	e->stacks[0]->frames[0].line = 15;
	assert_int_equal(meet(&repeats, e), 1);
	e->view.caused_by = 1;
	assert_int_equal(meet(&repeats, e), 1);
	assert_int_equal(repeats_bugs(&repeats), 1);
	assert_int_equal(repeats.bugs->count, 3);
	assert_int_equal(repeats.bugs->followed, 1);
	e->view.caused_by = 0;
	e->view.bug = "b1:00000000000000ff";
	e->finding.severity = SEVERITY_INFO;
	assert_int_equal(meet(&repeats, e), 1);
	assert_int_equal(repeats_bugs(&repeats), 1);
	repeats_free(&repeats);
	example_free(e);
}

/* A finding is told before the wrong close that it may follow from: that bug adopts it. */
static void a_bug_adopts(void **state)
{
	struct roots *roots = new_roots();
	struct repeats repeats = {0};
	struct example *e = example_new();
	struct root root;

	example_stack(e, 0, place_at("innocent", 50));
	root = trace_suspects(roots, e, 1, "stop", NULL);
	e->view.bug = root.bug;
	assert_int_equal(meet(&repeats, e), 1);
	assert_int_equal(repeats_bugs(&repeats), 1);
	e->finding.culprit = CULPRIT_BAD;
	example_stack(e, 0, place_at("stop", 30));
	root = trace_at(roots, e, FINDING_REUSED_CLOSE, 1000, 2);
	e->view.bug = root.bug;
	e->view.adopted = root.adopted;
	e->view.adopter = root.adopter;
	assert_string_equal(root.adopter, root.bug);
	assert_int_equal(meet(&repeats, e), 1);
	assert_int_equal(repeats_bugs(&repeats), 1);
	assert_int_equal(repeats.bugs->id, 2);
	assert_int_equal(repeats.bugs->followed, 1);
	assert_ptr_equal(repeats.all->bug, repeats.bugs);
	assert_int_equal(repeats.all->caused_by, 2);
	assert_true(repeats.all->perhaps);
	repeats_free(&repeats);
	roots_free(roots);
	example_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_has_one_root),
		cmocka_unit_test(the_victims_call_follows),
		cmocka_unit_test(one_early_close),
		cmocka_unit_test(another_call_is_no_root),
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(who_was_robbed_is_cleared),
		cmocka_unit_test(it_may_follow),
		cmocka_unit_test(two_bugs_stay_two),
		cmocka_unit_test(an_unknown_suspect),
		cmocka_unit_test(what_robbed_the_number),
		cmocka_unit_test(one_wrong_place),
		cmocka_unit_test(a_bug_adopts),
		cmocka_unit_test(what_makes_a_bug),
		cmocka_unit_test(bugs_without_a_place),
		cmocka_unit_test(the_same_to_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
