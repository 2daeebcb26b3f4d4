/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Reads and writes that succeed on a number that a stale object claims: whose they are. */
#include "callers.h"

#include <sys/syscall.h>

#include "base/mem.h"

/* Number 7: what the stale object took, when, and by whose close it lost it. */
struct robbery {
	struct stream s;
	struct record_claim stale, owner; /* at a transfer */
};

static struct record_claim claim_of(struct stream *s, enum owner_type kind, uint64_t object)
{
	s->now += 100;
	return (struct record_claim){.object = object,
				     .type = A_CLASS,
				     .since_ns = s->now,
				     .kind = kind,
				     .state = OWNER_HOLDS};
}

/* Its number was closed by os.close(), and opened anew: at stack 3, by this thread. */
static void rob_by(struct robbery *r, enum owner_type kind, uint32_t opener)
{
	struct stream *s = &r->s;

	stream_begin(s);
	OPEN(s, 7, .stack = 1, .name = "/first");
	r->stale = claim_of(s, kind, A_FILE);
	CLOSE(s, 7, .stack = 2, .point = OWNER_OS_CLOSE, .claims = &r->stale, .nclaims = 1);
	r->stale.flags = CLAIM_STALE;
	OPEN(s, 7, .stack = 3, .name = "/second", .tid = opener);
	r->owner = claim_of(s, kind, A_FILE + 64);
	stream_wait(s, SETTLE_NS + 1); /* the owned_close is told */
	assert_int_equal(s->count, 1);
	assert_int_equal(s->findings[0].kind, FINDING_OWNED_CLOSE);
	stream_forget(s);
}

static void rob(struct robbery *r, enum owner_type kind)
{
	rob_by(r, kind, PID);
}

/* Four bytes, at stack 4, with both objects' claims. */
static void transfer(struct robbery *r, uint16_t nr, uint8_t point)
{
	const struct record_claim claims[] = {r->owner, r->stale};

	CALL(&r->s, .call = CALL_TRANSFERRED, .nr = nr, .fd = 7, .ret = 4, .stack = 4,
	     .point = point, .claims = claims, .nclaims = ARRAY_SIZE(claims));
}

static void end_without(struct robbery *r)
{
	assert_int_equal(stream_settle(&r->s), 0);
	stream_end(&r->s);
}

static const struct finding *end_with(struct robbery *r, enum certainty certainty)
{
	const struct finding *f = stream_only(&r->s, FINDING_MISDIRECTED_IO, certainty);

	assert_int_equal(f->culprit, CULPRIT_CLOSED);
	assert_int_equal(f->bad.ret, 4);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->opened.stack_id, 1);
	assert_true(f->victim.known);
	assert_int_equal(f->victim.opened.stack_id, 3);
	assert_int_equal(f->victim.failed.missing, SITE_NOT_APPLICABLE);
	return f;
}

static void test_file_beside_the_bytes(void **state)
{
	const struct finding *f;
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	r.stale.flags |= CLAIM_RECEIVER;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	f = end_with(&r, CERTAINTY_FACT);
	assert_int_equal(f->owner.type, OWNER_FILEIO);
	assert_string_equal(f->what.path, "/first");
	assert_true(f->proofs & PROOF_AT_WORK && f->proofs & PROOF_BEHIND);
	assert_int_equal(f->notes, 0);
	stream_end(&r.s);
}

/* What is left of earlier calls on the stack proves nothing. */
static void test_file_at_hand(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	r.stale.flags |= CLAIM_AT_HAND;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
}

/* os.write() was given the number by whoever has it. */
static void test_file_by_other_code(void **state)
{
	static const uint8_t points[] = {0, OWNER_OS_IO, OWNER_ELSEWHERE, OWNER_SOCKET_IO};

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		struct robbery r;

		rob(&r, OWNER_FILEIO);
		r.stale.flags |= CLAIM_RECEIVER | CLAIM_AT_HAND;
		transfer(&r, SYS_write, points[i]);
		end_without(&r);
	}
}

