/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Which connection a socket was: learned late, shared by its copies, of no other socket. */
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/socket_record.h"
#include "fd_stream.h"

#define EINPROGRESS_RET -115

#define ADDRESSED(s, number, what, ...) \
	CALL(s, .call = CALL_ADDRESSED, .fd = number, .socket = what, __VA_ARGS__)

static const struct record_socket bare = {
	.inode = 1000,
	.family = AF_INET,
	.type = SOCK_STREAM,
	.protocol = 6,
};

/* From port 5000 to another. */
static struct record_socket connected(uint64_t inode, uint16_t port)
{
	return (struct record_socket){
		.inode = inode,
		.family = AF_INET,
		.type = SOCK_STREAM,
		.protocol = 6,
		.flags = SOCKET_CONNECTED,
		.local_port = 5000,
		.peer_port = port,
		.local_size = 4,
		.peer_size = 4,
		.ip = {.local = {127, 0, 0, 1}, .peer = {127, 0, 0, 2}},
	};
}

/* The only finding's; NULL: not known. */
static const struct record_socket *found(struct stream *s)
{
	assert_int_equal(stream_settle(s), 1);
	assert_int_equal(s->findings[0].what.type, FD_SOCKET);
	assert_null(what_path(&s->findings[0].what));
	return what_socket(&s->findings[0].what);
}

static void close_twice(struct stream *s, int32_t fd)
{
	CLOSE(s, fd);
	BAD_CLOSE(s, fd);
}

static void test_a_connect_is_learned_later(void **state)
{
	struct record_socket to = connected(1000, 6379);
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_SOCKET, .ret = 7, .arg = AF_INET, .socket = &bare);
	ADDRESSED(&s, 7, &to, .ret = EINPROGRESS_RET);
	close_twice(&s, 7);
	assert_int_equal(found(&s)->peer_port, 6379);
	stream_end(&s);
}

static void test_an_accepted_one_has_both(void **state)
{
	struct record_socket from = connected(1001, 33333);
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_ACCEPT4, .fd = 3, .ret = 7, .socket = &from);
	close_twice(&s, 7);
	assert_int_equal(found(&s)->peer_port, 33333);
	assert_memory_equal(found(&s)->ip.peer, from.ip.peer, 4);
	stream_end(&s);
}

/* What came by SCM_RIGHTS, or from an io_uring. */
static void test_an_installed_one(void **state)
{
	struct record_socket from = connected(1001, 33333);
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_INSTALLED, .ret = 7, .arg = S_IFSOCK, .socket = &from);
	close_twice(&s, 7);
	assert_int_equal(found(&s)->peer_port, 33333);
	stream_end(&s);
}

/* A copy is the same socket, in a child too: whoever connects it. */
static void test_copies_learn_it(void **state)
{
	struct record_socket to = connected(1000, 6379);
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_SOCKET, .ret = 7, .socket = &bare);
	CALL(&s, .call = CALL_DUP, .fd = 7, .ret = 8);
	stream_fork(&s, CHILD, TABLE2, false);
	ADDRESSED(&s, 8, &to);
	CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	BAD_CLOSE(&s, 7, .tgid = CHILD, .tid = CHILD, .table = TABLE2);
	assert_int_equal(found(&s)->peer_port, 6379);
	stream_end(&s);
}

/* The record of a connect came after the number was another socket. */
static void test_another_socket_is_not_taken_for_it(void **state)
{
	struct record_socket to = connected(1000, 6379), other = connected(1001, 80);
	struct stream s;

	stream_begin(&s);
	CALL(&s, .call = CALL_SOCKET, .ret = 7, .socket = &bare);
	ADDRESSED(&s, 7, &other);
	CLOSE(&s, 7);
	ADDRESSED(&s, 7, &to);
	BAD_CLOSE(&s, 7);
	assert_int_equal(found(&s)->peer_port, 6379);
	stream_end(&s);
}

/* Of a number of which nothing is known nothing is made up. */
static void test_of_nothing_nothing_is_learned(void **state)
{
	struct record_socket to = connected(1000, 6379);
	struct stream s;

	stream_begin(&s);
	ADDRESSED(&s, 7, &to);
	ADDRESSED(&s, -1, &to);
	CALL(&s, .call = CALL_ACCEPT, .fd = 3, .ret = 8);
	ADDRESSED(&s, 8, &to);
	close_twice(&s, 8);
	assert_null(found(&s));
	stream_end(&s);
}

static void test_one_of_the_snapshot(void **state)
{
	struct record_socket listed = connected(1000, 6379);
	struct fd_what what = {.type = FD_SOCKET, .socket = &listed};
	struct stream s;

	stream_begin_with(&s, NULL, FD_FROM_ATTACH);
	assert_int_equal(fd_snapshot_fd(s.world, PID, 7, &what, false), 0);
	stream_listed(&s, 256, s.now);
	close_twice(&s, 7);
	assert_int_equal(found(&s)->peer_port, 6379);
	stream_end(&s);
}

static void test_the_other_end_of_a_pair(void **state)
{
	static const uint16_t calls[] = {CALL_PIPE, CALL_PIPE2, CALL_SOCKETPAIR};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct stream s;

		stream_begin(&s);
		CALL(&s, .call = calls[i], .fd = 7, .fd2 = 8);
		close_twice(&s, 7);
		close_twice(&s, 8);
		assert_int_equal(stream_settle(&s), 2);
		assert_int_equal(s.findings[0].what.other, 8);
		assert_int_equal(s.findings[1].what.other, 7);
		stream_end(&s);
	}
}

static void test_what_makes_no_sense(void **state)
{
	struct record_socket good = connected(1000, 6379), bad = good;
	size_t size = record_socket_size(AF_INET);
	struct record_socket path = {
		.inode = 1, .family = AF_UNIX, .local_size = SOCKET_PATH_MAX, .peer_size = 1};

	assert_true(socket_valid(&good, size));
	assert_false(socket_valid(&good, size - 1));
	assert_false(socket_valid(&good, size + 1));
	assert_false(socket_valid(&good, 0));
	assert_true(socket_valid(&path, record_socket_size(AF_UNIX)));
	assert_false(socket_valid(&path, size));
	path.peer_size = SOCKET_PATH_MAX + 1;
	assert_false(socket_valid(&path, record_socket_size(AF_UNIX)));
	bad.local_size = 5;
	assert_false(socket_valid(&bad, size));
	bad = good;
	bad.peer_size = 16;
	assert_false(socket_valid(&bad, size));
	bad.family = AF_INET6;
	bad.local_size = 16;
	assert_true(socket_valid(&bad, size));
	bad = good;
	bad.inode = 0;
	assert_false(socket_valid(&bad, size));
	bad = good;
	bad.family = AF_NETLINK;
	assert_false(socket_valid(&bad, size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_connect_is_learned_later),
		cmocka_unit_test(test_an_accepted_one_has_both),
		cmocka_unit_test(test_an_installed_one),
		cmocka_unit_test(test_copies_learn_it),
		cmocka_unit_test(test_another_socket_is_not_taken_for_it),
		cmocka_unit_test(test_of_nothing_nothing_is_learned),
		cmocka_unit_test(test_one_of_the_snapshot),
		cmocka_unit_test(test_the_other_end_of_a_pair),
		cmocka_unit_test(test_what_makes_no_sense),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
