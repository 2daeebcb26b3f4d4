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
#include "tracer/open_fds.h"
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

struct discover {
	struct ebpf *ebpf;
	const struct session *session;
	record_fn feed;
	void *feed_arg;
	bool owners;   /* which Python objects own descriptors is read */
	bool searches; /* owners that were made before the attach are searched for */
	struct earlier_owners *earlier;
	struct unseen unseen;
	struct file_cache *file_cache;
	struct code_frees *code_frees;
	struct running *running;
	struct unsupported unsupported;
};

/*
 * A record tells of a class of descriptor owners that is new in a process, or that no owner can be
 * found there.
 */
static int on_owner_type(void *arg, const struct record_header *record);

int discover_new(const struct attach_options *options, record_fn feed, void *arg,
		 struct discover **ret_discover)
{
	struct discover *discover = calloc(1, sizeof(*discover));

	if (!discover)
		return -ENOMEM;
	discover->ebpf = options->ebpf;
	discover->session = options->session;
	discover->feed = feed;
	discover->feed_arg = arg;
	discover->file_cache = options->file_cache;
	discover->owners = options->owners;
	discover->searches = options->owners && options->heap_scan;
	if (earlier_owners_new(discover->ebpf, options->heap_scan_bytes, on_owner_type, discover,
			       &discover->earlier) ||
	    code_frees_new(discover->ebpf, options->elf_helper, &discover->code_frees)) {
		discover_free(discover);
		return -ENOMEM;
	}
	*ret_discover = discover;
	return 0;
}

static int feed(struct discover *discover, const struct record_header *record)
{
	return discover->feed(discover->feed_arg, record);
}

void discover_free(struct discover *discover)
{
	if (!discover)
		return;
	earlier_owners_free(discover->earlier);
	unseen_free(&discover->unseen);
	running_free(&discover->running);
	code_frees_free(discover->code_frees);
	free(discover);
}

const char *const *discover_unseen(struct discover *discover)
{
	return unseen_list(&discover->unseen, ebpf_unseen(discover->ebpf),
			   earlier_owners_missed(discover->earlier));
}

bool discover_step(struct discover *discover)
{
	return earlier_owners_step(discover->earlier);
}

void discover_progress(const struct discover *discover, struct earlier_progress *ret)
{
	earlier_owners_progress(discover->earlier, ret);
}

/* The file of the Python that the process runs; NULL: none is known. */
static struct known_file *python_of(struct discover *discover, pid_t pid)
{
	const struct file_version *version = running_file(discover->running, pid);

	return version ? file_cache_find(discover->file_cache, version) : NULL;
}

/* Notes what stays unseen if it is not known where this Python's objects keep their numbers. */
static void note_owners(struct discover *discover, const struct python_runtime *runtime)
{
	char sentence[UNSEEN_NOTE_SIZE];

	if (!discover->owners || python_owners_of(&runtime->layout))
		return;
	snprintf(sentence, sizeof(sentence),
		 "which Python object owns a descriptor, in CPython %.32s: where its objects keep "
		 "it is not known",
		 runtime->version_text);
	unseen_note(&discover->unseen, sentence);
}

/* The kernel side walks the process's stacks: from now on its findings name the runtime. */
static void python_runs(struct discover *discover, pid_t pid, struct known_file *file)
{
	synthesize_runtime(discover->feed, discover->feed_arg, pid, &file->runtime);
	running_set(&discover->running, pid, &file->version);
	note_owners(discover, &file->runtime);
}

struct search {
	struct discover *discover;
	struct seen **vain; /* collects the mappings that are no Python; NULL: they are not kept */
	pid_t pid;
	const struct file_version *only; /* the file to find; NULL: any file */
	uint64_t at; /* an address in the mapping to look into; 0: all mappings */
	struct known_file *found;
	uint64_t bias;
};

/* The mapped file, looked into unless that has been done. NULL: it is not the one searched for. */
static struct known_file *mapped_file(struct search *search, const struct proc_mapping *mapping)
{
	struct discover *discover = search->discover;
	struct file_version version;
	_cleanup_close_ int fd = proc_open_mapping(search->pid, mapping);

	if (fd < 0 || ebpf_identify_file(discover->ebpf, fd, &version) ||
	    (search->only && memcmp(search->only, &version, sizeof(version))))
		return NULL;
	return file_cache_learn(discover->file_cache, &version, fd);
}

