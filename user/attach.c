/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "learned.h"
#include "process/facts.h"
#include "process/proc.h"
#include "process/seen.h"
#include "python/locate.h"
#include "python/mend.h"
#include "prove.h"
#include "running.h"
#include "watch.h"

/* Files looked into are remembered; beyond this many they are looked into again. */
#define FILES_MAX 4096

/* Words of a command that may name the program which it is to start: "timeout 9 python3.12 x". */
#define WORDS_MAX 16

/* What an executable file was found to be. */
struct known_file {
	struct file_key key;
	bool walked;  /* a Python that we can walk */
	bool strange; /* one that we can't */
	bool proved;  /* a process of it was as the layout says */
	struct python_runtime runtime;
	int fd;		      /* of a Python whose destructor of code objects is known; else -1 */
	uint64_t destructor;  /* its offset in the file */
	unsigned int watched; /* processes for which frees of code objects have been watched */
	UT_hash_handle hh;
};

struct attach {
	struct probe *probe;
	struct watch *watch;
	struct foreign *foreign;
	const struct session *session;
	record_fn feed;
	void *feed_arg;
	struct known_file *files;
	struct running *running;
	struct strangers strangers;
};

int attach_new(struct probe *probe, struct foreign *foreign, const struct session *session,
	       record_fn feed, void *arg, bool owners, struct attach **ret_attach)
{
	struct attach *attach = calloc(1, sizeof(*attach));

	if (!attach)
		return -ENOMEM;
	attach->probe = probe;
	attach->foreign = foreign;
	attach->session = session;
	attach->feed = feed;
	attach->feed_arg = arg;
	if (watch_new(probe, foreign, owners, &attach->watch)) {
		attach_free(attach);
		return -ENOMEM;
	}
	*ret_attach = attach;
	return 0;
}

static int feed(struct attach *attach, const struct record_header *record)
{
	return attach->feed(attach->feed_arg, record);
}

static void forget_files(struct attach *attach)
{
	struct known_file *file, *next;

	HASH_ITER (hh, attach->files, file, next) {
		HASH_DEL(attach->files, file);
		close_fd(file->fd);
		free(file);
	}
}

void attach_free(struct attach *attach)
{
	if (!attach)
		return;
	running_free(&attach->running);
	forget_files(attach);
	watch_free(attach->watch);
	free(attach);
}

const char *const *attach_unseen(struct attach *attach)
{
	return watch_unseen(attach->watch);
}

static struct known_file *find_file(struct attach *attach, const struct file_key *key)
{
	struct known_file *file;

	HASH_FIND(hh, attach->files, key, sizeof(*key), file);
	return file;
}

static struct known_file *python_of(struct attach *attach, pid_t pid)
{
	const struct file_key *key = running_file(attach->running, pid);

	return key ? find_file(attach, key) : NULL;
}

/* Looks into a file once and tells the kernel side. fd is lent. NULL: it cannot be read. */
static struct known_file *learn_file(struct attach *attach, const struct file_key *key, int fd)
{
	struct known_file *file = find_file(attach, key);
	struct python_file answer = {0};
	bool owners;
	int err;

	if (file)
		return file;
	if (HASH_COUNT(attach->files) >= FILES_MAX)
		forget_files(attach);
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->key = *key;
	file->fd = -1;
	err = foreign_runtime_find(attach->foreign, fd, &file->runtime);
	file->walked = !err;
	file->strange = err == -ENOTSUP;
	if (file->walked &&
	    !foreign_code_destructor(attach->foreign, fd, &file->runtime, &file->destructor))
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	owners = watch_learn(attach->watch, key, fd, file->walked);
	answer.runtime = file->runtime.runtime;
	answer.code_type = file->runtime.code_type;
	answer.text_vaddr = file->runtime.text_vaddr;
	answer.text_offset = file->runtime.text_offset;
	answer.fixed = file->runtime.fixed;
	/* Of a strange one the kernel side goes on to ask, so that each process of it is named. */
	if (!file->strange)
		probe_learn_file(attach->probe, key, file->walked ? &file->runtime.layout : NULL,
				 owners, &answer);
	HASH_ADD(hh, attach->files, key, sizeof(file->key), file);
	return file;
}

/*
 * The first process of a file is watched alone, so that no other one pays; from the second on
 * one probe serves them all, at a microsecond for each code object that any of them frees.
 */
static void watch_frees(struct attach *attach, pid_t pid, struct known_file *file)
{
	int err;

	if (file->fd < 0)
		return;
	if (file->watched > 1) {
		probe_frees_watched(attach->probe, pid, &file->key);
		return;
	}
	err = probe_watch_frees(attach->probe, pid, &file->key, file->fd, file->destructor,
				file->watched == 1);
	if (!err || err == -ESTALE)
		file->watched++;
}

