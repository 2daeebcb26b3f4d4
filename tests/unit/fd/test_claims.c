/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Whose descriptor a close ended, by what it found of the objects that claim its number. */
#include "fd_stream.h"

#include "fd/claims.h"

#define A_FILE	0x7f0000001000u
#define ANOTHER 0x7f0000002000u
#define A_CLASS 0x7f0000009000u
#define OTHER	101u /* another thread */

/* A claim; what is not given is the file object's, first seen when the last record was written. */
#define CLAIM(s, ...)                                                          \
	(struct record_claim)                                                  \
	{                                                                      \
		.object = A_FILE, .type = A_CLASS, .since_ns = stream_last(s), \
		.kind = OWNER_FILEIO, __VA_ARGS__                              \
	}

#define OPEN_AT(s, number, stack_id, ...) OPEN(s, number, .stack = (stack_id), __VA_ARGS__)

/* One close, with the claims that it tells of. */
static int close_with(struct stream *s, const struct event *e, const struct record_claim *claims,
		      unsigned int count)
{
	uint64_t room[(sizeof(struct record_call) + RECORD_CLAIMS_MAX * sizeof(*claims)) / 8 + 1];
	struct record_call *call = (struct record_call *)room;

	*call = (struct record_call){
		.h = {.size = sizeof(*call) + count * sizeof(*claims),
		      .type = RECORD_CALL,
		      .time_ns = s->now += 1000,
		      .tgid = e->tgid ? e->tgid : PID,
		      .tid = e->tid ? e->tid : PID},
		.table = e->table ? e->table : TABLE,
		.stack_id = e->stack,
		.ret = e->ret,
		.fd = e->fd,
		.fd2 = -1,
		.call = CALL_CLOSE,
		.still_open = e->still_open,
		.owner = (uint8_t)(count << 4),
		.point = e->point,
	};
	memcpy(call->name, claims, count * sizeof(*claims));
	return fd_call(s->world, call, NULL);
}

#define CLOSE_BY(s, claim, number, ...) \
	close_with(s, &(struct event){.fd = number, __VA_ARGS__}, (struct record_claim[]){claim}, 1)
#define CLOSE_BY_TWO(s, first, second, number, ...)               \
	close_with(s, &(struct event){.fd = number, __VA_ARGS__}, \
		   (struct record_claim[]){first, second}, 2)

#define BY_OS_CLOSE .point = OWNER_OS_CLOSE

/* Its claim at a close of its own. */
static struct record_claim closing(struct record_claim claim)
{
	claim.state = OWNER_LET_GO;
	claim.flags |= CLAIM_AT_HAND;
	return claim;
}

static struct record_claim holding(struct record_claim claim)
{
	claim.state = OWNER_HOLDS;
	return claim;
}

/* As the kernel side tells of it after a close at which it had the number still. */
static struct record_claim stale(struct record_claim claim)
{
	claim.flags |= CLAIM_STALE;
	return claim;
}

/* Opens 7 at stack 1; returns the claim of the object that takes it. */
static struct record_claim taken(struct stream *s)
{
	OPEN_AT(s, 7, 1, .name = "/first");
	s->now += 100;
	return CLAIM(s);
}

/* Another object's, some time after the last record. */
static struct record_claim another(struct stream *s)
{
	s->now += 100;
	return CLAIM(s, .object = ANOTHER);
}

static void test_right_uses(void **state)
{
	struct stream s;

	stream_begin(&s);
	for (int i = 0; i < 3; i++) {
		struct record_claim claim = taken(&s);

		CLOSE_BY(&s, closing(claim), 7);
		claim = taken(&s); /* detached: os.close() is right */
		claim.state = OWNER_LET_GO;
		CLOSE_BY(&s, claim, 7, BY_OS_CLOSE);
		claim = taken(&s); /* its memory is something else's */
		claim.state = OWNER_GONE;
		CLOSE_BY(&s, claim, 7, BY_OS_CLOSE);
		claim = taken(&s); /* it could not be looked at */
		claim.state = OWNER_UNKNOWN;
		CLOSE_BY(&s, claim, 7, BY_OS_CLOSE);
	}
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_os_close_of_a_claimed_number(void **state)
{
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	CLOSE_BY(&s, holding(taken(&s)), 7, BY_OS_CLOSE, .stack = 2);
	f = stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	assert_int_equal(f->owner.type, OWNER_FILEIO);
	assert_int_equal(f->culprit, CULPRIT_BAD);
	assert_int_equal(f->bad.stack_id, 2);
	assert_int_equal(f->bad.origin, ORIGIN_OS_CLOSE);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->notes & (NOTE_OWNER_BEFORE | NOTE_OWNER_LATE), 0);
	stream_end(&s);
}