/* The process runs a Python whose stacks are not walked: feeds that, and notes it as unsupported.
 */
static void meet_unsupported(struct discover *discover, pid_t pid, const struct known_file *file,
			     bool unsound)
{
	synthesize_runtime(discover->feed, discover->feed_arg, pid, &file->runtime);
	unsupported_meet(&discover->unsupported, pid, &file->runtime, unsound);
}

/* Looks into one executable mapping. Returns 1, which ends the search, if it is of a Python. */
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
		meet_unsupported(search->discover, search->pid, file, false);
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

/*
 * False: the process's memory is not as its file says. A process that has begun to run can prove
 * that the file is right; then no other process is checked.
 */
static bool validate(struct discover *discover, pid_t pid, struct known_file *file, uint64_t bias)
{
	enum soundness soundness;

	if (file->validated)
		return true;
	soundness = validate_process(pid, &file->runtime, bias);
	file->validated = soundness == CONSISTENT_YES;
	if (soundness == CONSISTENT_NO)
		meet_unsupported(discover, pid, file, true);
	return soundness != CONSISTENT_NO;
}

/*
 * Has the kernel side walk the process's Python from now on. bias: how far its file is moved in
 * memory, in bytes. 0 or negative errno.
 */
static int walk_python(struct discover *discover, pid_t pid, uint64_t program,
		       const struct python_runtime *runtime, uint64_t bias)
{
	const struct ebpf_layout layout = {
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
	return ebpf_set_python(discover->ebpf, pid, program, &layout, &python);
}

/*
 * Finds the Python among a process's mappings and has the kernel side walk it from now on. NULL:
 * there is none.
 */
static struct known_file *find_python(struct discover *discover, pid_t pid, uint64_t program,
				      const struct file_version *only, uint64_t at,
				      struct seen **vain, uint64_t *ret_bias)
{
	struct search search = {
		.discover = discover, .vain = vain, .pid = pid, .only = only, .at = at};

	if (proc_each_exec_mapping(pid, look_into_mapping, &search) < 0 || !search.found ||
	    !validate(discover, pid, search.found, search.bias) ||
	    walk_python(discover, pid, program, &search.found->runtime, search.bias))
		return NULL;
	*ret_bias = search.bias;
	return search.found;
}

/* Does as find_python() for a program that is traced and may end at any time. False: none is found.
 */
static bool look_for_python(struct discover *discover, pid_t pid, uint64_t program,
			    const struct file_version *only, uint64_t at, struct seen **vain)
{
	uint64_t bias;
	struct known_file *file = find_python(discover, pid, program, only, at, vain, &bias);

	if (!file)
		return false;
	if (ebpf_program(discover->ebpf, pid) != program) {
		ebpf_forget_python(discover->ebpf, pid,
				   program); /* what was found may be the next program's */
		return true;
	}
	python_runs(discover, pid, file);
	if (discover->searches)
		earlier_owners_search(discover->earlier, pid, program, &file->runtime, bias);
	else if (discover->owners)
		unseen_note(&discover->unseen,
			    "which descriptors belong to Python objects that were "
			    "made before fdtrace attached (--no-heap-scan)");
	return true;
}

/*
 * Adds the process as a target. Its Python is looked for first, so that the first call that is seen
 * has a stack; and then once more, because the process may have called exec meanwhile.
 */
static int add_target(struct discover *discover, pid_t pid)
{
	uint64_t program = clock_boot_ns(), traced, bias;
	struct seen *vain __attribute__((cleanup(seen_free))) = NULL;
	int err;

	find_python(discover, pid, program, NULL, 0, &vain, &bias);
	err = ebpf_add_target(discover->ebpf, pid, program);
	traced = ebpf_program(discover->ebpf, pid);
	if (!traced || !look_for_python(discover, pid, traced, NULL, 0, &vain) || traced != program)
		ebpf_forget_python(discover->ebpf, pid, program);
	return err == -EEXIST ? 0 : err;
}

static int attach_one(struct discover *discover, pid_t pid)
{
	int err;

	if (!proc_exists(pid))
		return -ESRCH;
	/* The session gets the process first, so that the record of the runtime finds it there. */
	err = synthesize_process(discover->feed, discover->feed_arg, pid, PROCESS_FROM_ATTACH);
	if (err)
		return err;
	err = add_target(discover, pid);
	if (!err)
		err = table_sharers_look(discover->ebpf, pid, discover->feed, discover->feed_arg);
	if (!err)
		err = open_fds_list(discover->ebpf, pid, facts_snapshot, discover->feed,
				    discover->feed_arg);
	if (err == -EACCES || err == -EPERM)
		err = 0; /* for want of a capability, which is reported: what was open is not known
			  */
	/*
	 * It may have ended since. If the kernel side has seen that, which lets go of it then, its
	 * records tell of it; if not, it had ended before.
	 */
	if (err == -ESRCH || (!err && !proc_exists(pid)))
		err = ebpf_program(discover->ebpf, pid) ? -ESRCH : 0;
	if (err) {
		ebpf_remove_target(discover->ebpf, pid);
		synthesize_forget(discover->feed, discover->feed_arg, pid);
	}
	return err;
}

static int on_child(void *arg, pid_t pid)
{
	struct discover *discover = arg;
	int err;

	if (pid == getpid() || session_has_process(discover->session, pid))
		return PROC_CHILDLESS; /* tracing fdtrace itself would make records of its reading
					  records */
	err = attach_one(discover, pid);
	return err == -ESRCH ? PROC_CHILDLESS : err;
}

int discover_running(struct discover *discover, pid_t pid, bool follow)
{
	int err = session_has_process(discover->session, pid) ? 0 : attach_one(discover, pid);

	/* The kernel side follows the children that are made from now on; here are the older ones.
	 */
	if (!err && follow)
		err = proc_each_descendant(pid, on_child, discover);
	return err;
}

void discover_leave(struct discover *discover, pid_t pid)
{
	ebpf_remove_target(discover->ebpf, pid);
	running_ended(&discover->running, pid);
	synthesize_forget(discover->feed, discover->feed_arg, pid);
}

void discover_inside(struct discover *discover, pid_t pid)
{
	struct known_file *file = python_of(discover, pid);

	if (file)
		code_frees_watch(discover->code_frees, pid, file);
}

int discover_fd(const struct discover *discover)
{
	return code_frees_fd(discover->code_frees);
}

void discover_look(struct discover *discover)
{
	code_frees_look(discover->code_frees);
}

const char *discover_lack(const struct discover *discover)
{
	return code_frees_lack(discover->code_frees);
}

struct expected {
	struct discover *discover;
	bool python; /* a Python has been found */
};

/* Looks into a file that a program is likely to run, before the program's first instruction. */
static void expect_file(void *arg, const char *path)
{
	struct expected *expected = arg;
	struct known_file *file = file_cache_learn_path(expected->discover->file_cache, path);

	expected->python |= file && file->walked;
}

/* Looks into the Pythons that a command which is no Python may become, or start. */
static void expect_started(char *const *command, struct expected *expected)
{
	for (size_t i = 1; i < WORDS_MAX && command[i] && !expected->python; i++)
		python_locate(command[i], expect_file, expected);
	if (!expected->python)
		python_locate("python3", expect_file, expected);
}

int discover_starting(struct discover *discover, pid_t pid, char *const *command)
{
	struct expected expected = {.discover = discover};
	int err = synthesize_process(discover->feed, discover->feed_arg, pid, PROCESS_FROM_START);

	if (err)
		return err;
	python_locate(command[0], expect_file, &expected);
	if (!expected.python)
		expect_started(command, &expected);
	python_locate_libraries(expect_file, &expected);
	return ebpf_add_target(discover->ebpf, pid, clock_boot_ns());
}

/*
 * The program in the process that made the record, or that began with it; 0: that program runs no
 * more.
 */
static uint64_t program_of(const struct discover *discover, const struct record_header *record,
			   pid_t pid)
{
	uint64_t program = ebpf_program(discover->ebpf, pid);

	return program <= record->time_ns ? program : 0;
}

/*
 * A record tells of a code object. If a frame has something else where its code object should be,
 * this Python is noted as unsupported, once. If a part of the code object was not resident in
 * memory, it is read now.
 */
static int code_seen(struct discover *discover, const struct record_code *record)
{
	bool odd = record->no_code || reread_wanted(record);
	struct known_file *file = odd ? python_of(discover, record->h.tgid) : NULL;

	if (file && !record->no_code)
		return validate_code(discover->ebpf, record, &file->runtime.layout, discover->feed,
				     discover->feed_arg);
	if (file)
		unsupported_meet(&discover->unsupported, record->h.tgid, &file->runtime, true);
	return feed(discover, &record->h);
}

/* What stays unknown if none of a process's owners could be found, or none of this kind. */
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
	struct discover *discover = arg;
	struct known_file *file = python_of(discover, header->tgid);

	if (!record->type)
		unseen_note(&discover->unseen, none_showed(record->kind));
	if (!file || !record->type)
		return feed(discover, header);
	return owner_class_named(record, &file->runtime.layout, discover->feed, discover->feed_arg);
}

