/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/confine.h"

/* Words of earlier helpers, and answers that came too late, that may wait before an answer. */
#define STALE_MAX 16
/* How much longer than the helper's own timer we wait for its answer. */
#define GRACE_MS  1000
/* How long an idle helper has to end. */
#define END_MS	  500

struct request {
	uint32_t id; /* never 0 */
	uint32_t unused;
	uint8_t question[SANDBOX_BYTES_MAX];
};

struct reply {
	uint32_t id; /* of the request; 0: a helper has died, or is ready */
	int32_t result;
	uint8_t answer[SANDBOX_BYTES_MAX];
};

struct sandbox {
	struct sandbox_options options;
	int socket; /* -1: there is no helper any more */
	pid_t keeper;
	uint32_t id; /* of the last request */
};

/* Room for one descriptor. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_reply(const struct reply *reply)
{
	struct iovec part = {.iov_base = (void *)reply, .iov_len = sizeof(*reply)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	return sendmsg(CONFINED_SOCKET, &message, MSG_NOSIGNAL) == sizeof(*reply) ? 0 : -1;
}

static int send_word(int result)
{
	struct reply reply = {.result = result};

	return send_reply(&reply);
}

/* The file that came with a message, or -1. */
static int received_file(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* 1: a request; 0: nobody asks any more. Anything else ends the helper. */
static int receive_request(struct request *request, int *ret_fd)
{
	union control control;
	struct iovec part = {.iov_base = request, .iov_len = sizeof(*request)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size;

	do
		size = recvmsg(CONFINED_SOCKET, &message, 0);
	while (size < 0 && errno == EINTR);
	*ret_fd = size > 0 ? received_file(&message) : -1;
	return size == 0 ? 0 : size == sizeof(*request) && *ret_fd >= 0 ? 1 : -1;
}

/* Ends the process if no answer has been found in time: SIGALRM is left to its default. */
static void set_timer(unsigned int ms)
{
	struct itimerval timer = {
		.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000},
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* The helper. Its exit status: 0 when nobody asks any more. */
static int work(const struct sandbox_options *options)
{
	static struct request request;
	static struct reply reply;
	int fd, more;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() == 1)
		return 1;
	more = send_word(confine_calls(options->memory));
	if (more)
		return 1;
	while ((more = receive_request(&request, &fd)) > 0) {
		memset(&reply, 0, sizeof(reply));
		set_timer(options->timeout_ms);
		reply.id = request.id;
		reply.result = options->work(fd, request.question, reply.answer);
		set_timer(0);
		close(fd);
		if (send_reply(&reply))
			return 1;
	}
	return more ? 1 : 0;
}

static void default_signals(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE};
	sigset_t none;

	/* A terminal's Ctrl-C is for fdtrace, which ends the helper when it has finished. */
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Forks one helper after the other. Never returns. */
static void keep(const struct sandbox_options *options, int socket)
{
	int err, status;

	default_signals();
	err = confine_descriptors(socket);
	if (!err)
		err = confine_privileges();
	if (err) {
		send_word(err);
		_exit(1);
	}
	for (int deaths = 0; deaths < SANDBOX_DEATHS_MAX; deaths++) {
		pid_t pid = fork();

		if (!pid)
			_exit(work(options));
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !status ||
		    send_word(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? -ETIME
										 : -ECANCELED))
			_exit(0);
	}
	_exit(0);
}

/* Nobody asks any more: helper and keeper end of themselves, or else are ended. */
static void give_up(struct sandbox *sandbox)
{
	_cleanup_close_ int pidfd = -1;

	sandbox->socket = close_fd(sandbox->socket);
	if (sandbox->keeper <= 0)
		return;
	pidfd = syscall(SYS_pidfd_open, sandbox->keeper, 0);
	if (pidfd < 0 || poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, END_MS) != 1)
		kill(sandbox->keeper, SIGKILL);
	while (waitpid(sandbox->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	sandbox->keeper = 0;
}

/* The next packet. 0; -ETIMEDOUT; -EPIPE: there is none to come. */
static int receive_reply(const struct sandbox *sandbox, struct reply *reply)
{
	struct pollfd ready = {.fd = sandbox->socket, .events = POLLIN};
	int n;

	do
		n = poll(&ready, 1, (int)sandbox->options.timeout_ms + GRACE_MS);
	while (n < 0 && errno == EINTR);
	if (!n)
		return -ETIMEDOUT;
	if (n < 0)
		return -errno;
	return recv(sandbox->socket, reply, sizeof(*reply), MSG_DONTWAIT) == sizeof(*reply)
		       ? 0
		       : -EPIPE;
}

/* The keeper's or the first helper's own word that it is confined. */
static int wait_until_ready(const struct sandbox *sandbox)
{
	struct reply reply;
	int err = receive_reply(sandbox, &reply);

	return err ? err : reply.id || reply.result > 0 ? -EPROTO : reply.result;
}

int sandbox_new(const struct sandbox_options *options, struct sandbox **ret_sandbox)
{
	struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
	int sockets[2], err;

	if (!sandbox)
		return -ENOMEM;
	sandbox->options = *options;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) {
		err = -errno;
		free(sandbox);
		return err;
	}
	sandbox->socket = sockets[0];
	sandbox->keeper = fork();
	if (!sandbox->keeper)
		keep(options, sockets[1]);
	err = sandbox->keeper < 0 ? -errno : 0;
	close_fd(sockets[1]);
	if (!err)
		err = wait_until_ready(sandbox);
	if (err) {
		sandbox_free(sandbox);
		return err;
	}
	*ret_sandbox = sandbox;
	return 0;
}

void sandbox_free(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	give_up(sandbox);
	free(sandbox);
}

/* A helper that died while nobody asked it died of no file. */
static void drop_stale(const struct sandbox *sandbox)
{
	struct reply reply;

	for (int i = 0; i < STALE_MAX; i++) {
		if (recv(sandbox->socket, &reply, sizeof(reply), MSG_DONTWAIT) <= 0)
			break;
	}
}

static int send_request(struct sandbox *sandbox, int fd, const void *question)
{
	struct request request = {.id = sandbox->id};
	union control control = {0};
	struct iovec part = {.iov_base = &request, .iov_len = sizeof(request)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(request.question, question, sandbox->options.question_size);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(sandbox->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(request))
		return 0;
	return errno == EPIPE ? -EPIPE : -errno;
}

/* What was answered to an earlier request, or is a new helper's word that it is ready, is old. */
static int receive_answer(const struct sandbox *sandbox, struct reply *reply)
{
	for (int i = 0; i < STALE_MAX; i++) {
		int err = receive_reply(sandbox, reply);

		if (err)
			return err;
		if (reply->id == sandbox->id)
			return 0;
		if (!reply->id && reply->result)
			return reply->result == -ETIME ? -ETIME : -ECANCELED;
	}
	return -EPIPE;
}

static int ask_once(struct sandbox *sandbox, int fd, const void *question, struct reply *reply)
{
	int err;

	if (sandbox->socket < 0)
		return -ENOTRECOVERABLE;
	if (!++sandbox->id)
		sandbox->id = 1;
	drop_stale(sandbox);
	err = send_request(sandbox, fd, question);
	if (!err)
		err = receive_answer(sandbox, reply);
	if (err != -ETIMEDOUT && err != -EPIPE)
		return err;
	give_up(sandbox);
	return err == -EPIPE ? -ENOTRECOVERABLE : -ETIME;
}

int sandbox_ask(struct sandbox *sandbox, int fd, const void *question, void *answer,
		int *ret_result)
{
	struct reply reply;
	int err = ask_once(sandbox, fd, question, &reply);

	/* It may have been ended by somebody else: what it dies of twice is the file. */
	if (err == -ECANCELED)
		err = ask_once(sandbox, fd, question, &reply);
	if (err)
		return err == -ETIME ? -ECANCELED : err;
	memcpy(answer, reply.answer, sandbox->options.answer_size);
	*ret_result = reply.result;
	return 0;
}