/* Looks into the file of this path. 0: its key; -1: there is none. */
static int learn_path(struct attach *attach, const char *path, struct file_key *ret_key)
{
	_cleanup_close_ int fd = file_open_regular(path);

	if (fd < 0 || probe_identify_file(attach->probe, fd, ret_key))
		return -1;
	return learn_file(attach, ret_key, fd) ? 0 : -1;
}

struct modules {
	struct attach *attach;
	pid_t pid;
};

static void watch_module(void *arg, const char *path)
{
	struct modules *modules = arg;
	struct file_key key;

	if (!learn_path(modules->attach, path, &key))
		watch_file(modules->attach->watch, modules->pid, &key);
}

/*
 * Of a Python and of the modules that lie beside it, before it loads them. Not again for each
 * child: what serves all has been found with the first. False: they were watched already.
 */
static bool watch_owners(struct attach *attach, pid_t pid, struct known_file *file)
{
	struct modules modules = {attach, pid};

	if (!watch_file(attach->watch, pid, &file->key))
		return false;
	if (file->fd >= 0)
		python_locate_modules(file->fd, file->runtime.version, watch_module, &modules);
	return true;
}

/* Of a process that has begun already: what it has made meanwhile is not known. */
static void watch_owners_late(struct attach *attach, pid_t pid, struct known_file *file)
{
	if (watch_owners(attach, pid, file))
		watch_note_late(attach->watch);
}

/* The kernel side walks the process: its findings name the runtime, its frees are watched. */
static void python_runs(struct attach *attach, pid_t pid, struct known_file *file)
{
	learned_runtime(attach->feed, attach->feed_arg, pid, &file->runtime);
	running_set(&attach->running, pid, &file->key);
	watch_frees(attach, pid, file);
	watch_note_python(attach->watch, &file->runtime.layout, file->runtime.version_text);
	watch_owners_late(attach, pid, file);
}

struct search {
	struct attach *attach;
	struct seen **vain; /* mappings that are no Python; NULL: not kept */
	pid_t pid;
	const struct file_key *only; /* NULL: any file */
	uint64_t at;		     /* 0: at any address */
	struct known_file *found;
	uint64_t bias;
};

/* The mapped file, which is looked into if that has not been done. NULL: not the one searched. */
static struct known_file *mapped_file(struct search *search, const struct proc_mapping *mapping)
{
	struct attach *attach = search->attach;
	struct file_key key;
	_cleanup_close_ int fd = proc_open_mapping(search->pid, mapping);

	if (fd < 0 || probe_identify_file(attach->probe, fd, &key) ||
	    (search->only && memcmp(search->only, &key, sizeof(key))))
		return NULL;
	return learn_file(attach, &key, fd);
}

/* The process runs a Python that is not walked. */
static void meet_stranger(struct attach *attach, pid_t pid, const struct known_file *file,
			  bool unsound)
{
	learned_runtime(attach->feed, attach->feed_arg, pid, &file->runtime);
	strangers_meet(&attach->strangers, pid, &file->runtime, unsound);
}

/* One executable mapping: 1 ends the search, a Python has been found. */
static int look_into_mapping(void *arg, const struct proc_mapping *mapping)
{
	struct search *search = arg;
	struct known_file *file;

	if (search->at && (search->at < mapping->start || search->at >= mapping->end))
		return 0;
	if (search->vain && seen_has(*search->vain, mapping))
		return 0;
	file = mapped_file(search, mapping);
	if (file && file->strange)
		meet_stranger(search->attach, search->pid, file, false);
	if (!file || !file->walked) {
		if (file && search->vain)
			seen_add(search->vain, mapping);
		return 0;
	}
	search->found = file;
	if (!file->runtime.fixed)
		search->bias = mapping->start - (file->runtime.text_vaddr -
						 file->runtime.text_offset + mapping->offset);
	return 1;
}

/* False: the process is not as its file says. One that has begun to run proves the file. */
static bool prove(struct attach *attach, pid_t pid, struct known_file *file, uint64_t bias)
{
	enum soundness soundness;

	if (file->proved)
		return true;
	soundness = prove_process(pid, &file->runtime, bias);
	file->proved = soundness == SOUND_YES;
	if (soundness == SOUND_NO)
		meet_stranger(attach, pid, file, true);
	return soundness != SOUND_NO;
}

/*
 * Finds the Python among a process's mappings and has the kernel side walk it from now on. NULL:
 * there is none.
 */
static struct known_file *find_python(struct attach *attach, pid_t pid, uint64_t program,
				      const struct file_key *only, uint64_t at, struct seen **vain)
{
	struct search search = {.attach = attach, .vain = vain, .pid = pid, .only = only, .at = at};

	if (proc_each_exec_mapping(pid, look_into_mapping, &search) < 0 || !search.found ||
	    !prove(attach, pid, search.found, search.bias) ||
	    probe_set_python(attach->probe, pid, program, &search.found->key,
			     &search.found->runtime, search.bias))
		return NULL;
	return search.found;
}