/* A record brings a part of a code object's table; if that was not resident, it is read now. */
static int table_seen(struct discover *discover, const struct record_code_table *record)
{
	struct known_file *file = record->bytes ? NULL : python_of(discover, record->h.tgid);

	if (!file)
		return feed(discover, &record->h);
	return validate_table(discover->ebpf, record, &file->runtime.layout, discover->feed,
			      discover->feed_arg);
}

static struct file_version version_of(const struct record_map *record)
{
	return (struct file_version){
		.file = {record->device, record->inode},
		.changed_ns = record->changed_ns,
		.size = record->file_size,
	};
}

/* A process has mapped an executable file: tells the kernel side of it, or looks for a Python in
 * it. */
static void file_mapped(struct discover *discover, const struct record_map *record)
{
	const struct file_version version = version_of(record);
	struct known_file *file = file_cache_find(discover->file_cache, &version);
	pid_t pid = record->h.tgid;
	uint64_t program = program_of(discover, &record->h, pid);

	if (file && !file->settled)
		file = NULL; /* it is looked into once more */
	if (file && file->strange) {
		meet_unsupported(discover, pid, file, false);
	} else if (file && !file->walked) {
		file_cache_send(discover->file_cache, file); /* the kernel side had forgotten it */
	} else if (file && record->known) {
		python_runs(discover, pid, file);
	} else if (program) {
		look_for_python(discover, pid, program, &version, record->start, NULL);
	}
}

