/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/discover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tracer/earlier_owners.h"
#include "tracer/file_cache.h"
#include "tracer/code_frees.h"
#include "tracer/synthesize.h"
#include "tracer/owner_class.h"
#include "process/facts.h"
#include "tracer/table_sharers.h"
#include "process/proc.h"
#include "process/seen.h"
#include "python/locate.h"
#include "python/reread.h"
#include "python/owner_layout.h"
#include "tracer/validate.h"
#include "tracer/running.h"
#include "tracer/unseen.h"

/* Words of a command that may name the program which it is to start: "timeout 9 python3.12 x". */
#define WORDS_MAX 16

struct attach {
	struct probe *probe;
	const struct session *session;
	record_fn feed;
	void *feed_arg;
	bool owners;   /* are read */
	bool searches; /* for those that were made before */
	struct earlier_owners *earlier;
	struct unseen unseen;
	struct files *files;
	struct frees *frees;
	struct running *running;
	struct strangers strangers;
};

/* A class of descriptor owners that is new in a process; or word that no owner can be found there.
 */
static int on_owner_type(void *arg, const struct record_header *record);

int attach_new(const struct attach_options *options, record_fn feed, void *arg,
	       struct attach **ret_attach)
{
	struct attach *attach = calloc(1, sizeof(*attach));

