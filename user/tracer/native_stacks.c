/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/native_stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/heed.h"
#include "base/mem.h"
#include "base/text.h"
#include "tracer/mapped_file.h"
#include "native/fetcher.h"
#include "native/helper.h"
#include "native/modules.h"
#include "process/proc.h"
#include "python/locate.h"

/* How long a helper has that keeps us from ending. */
#define HURRY_MS 200

/* A file that makes a helper end could do so for ever. */
#define RESTARTS_MAX 8

/* Separate files of names that servers are asked for. */
#define FETCHES_MAX 256
#define KEPT	    UINT32_MAX /* no process: its modules are another's, kept for a while */

/* Records that wait, bytes: beyond, reading the ring waits for answers. */
#define WAITING_MAX (64u << 20)

/* A record that waits for its turn. */
struct waiting {
	struct waiting *next;
	struct record_header record;
};

struct native_stacks {
	struct ebpf *ebpf;
	record_fn feed;
	void *feed_arg;
	struct helper *helper; /* NULL: none can be had any more */
	unsigned int restarts;
	struct file_cache *file_cache; /* lent */
	struct module_table *modules;
	bool gave_up, told;
	struct fetcher *fetcher; /* NULL: not wanted, or no more */
	unsigned int fetches;
	bool fetching;		  /* a server is being asked for names ... */
	uint32_t fetching_for;	  /* ... of this file of the helper's; FILE_NO_NUMBER: it has ended
				     since */
	const char *fetch_notice; /* not told yet; NULL: nothing */
	char fetch_failed[128];
	struct waiting *first, **end; /* the first, if it is a native stack, has been asked for */
	size_t waiting;		      /* bytes */
	uint64_t asked_ns;	      /* CLOCK_BOOTTIME; 0: nothing has been asked */
	bool asked_again;
	bool hurry; /* too much waits: names of servers come when they come */
	union {
		struct message_unwind message;
		uint8_t room[MESSAGE_MAX];
	} request;
};

/* Its files must be given to it anew: they are looked for when they are next needed. */
static void restart_helper(struct native_stacks *native_stacks)
{
	helper_free(native_stacks->helper);
	native_stacks->helper = NULL;
	native_stacks->asked_ns = 0;
	native_stacks->fetching_for = FILE_NO_NUMBER;
	file_cache_forget_natives(native_stacks->file_cache);
	modules_drop_all(native_stacks->modules);
	if (native_stacks->restarts++ >= RESTARTS_MAX || helper_new(&native_stacks->helper)) {
		native_stacks->helper = NULL;
		native_stacks->gave_up = true;
	}
}

/* The file's own name, whatever path led to it. */
static const char *base_name(int fd, char buf[PATH_MAX])
{
	const char *name = file_path(fd, buf) ? "" : text_basename(buf);

	return *name ? name : "?";
}

/*
 * Gives it to the helper, unless it has it: as long as that holds it open, no other file gets its
 * inode. fd: lent. NULL: it can't.
 */
static const struct known_file *learn_file(struct native_stacks *native_stacks, int fd)
{
	struct known_file *file =
		native_stacks->helper ? file_cache_meet(native_stacks->file_cache, fd) : NULL;
	char buf[PATH_MAX];
	int id;

	if (!file || file->native != FILE_NO_NUMBER)
		return file;
	id = helper_file(native_stacks->helper, fd, base_name(fd, buf));
	if (id < 0) {
		if (id == -ENOSPC)
			native_stacks->restarts = 0; /* it did nothing wrong */
		restart_helper(native_stacks);
		return NULL;
	}
	file->native = id;
	return file;
}

static void add_module(struct native_stacks *native_stacks, pid_t pid,
		       const struct known_file *file, uint64_t start, uint64_t end, uint64_t offset,
		       bool exec)
{
	struct message_module module = {start, end, offset, file->native, exec};

	modules_add(native_stacks->modules, pid, &module);
}

struct scan {
	struct native_stacks *native_stacks;
	pid_t pid; /* 0: the files are learned, no more */
	pid_t of;
};

static int scan_mapping(void *arg, const struct proc_mapping *mapping)
{
	struct scan *scan = arg;
	_cleanup_close_ int fd = proc_open_mapping(scan->of, mapping);
	const struct known_file *file = fd < 0 ? NULL : learn_file(scan->native_stacks, fd);

	if (file && scan->pid)
		add_module(scan->native_stacks, scan->pid, file, mapping->start, mapping->end,
			   mapping->offset, false);
	return scan->native_stacks->helper ? 0 : -EPIPE;
}