static void test_two_beside_the_bytes(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	r.owner.flags |= CLAIM_RECEIVER;
	r.stale.flags |= CLAIM_RECEIVER;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
}

/* The owner's own call. */
static void test_owner_is_at_work(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	r.owner.flags |= CLAIM_RECEIVER;
	r.stale.flags |= CLAIM_AT_HAND;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
	rob(&r, OWNER_SOCKET);
	r.owner.flags |= CLAIM_AT_HAND;
	r.stale.flags |= CLAIM_AT_HAND;
	transfer(&r, SYS_recvfrom, OWNER_SOCKET_IO);
	end_without(&r);
}

/* A socket object's methods make no such call. */
static void test_socket_does_not_write(void **state)
{
	struct robbery r;

	rob(&r, OWNER_SOCKET);
	r.stale.flags |= CLAIM_AT_HAND | CLAIM_RECEIVER;
	transfer(&r, SYS_write, OWNER_SOCKET_IO);
	end_without(&r);
}

/* The owner's address is left of an earlier call. */
static void test_owner_is_at_hand(void **state)
{
	struct robbery r;

	rob(&r, OWNER_SOCKET);
	r.owner.flags |= CLAIM_AT_HAND;
	r.stale.flags |= CLAIM_RECEIVER | CLAIM_AT_HAND;
	transfer(&r, SYS_sendto, OWNER_SOCKET_IO);
	end_with(&r, CERTAINTY_FACT);
	stream_end(&r.s);
}

static void test_socket_at_hand(void **state)
{
	struct robbery r;

	rob(&r, OWNER_SOCKET);
	r.stale.flags |= CLAIM_AT_HAND;
	transfer(&r, SYS_recvfrom, OWNER_SOCKET_IO);
	end_with(&r, CERTAINTY_FACT);
	stream_end(&r.s);
}

/* Another object, which is not known, may have the number by right, and be at work. */
static void test_socket_of_an_unknown_owner(void **state)
{
	struct robbery r;

	rob(&r, OWNER_SOCKET);
	r.stale.flags |= CLAIM_AT_HAND;
	r.owner.since_ns = r.stale.since_ns;
	transfer(&r, SYS_recvfrom, OWNER_SOCKET_IO);
	end_with(&r, CERTAINTY_SUSPECTED);
	stream_end(&r.s);
}

/* OpenSSL made the call: its code is not known. */
static void test_tls(void **state)
{
	static const uint8_t points[] = {0, OWNER_OS_IO, OWNER_FILE_IO};
	struct robbery r;

	rob(&r, OWNER_SOCKET);
	r.stale.flags |= CLAIM_AT_HAND;
	transfer(&r, SYS_write, OWNER_ELSEWHERE);
	end_with(&r, CERTAINTY_SUSPECTED);
	stream_end(&r.s);
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		rob(&r, OWNER_SOCKET);
		r.stale.flags |= CLAIM_AT_HAND;
		transfer(&r, SYS_write, points[i]);
		end_without(&r);
	}
}

/* Another thread opened the number: the call may have begun before, on what it meant. */
static void test_call_may_be_older(void **state)
{
	struct robbery r;

	rob_by(&r, OWNER_SOCKET, OTHER);
	r.stale.flags |= CLAIM_AT_HAND | CLAIM_RECEIVER;
	transfer(&r, SYS_recvfrom, OWNER_SOCKET_IO);
	end_without(&r);
	rob_by(&r, OWNER_SOCKET, OTHER);
	r.stale.flags |= CLAIM_AT_HAND | CLAIM_RECEIVER;
	transfer(&r, SYS_sendto, OWNER_SOCKET_IO);
	assert_true(end_with(&r, CERTAINTY_SUSPECTED)->notes & NOTE_ORDER_UNCERTAIN);
	stream_end(&r.s);
	rob_by(&r, OWNER_SOCKET, OTHER);
	OPEN(&r.s, 9); /* by the thread that reads: its next call comes after */
	r.stale.flags |= CLAIM_AT_HAND | CLAIM_RECEIVER;
	transfer(&r, SYS_recvfrom, OWNER_SOCKET_IO);
	end_with(&r, CERTAINTY_FACT);
	stream_end(&r.s);
}

