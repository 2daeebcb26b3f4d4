/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The words for a socket, whatever its addresses are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "report/format_socket.h"

static const struct {
	struct record_socket socket;
	const char *words; /* NULL: no words */
	const char *local, *peer;
} ip[] = {
	{{.family = AF_INET,
	  .type = SOCK_STREAM,
	  .protocol = IPPROTO_TCP,
	  .flags = SOCKET_CONNECTED,
	  .local_port = 5000,
	  .peer_port = 6379,
	  .local_size = 4,
	  .peer_size = 4,
	  .ip = {{127, 0, 0, 1}, {10, 255, 0, 9}}},
	 "tcp 127.0.0.1:5000 -> 10.255.0.9:6379",
	 "127.0.0.1:5000",
	 "10.255.0.9:6379"},
	{{.family = AF_INET,
	  .type = SOCK_STREAM,
	  .protocol = IPPROTO_TCP,
	  .flags = SOCKET_LISTENS,
	  .local_port = 8000,
	  .local_size = 4},
	 "tcp listening on 0.0.0.0:8000",
	 "0.0.0.0:8000",
	 ""},
	{{.family = AF_INET6,
	  .type = SOCK_DGRAM,
	  .protocol = IPPROTO_UDP,
	  .local_port = 65535,
	  .local_size = 16,
	  .ip = {.local = {[15] = 1}}},
	 "udp bound to [::1]:65535",
	 "[::1]:65535",
	 ""},
	{{.family = AF_INET6,
	  .type = SOCK_STREAM,
	  .protocol = IPPROTO_TCP,
	  .flags = SOCKET_CONNECTED,
	  .local_port = 1,
	  .peer_port = 2,
	  .local_size = 16,
	  .peer_size = 16,
	  .ip = {{[10] = 0xff, 0xff, 127, 0, 0, 1}, {[10] = 0xff, 0xff, 127, 0, 0, 2}}},
	 "tcp [::ffff:127.0.0.1]:1 -> [::ffff:127.0.0.2]:2",
	 "[::ffff:127.0.0.1]:1",
	 "[::ffff:127.0.0.2]:2"},
	/* Neither bound nor connected, a protocol without a name, and a family without one. */
	{{.family = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_TCP}, NULL, "", ""},
	{{.family = AF_INET, .type = SOCK_STREAM, .protocol = 60000}, NULL, "", ""},
	{{.family = 60000, .flags = SOCKET_CONNECTED}, NULL, "", ""},
	{{.family = AF_NETLINK, .type = SOCK_RAW, .protocol = NETLINK_ROUTE},
	 "netlink route socket",
	 "",
	 ""},
	{{.family = AF_NETLINK, .type = SOCK_RAW, .protocol = 60000}, NULL, "", ""},
};

static void test_ip_and_others(void **state)
{
	char buf[WHAT_SIZE], address[ADDRESS_SIZE];

	for (size_t i = 0; i < sizeof(ip) / sizeof(ip[0]); i++) {
		const char *words = format_socket(&ip[i].socket, buf);

		if (ip[i].words)
			assert_string_equal(words, ip[i].words);
		else
			assert_null(words);
		assert_string_equal(format_address(&ip[i].socket, false, address), ip[i].local);
		assert_string_equal(format_address(&ip[i].socket, true, address), ip[i].peer);
	}
}

static struct record_socket unix_socket(const char *local, size_t local_size, const char *peer,
					size_t peer_size)
{
	struct record_socket socket = {
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.flags = SOCKET_CONNECTED,
		.local_size = local_size,
		.peer_size = peer_size,
	};

	memcpy(socket.path.local, local, local_size);
	memcpy(socket.path.peer, peer, peer_size);
	return socket;
}

