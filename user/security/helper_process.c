/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "security/helper_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/heed.h"
#include "base/mem.h"
#include "security/confine.h"
#include "security/packet.h"

/* Words of earlier helpers, and answers that came too late, that may wait before an answer. */
#define STALE_MAX	16
/* How much longer than the helper's own timer we wait for its answer. */
#define GRACE_MS	1000
/* How long an idle helper has to end: one that has stopped keeps us no longer. */
#define END_MS		50
/* A backstop: the time of all answers together. */
#define CPU_SECONDS_MAX 600
/* The socket, standard ones, and the file that is looked into. */
#define DESCRIPTORS_MAX 8

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

static int send_reply(const struct reply *reply)
{
	return packet_send(CONFINED_SOCKET, reply, sizeof(*reply), -1, 0);
}

static int send_word(int result)
{
	struct reply reply = {.result = result};

	return send_reply(&reply);
}

/* 1: a request; 0: nobody asks any more. Anything else ends the helper. */
static int receive_request(struct request *request, int *ret_fd)
{
	ssize_t size = packet_receive(CONFINED_SOCKET, request, sizeof(*request), ret_fd);

	return size == 0 ? 0 : size == sizeof(*request) && *ret_fd >= 0 ? 1 : -1;
}

/* The helper. Its exit status: 0 when nobody asks any more. */
static int work(const struct sandbox_options *options, const struct confinement *confinement)
{
	static struct request request;
	static struct reply reply;
	int fd, more;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() == 1)
		return 1;
	more = send_word(confine_calls(confinement, false));
	if (more)
		return 1;
	while ((more = receive_request(&request, &fd)) > 0) {
		memset(&reply, 0, sizeof(reply));
		confine_time(options->timeout_ms);
		reply.id = request.id;
		reply.result = options->work(fd, request.question, reply.answer);
		confine_time(0);
		close(fd);
		if (send_reply(&reply))
			return 1;
	}
	return more ? 1 : 0;
}

/* Forks one helper after the other. Never returns. */
static void keep_helpers(const struct sandbox_options *options, int socket)
{
	const struct confinement confinement = {
		.memory = options->memory,
		.descriptors = DESCRIPTORS_MAX,
		.cpu_seconds = CPU_SECONDS_MAX,
	};
	int err = confine_descriptors(socket), status;
	bool rooted;

	if (!err)
		err = confine_privileges(&confinement, &rooted);
	if (err) {
		send_word(err);
		_exit(1);
	}
	for (int deaths = 0; deaths < SANDBOX_DEATHS_MAX; deaths++) {
		pid_t pid = fork();

		if (!pid)
			_exit(work(options, &confinement));
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
	sandbox->socket = close_fd(sandbox->socket);
	if (sandbox->keeper > 0)
		confined_end(sandbox->keeper, END_MS);
	sandbox->keeper = 0;
}

/* The next packet. 0; -ETIMEDOUT; -EINTR: it is not to be waited for; -EPIPE: there is none to
 * come. */
static int receive_reply(const struct sandbox *sandbox, struct reply *reply)
{
	int n = heed_poll(sandbox->socket, POLLIN, (int)sandbox->options.timeout_ms + GRACE_MS);

	if (n <= 0)
		return n ? n : -ETIMEDOUT;
	return recv(sandbox->socket, reply, sizeof(*reply), MSG_DONTWAIT) == sizeof(*reply)
		       ? 0
		       : -EPIPE;
}

/* The keeper's or the first helper's own word that it is confined. */
static int wait_for_sandbox(const struct sandbox *sandbox)
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
		keep_helpers(options, sockets[1]);
	err = sandbox->keeper < 0 ? -errno : 0;
	close_fd(sockets[1]);
	if (!err)
		err = wait_for_sandbox(sandbox);
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

	memcpy(request.question, question, sandbox->options.question_size);
	return packet_send(sandbox->socket, &request, sizeof(request), fd, MSG_DONTWAIT);
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
