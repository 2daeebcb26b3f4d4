/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heed.h"
#include "base/mem.h"
#include "process/proc.h"
#include "security/confine.h"
#include "security/packet.h"
#include "source/helper.h"

/* How long a line may keep everybody waiting; and all those together that took long. */
#define ANSWER_MS   2000
#define LONG_MS	    50
#define PATIENCE_MS 10000
/* How long an idle helper has to end. */
#define END_MS	    50

struct source {
	struct source_reader reader;
	int socket; /* -1: there is no helper any more */
	pid_t pid;
	uint32_t answered;  /* the question answered last */
	uint32_t waited_ms; /* for answers that took long */
	struct source_question question;
};

/* The root directory of the call; -1: it is not known any more. */
static int open_root(const struct process *process, const struct record_rights *rights)
{
	_cleanup_close_ int proc_fd = -1;
	char path[32];

	if (rights->own_root)
		return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%u", process->pid);
	proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Asked after the directory, which is then of the process that lives. */
	if (proc_fd < 0 || !process->start_ns ||
	    !proc_same_process(process->pid, process->start_ns))
		return -1;
	return openat(proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* False: these rights are not known as a whole. */
static bool set_rights(struct source_rights *to, const struct record_rights *from)
{
	if (from->group_count > RECORD_GROUPS_MAX)
		return false;
	memset(to, 0, sizeof(*to));
	to->uid = from->uid;
	to->gid = from->gid;
	to->capabilities = from->capabilities;
	to->group_count = from->group_count;
	memcpy(to->groups, from->groups, from->group_count * sizeof(*to->groups));
	return true;
}

/* The next answer within wait_ms. False: none. */
static bool receive_source_answer(struct source *source, int wait_ms, struct source_answer *answer)
{
	if (heed_poll(source->socket, POLLIN, wait_ms) != 1)
		return false;
	if (recv(source->socket, answer, sizeof(*answer), MSG_DONTWAIT) != sizeof(*answer)) {
		source->socket = close_fd(source->socket);
		return false;
	}
	source->answered = answer->id;
	return true;
}

/*
 * Whether what was asked last has been answered, late perhaps: else it has no ear for more. Nor do
 * we ask where files keep being slow.
 */
static bool helper_is_free(struct source *source)
{
	struct source_answer late;

	while (source->socket >= 0 && source->answered != source->question.id)
		if (!receive_source_answer(source, 0, &late))
			return false;
	return source->socket >= 0 && source->waited_ms < PATIENCE_MS;
}

static bool await(struct source *source, struct source_answer *answer)
{
	uint64_t begun_ns = clock_boot_ns(), took_ms;
	bool got = receive_source_answer(source, ANSWER_MS, answer);

	took_ms = (clock_boot_ns() - begun_ns) / 1000000;
	if (took_ms >= LONG_MS)
		source->waited_ms += took_ms;
	return got && answer->id == source->question.id;
}

static bool ask_helper(struct source *source, int root_fd, struct source_answer *answer)
{
	source->question.id++;
	if (packet_send(source->socket, &source->question, sizeof(source->question), root_fd,
			MSG_DONTWAIT)) {
		source->answered = source->question.id;
		return false;
	}
	return await(source, answer);
}

static char *files_line(struct source_reader *reader, const struct process *process,
			const struct record_rights *rights, const char *file, int line)
{
	struct source *source = (struct source *)reader;
	struct source_question *question = &source->question;
	_cleanup_close_ int root_fd = -1;
	struct source_answer answer;

	if (!process || !rights || file[0] != '/' || strlen(file) >= sizeof(question->file) ||
	    line <= 0 || !helper_is_free(source) || !set_rights(&question->rights, rights))
		return NULL;
	root_fd = open_root(process, rights);
	if (root_fd < 0)
		return NULL;
	question->line = line;
	question->pid = process->pid;
	question->start_ns = process->start_ns;
	memset(question->file, 0, sizeof(question->file));
	memcpy(question->file, file, strlen(file));
	if (!ask_helper(source, root_fd, &answer) || answer.size > sizeof(answer.text))
		return NULL;
	return answer.size ? mem_dup_text(answer.text, answer.size) : NULL;
}

static void files_done(struct source_reader *reader)
{
	struct source *source = (struct source *)reader;

	source->question.round++;
}

int source_new(struct source **ret_source)
{
	struct source *source = calloc(1, sizeof(*source));
	int err;

	if (!source)
		return -ENOMEM;
	source->reader = (struct source_reader){files_line, files_done};
	err = source_helper_start(&source->pid, &source->socket);
	if (err) {
		free(source);
		return err;
	}
	*ret_source = source;
	return 0;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	source->socket = close_fd(source->socket);
	confined_end(source->pid, END_MS);
	free(source);
}

struct source_reader *source_files(struct source *source)
{
	return source ? &source->reader : NULL;
}
