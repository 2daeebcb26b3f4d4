/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Telling descriptor owners, and their types, from what only looks like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "made_owners.h"
#include "python/owner_layout.h"
#include "python/owner_object.h"
#include "python/owner_types.h"

/* The memory of a process: places of MADE_TYPE_SIZE bytes. Names lie in the last one. */
#define START  0x10000
#define PLACES 64
#define NAMES  (START + (PLACES - 1) * MADE_TYPE_SIZE)

enum { TYPE, OBJECT, FILEIO, SOCKET, EPOLL, META, FIRST_OWN };

static uint8_t memory[PLACES * MADE_TYPE_SIZE];
static const char names[] = "object\0_io.FileIO\0_socket.socket\0select.epoll\0Own\0"
			    "_io.FileIOBase\0_socket.socketx";
static unsigned int reads;

static uint64_t place(unsigned int number)
{
	return START + number * MADE_TYPE_SIZE;
}

static uint64_t name(const char *text)
{
	const char *at = memmem(names, sizeof(names), text, strlen(text) + 1);

	assert_non_null(at);
	return NAMES + (at - names);
}

static bool read_made(void *arg, uint64_t address, void *buf, size_t size)
{
	reads++;
	if (address < START || address - START > sizeof(memory) - size)
		return false;
	memcpy(buf, memory + (address - START), size);
	return true;
}

static struct owner_types *begin(size_t head)
{
	static const char *const owner_names[] = {
		[FILEIO] = "_io.FileIO", [SOCKET] = "_socket.socket", [EPOLL] = "select.epoll"};

	memset(memory, 0, sizeof(memory));
	memcpy(memory + (NAMES - START), names, sizeof(names));
	make_type(memory, head,
		  &(struct made_type){.type = place(TYPE),
				      .name = name("object"),
				      .base = place(OBJECT),
				      .flags = READY | TYPE_SUBCLASS});
	for (unsigned int i = FILEIO; i <= EPOLL; i++)
		make_type(memory + i * MADE_TYPE_SIZE, head,
			  &(struct made_type){.type = place(TYPE),
					      .name = name(owner_names[i]),
					      .base = place(OBJECT)});
	return owner_types_new(place(TYPE), head - 8, 40, read_made, NULL);
}

static void put(unsigned int number, size_t head, const struct made_type *made)
{
	make_type(memory + number * MADE_TYPE_SIZE, head, made);
}

static int offer(struct owner_types *types, unsigned int number)
{
	return owner_types_offer(types, place(number), memory + number * MADE_TYPE_SIZE);
}

/* What kind the type there is found to be; OWNER_NONE: it is not found. */
static enum owner_type found_as(struct owner_types *types, unsigned int number)
{
	size_t count;
	const struct owner_type_found *found = owner_types_found(types, &count);
	enum owner_type kind = OWNER_NONE;

	for (size_t i = 0; i < count; i++) {
		if (found[i].address != place(number))
			continue;
		assert_int_equal(kind, OWNER_NONE); /* it is there once */
		kind = found[i].kind;
	}
	return kind;
}

static void check_owners(size_t head)
{
	struct owner_types *types = begin(head);

	assert_int_equal(owner_types_base_at(types), 256 + head - OBJECT_HEAD);
	for (int twice = 0; twice < 2; twice++) {
		for (unsigned int i = TYPE; i <= EPOLL; i++)
			assert_int_equal(offer(types, i), 0);
	}
	assert_int_equal(found_as(types, TYPE), OWNER_NONE);
	assert_int_equal(found_as(types, FILEIO), OWNER_FILEIO);
	assert_int_equal(found_as(types, SOCKET), OWNER_SOCKET);
	assert_int_equal(found_as(types, EPOLL), OWNER_EPOLL);
	assert_int_equal(owner_types_count(types), 4); /* `object` is not ready */
	owner_types_free(types);
}

static void test_owners(void **state)
{
	check_owners(OBJECT_HEAD);
	check_owners(OBJECT_HEAD_FREE);
}