/* All that the process has mapped now. 0, or negative errno: it is gone. */
static int scan_process(struct native_stacks *native_stacks, pid_t pid)
{
	struct scan scan = {native_stacks, pid, pid};

	return proc_each_exec_mapping(pid, scan_mapping, &scan);
}

int native_stacks_new(struct ebpf *ebpf, struct file_cache *file_cache, const char *urls,
		      record_fn feed, void *arg, struct native_stacks **ret_native_stacks)
{
	struct native_stacks *native_stacks = calloc(1, sizeof(*native_stacks));
	struct scan own = {native_stacks, 0, getpid()};
	int err;

	if (!native_stacks)
		return -ENOMEM;
	native_stacks->ebpf = ebpf;
	native_stacks->file_cache = file_cache;
	native_stacks->feed = feed;
	native_stacks->feed_arg = arg;
	native_stacks->end = &native_stacks->first;
	native_stacks->modules = modules_new();
	err = native_stacks->modules ? helper_new(&native_stacks->helper) : -ENOMEM;
	if (!err && urls)
		err = fetcher_new(urls, &native_stacks->fetcher);
	if (err) {
		native_stacks_free(native_stacks);
		return err;
	}
	/* Our own libraries are most programs': known to be, whoever maps them. */
	proc_each_exec_mapping(own.of, scan_mapping, &own);
	*ret_native_stacks = native_stacks;
	return 0;
}

/* Takes the first of those that wait away. */
static void take_first(struct native_stacks *native_stacks)
{
	struct waiting *first = native_stacks->first;

	native_stacks->first = first->next;
	if (!native_stacks->first)
		native_stacks->end = &native_stacks->first;
	native_stacks->waiting -= first->record.size;
	free(first);
}

void native_stacks_free(struct native_stacks *native_stacks)
{
	if (!native_stacks)
		return;
	while (native_stacks->first)
		take_first(native_stacks);
	modules_free(native_stacks->modules);
	helper_free(native_stacks->helper);
	fetcher_free(native_stacks->fetcher);
	free(native_stacks);
}

void native_stacks_attached(struct native_stacks *native_stacks, pid_t pid)
{
	scan_process(native_stacks, pid);
}

static void learn_path(void *arg, const char *path)
{
	_cleanup_close_ int fd = file_open_regular(path);

	if (fd >= 0)
		learn_file(arg, fd);
}

static void learn_modules(void *arg, const char *library)
{
	char folder[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "%s/lib-dynload", library) < (int)sizeof(folder))
		folder_each(folder, "", ".so", learn_path, arg);
}

/* A Python's modules beside it: a short program is gone before the record of one has been read. */
static void learn_extensions(struct native_stacks *native_stacks, const char *python)
{
	const char *slash = strrchr(python, '/');
	char folder[PATH_MAX];

	if (slash && !strncmp(slash, "/python", 7) &&
	    snprintf(folder, sizeof(folder), "%.*s/../lib", (int)(slash - python), python) <
		    (int)sizeof(folder))
		folder_each(folder, "python3", "", learn_modules, native_stacks);
}

static void learn_program(void *arg, const char *path)
{
	learn_path(arg, path);
	learn_extensions(arg, path);
}

void native_stacks_starting(struct native_stacks *native_stacks, const char *command)
{
	python_locate(command, learn_program, native_stacks);
	python_locate_libraries(learn_program, native_stacks);
}

/* While the process lives: one that is gone by its turn may have mapped a file unknown. */
static void open_mapped(struct native_stacks *native_stacks, const struct record_header *record)
{
	_cleanup_close_ int fd = -1;

	if (record->type != RECORD_MODULE || !record_valid(record))
		return;
	fd = mapped_file_open(native_stacks->ebpf, (const void *)record);
	if (fd >= 0)
		learn_file(native_stacks, fd);
}

static void module_mapped(struct native_stacks *native_stacks, const struct record_module *record)
{
	const struct file_key key = {record->device, record->inode};
	const struct known_file *file = file_cache_latest(native_stacks->file_cache, &key);

	if (file && file->native != FILE_NO_NUMBER)
		add_module(native_stacks, record->h.tgid, file, record->start,
			   record->length ? record->start + record->length : 0, record->offset,
			   record->exec);
}