/* The child runs what its parent runs. */
static void inherits(struct discover *discover, const struct record_fork *record)
{
	struct known_file *file = python_of(discover, record->h.tgid);
	uint64_t program = program_of(discover, &record->h, record->child_tgid);

	if (!file)
		return;
	running_set(&discover->running, record->child_tgid, &file->version);
	if (record->vfork)
		return;
	/* The child was made before its parent was known to be a Python. */
	if (program && !ebpf_has_python(discover->ebpf, record->child_tgid, program))
		look_for_python(discover, record->child_tgid, program, &file->version, 0, NULL);
}

static int forked(struct discover *discover, const struct record_fork *record)
{
	bool parent = session_has_process(discover->session, record->h.tgid);
	int err = feed(discover, &record->h);

	inherits(discover, record);
	return err ? err : synthesize_child(discover->feed, discover->feed_arg, record, parent);
}

static int execed(struct discover *discover, const struct record_exec *record)
{
	int err;

	running_ended(&discover->running, record->h.tgid);
	code_frees_execed(discover->code_frees, record->h.tgid);
	err = feed(discover, &record->h);
	return err ? err : synthesize_program(discover->feed, discover->feed_arg, record);
}

struct unsupported *discover_unsupported(struct discover *discover)
{
	return &discover->unsupported;
}

int discover_record(struct discover *discover, const struct record_header *record)
{
	const void *r = record;

	if (!record_valid(record))
		return feed(discover, record);
	switch (record->type) {
	case RECORD_MAP:
		file_mapped(discover, r);
		break;
	case RECORD_CODE:
		return code_seen(discover, r);
	case RECORD_CODE_TABLE:
		return table_seen(discover, r);
	case RECORD_OWNER_TYPE:
		return on_owner_type(discover, record);
	case RECORD_FORK:
		return forked(discover, r);
	case RECORD_EXEC:
		return execed(discover, r);
	case RECORD_EXIT:
		running_ended(&discover->running, record->tgid);
		break;
	}
	return feed(discover, record);
}
