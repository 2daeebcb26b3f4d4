/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "source/helper.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "security/confine.h"
#include "security/packet.h"

#define NAME	 "fdtrace-source"
#define START_MS 5000
/* How long an idle helper has to end. */
#define END_MS	 200

static int send_answer(const struct source_answer *answer)
{
	return packet_send(CONFINED_SOCKET, answer, sizeof(*answer), -1, 0);
}

static bool asks_same_file(const struct source_question *a, const struct source_question *b)
{
	size_t from = offsetof(struct source_question, pid);

	return !memcmp((const char *)a + from, (const char *)b + from, sizeof(*a) - from);
}

/* The file asked for last is kept: frames of one finding mostly share it. */
static void answer_question(const struct source_question *question, int root_fd)
{
	static struct source_question last;
	static struct source_text text;
	struct source_answer reply = {.id = question->id};

	if (!asks_same_file(question, &last)) {
		source_text_free(&text);
		last = *question;
		reply.error = source_read(root_fd, &question->rights, question->file, &text);
	}
	reply.size = source_cut(&text, question->line, reply.text);
	send_answer(&reply);
}

/* Until nobody asks any more. */
static void serve_questions(void)
{
	static struct source_question question;
	int fd;

	while (packet_receive(CONFINED_SOCKET, &question, sizeof(question), &fd) ==
		       sizeof(question) &&
	       fd >= 0) {
		question.file[sizeof(question.file) - 1] = '\0';
		answer_question(&question, fd);
		close(fd);
	}
}

static void become_source_helper(int socket, const void *arg)
{
	struct source_answer ready = {0};

	prctl(PR_SET_NAME, NAME, 0, 0, 0);
	ready.error = confine_descriptors(socket);
	if (!ready.error)
		ready.error = source_confine();
	if (!send_answer(&ready) && !ready.error)
		serve_questions();
	_exit(ready.error ? 1 : 0);
}

/* Its own word that it is confined. */
static int wait_for_source_helper(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct source_answer answer;
	int n;

	do
		n = poll(&ready, 1, START_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	if (recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) != sizeof(answer) || answer.id ||
	    answer.error > 0)
		return -EPROTO;
	return answer.error;
}

int source_helper_start(pid_t *ret_pid, int *ret_fd)
{
	int err = confined_start(become_source_helper, NULL, ret_pid, ret_fd);

	if (err)
		return err;
	err = wait_for_source_helper(*ret_fd);
	if (err) {
		*ret_fd = close_fd(*ret_fd);
		confined_end(*ret_pid, END_MS);
	}
	return err;
}
