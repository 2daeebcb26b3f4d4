/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/helper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/records.h"
#include "native/worker.h"
#include "security/confine.h"
#include "security/packet.h"

#define PROGRAM	  "fdtrace-unwind"
#define DEBUG_DIR "/usr/lib/debug"

#define MEMORY_MAX	(UINT64_C(3) << 30) /* addresses: files are mapped whole */
#define DESCRIPTORS_MAX 2048
/* How long an idle helper has to end: one that has stopped keeps us no longer. */
#define END_MS		50

/* So that they are told apart: a stack has one frame at least, and text. */
_Static_assert(sizeof(struct message_lacking) <=
		       sizeof(struct record_native_stack) + sizeof(struct record_native_frame),
	       "no stack is as small as what says that names are lacking");

struct helper {
	pid_t pid;
	int fd;
	int files;
	union {
		struct record_native_stack record;
		struct record_header header;
		struct message_lacking lacking;
		uint8_t room[RECORD_SIZE_MAX];
	} answer;
};

const char helper_exe[] = "/proc/self/exe";

/* In the new process: nothing of ours goes with it, neither files nor environment. */
static void become_native_helper(int fd, const void *arg)
{
	char name[] = PROGRAM, *argv[] = {name, NULL}, *envp[] = {NULL};

	if (confine_descriptors(fd))
		_exit(1);
	execve(helper_exe, argv, envp);
	_exit(1);
}

int helper_new(struct helper **ret_helper)
{
	struct helper *helper = calloc(1, sizeof(*helper));
	struct timeval wait = {.tv_sec = HELPER_WAIT_MS / 1000};
	int err;

	if (!helper)
		return -ENOMEM;
	err = confined_start(become_native_helper, NULL, &helper->pid, &helper->fd);
	if (err) {
		free(helper);
		return err;
	}
	setsockopt(helper->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	*ret_helper = helper;
	return 0;
}

void helper_free(struct helper *helper)
{
	if (!helper)
		return;
	close(helper->fd);
	confined_end(helper->pid, END_MS);
	free(helper);
}

int helper_file(struct helper *helper, int fd, const char *name)
{
	struct message_file message = {.kind = MESSAGE_FILE, .id = helper->files};
	int err;

	if (helper->files >= HELPER_FILES_MAX)
		return -ENOSPC;
	strncpy(message.name, name, sizeof(message.name) - 1);
	err = packet_send(helper->fd, &message, sizeof(message), fd, 0);
	return err ? err : helper->files++;
}

int helper_names(struct helper *helper, uint32_t id, int fd)
{
	const struct message_names message = {.kind = MESSAGE_NAMES, .id = id};

	return packet_send(helper->fd, &message, sizeof(message), fd, 0);
}

int helper_ask(struct helper *helper, const struct message_unwind *message, size_t size)
{
	return packet_send(helper->fd, message, size, -1, 0);
}

/* What has been received; the helper may say anything. */
static int check_answer(struct helper *helper, size_t size, struct helper_answer *ret)
{
	*ret = (struct helper_answer){0};
	if (size == sizeof(helper->answer.lacking)) {
		ret->lacking = &helper->answer.lacking;
		return ret->lacking->bytes && ret->lacking->bytes <= BUILD_ID_MAX &&
				       ret->lacking->id < (uint32_t)helper->files
			       ? 0
			       : -EBADMSG;
	}
	if (size < sizeof(helper->answer.record) || helper->answer.header.size != size)
		return -EBADMSG;
	helper->answer.header.type = RECORD_NATIVE_STACK;
	ret->stack = &helper->answer.record;
	return record_valid(&helper->answer.header) ? 0 : -EBADMSG;
}

int helper_answer(struct helper *helper, int wait_ms, struct helper_answer *ret)
{
	struct pollfd wait = {.fd = helper->fd, .events = POLLIN};
	ssize_t size;
	int ready = poll(&wait, 1, wait_ms);

	if (ready <= 0)
		return ready && errno != EINTR ? -errno : -EAGAIN;
	size = recv(helper->fd, helper->answer.room, sizeof(helper->answer.room), MSG_DONTWAIT);
	if (size <= 0)
		return size ? -errno : -EPIPE;
	return check_answer(helper, size, ret);
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

static int answer_unwind(struct worker *worker, const struct message_unwind *request, size_t size)
{
	const struct record_native_stack *record;
	struct message_lacking lacking;
	bool lacks;
	size_t bytes;

	confine_time(HELPER_WAIT_MS);
	bytes = worker_unwind(worker, request, size, &record);
	lacks = bytes && request->may_lack && worker_lacks_names(worker, &lacking);
	confine_time(0);
	if (lacks)
		return packet_send(CONFINED_SOCKET, &lacking, sizeof(lacking), -1, 0);
	return bytes ? packet_send(CONFINED_SOCKET, record, bytes, -1, 0) : -EBADMSG;
}

static int serve_message(struct worker *worker)
{
	static union {
		uint32_t kind;
		struct message_file file;
		struct message_names names;
		struct message_unwind unwind;
		uint8_t room[MESSAGE_MAX];
	} request;
	int err = 0;

	while (!err) {
		int fd;
		ssize_t size =
			packet_receive(CONFINED_SOCKET, request.room, sizeof(request.room), &fd);

		if (size < (ssize_t)sizeof(request.kind))
			return size ? -EBADMSG : 0;
		if (request.kind == MESSAGE_FILE && size == sizeof(request.file) && fd >= 0) {
			err = worker_file(worker, &request.file, fd);
			continue;
		}
		if (request.kind == MESSAGE_NAMES && size == sizeof(request.names) && fd >= 0)
			err = worker_names(worker, &request.names, fd);
		else
			err = request.kind == MESSAGE_UNWIND
				      ? answer_unwind(worker, &request.unwind, size)
				      : -EBADMSG;
		close_fd(fd);
	}
	return err;
}

int helper_run(void)
{
	const struct confinement confinement = {
		.memory = MEMORY_MAX,
		.descriptors = DESCRIPTORS_MAX,
		.root = DEBUG_DIR,
	};
	struct worker *worker = worker_new("");
	bool rooted = false;
	int err = worker ? confine_privileges(&confinement, &rooted) : -ENOMEM;

	if (!err)
		err = confine_calls(&confinement, rooted);
	if (!err)
		err = serve_message(worker);
	worker_free(worker);
	return err ? 1 : 0;
}