static void test_unix(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *address, *words;
	} cases[] = {
		{"/run/x", 7, "/run/x", "unix (unnamed) -> \"/run/x\""},
		{"\0name", 5, "@name", "unix (unnamed) -> \"@name\""},
		{"\0a\0b", 4, "@a@b", "unix (unnamed) -> \"@a@b\""},
		{"@file", 6, "./@file", "unix (unnamed) -> \"./@file\""},
		{"a\nb\x1b[0m", 8, "a\nb\x1b[0m", "unix (unnamed) -> \"a\\nb\\x1b[0m\""},
		{"x\0after", 7, "x", "unix (unnamed) -> \"x\""},
	};
	char buf[WHAT_SIZE], address[ADDRESS_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record_socket socket = unix_socket("", 0, cases[i].bytes, cases[i].size);

		assert_string_equal(format_address(&socket, true, address), cases[i].address);
		assert_string_equal(format_socket(&socket, buf), cases[i].words);
	}
}

/* As long as they come, and every byte escaped: nothing is written beyond. */
static void test_the_longest(void **state)
{
	char bytes[SOCKET_PATH_MAX], buf[WHAT_SIZE], address[ADDRESS_SIZE];

	for (int byte = 0; byte < 256; byte++) {
		struct record_socket socket;

		memset(bytes, byte, sizeof(bytes));
		socket = unix_socket(bytes, sizeof(bytes), bytes, sizeof(bytes));
		format_address(&socket, true, address);
		assert_int_equal(strlen(address), sizeof(bytes) + (byte == '@' ? 2 : 0));
		assert_true(strlen(format_socket(&socket, buf)) < WHAT_SIZE);
		for (const char *c = buf; *c; c++)
			assert_true((unsigned char)*c >= 0x1f && *c != 0x7f);
	}
}

static void test_protocols(void **state)
{
	static const struct {
		uint16_t family, type, protocol;
		const char *name;
	} cases[] = {
		{AF_INET, SOCK_STREAM, IPPROTO_TCP, "tcp"},
		{AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "udp"},
		{AF_INET, SOCK_RAW, IPPROTO_TCP, "raw"},
		{AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, "sctp"},
		{AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "icmp"},
		{AF_UNIX, SOCK_DGRAM, 0, "unix dgram"},
		{AF_UNIX, SOCK_SEQPACKET, 0, "unix seqpacket"},
		{AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, "netlink kobject_uevent"},
		{AF_VSOCK, SOCK_STREAM, 0, "vsock"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record_socket socket = {.family = cases[i].family,
					       .type = cases[i].type,
					       .protocol = cases[i].protocol};

		assert_string_equal(format_protocol(&socket), cases[i].name);
	}
}

/* In a sentence it is a thing, with an article. */
static void test_the(void **state)
{
	struct record_socket tcp = {.family = AF_INET,
				    .type = SOCK_STREAM,
				    .protocol = IPPROTO_TCP,
				    .flags = SOCKET_CONNECTED,
				    .local_size = 4,
				    .peer_size = 4,
				    .local_port = 1,
				    .peer_port = 2,
				    .ip = {{127, 0, 0, 1}, {127, 0, 0, 1}}};
	struct record_socket netlink = {.family = AF_NETLINK, .type = SOCK_RAW};
	const struct {
		struct fd_what what;
		const char *words;
	} cases[] = {
		{{.type = FD_UNKNOWN}, ""},
		{{.type = FD_FILE, .path = "/etc/hostname"}, "the file \"/etc/hostname\""},
		{{.type = FD_PIPE}, "the pipe"},
		{{.type = FD_SOCKET}, "the socket"},
		{{.type = FD_SOCKET, .call = CALL_SOCKET, .arg = AF_INET, .flags = SOCK_STREAM},
		 "the AF_INET SOCK_STREAM socket"},
		{{.type = FD_SOCKET, .socket = &tcp}, "the tcp socket 127.0.0.1:1 -> 127.0.0.1:2"},
		{{.type = FD_SOCKET, .socket = &netlink}, "the netlink route socket"},
	};
	char buf[WHAT_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(format_the(&cases[i].what, buf), cases[i].words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_and_others), cmocka_unit_test(test_unix),
		cmocka_unit_test(test_the_longest),   cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_the),
	};

	return cmocka_run_group_tests_name("format_socket", tests, NULL, NULL);
}