	if (!attach)
		return -ENOMEM;
	attach->probe = options->probe;
	attach->session = options->session;
	attach->feed = feed;
	attach->feed_arg = arg;
	attach->files = options->files;
	attach->owners = options->owners;
	attach->searches = options->owners && options->heap_scan;
	if (earlier_owners_new(attach->probe, options->heap_scan_bytes, on_owner_type, attach,
			       &attach->earlier) ||
	    frees_new(attach->probe, options->foreign, &attach->frees)) {
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

void attach_free(struct attach *attach)
{
	if (!attach)
		return;
	earlier_owners_free(attach->earlier);
	unseen_free(&attach->unseen);
	running_free(&attach->running);
	frees_free(attach->frees);
	free(attach);
}

const char *const *attach_unseen(struct attach *attach)
{
	return unseen_list(&attach->unseen, probe_unseen(attach->probe),
			   earlier_owners_missed(attach->earlier));
}

bool attach_step(struct attach *attach)
{
	return earlier_owners_step(attach->earlier);
}

void attach_progress(const struct attach *attach, struct earlier_progress *ret)
{
	earlier_owners_progress(attach->earlier, ret);
}

static struct known_file *python_of(struct attach *attach, pid_t pid)
{
	const struct file_version *version = running_file(attach->running, pid);

	return version ? files_find(attach->files, version) : NULL;
}

/* Where no one knows where its objects keep their numbers, nobody is asked. */
static void note_owners(struct attach *attach, const struct python_runtime *runtime)
{
	char sentence[UNSEEN_NOTE_SIZE];

	if (!attach->owners || python_owners_of(&runtime->layout))
		return;
	snprintf(sentence, sizeof(sentence),
		 "which Python object owns a descriptor, in CPython %.32s: where its objects keep "
		 "it is not known",
		 runtime->version_text);
	unseen_note(&attach->unseen, sentence);
}

/* The kernel side walks the process: its findings name the runtime. */
static void python_runs(struct attach *attach, pid_t pid, struct known_file *file)
{
	learned_runtime(attach->feed, attach->feed_arg, pid, &file->runtime);
	running_set(&attach->running, pid, &file->version);
	note_owners(attach, &file->runtime);
}

struct search {
	struct attach *attach;
	struct seen **vain; /* mappings that are no Python; NULL: not kept */
	pid_t pid;
	const struct file_version *only; /* NULL: any file */
	uint64_t at;			 /* 0: at any address */
	struct known_file *found;
	uint64_t bias;
};

/* The mapped file, which is looked into if that has not been done. NULL: not the one searched. */
static struct known_file *mapped_file(struct search *search, const struct proc_mapping *mapping)
{
	struct attach *attach = search->attach;
	struct file_version version;
	_cleanup_close_ int fd = proc_open_mapping(search->pid, mapping);

	if (fd < 0 || probe_identify_file(attach->probe, fd, &version) ||
	    (search->only && memcmp(search->only, &version, sizeof(version))))
		return NULL;
	return files_learn(attach->files, &version, fd);
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

/* The kernel side walks it from now on, where it lies: moved by bias. 0 or negative errno. */
static int walk_python(struct attach *attach, pid_t pid, uint64_t program,
		       const struct python_runtime *runtime, uint64_t bias)
{
	const struct probe_layout layout = {
		.python = &runtime->layout,
		.owners = python_owners_of(&runtime->layout),
	};
	struct python_process python = {
		.runtime = runtime->runtime + bias,
		.code_type = runtime->code_type + bias,
	};

	for (size_t i = 0; i < OWNER_CODES; i++)
		python.code[i] =
			(struct code_range){runtime->code[i].start + bias, runtime->code[i].size};
	return probe_set_python(attach->probe, pid, program, &layout, &python);
}

/*
 * Finds the Python among a process's mappings and has the kernel side walk it from now on. NULL:
 * there is none.
 */
static struct known_file *find_python(struct attach *attach, pid_t pid, uint64_t program,
				      const struct file_version *only, uint64_t at,
				      struct seen **vain, uint64_t *ret_bias)
{
	struct search search = {.attach = attach, .vain = vain, .pid = pid, .only = only, .at = at};

	if (proc_each_exec_mapping(pid, look_into_mapping, &search) < 0 || !search.found ||
	    !prove(attach, pid, search.found, search.bias) ||
	    walk_python(attach, pid, program, &search.found->runtime, search.bias))
		return NULL;
	*ret_bias = search.bias;
	return search.found;
}

/* As find_python(), of a program that is traced and may end at any time. False: none found. */
static bool look_for_python(struct attach *attach, pid_t pid, uint64_t program,
			    const struct file_version *only, uint64_t at, struct seen **vain)
{
	uint64_t bias;
	struct known_file *file = find_python(attach, pid, program, only, at, vain, &bias);

	if (!file)
		return false;
	if (probe_program(attach->probe, pid) != program) {
		probe_forget_python(attach->probe, pid, program); /* it may be the next one's */
		return true;
	}
	python_runs(attach, pid, file);
	if (attach->searches)
		earlier_owners_search(attach->earlier, pid, program, &file->runtime, bias);
	else if (attach->owners)
		unseen_note(&attach->unseen, "which descriptors belong to Python objects that were "
					     "made before fdtrace attached (--no-heap-scan)");
	return true;
}

/* Its Python first, so that its first call has a stack; and once more, for it may have exec'd. */
static int add_target(struct attach *attach, pid_t pid)
{
	uint64_t program = clock_boot_ns(), traced, bias;
	struct seen *vain __attribute__((cleanup(seen_free))) = NULL;
	int err;

	find_python(attach, pid, program, NULL, 0, &vain, &bias);
	err = probe_add_target(attach->probe, pid, program);
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
	if (!err)
		err = sharers_look(attach->probe, pid, attach->feed, attach->feed_arg);
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

void attach_inside(struct attach *attach, pid_t pid)
{
	struct known_file *file = python_of(attach, pid);

	if (file)
		frees_watch(attach->frees, pid, file);
}

int attach_fd(const struct attach *attach)
{
	return frees_fd(attach->frees);
}

void attach_look(struct attach *attach)
{
	frees_look(attach->frees);
}

const char *attach_lack(const struct attach *attach)
{
	return frees_lack(attach->frees);
}

struct expected {
	struct attach *attach;
	bool python; /* one has been found */
};

/* What a program is likely to run is looked into before its first instruction. */
static void expect_file(void *arg, const char *path)
{
	struct expected *expected = arg;
	struct known_file *file = files_learn_path(expected->attach->files, path);

	expected->python |= file && file->walked;
}

/* A command that is no Python may become one, or start some. */
static void expect_started(char *const *command, struct expected *expected)
{
	for (size_t i = 1; i < WORDS_MAX && command[i] && !expected->python; i++)
		python_locate(command[i], expect_file, expected);
	if (!expected->python)
		python_locate("python3", expect_file, expected);
}

int attach_starting(struct attach *attach, pid_t pid, char *const *command)
{
	struct expected expected = {.attach = attach};
	int err = learned_process(attach->feed, attach->feed_arg, pid, PROCESS_FROM_START);

	if (err)
		return err;
	python_locate(command[0], expect_file, &expected);
	if (!expected.python)
		expect_started(command, &expected);
	python_locate_libraries(expect_file, &expected);
	return probe_add_target(attach->probe, pid, clock_boot_ns());
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

/* What stays unknown of a process none of whose owners, or none of a kind, shows. */
static const char *none_showed(uint8_t kind)
{
	if (kind == OWNER_SOCKET)
		return "which Python object owns a socket: in a process none showed at the first "
		       "16 calls that make one (C code made them, or a Python built in an unusual "
		       "way)";
	if (kind == OWNER_EPOLL)
		return "which Python object owns an epoll instance: in a process none showed at "
		       "the first 16 calls that make one (C code made them, or a Python built in "
		       "an unusual way)";
	return "which Python object owns a descriptor: in a process its objects could not be "
	       "found as they were made (a Python built in an unusual way)";
}

static int on_owner_type(void *arg, const struct record_header *header)
{
	const struct record_owner_type *record = (const void *)header;
	struct attach *attach = arg;
	struct known_file *file = python_of(attach, header->tgid);

	if (!record->type)
		unseen_note(&attach->unseen, none_showed(record->kind));
	if (!file || !record->type)
		return feed(attach, header);
	return owner_class_named(record, &file->runtime.layout, attach->feed, attach->feed_arg);
}

static int table_seen(struct attach *attach, const struct record_code_table *record)
{
	struct known_file *file = record->bytes ? NULL : python_of(attach, record->h.tgid);

	if (!file)
		return feed(attach, &record->h);
	return prove_table(attach->probe, record, &file->runtime.layout, attach->feed,
			   attach->feed_arg);
}

static struct file_version version_of(const struct record_map *record)
{
	return (struct file_version){
		.file = {record->device, record->inode},
		.changed_ns = record->changed_ns,
		.size = record->file_size,
	};
}

static void file_mapped(struct attach *attach, const struct record_map *record)
{
	const struct file_version version = version_of(record);
	struct known_file *file = files_find(attach->files, &version);
	pid_t pid = record->h.tgid;
	uint64_t program = program_of(attach, &record->h, pid);

	if (file && !file->settled)
		file = NULL; /* looked into once more */
	if (file && file->strange) {
		meet_stranger(attach, pid, file, false);
	} else if (file && !file->walked) {
		files_tell(attach->files, file); /* the kernel side had forgotten */
	} else if (file && record->known) {
		python_runs(attach, pid, file);
	} else if (program) {
		look_for_python(attach, pid, program, &version, record->start, NULL);
	}
}

/* The child runs what its parent runs. */
static void inherits(struct attach *attach, const struct record_fork *record)
{
	struct known_file *file = python_of(attach, record->h.tgid);
	uint64_t program = program_of(attach, &record->h, record->child_tgid);

	if (!file)
		return;
	running_set(&attach->running, record->child_tgid, &file->version);
	if (record->vfork)
		return;
	/* Made before the parent was known to be a Python. */
	if (program && !probe_has_python(attach->probe, record->child_tgid, program))
		look_for_python(attach, record->child_tgid, program, &file->version, 0, NULL);
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
	frees_execed(attach->frees, record->h.tgid);
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
	case RECORD_OWNER_TYPE:
		return on_owner_type(attach, record);
	case RECORD_FORK:
		return forked(attach, r);
	case RECORD_EXEC:
		return execed(attach, r);
	case RECORD_EXIT:
		running_ended(&attach->running, record->tgid);
		break;
	}
	return feed(attach, record);
}