/* It has its number by right: nobody closed it. */
static void test_no_stale_object(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	r.stale.flags = CLAIM_RECEIVER;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
	rob(&r, OWNER_FILEIO);
	r.stale.flags |= CLAIM_RECEIVER;
	r.stale.since_ns = r.owner.since_ns;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
}

/* The number was closed before the record of the call came. */
static void test_number_is_closed(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	CLOSE(&r.s, 7, .stack = 5);
	r.stale.flags |= CLAIM_RECEIVER;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
}

static void test_after_a_gap(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	stream_gap(&r.s);
	r.stale.flags |= CLAIM_RECEIVER;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_without(&r);
}

/* Seen with its number, but not as it took it; more claim it than are told of. */
static void test_doubts(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	r.stale.flags |= CLAIM_RECEIVER | CLAIM_LATE;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	assert_true(end_with(&r, CERTAINTY_SUSPECTED)->notes & NOTE_OWNER_LATE);
	stream_end(&r.s);
	rob(&r, OWNER_FILEIO);
	r.stale.flags |= CLAIM_RECEIVER;
	r.owner.flags |= CLAIM_MORE;
	transfer(&r, SYS_write, OWNER_FILE_IO);
	end_with(&r, CERTAINTY_SUSPECTED);
	stream_end(&r.s);
}

/* A transfer changes nothing: the number is closed rightly after it. */
static void test_changes_nothing(void **state)
{
	struct robbery r;

	rob(&r, OWNER_FILEIO);
	transfer(&r, SYS_write, OWNER_OS_IO);
	r.owner.state = OWNER_LET_GO;
	r.owner.flags |= CLAIM_AT_HAND;
	CLOSE(&r.s, 7, .claims = &r.owner, .nclaims = 1);
	end_without(&r);
}

/* Objects that keep a bare number */

#define WRITE_IT AGAIN

/* What a test changes of a number that an object keeps. */
struct kept {
	struct caller_frame closer, victim, user;
	uint64_t stack; /* of the victim's open */
	bool unowned;
	uint8_t flags, point;
};

static struct caller one_frame(struct caller_frame frame)
{
	return (struct caller){.count = 1, .frames = {frame}};
}

/* An object opens 7; it is closed; a file object gets it; the first one's method writes there. */
static void keep(struct stream *s, const struct kept *kept)
{
	struct caller closer = one_frame(kept->closer), victim = one_frame(kept->victim),
		      user = one_frame(kept->user);
	struct record_claim owner;

	stream_begin(s);
	OPEN(s, 7, .stack = 1, .name = "/first", BY(METHOD(INIT, AN_A, .role = ROLE_METHOD)));
	CLOSE(s, 7, .stack = 2, .caller = &closer, .point = OWNER_OS_CLOSE);
	OPEN(s, 7, .stack = 3, .name = "/second", .caller = &victim);
	owner = claim_of(s, OWNER_FILEIO, A_FILE);
	CALL(s, .call = CALL_TRANSFERRED, .nr = SYS_write, .fd = 7, .ret = 4, .stack = 4,
	     .caller = &user, .point = kept->point, .still_open = kept->flags, .claims = &owner,
	     .nclaims = kept->unowned ? 0 : 1);
}

static const struct kept usual = {
	.closer = PLAIN(CLOSE_B),
	.victim = PLAIN(OPEN_B),
	.user = METHOD(WRITE_IT, AN_A, .role = ROLE_METHOD),
	.flags = CALL_KEPT,
	.point = OWNER_OS_IO,
};

