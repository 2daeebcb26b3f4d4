/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/records.h"
#include "native/confine.h"
#include "native/worker.h"

#define PROGRAM	  "fdtrace-unwind"
#define DEBUG_DIR "/usr/lib/debug"

struct helper {
	pid_t pid;
	int fd;
	int files;
	union {
		struct record_native_stack record;
		struct record_header header;
		uint8_t room[RECORD_SIZE_MAX];
	} answer;
};

/* Room for one descriptor beside a message. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

const char helper_exe[] = "/proc/self/exe";

/* In the new process: nothing of ours goes with it, neither files nor environment. */
static void become_helper(int fd)
{
	char name[] = PROGRAM, *argv[] = {name, NULL}, *envp[] = {NULL};
	int null;

	setsid(); /* the terminal's Ctrl-C is not for it */
	signal(SIGPIPE, SIG_DFL);
	if (fd != MESSAGE_FD && dup2(fd, MESSAGE_FD) < 0)
		_exit(1);
	fcntl(MESSAGE_FD, F_SETFD, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < MESSAGE_FD; i++)
		if (null < 0 || dup2(null, i) < 0)
			_exit(1);
	if (syscall(SYS_close_range, MESSAGE_FD + 1, ~0u, 0) && errno == ENOSYS)
		for (int i = MESSAGE_FD + 1; i < 1024; i++)
			close(i);
	execve(helper_exe, argv, envp);
	_exit(1);
}

int helper_new(struct helper **ret_helper)
{
	struct helper *helper = calloc(1, sizeof(*helper));
	struct timeval wait = {.tv_sec = HELPER_WAIT_MS / 1000};
	int pair[2], err;

	if (!helper)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		err = -errno;
		free(helper);
		return err;
	}
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	helper->fd = pair[0];
	helper->pid = fork();
	if (!helper->pid)
		become_helper(pair[1]);
	err = helper->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		close(pair[0]);
		free(helper);
		return err;
	}
	*ret_helper = helper;
	return 0;
}

void helper_free(struct helper *helper)
{
	if (!helper)
		return;
	close(helper->fd);
	kill(helper->pid, SIGKILL);
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(helper);
}

/* One packet, with a descriptor (-1: none). */
static int send_message(int to, const void *bytes, size_t size, int fd)
{
	struct iovec part = {(void *)bytes, size};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	if (fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(to, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : (size_t)sent == size ? 0 : -EMSGSIZE;
}

int helper_file(struct helper *helper, int fd, const char *name)
{
	struct message_file message = {.kind = MESSAGE_FILE, .id = helper->files};
	int err;

	if (helper->files >= HELPER_FILES_MAX)
		return -ENOSPC;
	strncpy(message.name, name, sizeof(message.name) - 1);
	err = send_message(helper->fd, &message, sizeof(message), fd);
	return err ? err : helper->files++;
}

int helper_ask(struct helper *helper, const struct message_unwind *message, size_t size)
{
	return send_message(helper->fd, message, size, -1);
}

int helper_answer(struct helper *helper, int wait_ms, struct record_native_stack **ret_answer)
{
	struct pollfd wait = {.fd = helper->fd, .events = POLLIN};
	ssize_t size;
	int ready = poll(&wait, 1, wait_ms);

	if (ready <= 0)
		return ready && errno != EINTR ? -errno : -EAGAIN;
	size = recv(helper->fd, helper->answer.room, sizeof(helper->answer.room), MSG_DONTWAIT);
	if (size <= 0)
		return size ? -errno : -EPIPE;
	if ((size_t)size < sizeof(helper->answer.record) ||
	    helper->answer.header.size != (size_t)size)
		return -EBADMSG;
	helper->answer.header.type = RECORD_NATIVE_STACK;
	*ret_answer = &helper->answer.record;
	return record_valid(&helper->answer.header) ? 0 : -EBADMSG;
}

int helper_fd(const struct helper *helper)
{
	return helper->fd;
}

/* The other side */

bool helper_is_wanted(const char *program)
{
	return program && !strcmp(program, PROGRAM);
}

/* Bytes of a packet, and the descriptor that came with it, or -1. */
static ssize_t receive_request(void *bytes, size_t room, int *ret_fd)
{
	struct iovec part = {bytes, room};
	union control control;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	const struct cmsghdr *header;
	ssize_t size;

	*ret_fd = -1;
	do
		size = recvmsg(MESSAGE_FD, &message, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	header = CMSG_FIRSTHDR(&message);
	if (size > 0 && header && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
	return size;
}

static int answer(struct worker *worker, const struct message_unwind *request, size_t size)
{
	const struct record_native_stack *record;
	size_t bytes = worker_unwind(worker, request, size, &record);

	return bytes ? send_message(MESSAGE_FD, record, bytes, -1) : -EBADMSG;
}

static int serve(struct worker *worker)
{
	static union {
		uint32_t kind;
		struct message_file file;
		struct message_unwind unwind;
		uint8_t room[MESSAGE_MAX];
	} request;
	int err = 0;

	while (!err) {
		int fd;
		ssize_t size = receive_request(request.room, sizeof(request.room), &fd);

		if (size < (ssize_t)sizeof(request.kind))
			return size ? -EBADMSG : 0;
		if (request.kind == MESSAGE_FILE && size == sizeof(request.file) && fd >= 0) {
			err = worker_file(worker, &request.file, fd);
			continue;
		}
		close_fd(fd);
		err = request.kind == MESSAGE_UNWIND ? answer(worker, &request.unwind, size)
						     : -EBADMSG;
	}
	return err;
}

int helper_run(void)
{
	struct worker *worker = worker_new("");
	int err = worker ? confine(DEBUG_DIR) : -ENOMEM;

	if (!err)
		err = serve(worker);
	worker_free(worker);
	return err ? 1 : 0;
}