/* A class is an owner's as soon as its base is known; what was found keeps its place. */
static void test_derived(void **state)
{
	struct owner_types *types = begin(OBJECT_HEAD);
	const struct owner_type_found *found;
	size_t count;

	put(10, OBJECT_HEAD,
	    &(struct made_type){.type = place(TYPE), .name = name("Own"), .base = place(11)});
	put(11, OBJECT_HEAD,
	    &(struct made_type){.type = place(TYPE), .name = name("Own"), .base = place(SOCKET)});
	offer(types, FILEIO);
	offer(types, 10);
	assert_int_equal(found_as(types, FILEIO), OWNER_FILEIO);
	assert_int_equal(found_as(types, 10), OWNER_NONE);
	offer(types, SOCKET);
	assert_int_equal(found_as(types, 10), OWNER_NONE);
	offer(types, 11);
	assert_int_equal(found_as(types, 10), OWNER_SOCKET);
	found = owner_types_found(types, &count);
	assert_int_equal(count, 4);
	assert_int_equal(found[0].address, place(FILEIO));
	assert_int_equal(found[1].address, place(SOCKET));
	assert_int_equal(found[0].name, name("_io.FileIO"));
	owner_types_free(types);
}

/* class Own(io.FileIO, metaclass=Meta), class Meta(type), class MetaMeta(type) ... */
static void check_metaclass(size_t head)
{
	struct owner_types *types = begin(head);
	const struct made_type own = {
		.type = place(META), .name = name("Own"), .base = place(FILEIO)};

	put(META, head,
	    &(struct made_type){.type = place(META + 1), /* whose own type is one, too */
				.name = name("Own"),
				.base = place(TYPE),
				.flags = READY | TYPE_SUBCLASS});
	put(10, head, &own);
	offer(types, FILEIO);
	offer(types, 10);
	assert_int_equal(found_as(types, 10), OWNER_FILEIO);

	/* An object of a class that is no metaclass is no class. */
	put(META, head, &(struct made_type){.type = place(TYPE), .name = name("Own"), .base = 8});
	put(11, head, &own);
	offer(types, 11);
	assert_int_equal(found_as(types, 11), OWNER_NONE);
	owner_types_free(types);
}

static void test_metaclass(void **state)
{
	check_metaclass(OBJECT_HEAD);
	check_metaclass(OBJECT_HEAD_FREE);
}

/* None of these is taken, and none is asked its name. */
static void test_forged(void **state)
{
	const struct made_type bad[] = {
		{.type = place(TYPE), .name = 0, .base = place(FILEIO)},
		{.type = place(TYPE), .name = ~0ull, .base = place(FILEIO)},
		{.type = place(TYPE), .name = name("Own"), .base = 0},
		{.type = place(TYPE), .name = name("Own"), .base = 1ull << 63},
		{.type = place(TYPE), .name = name("Own"), .base = place(FILEIO), .basicsize = 16},
		{.type = place(TYPE),
		 .name = name("Own"),
		 .base = place(FILEIO),
		 .basicsize = 1 << 20},
		{.type = place(TYPE), .name = name("Own"), .base = place(FILEIO), .flags = 1},
		{.type = place(TYPE), .name = name("Own"), .base = place(FILEIO), .flags = ~0ull},
		{.type = 0, .name = name("Own"), .base = place(FILEIO)},
		{.type = place(TYPE) + 1, .name = name("Own"), .base = place(FILEIO)},
		{.type = ~7ull, .name = name("Own"), .base = place(FILEIO)},
	};
	struct owner_types *types = begin(OBJECT_HEAD);

	offer(types, FILEIO);
	reads = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		put(10 + i, OBJECT_HEAD, &bad[i]);
		assert_int_equal(offer(types, 10 + i), 0);
		assert_int_equal(found_as(types, 10 + i), OWNER_NONE);
	}
	assert_int_equal(reads, 0);
	assert_int_equal(owner_types_count(types), 1);
	assert_int_equal(owner_types_offer(types, 0, memory + FILEIO * MADE_TYPE_SIZE), 0);
	assert_int_equal(owner_types_offer(types, ~0ull, memory + FILEIO * MADE_TYPE_SIZE), 0);
	assert_int_equal(owner_types_count(types), 1);
	owner_types_free(types);
}