/* As find_python(), of a program that is traced and may end at any time. False: none found. */
static bool look_for_python(struct attach *attach, pid_t pid, uint64_t program,
			    const struct file_key *only, uint64_t at, struct seen **vain)
{
	struct known_file *file = find_python(attach, pid, program, only, at, vain);

	if (file && probe_program(attach->probe, pid) == program)
		python_runs(attach, pid, file);
	else if (file)
		probe_forget_python(attach->probe, pid, program); /* it may be the next one's */
	return file;
}

/* Its Python first, so that its first call has a stack; and once more, for it may have exec'd. */
static int add_target(struct attach *attach, pid_t pid)
{
	uint64_t program = clock_boot_ns(), traced;
	struct seen *vain __attribute__((cleanup(seen_free))) = NULL;
	int err;

	find_python(attach, pid, program, NULL, 0, &vain);
	err = probe_add_target(attach->probe, pid, program, watch_claim(attach->watch, pid));
	if (err)
		watch_ended(attach->watch, pid); /* the kernel side has it as one of many */
	traced = probe_program(attach->probe, pid);
	if (!traced || !look_for_python(attach, pid, traced, NULL, 0, &vain) || traced != program)
		probe_forget_python(attach->probe, pid, program);
	return err == -EEXIST ? 0 : err;
}

static int attach_one(struct attach *attach, pid_t pid)
{
	int err;

	if (!proc_exists(pid))
		return -ESRCH;
	/* The session first, so that the runtime's name finds its process. */
	err = learned_process(attach->feed, attach->feed_arg, pid, PROCESS_FROM_ATTACH);
	if (err)
		return err;
	err = add_target(attach, pid);
	watch_note_late(attach->watch);
	if (!err)
		err = facts_snapshot(pid, probe_ring_flags(attach->probe), attach->feed,
				     attach->feed_arg);
	if (err == -EACCES || err == -EPERM)
		err = 0; /* then what was open is not known: a missing capability, which is said */
	/* Its end is seen from now on, but it may have come before. */
	if (!err && !proc_exists(pid))
		err = -ESRCH;
	if (err) {
		probe_remove_target(attach->probe, pid);
		watch_ended(attach->watch, pid);
		learned_forget(attach->feed, attach->feed_arg, pid);
	}
	return err;
}

static int on_child(void *arg, pid_t pid)
{
	struct attach *attach = arg;
	int err;

	if (pid == getpid() || session_has_process(attach->session, pid))
		return PROC_CHILDLESS; /* to trace ourselves would make records of reading them */
	err = attach_one(attach, pid);
	return err == -ESRCH ? PROC_CHILDLESS : err;
}

int attach_running(struct attach *attach, pid_t pid, bool follow)
{
	int err = session_has_process(attach->session, pid) ? 0 : attach_one(attach, pid);

	/* Children made from now on are followed by the kernel side: these are the older ones. */
	if (!err && follow)
		err = proc_each_descendant(pid, on_child, attach);
	return err;
}

struct expected {
	struct attach *attach;
	pid_t pid;    /* -1: it is not watched for itself */
	bool starts;  /* it may be a process that it starts, which runs the file */
	bool watched; /* a Python has been found, and is watched */
};

/* A program that will run a Python of its own is watched before its first instruction. */
static void expect_python(void *arg, const char *path)
{
	struct expected *expected = arg;
	struct known_file *file;
	struct file_key key;

	if (learn_path(expected->attach, path, &key))
		return;
	file = find_file(expected->attach, &key);
	if (!file || !file->walked)
		return;
	watch_owners(expected->attach, expected->pid, file);
	if (expected->starts)
		watch_owners(expected->attach, -1, file);
	expected->watched = true;
}

/*
 * A command that is no Python may become one, or start some: the kernel takes longer to place a
 * probe than a Python to begin, so that these are placed beforehand. Processes that have nothing to
 * do with the command meet them, too, if they run that Python.
 */
static void expect_started(char *const *command, struct expected *expected)
{
	expected->starts = true;
	for (size_t i = 1; i < WORDS_MAX && command[i] && !expected->watched; i++)
		python_locate(command[i], expect_python, expected);
	if (!expected->watched)
		python_locate("python3", expect_python, expected);
	expected->starts = false;
}

