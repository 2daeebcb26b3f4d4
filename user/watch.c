/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/mem.h"
#include "python/locate.h"
#include "python/owner_layout.h"
#include "python/owners.h"

/* Processes watched each for itself. */
#define ALONE_MAX     4
/* Files of one process: its Python, _socket, select; and after an exec those of the next one. */
#define OWN_FILES_MAX 16
/* Files looked into are remembered; beyond this many none is watched any more. */
#define FILES_MAX     1024

/* Sentences about what ownership cannot tell. */
#define NOTES_MAX 8
#define NOTE_SIZE 160

struct watched_file {
	struct file_key key;
	int fd; /* -1: it holds no owners */
	bool everywhere;
	size_t count;
	struct owner_probe probes[OWNER_PROBES_MAX];
	UT_hash_handle hh;
};

/* A process that is watched for itself, and the files for which it is. */
struct alone {
	pid_t pid;
	size_t count;
	struct file_key files[OWN_FILES_MAX];
};

struct watch {
	struct probe *probe;
	struct foreign *foreign;
	bool on;
	char *notes[NOTES_MAX];
	size_t note_count;
	const char **unseen;
	struct watched_file *files;
	struct alone alone[ALONE_MAX];
};

static void note(struct watch *watch, const char *sentence)
{
	for (size_t i = 0; i < watch->note_count; i++)
		if (!strcmp(watch->notes[i], sentence))
			return;
	if (watch->note_count == NOTES_MAX)
		return;
	watch->notes[watch->note_count] = strdup(sentence);
	watch->note_count += watch->notes[watch->note_count] != NULL;
}

void watch_note_python(struct watch *watch, const struct py_layout *layout, const char *version)
{
	char sentence[NOTE_SIZE];

	if (!watch->on || python_owners_of(layout))
		return;
	snprintf(sentence, sizeof(sentence),
		 "which Python object owns a descriptor, in CPython %.32s: where its objects keep "
		 "it is not known",
		 version);
	note(watch, sentence);
}

void watch_note_late(struct watch *watch)
{
	if (watch->on)
		note(watch, "which descriptors belong to Python objects that were made before "
			    "fdtrace watched their process");
}

const char *const *watch_unseen(struct watch *watch)
{
	const char *const *seen = probe_unseen(watch->probe);
	size_t count = 0;

	while (seen[count])
		count++;
	free(watch->unseen);
	watch->unseen = calloc(count + watch->note_count + 1, sizeof(*watch->unseen));
	if (!watch->unseen)
		return seen;
	memcpy(watch->unseen, seen, count * sizeof(*seen));
	memcpy(watch->unseen + count, watch->notes, watch->note_count * sizeof(*seen));
	return watch->unseen;
}

int watch_new(struct probe *probe, struct foreign *foreign, bool wanted, struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->probe = probe;
	watch->foreign = foreign;
	watch->on = probe_owners(probe);
	if (wanted && !watch->on)
		note(watch, "which Python object owns a descriptor: this kernel's probes cannot be "
			    "told apart (that came with Linux 5.15)");
	*ret_watch = watch;
	return 0;
}

void watch_free(struct watch *watch)
{
	struct watched_file *file, *next;

	if (!watch)
		return;
	HASH_ITER (hh, watch->files, file, next) {
		HASH_DEL(watch->files, file);
		close_fd(file->fd);
		free(file);
	}
	while (watch->note_count)
		free(watch->notes[--watch->note_count]);
	free(watch->unseen);
	free(watch);
}

static struct watched_file *find_file(const struct watch *watch, const struct file_key *key)
{
	struct watched_file *file;

	HASH_FIND(hh, watch->files, key, sizeof(*key), file);
	return file;
}

bool watch_learn(struct watch *watch, const struct file_key *key, int fd, bool python)
{
	struct watched_file *file = find_file(watch, key);

	if (file)
		return file->fd >= 0;
	if (!watch->on || (!python && !python_is_module(fd)) ||
	    HASH_COUNT(watch->files) >= FILES_MAX)
		return false;
	file = calloc(1, sizeof(*file));
	if (!file)
		return false;
	file->key = *key;
	file->fd = -1;
	foreign_owners_find(watch->foreign, fd, file->probes, OWNER_PROBES_MAX, &file->count);
	if (file->count)
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	HASH_ADD(hh, watch->files, key, sizeof(file->key), file);
	return file->fd >= 0;
}

static struct alone *find_alone(struct watch *watch, pid_t pid)
{
	for (size_t i = 0; i < ALONE_MAX; i++)
		if (watch->alone[i].pid == pid)
			return &watch->alone[i];
	return NULL;
}

bool watch_claim(struct watch *watch, pid_t pid)
{
	struct alone *alone;

	if (!watch->on)
		return false;
	alone = find_alone(watch, pid);
	if (!alone)
		alone = find_alone(watch, 0);
	if (!alone)
		return false;
	*alone = (struct alone){.pid = pid};
	return true;
}

/* Whether this process's own probes are in the file already; from now on they are. */
static bool is_there(struct alone *alone, const struct file_key *key)
{
	for (size_t i = 0; i < alone->count; i++)
		if (!memcmp(&alone->files[i], key, sizeof(*key)))
			return true;
	if (alone->count == OWN_FILES_MAX)
		return true;
	alone->files[alone->count++] = *key;
	return false;
}

static void attach(struct watch *watch, pid_t pid, const struct watched_file *file)
{
	int err = probe_watch_owners(watch->probe, pid, file->fd, file->probes, file->count);
	char sentence[NOTE_SIZE];

	if (!err)
		return;
	/* Nothing follows of its objects then: that costs findings, and makes none. */
	snprintf(sentence, sizeof(sentence),
		 "which Python object owns a descriptor, where the probes for that could not be "
		 "attached (%s)",
		 strerror(-err));
	note(watch, sentence);
}

bool watch_file(struct watch *watch, pid_t pid, const struct file_key *key)
{
	struct watched_file *file = find_file(watch, key);
	struct alone *alone = find_alone(watch, pid);

	if (!watch->on)
		return false;
	if (!file || file->fd < 0)
		return true;
	if (alone ? is_there(alone, key) : file->everywhere)
		return false;
	if (!alone)
		file->everywhere = true;
	attach(watch, alone ? pid : -1, file);
	return true;
}

void watch_ended(struct watch *watch, pid_t pid)
{
	struct alone *alone = find_alone(watch, pid);

	if (alone)
		*alone = (struct alone){0};
}