/* A name must be the whole of it, and readable. */
static void test_names(void **state)
{
	const uint64_t at[] = {name("_io.FileIOBase"), name("_socket.socketx"),
			       name("_io.FileIO") + 1, START + sizeof(memory), 0x7fffffffe000};
	struct owner_types *types = begin(OBJECT_HEAD);

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		put(10 + i, OBJECT_HEAD,
		    &(struct made_type){.type = place(TYPE), .name = at[i], .base = place(OBJECT)});
		assert_int_equal(offer(types, 10 + i), 0);
		assert_int_equal(found_as(types, 10 + i), OWNER_NONE);
	}

	/* At the end of what can be read: of a page, since START and the size are multiples. */
	memcpy(memory + sizeof(memory) - 11, "_io.FileIO", 11);
	put(30, OBJECT_HEAD,
	    &(struct made_type){.type = place(TYPE),
				.name = START + sizeof(memory) - 11,
				.base = place(OBJECT)});
	offer(types, 30);
	assert_int_equal(found_as(types, 30), OWNER_FILEIO);
	owner_types_free(types);
}

/* Bases that go round in circles end, as do chains that are too long. */
static void test_chains(void **state)
{
	struct owner_types *types = begin(OBJECT_HEAD);

	for (unsigned int i = 0; i < 3; i++) {
		put(10 + i, OBJECT_HEAD,
		    &(struct made_type){.type = place(TYPE),
					.name = name("Own"),
					.base = place(10 + (i + 1) % 3)});
		offer(types, 10 + i);
	}
	put(13, OBJECT_HEAD,
	    &(struct made_type){.type = place(TYPE), .name = name("Own"), .base = place(13)});
	offer(types, 13);
	offer(types, EPOLL);
	for (unsigned int i = 20; i < 30; i++) {
		put(i, OBJECT_HEAD,
		    &(struct made_type){.type = place(TYPE),
					.name = name("Own"),
					.base = i == 20 ? place(EPOLL) : place(i - 1)});
		offer(types, i);
	}
	for (unsigned int i = 10; i <= 13; i++)
		assert_int_equal(found_as(types, i), OWNER_NONE);
	for (unsigned int i = 20; i < 30; i++)
		assert_int_equal(found_as(types, i), i < 28 ? OWNER_EPOLL : OWNER_NONE);
	owner_types_free(types);
}

/* A full table says so, and keeps what it has. */
static void test_full(void **state)
{
	struct owner_types *types = begin(OBJECT_HEAD);
	const struct made_type own = {
		.type = place(TYPE), .name = name("Own"), .base = place(FILEIO)};
	uint8_t bytes[MADE_TYPE_SIZE] = {0};

	make_type(bytes, OBJECT_HEAD, &own);
	offer(types, FILEIO);
	for (uint64_t i = 1; i < 40; i++)
		assert_int_equal(owner_types_offer(types, 0x7f0000000000 + i * 16, bytes), 0);
	assert_int_equal(owner_types_offer(types, 0x7f0000000000, bytes), -ENOSPC);
	assert_int_equal(owner_types_offer(types, 0x7f0000000010, bytes), 0); /* it is known */
	assert_int_equal(owner_types_count(types), 40);
	assert_int_equal(found_as(types, FILEIO), OWNER_FILEIO);
	owner_types_free(types);
}

/* More than the table began with, and more owners' types than are told. */
static void test_many(void **state)
{
	struct owner_types *types = begin(OBJECT_HEAD), *many;
	const struct made_type own = {
		.type = place(TYPE), .name = name("Own"), .base = place(FILEIO)};
	uint8_t bytes[MADE_TYPE_SIZE] = {0};
	size_t count;

	owner_types_free(types);
	many = owner_types_new(place(TYPE), 8, 20000, read_made, NULL);
	make_type(bytes, OBJECT_HEAD, &own);
	for (uint64_t i = 1; i < 20000; i++)
		assert_int_equal(owner_types_offer(many, 0x550000000000 + i * 1064, bytes), 0);
	owner_types_found(many, &count);
	assert_int_equal(count, 0);
	offer(many, FILEIO);
	owner_types_found(many, &count);
	assert_int_equal(count, OWNER_TYPES_FOUND_MAX);
	assert_int_equal(owner_types_count(many), 20000);
	owner_types_free(many);
}

struct judged {
	const struct owner_layout *owners;
	size_t head;
	uint8_t bytes[64];
};