int attach_starting(struct attach *attach, pid_t pid, char *const *command)
{
	bool alone = watch_claim(attach->watch, pid);
	struct expected expected = {attach, alone ? pid : -1, false, false};
	int err = learned_process(attach->feed, attach->feed_arg, pid, PROCESS_FROM_START);

	if (err)
		return err;
	python_locate(command[0], expect_python, &expected);
	if (!expected.watched)
		expect_started(command, &expected);
	python_locate_libraries(expect_python, &expected);
	return probe_add_target(attach->probe, pid, clock_boot_ns(), alone);
}

/* The program that made the record, or that the record made; 0: it runs no more. */
static uint64_t program_of(const struct attach *attach, const struct record_header *record,
			   pid_t pid)
{
	uint64_t program = probe_program(attach->probe, pid);

	return program <= record->time_ns ? program : 0;
}

/*
 * Where frames should have code objects there is something else: said, once. Where a part was not
 * resident it is read now.
 */
static int code_seen(struct attach *attach, const struct record_code *record)
{
	bool odd = record->no_code || mend_wanted(record);
	struct known_file *file = odd ? python_of(attach, record->h.tgid) : NULL;

	if (file && !record->no_code)
		return prove_code(attach->probe, record, &file->runtime.layout, attach->feed,
				  attach->feed_arg);
	if (file)
		strangers_meet(&attach->strangers, record->h.tgid, &file->runtime, true);
	return feed(attach, &record->h);
}

static int table_seen(struct attach *attach, const struct record_code_table *record)
{
	struct known_file *file = record->bytes ? NULL : python_of(attach, record->h.tgid);

	if (!file)
		return feed(attach, &record->h);
	return prove_table(attach->probe, record, &file->runtime.layout, attach->feed,
			   attach->feed_arg);
}

/* A file that is new to us, or a module: a Python perhaps, or one of its descriptor owners. */
static void look_into_file(struct attach *attach, pid_t pid, uint64_t program,
			   const struct record_map *record)
{
	const struct file_key key = {record->device, record->inode};

	look_for_python(attach, pid, program, &key, record->start, NULL);
	watch_file(attach->watch, pid, &key);
}

static void file_mapped(struct attach *attach, const struct record_map *record)
{
	const struct file_key key = {record->device, record->inode};
	struct known_file *file = find_file(attach, &key);
	pid_t pid = record->h.tgid;
	uint64_t program = program_of(attach, &record->h, pid);

	if (file && file->strange) {
		meet_stranger(attach, pid, file, false);
	} else if (file && !file->walked) {
		bool owners = watch_learn(attach->watch, &key, -1, false);
		struct python_file none = {0};

		/* Unless it holds owners the kernel side had forgotten: tell it once more. */
		probe_learn_file(attach->probe, &key, NULL, owners, &none);
		watch_file(attach->watch, pid, &key);
	} else if (file && record->known) {
		python_runs(attach, pid, file);
	} else if (program) {
		look_into_file(attach, pid, program, record);
	}
}

/* The child runs what its parent runs. */
static void inherits(struct attach *attach, const struct record_fork *record)
{
	struct known_file *file = python_of(attach, record->h.tgid);
	uint64_t program = program_of(attach, &record->h, record->child_tgid);

	if (!file)
		return;
	running_set(&attach->running, record->child_tgid, &file->key);
	if (record->vfork)
		return;
	/* Made before the parent was known to be a Python. */
	if (program && !probe_has_python(attach->probe, record->child_tgid, program))
		look_for_python(attach, record->child_tgid, program, &file->key, 0, NULL);
	else
		watch_frees(attach, record->child_tgid, file);
	watch_owners_late(attach, record->child_tgid, file);
}

static int forked(struct attach *attach, const struct record_fork *record)
{
	bool parent = session_has_process(attach->session, record->h.tgid);
	int err = feed(attach, &record->h);

	inherits(attach, record);
	return err ? err : learned_child(attach->feed, attach->feed_arg, record, parent);
}

static int execed(struct attach *attach, const struct record_exec *record)
{
	int err;

	running_ended(&attach->running, record->h.tgid);
	err = feed(attach, &record->h);
	return err ? err : learned_program(attach->feed, attach->feed_arg, record);
}

struct strangers *attach_strangers(struct attach *attach)
{
	return &attach->strangers;
}

int attach_record(struct attach *attach, const struct record_header *record)
{
	const void *r = record;

	if (!record_valid(record))
		return feed(attach, record);
	switch (record->type) {
	case RECORD_MAP:
		file_mapped(attach, r);
		break;
	case RECORD_CODE:
		return code_seen(attach, r);
	case RECORD_CODE_TABLE:
		return table_seen(attach, r);
	case RECORD_FORK:
		return forked(attach, r);
	case RECORD_EXEC:
		return execed(attach, r);
	case RECORD_EXIT:
		running_ended(&attach->running, record->tgid);
		watch_ended(attach->watch, record->tgid);
	}
	return feed(attach, record);
}