static void expect_kept(const struct kept *kept, enum culprit culprit)
{
	const struct finding *f;
	struct stream s;

	keep(&s, kept);
	f = only(&s, FINDING_MISDIRECTED_IO, CERTAINTY_SUSPECTED, ATTRIBUTION_LIKELY);
	assert_int_equal(f->culprit, culprit);
	assert_int_equal(f->opened.stack_id, 1);
	assert_int_equal(f->closed.stack_id, 2);
	assert_int_equal(f->victim.opened.stack_id, 3);
	assert_int_equal(f->bad.stack_id, 4);
	assert_int_equal(f->owner.type, OWNER_NONE);
	assert_int_equal(f->victim.owner.type, OWNER_FILEIO);
	assert_true(f->proofs & PROOF_KEPT);
	stream_end(&s);
}

static void expect_nothing(const struct kept *kept)
{
	struct stream s;

	keep(&s, kept);
	assert_int_equal(stream_settle(&s), 0);
	stream_end(&s);
}

static void test_kept_number(void **state)
{
	struct kept kept = usual;

	expect_kept(&kept, CULPRIT_CLOSED);
	kept.closer = (struct caller_frame)METHOD(CLOSE_IT, ANOTHER, .role = ROLE_METHOD);
	expect_kept(&kept, CULPRIT_CLOSED);
	kept.closer = (struct caller_frame)METHOD(CLOSE_IT, AN_A, .role = ROLE_FUNCTION);
	expect_kept(&kept, CULPRIT_CLOSED);
	/* Its own method did. */
	kept.closer = (struct caller_frame)METHOD(CLOSE_IT, AN_A, .role = ROLE_METHOD);
	expect_kept(&kept, CULPRIT_BAD);
	kept.closer = (struct caller_frame)METHOD(CLOSE_IT, AN_A);
	expect_kept(&kept, CULPRIT_UNKNOWN);
}

/* It may write to any number, and be given one. */
static void test_not_kept(void **state)
{
	struct kept kept = usual;

	kept.flags = 0;
	expect_nothing(&kept);
	kept = usual;
	kept.point = OWNER_SOCKET_IO;
	expect_nothing(&kept);
	kept = usual;
	kept.unowned = true;
	expect_nothing(&kept);
	kept = usual;
	kept.user = (struct caller_frame)METHOD(WRITE_IT, AN_A, .role = ROLE_FUNCTION);
	expect_nothing(&kept);
}

/* Another object; one of another class, where a dead one lay; one that opened what is there. */
static void test_kept_by_another(void **state)
{
	struct kept kept = usual;

	kept.user = (struct caller_frame)METHOD(WRITE_IT, ANOTHER, .role = ROLE_METHOD);
	expect_nothing(&kept);
	kept.user = (struct caller_frame)METHOD(WRITE_IT, AN_A, .role = ROLE_METHOD,
						.type = A_CLASS + 64);
	expect_nothing(&kept);
	kept = usual;
	kept.victim = (struct caller_frame)METHOD(OPEN_B, AN_A, .role = ROLE_METHOD);
	expect_nothing(&kept);
}

/* What one function opened and closed, no object keeps, most likely. */
static void test_kept_by_a_function(void **state)
{
	struct kept kept = usual;

	kept.closer = (struct caller_frame)METHOD(INIT, AN_A, .role = ROLE_METHOD);
	expect_nothing(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_beside_the_bytes),
		cmocka_unit_test(test_file_at_hand),
		cmocka_unit_test(test_file_by_other_code),
		cmocka_unit_test(test_two_beside_the_bytes),
		cmocka_unit_test(test_owner_is_at_work),
		cmocka_unit_test(test_socket_does_not_write),
		cmocka_unit_test(test_owner_is_at_hand),
		cmocka_unit_test(test_socket_at_hand),
		cmocka_unit_test(test_socket_of_an_unknown_owner),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_call_may_be_older),
		cmocka_unit_test(test_no_stale_object),
		cmocka_unit_test(test_number_is_closed),
		cmocka_unit_test(test_after_a_gap),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_changes_nothing),
		cmocka_unit_test(test_kept_number),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_kept_by_another),
		cmocka_unit_test(test_kept_by_a_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