static void test_its_class_is_named(void **state)
{
	static const char name[] = "my.LoggedFile";
	uint64_t room[(sizeof(struct record_owner_type) + sizeof(name)) / 8 + 1];
	struct record_owner_type *type = (struct record_owner_type *)room;
	struct stream s;

	*type = (struct record_owner_type){
		.h = {.size = sizeof(room), .type = RECORD_OWNER_TYPE, .tgid = PID},
		.type = A_CLASS,
		.kind = OWNER_FILEIO,
		.name_size = sizeof(name) - 1,
	};
	memcpy(type->name, name, sizeof(name) - 1);
	stream_begin(&s);
	assert_int_equal(fd_owner_type(s.world, type), 0);
	CLOSE_BY(&s, holding(taken(&s)), 7, BY_OS_CLOSE);
	assert_string_equal(stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT)->owner.name,
			    "my.LoggedFile");
	stream_end(&s);
}

/* C code closes, and the object after it; or the object lets go of the number without a close. */
static void test_c_code_waits(void **state)
{
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	claim = taken(&s);
	CLOSE_BY(&s, holding(claim), 7, .stack = 2);
	assert_int_equal(s.count, 0);
	CLOSE_BY(&s, closing(stale(claim)), 7, .ret = -EBADF, .stack = 3);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[0].kind, FINDING_OWNED_CLOSE);
	assert_int_equal(s.findings[0].bad.stack_id, 2);
	assert_string_equal(s.findings[0].what.path, "/first");
	assert_int_equal(s.findings[1].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[1].culprit, CULPRIT_CLOSED);
	stream_end(&s);

	stream_begin(&s);
	claim = taken(&s);
	CLOSE_BY(&s, holding(claim), 7);
	OPEN(&s, 7);
	claim = stale(claim);
	claim.state = OWNER_LET_GO; /* detached */
	CLOSE_BY(&s, claim, 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/*
 * A stale object is about to close the number as another thread's close of it returns, whose record
 * tells that it has let go: so the record of its own close does not. It is no C code's.
 */
static void test_let_go_before_its_close(void **state)
{
	struct record_claim claim, other;
	struct stream s;

	stream_begin(&s);
	claim = taken(&s);
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE, .stack = 2);
	OPEN_AT(&s, 7, 3, .tid = OTHER);
	other = another(&s);
	claim = stale(claim);
	claim.state = OWNER_LET_GO;
	CLOSE_BY_TWO(&s, closing(other), claim, 7, .tid = OTHER, .stack = 4);
	OPEN_AT(&s, 7, 5, .tid = OTHER);
	other = another(&s);
	CLOSE_BY(&s, holding(other), 7, .point = OWNER_ELSEWHERE, .stack = 6);
	CLOSE_BY(&s, closing(stale(other)), 7, .tid = OTHER, .ret = -EBADF, .stack = 7);
	assert_int_equal(stream_settle(&s), 2);
	assert_int_equal(s.findings[0].kind, FINDING_OWNED_CLOSE);
	assert_int_equal(s.findings[0].bad.stack_id, 2);
	assert_int_equal(s.findings[1].kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(s.findings[1].closed.stack_id, 6);
	stream_end(&s);
}

/*
 * A thread's file is robbed of its number before it is first seen with it, when another thread has
 * opened and closed the number: it does not mean that thread's generation.
 */
static void test_robbed_before_it_is_seen(void **state)
{
	struct record_claim claim, other;
	struct stream s;

	stream_begin(&s);
	OPEN_AT(&s, 7, 1);
	CLOSE(&s, 7, .stack = 2, .tid = OTHER + 1);
	OPEN_AT(&s, 7, 3, .tid = OTHER);
	other = another(&s);
	s.now += 100;
	claim = CLAIM(&s);
	CLOSE_BY_TWO(&s, closing(other), holding(claim), 7, .tid = OTHER, .stack = 4);
	s.now += 1000 * MS;
	CLOSE_BY(&s, closing(claim), 7, .ret = -EBADF, .stack = 5);
	stream_only(&s, FINDING_DOUBLE_CLOSE, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

/* Two objects of one generation: which of them may close is not known. */
static void test_two_claims_in_one_generation(void **state)
{
	struct record_claim a, b;
	struct stream s;

	stream_begin(&s);
	a = taken(&s);
	b = another(&s);
	CLOSE_BY_TWO(&s, holding(b), closing(a), 7);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* An object that os.close() was made behind closes what another has opened since. */
static struct record_claim close_behind(struct stream *s, struct record_claim *ret_second)
{
	struct record_claim claim;

	stream_begin(s);
	claim = taken(s);
	CLOSE_BY(s, holding(claim), 7, BY_OS_CLOSE, .stack = 2);
	OPEN_AT(s, 7, 4, .name = "/second", .tid = OTHER);
	*ret_second = another(s);
	return stale(claim);
}

static void test_stale_object_closes_anothers(void **state)
{
	struct record_claim first, second;
	const struct finding *f;
	struct stream s;

	first = close_behind(&s, &second);
	CLOSE_BY_TWO(&s, holding(second), closing(first), 7, .stack = 5);
	assert_int_equal(stream_settle(&s), 2);
	f = &s.findings[1];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->certainty, CERTAINTY_FACT);
	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	assert_int_equal(f->bad.stack_id, 5);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	assert_string_equal(f->what.path, "/first");
	assert_true(f->victim.known);
	assert_int_equal(f->victim.opened.stack_id, 4);
	assert_int_equal(f->victim.owner.type, OWNER_FILEIO);
	stream_end(&s);
}

/* It has let go of the number, but is not at work here: whose close it is, is not known. */
static void test_stale_object_not_at_hand(void **state)
{
	struct record_claim first, second;
	struct stream s;

	first = close_behind(&s, &second);
	first.state = OWNER_LET_GO;
	second.state = OWNER_LET_GO;
	CLOSE_BY_TWO(&s, second, first, 7, .stack = 5);
	stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

/* Both have let go, and both are at hand: it is the close of the one that has this very generation.
 */
static void test_owner_comes_before_a_stale_one(void **state)
{
	struct record_claim first, second;
	struct stream s;

	first = close_behind(&s, &second);
	CLOSE_BY_TWO(&s, closing(second), closing(first), 7, .stack = 5);
	stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

/* A failed close of an object that had an older generation is about that generation. */
static void test_failed_close_means_its_own_generation(void **state)
{
	struct record_claim first, second;
	const struct finding *f;
	struct stream s;

	first = close_behind(&s, &second);
	CLOSE_BY(&s, closing(second), 7, .stack = 6, .tid = OTHER);
	CLOSE_BY(&s, closing(first), 7, .stack = 5, .ret = -EBADF);
	assert_int_equal(stream_settle(&s), 2);
	f = &s.findings[1];
	assert_int_equal(f->kind, FINDING_DOUBLE_CLOSE);
	assert_int_equal(f->bad.stack_id, 5);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	assert_true(f->notes & NOTE_REOPENED_SINCE);
	stream_end(&s);
}

/* os.close(7) in another thread, and 7 is opened anew by this one. */
static const struct finding *closed_and_opened(struct stream *s, uint32_t opener,
					       enum certainty certainty)
{
	stream_begin(s);
	CLOSE_BY(s, holding(taken(s)), 7, BY_OS_CLOSE, .stack = 2, .tid = OTHER);
	OPEN_AT(s, 7, 3, .tid = opener);
	return stream_only(s, FINDING_OWNED_CLOSE, certainty);
}

/*
 * A thread that may have closed before the object's generation began may have closed what a third
 * thread had opened, whose record comes late; not what the object's thread opens after it.
 */
static void test_owned_close_waits_for_late_opens(void **state)
{
	const struct finding *f;
	struct stream s;

	f = closed_and_opened(&s, OTHER + 1, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_ORDER_UNCERTAIN);
	stream_end(&s);
	closed_and_opened(&s, PID, CERTAINTY_FACT);
	stream_end(&s);
}

/* The object took what was opened while the close of another thread went on. */
static void test_object_of_what_was_opened_meanwhile(void **state)
{
	uint64_t entered_ns, opened_ns;
	const struct finding *f;
	struct stream s;

	stream_begin(&s);
	OPEN_AT(&s, 7, 1);
	OPEN_AT(&s, 8, 1, .tid = OTHER);
	opened_ns = stream_last(&s);
	s.now += 100;
	entered_ns = stream_last(&s);
	CLOSE_BY(&s, holding(another(&s)), 7, BY_OS_CLOSE, .stack = 2, .tid = OTHER);
	OPEN_AT(&s, 7, 3, .tid = OTHER + 1, .enter_ns = entered_ns, .thread_ns = opened_ns);
	f = stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_SUSPECTED);
	assert_int_equal(f->opened.stack_id, 1);
	stream_end(&s);
}

/* C code closes 7, and then the object that has it; still_open: of the first. */
static void c_code_closes(struct stream *s, uint8_t still_open, enum certainty certainty)
{
	struct record_claim claim;

	stream_begin(s);
	claim = taken(s);
	CLOSE_BY(s, holding(claim), 7, .stack = 2, .tid = OTHER, .still_open = still_open);
	CLOSE_BY(s, closing(stale(claim)), 7, .stack = 3, .ret = -EBADF);
	assert_int_equal(stream_settle(s), 2);
	assert_int_equal(s->findings[0].kind, FINDING_OWNED_CLOSE);
	assert_int_equal(s->findings[0].certainty, certainty);
	assert_int_equal(s->findings[1].kind, FINDING_DOUBLE_CLOSE);
	stream_end(s);
}

/* Of two objects, one that is not known may close as the other is made. */
static void test_object_made_as_c_code_closes(void **state)
{
	struct stream s;

	c_code_closes(&s, 0, CERTAINTY_SUSPECTED);
	c_code_closes(&s, CALL_ALONE, CERTAINTY_FACT);
}

/* Of two that have let go and are at hand, one's address may be left of an earlier call. */
static void test_closer_of_two_is_no_fact(void **state)
{
	struct record_claim first, second, third;
	const struct finding *f;
	struct stream s;

	first = close_behind(&s, &second);
	CLOSE_BY_TWO(&s, holding(second), holding(first), 7, BY_OS_CLOSE, .stack = 2);
	OPEN_AT(&s, 7, 8, .name = "/third", .tid = OTHER);
	third = CLAIM(&s, .object = 0x7f0000003000u);
	close_with(&s, &(struct event){.fd = 7, .stack = 9},
		   (struct record_claim[]){holding(third), closing(stale(second)), closing(first)},
		   3);
	assert_int_equal(stream_settle(&s), 3);
	f = &s.findings[2];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->certainty, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_ANOTHERS);
	stream_end(&s);
}

/* What an object means is remembered, however many generations the number has had since. */
static void test_stale_object_closes_late(void **state)
{
	struct record_claim first, second;
	const struct finding *f;
	struct stream s;

	first = close_behind(&s, &second);
	for (unsigned int i = 0; i < 20; i++) {
		CLOSE_BY(&s, closing(second), 7, .stack = 6, .tid = OTHER);
		OPEN_AT(&s, 7, 4, .tid = OTHER);
		second = another(&s);
	}
	CLOSE_BY_TWO(&s, holding(second), closing(first), 7, .stack = 5);
	assert_int_equal(stream_settle(&s), 2);
	f = &s.findings[1];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->certainty, CERTAINTY_FACT);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	stream_end(&s);
}

/* A generation whose object is met late may have been ended by that object, or been another's. */
static void test_late_closer_is_no_proof(void **state)
{
	struct record_claim first, second, late;
	const struct finding *f;
	struct stream s;

	first = close_behind(&s, &second);
	late = CLAIM(&s, .object = 0x7f0000003000u, .flags = CLAIM_LATE);
	close_with(&s, &(struct event){.fd = 7, .stack = 9},
		   (struct record_claim[]){closing(late), holding(second), holding(first)}, 3);
	OPEN_AT(&s, 7, 8, .name = "/third", .tid = OTHER);
	CLOSE_BY(&s, closing(stale(second)), 7, .stack = 5);
	assert_int_equal(stream_settle(&s), 2);
	f = &s.findings[1];
	assert_int_equal(f->kind, FINDING_REUSED_CLOSE);
	assert_int_equal(f->certainty, CERTAINTY_SUSPECTED);
	stream_end(&s);
}

static void test_late_and_before(void **state)
{
	const struct finding *f;
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	claim = taken(&s);
	claim.flags = CLAIM_LATE;
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE);
	f = stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_SUSPECTED);
	assert_true(f->notes & NOTE_OWNER_LATE);
	stream_end(&s);

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	stream_list(&s, 7, "/listed", false);
	stream_listed(&s, 64, s.now += 1000);
	stream_wait(&s, 2 * SETTLE_NS);
	claim = CLAIM(&s, .flags = CLAIM_BEFORE);
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE);
	f = stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	assert_true(f->notes & NOTE_OWNER_BEFORE);
	assert_true(f->owner.flags & CLAIM_BEFORE);
	stream_end(&s);
}

