/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * An io_uring that no call of this process's tells of opens and closes a number between two closes
 * of it.
 *
 * usage: ring HOW
 *	registered  its own, but its number was closed once it was registered with the kernel
 *	inherited   the parent's, by fork
 *	received    the parent's, over a socket
 *	taken	    the parent's, by pidfd_getfd()
 * Says the pid of the process that closes twice, and goes on when a line comes.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "uring.h"

#define ROUNDS 3

static struct uring ring;

static void send_number(int to, int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec one = {"x", 1};
	struct msghdr message = {.msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(to, &message, 0) != 1)
		skip("this kernel hands no rings over"); /* since Linux 6.7 */
}

static int receive_number(int from)
{
	char room[CMSG_SPACE(sizeof(int))], byte;
	struct iovec one = {&byte, 1};
	struct msghdr message = {.msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room)};
	int fd;

	if (recvmsg(from, &message, 0) != 1)
		err(1, "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void close_around(const char *how, int from)
{
	char line[8];

	printf("%d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		errx(1, "no line");
	if (!strcmp(how, "received"))
		ring.fd = receive_number(from);
	if (!strcmp(how, "taken"))
		ring.fd =
			syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, getppid(), 0), ring.fd, 0);
	if (ring.fd < 0)
		err(1, "%s", how);
	if (strcmp(how, "registered"))
		uring_map(&ring);
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("/etc/passwd", O_RDONLY);

		close(fd);
		uring_close(&ring, uring_openat(&ring, "/etc/group"));
		close(fd);
	}
}

/* What liburing's io_uring_register_ring_fd() and io_uring_close_ring_fd() do. */
static void register_ring(void)
{
	struct io_uring_rsrc_update update = {.offset = ~0u, .data = ring.fd};

	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_RING_FDS, &update, 1) != 1)
		skip("this kernel registers no rings");
	close(ring.fd);
	ring.fd = update.offset;
	ring.enter = IORING_ENTER_REGISTERED_RING;
}

int main(int argc, char **argv)
{
	int pair[2], status;

	if (argc < 2)
		return 2;
	uring_open(&ring);
	if (!strcmp(argv[1], "registered")) {
		register_ring();
		close_around(argv[1], -1);
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		err(1, "socketpair");
	if (!strcmp(argv[1], "received"))
		send_number(pair[0], ring.fd);
	if (!fork()) {
		if (strcmp(argv[1], "inherited"))
			close(ring.fd); /* the parent's alone, under this number */
		close_around(argv[1], pair[1]);
		_exit(0);
	}
	return wait(&status) < 0 || status;
}