/* Asks for the frames of the first that waits. False: nobody answers. */
static bool ask(struct native_stacks *native_stacks)
{
	const struct record_native *record = (const void *)&native_stacks->first->record;
	struct message_unwind *message = &native_stacks->request.message;
	const struct message_module *modules;
	size_t count, size;

	if (!native_stacks->helper)
		return false;
	modules = modules_of(native_stacks->modules, record->h.tgid, &count);
	*message = (struct message_unwind){
		.kind = MESSAGE_UNWIND,
		.modules = count,
		.bytes = record->bytes,
		.may_lack = native_stacks->fetcher && !native_stacks->fetching,
		.sp = record->sp,
	};
	memcpy(message->regs, record->regs, sizeof(message->regs));
	if (count)
		memcpy(message->module, modules, count * sizeof(*modules));
	memcpy(&message->module[count], record->stack, record->bytes);
	size = sizeof(*message) + count * sizeof(*modules) + record->bytes;
	if (helper_ask(native_stacks->helper, message, size)) {
		restart_helper(native_stacks);
		return false;
	}
	native_stacks->asked_ns = clock_boot_ns();
	return true;
}

/* Looks at all that the process has mapped; what was known stands, if it is not that program's. */
static bool scan_program(struct native_stacks *native_stacks, pid_t pid, uint64_t program)
{
	bool same;

	if (modules_copy(native_stacks->modules, pid, KEPT))
		return false;
	same = !scan_process(native_stacks, pid) &&
	       ebpf_program(native_stacks->ebpf, pid) == program;
	if (!same) {
		modules_drop(native_stacks->modules, pid);
		modules_copy(native_stacks->modules, KEPT, pid);
	}
	modules_drop(native_stacks->modules, KEPT);
	return same;
}

/* Where a file was missing: once, if the process still runs that program. */
static bool found_more(struct native_stacks *native_stacks, const struct record_native *record)
{
	uint64_t program = ebpf_program(native_stacks->ebpf, record->h.tgid);

	if (native_stacks->asked_again || !program || program > record->h.time_ns)
		return false;
	native_stacks->asked_again = true;
	return scan_program(native_stacks, record->h.tgid, program);
}

/* Nothing is asked for from here on; why: a sentence that lasts. */
static void stop_fetching(struct native_stacks *native_stacks, const char *why)
{
	fetcher_free(native_stacks->fetcher);
	native_stacks->fetcher = NULL;
	native_stacks->fetching = false;
	native_stacks->fetch_notice = why;
}

static void fetch_failed(struct native_stacks *native_stacks, int err)
{
	snprintf(native_stacks->fetch_failed, sizeof(native_stacks->fetch_failed),
		 "debuginfod is not asked any more: no server has answered (%s)", strerror(-err));
	stop_fetching(native_stacks, native_stacks->fetch_failed);
}

/* A file's names may be had from a server. */
static void fetch(struct native_stacks *native_stacks, const struct message_lacking *lacking)
{
	int err;

	if (native_stacks->fetches++ == FETCHES_MAX) {
		stop_fetching(native_stacks,
			      "debuginfod is not asked any more: it has been asked for "
			      "as many files as it may be");
		return;
	}
	err = fetcher_ask(native_stacks->fetcher, lacking->build_id, lacking->bytes);
	native_stacks->fetching = true;
	native_stacks->fetching_for = lacking->id;
	if (err)
		fetch_failed(native_stacks, err);
}

/* Looks whether a server has answered, and hands what it had to the helper. */
static void take_fetched(struct native_stacks *native_stacks, int wait_ms)
{
	_cleanup_close_ int fd = -1;
	int err;

	if (!native_stacks->fetcher || !native_stacks->fetches)
		return;
	err = fetcher_answer(native_stacks->fetcher, wait_ms, &fd);
	if (err == -EAGAIN)
		return;
	native_stacks->fetching = false;
	if (err)
		fetch_failed(native_stacks, err);
	else if (fd >= 0 && native_stacks->helper &&
		 native_stacks->fetching_for != FILE_NO_NUMBER &&
		 helper_names(native_stacks->helper, native_stacks->fetching_for, fd))
		restart_helper(native_stacks);
}

static int hand_on(struct native_stacks *native_stacks, const struct record_header *record)
{
	int err = native_stacks->feed(native_stacks->feed_arg, record);

	return err == -EINVAL || err == -ESRCH ? 0 : err;
}

/* The frames of the first that waits; NULL: none were found. Of itself only who it is goes on. */
static int answered(struct native_stacks *native_stacks, const struct record_native_stack *answer)
{
	const struct record_native *record = (const void *)&native_stacks->first->record;
	_cleanup_free_ struct record_native_stack *stack =
		record_native_stack_new(record, answer, clock_boot_ns());
	struct record_native stripped = *record;
	int err = stack ? hand_on(native_stacks, &stack->h) : 0;

	stripped.h.size = sizeof(stripped);
	stripped.bytes = 0;
	memset(stripped.regs, 0, sizeof(stripped.regs));
	native_stacks->asked_ns = 0;
	native_stacks->asked_again = false;
	take_first(native_stacks);
	return err ? err : hand_on(native_stacks, &stripped.h);
}