static void test_not_across_a_gap(void **state)
{
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	claim = taken(&s);
	stream_gap(&s);
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* The open is recorded before the close that freed its number; the claim is the newer generation's.
 */
static void test_race(void **state)
{
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	OPEN_AT(&s, 7, 1);
	OPEN_AT(&s, 7, 4, .tid = OTHER);
	claim = CLAIM(&s, .object = ANOTHER);
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE, .stack = 2);
	CLOSE_BY(&s, closing(claim), 7, .stack = 5, .tid = OTHER);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

/* A forked child, which may be about to exec, closes what its parent's objects have. */
static void test_parents_claims(void **state)
{
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	claim = taken(&s);
	assert_int_equal(stream_fork(&s, CHILD, TABLE2, false), 0);
	claim.flags |= CLAIM_PARENTS;
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_redirected_number_stays_the_objects(void **state)
{
	struct record_claim claim;
	struct stream s;

	stream_begin(&s);
	claim = taken(&s);
	OPEN(&s, 8);
	CALL(&s, .call = CALL_DUP2, .fd = 8, .fd2 = 7, .ret = 7);
	CLOSE_BY(&s, closing(claim), 7);
	assert_int_equal(stream_settle(&s), 0);
	claim = taken(&s);
	CALL(&s, .call = CALL_DUP2, .fd = 8, .fd2 = 7, .ret = 7);
	CALL(&s, .call = CALL_DUP2, .fd = 8, .fd2 = 7, .ret = 7);
	CLOSE_BY(&s, holding(claim), 7, BY_OS_CLOSE);
	stream_only(&s, FINDING_OWNED_CLOSE, CERTAINTY_FACT);
	stream_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_uses),
		cmocka_unit_test(test_os_close_of_a_claimed_number),
		cmocka_unit_test(test_its_class_is_named),
		cmocka_unit_test(test_c_code_waits),
		cmocka_unit_test(test_let_go_before_its_close),
		cmocka_unit_test(test_robbed_before_it_is_seen),
		cmocka_unit_test(test_two_claims_in_one_generation),
		cmocka_unit_test(test_stale_object_closes_anothers),
		cmocka_unit_test(test_stale_object_not_at_hand),
		cmocka_unit_test(test_owner_comes_before_a_stale_one),
		cmocka_unit_test(test_failed_close_means_its_own_generation),
		cmocka_unit_test(test_owned_close_waits_for_late_opens),
		cmocka_unit_test(test_object_of_what_was_opened_meanwhile),
		cmocka_unit_test(test_object_made_as_c_code_closes),
		cmocka_unit_test(test_closer_of_two_is_no_fact),
		cmocka_unit_test(test_stale_object_closes_late),
		cmocka_unit_test(test_late_closer_is_no_proof),
		cmocka_unit_test(test_late_and_before),
		cmocka_unit_test(test_not_across_a_gap),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_parents_claims),
		cmocka_unit_test(test_redirected_number_stays_the_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