static bool claims(const struct judged *judged, enum owner_type kind, int32_t expected,
		   uint8_t expected_flags)
{
	uint8_t flags = 0;
	int32_t fd = -2;
	bool claims = owner_object_claims(judged->owners, kind, place(FILEIO), judged->bytes, &fd,
					  &flags);

	if (claims) {
		assert_int_equal(fd, expected);
		assert_int_equal(flags, expected_flags);
	}
	return claims;
}

static void check_objects(struct judged *judged)
{
	uint8_t *bytes = judged->bytes;

	make_owner(bytes, judged->head, place(FILEIO), 7, CLOSEFD);
	assert_true(claims(judged, OWNER_FILEIO, 7, OWNER_CLOSES));
	bytes[judged->owners->finalizing_at] = 1;
	assert_true(claims(judged, OWNER_FILEIO, 7, OWNER_CLOSES | OWNER_FINALIZING));
	make_owner(bytes, judged->head, place(FILEIO), 7, 0xff & ~CLOSEFD);
	assert_false(claims(judged, OWNER_FILEIO, 7, 0));
	make_owner(bytes, judged->head, place(FILEIO), -1, CLOSEFD);
	assert_false(claims(judged, OWNER_FILEIO, -1, 0));
	make_owner(bytes, judged->head, place(SOCKET), 7, CLOSEFD);
	assert_false(claims(judged, OWNER_FILEIO, 7, 0));

	make_owner(bytes, judged->head, place(FILEIO), 0, 2);
	assert_true(claims(judged, OWNER_SOCKET, 0, OWNER_CLOSES));
	make_owner(bytes, judged->head, place(FILEIO), 0, 0); /* a word of a stack, say */
	assert_false(claims(judged, OWNER_SOCKET, 0, 0));
	make_owner(bytes, judged->head, place(FILEIO), 0, 0x7f12);
	assert_false(claims(judged, OWNER_SOCKET, 0, 0));
	make_owner(bytes, judged->head, place(FILEIO), 0, UINT32_MAX);
	assert_false(claims(judged, OWNER_SOCKET, 0, 0));
	make_owner(bytes, judged->head, place(FILEIO), INT32_MAX, 0);
	assert_true(claims(judged, OWNER_EPOLL, INT32_MAX, OWNER_CLOSES));
}

static void test_objects(void **state)
{
	struct judged with_gil = {python_owner_layout(0x030c, false), OBJECT_HEAD, {0}};
	struct judged without = {python_owner_layout(0x030d, true), OBJECT_HEAD_FREE, {0}};

	check_objects(&with_gil);
	check_objects(&without);
}

/* Dead, immortal, or no count at all. */
static void test_references(void **state)
{
	static const uint64_t bad[] = {0, 1ull << 31, 0xffffffff, 0x7f1200000005, ~0ull};
	static const uint64_t good[] = {1, 3, INT32_MAX, 4ull << 48 | 2 /* 3.14's flags */};
	struct judged judged = {python_owner_layout(0x030e, false), OBJECT_HEAD, {0}};

	make_owner(judged.bytes, OBJECT_HEAD, place(FILEIO), 7, 2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_word(judged.bytes, 0, bad[i]);
		assert_false(claims(&judged, OWNER_SOCKET, 7, 0));
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		put_word(judged.bytes, 0, good[i]);
		assert_true(claims(&judged, OWNER_SOCKET, 7, OWNER_CLOSES));
	}
}

/* Without a GIL: the owning thread's references, and those of all others above two bits. */
static void test_references_free(void **state)
{
	struct judged judged = {python_owner_layout(0x030d, true), OBJECT_HEAD_FREE, {0}};

	make_owner(judged.bytes, OBJECT_HEAD_FREE, place(FILEIO), 7, 2);
	put_word(judged.bytes, 8, 0);
	put_word(judged.bytes, 16, 3); /* none, and flags */
	assert_false(claims(&judged, OWNER_SOCKET, 7, 0));
	put_word(judged.bytes, 16, 1 << 2);
	assert_true(claims(&judged, OWNER_SOCKET, 7, OWNER_CLOSES));
	put_word(judged.bytes, 8, 1ull << 32);
	put_word(judged.bytes, 16, (uint64_t)-4); /* the other thread's was given up here */
	assert_false(claims(&judged, OWNER_SOCKET, 7, 0));
	put_word(judged.bytes, 16, 1ull << 60);
	assert_false(claims(&judged, OWNER_SOCKET, 7, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_metaclass),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_references_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