/* A native stack is first: asks, or takes the answer. *ret_wait: there is none yet. */
static int pump_native(struct native_stacks *native_stacks, int wait_ms, bool *ret_wait)
{
	const struct record_native *record = (const void *)&native_stacks->first->record;
	struct helper_answer answer = {0};
	uint64_t waited_ms;
	int err;

	*ret_wait = native_stacks->fetching && !native_stacks->hurry;
	if (*ret_wait)
		take_fetched(native_stacks, wait_ms);
	if (*ret_wait && native_stacks->fetching)
		return 0;
	*ret_wait = false;
	if (!native_stacks->asked_ns)
		return ask(native_stacks) ? 0 : answered(native_stacks, NULL);
	err = helper_answer(native_stacks->helper, wait_ms, &answer);
	waited_ms = (clock_boot_ns() - native_stacks->asked_ns) / 1000000;
	if (err == -EAGAIN && waited_ms < (heed() ? HURRY_MS : HELPER_WAIT_MS)) {
		*ret_wait = true;
		return 0;
	}
	if (!err && answer.lacking && (!native_stacks->fetcher || native_stacks->fetching))
		err = -EBADMSG;
	if (err) {
		restart_helper(native_stacks);
		return answered(native_stacks, NULL);
	}
	if (answer.lacking)
		fetch(native_stacks, answer.lacking);
	else if (answer.stack->end != NATIVE_NO_MODULE || !found_more(native_stacks, record))
		return answered(native_stacks, answer.stack);
	native_stacks->asked_ns = 0; /* asks once more */
	return 0;
}

/* What the record makes of the modules, in its turn. */
static void note_modules(struct native_stacks *native_stacks, const struct record_header *record)
{
	const void *r = record;

	if (!record_valid(record))
		return;
	switch (record->type) {
	case RECORD_MODULE:
		module_mapped(native_stacks, r);
		break;
	case RECORD_FORK:
		modules_copy(native_stacks->modules, record->tgid,
			     ((const struct record_fork *)r)->child_tgid);
		break;
	case RECORD_EXEC:
	case RECORD_EXIT:
		modules_drop(native_stacks->modules, record->tgid);
		break;
	}
}

int native_stacks_pump(struct native_stacks *native_stacks, bool all)
{
	bool wait = false;
	int err = 0;

	take_fetched(native_stacks, 0);
	while (!err && native_stacks->first && (all || !wait)) {
		const struct record_header *record = &native_stacks->first->record;

		if (record->type == RECORD_NATIVE) {
			err = pump_native(native_stacks, all ? 100 : 0, &wait);
			continue;
		}
		note_modules(native_stacks, record);
		err = hand_on(native_stacks, record);
		take_first(native_stacks);
	}
	return err;
}

/* A copy at the end of those that wait. */
static int wait_turn(struct native_stacks *native_stacks, const struct record_header *record)
{
	struct waiting *waiting = malloc(sizeof(*waiting) - sizeof(waiting->record) + record->size);

	if (!waiting)
		return -ENOMEM;
	waiting->next = NULL;
	memcpy(&waiting->record, record, record->size);
	*native_stacks->end = waiting;
	native_stacks->end = &waiting->next;
	native_stacks->waiting += record->size;
	return 0;
}

int native_stacks_feed(struct native_stacks *native_stacks, const struct record_header *record)
{
	bool native = record->type == RECORD_NATIVE && record_valid(record);
	int err;

	open_mapped(native_stacks, record);
	if (!native && !native_stacks->first) {
		note_modules(native_stacks, record);
		return native_stacks->feed(native_stacks->feed_arg, record);
	}
	if (!native && record->type == RECORD_NATIVE)
		return -EINVAL;
	err = wait_turn(native_stacks, record);
	if (err)
		return err;
	native_stacks->hurry = native_stacks->waiting > WAITING_MAX;
	err = native_stacks_pump(native_stacks, native_stacks->hurry);
	native_stacks->hurry = false;
	return err;
}

int native_stacks_fd(const struct native_stacks *native_stacks)
{
	if (native_stacks->fetching)
		return fetcher_fd(native_stacks->fetcher);
	return native_stacks->helper ? helper_fd(native_stacks->helper) : -1;
}

const char *native_stacks_notice(struct native_stacks *native_stacks)
{
	if (native_stacks->fetch_notice)
		return TAKE_PTR(native_stacks->fetch_notice);
	if (!native_stacks->gave_up || native_stacks->told)
		return NULL;
	native_stacks->told = true;
	return "native stacks are not found any more: what parses the files of the traced "
	       "processes keeps failing on them";
}
