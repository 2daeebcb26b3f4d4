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

struct natives {
	struct probe *probe;
	record_fn feed;
	void *feed_arg;
	struct helper *helper; /* NULL: none can be had any more */
	unsigned int restarts;
	struct files *files; /* lent */
	struct module_table *modules;
	bool gave_up, told;
	struct fetcher *fetcher; /* NULL: not wanted, or no more */
	unsigned int fetches;
	bool fetching;		/* a server is being asked for names ... */
	uint32_t fetching_for;	/* ... of this file of the helper's; FILE_NO_NUMBER: it has ended
				   since */
	const char *fetch_news; /* not told yet; NULL: nothing */
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
static void restart_helper(struct natives *natives)
{
	helper_free(natives->helper);
	natives->helper = NULL;
	natives->asked_ns = 0;
	natives->fetching_for = FILE_NO_NUMBER;
	files_forget_natives(natives->files);
	modules_drop_all(natives->modules);
	if (natives->restarts++ >= RESTARTS_MAX || helper_new(&natives->helper)) {
		natives->helper = NULL;
		natives->gave_up = true;
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
static const struct known_file *learn_file(struct natives *natives, int fd)
{
	struct known_file *file = natives->helper ? files_meet(natives->files, fd) : NULL;
	char buf[PATH_MAX];
	int id;

	if (!file || file->native != FILE_NO_NUMBER)
		return file;
	id = helper_file(natives->helper, fd, base_name(fd, buf));
	if (id < 0) {
		if (id == -ENOSPC)
			natives->restarts = 0; /* it did nothing wrong */
		restart_helper(natives);
		return NULL;
	}
	file->native = id;
	return file;
}

static void add_module(struct natives *natives, pid_t pid, const struct known_file *file,
		       uint64_t start, uint64_t end, uint64_t offset, bool exec)
{
	struct message_module module = {start, end, offset, file->native, exec};

	modules_add(natives->modules, pid, &module);
}

struct scan {
	struct natives *natives;
	pid_t pid; /* 0: the files are learned, no more */
	pid_t of;
};

static int scan_mapping(void *arg, const struct proc_mapping *mapping)
{
	struct scan *scan = arg;
	_cleanup_close_ int fd = proc_open_mapping(scan->of, mapping);
	const struct known_file *file = fd < 0 ? NULL : learn_file(scan->natives, fd);

	if (file && scan->pid)
		add_module(scan->natives, scan->pid, file, mapping->start, mapping->end,
			   mapping->offset, false);
	return scan->natives->helper ? 0 : -EPIPE;
}

/* All that the process has mapped now. 0, or negative errno: it is gone. */
static int scan_process(struct natives *natives, pid_t pid)
{
	struct scan scan = {natives, pid, pid};

	return proc_each_exec_mapping(pid, scan_mapping, &scan);
}

int natives_new(struct probe *probe, struct files *files, const char *urls, record_fn feed,
		void *arg, struct natives **ret_natives)
{
	struct natives *natives = calloc(1, sizeof(*natives));
	struct scan own = {natives, 0, getpid()};
	int err;

	if (!natives)
		return -ENOMEM;
	natives->probe = probe;
	natives->files = files;
	natives->feed = feed;
	natives->feed_arg = arg;
	natives->end = &natives->first;
	natives->modules = modules_new();
	err = natives->modules ? helper_new(&natives->helper) : -ENOMEM;
	if (!err && urls)
		err = fetcher_new(urls, &natives->fetcher);
	if (err) {
		natives_free(natives);
		return err;
	}
	/* Our own libraries are most programs': known to be, whoever maps them. */
	proc_each_exec_mapping(own.of, scan_mapping, &own);
	*ret_natives = natives;
	return 0;
}

/* Takes the first of those that wait away. */
static void take_first(struct natives *natives)
{
	struct waiting *first = natives->first;

	natives->first = first->next;
	if (!natives->first)
		natives->end = &natives->first;
	natives->waiting -= first->record.size;
	free(first);
}

void natives_free(struct natives *natives)
{
	if (!natives)
		return;
	while (natives->first)
		take_first(natives);
	modules_free(natives->modules);
	helper_free(natives->helper);
	fetcher_free(natives->fetcher);
	free(natives);
}

void natives_attached(struct natives *natives, pid_t pid)
{
	scan_process(natives, pid);
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
static void learn_extensions(struct natives *natives, const char *python)
{
	const char *slash = strrchr(python, '/');
	char folder[PATH_MAX];

	if (slash && !strncmp(slash, "/python", 7) &&
	    snprintf(folder, sizeof(folder), "%.*s/../lib", (int)(slash - python), python) <
		    (int)sizeof(folder))
		folder_each(folder, "python3", "", learn_modules, natives);
}

static void learn_program(void *arg, const char *path)
{
	learn_path(arg, path);
	learn_extensions(arg, path);
}

void natives_starting(struct natives *natives, const char *command)
{
	python_locate(command, learn_program, natives);
	python_locate_libraries(learn_program, natives);
}

/* While the process lives: one that is gone by its turn may have mapped a file unknown. */
static void open_mapped(struct natives *natives, const struct record_header *record)
{
	_cleanup_close_ int fd = -1;

	if (record->type != RECORD_MODULE || !record_valid(record))
		return;
	fd = mapped_open(natives->probe, (const void *)record);
	if (fd >= 0)
		learn_file(natives, fd);
}

static void module_mapped(struct natives *natives, const struct record_module *record)
{
	const struct file_key key = {record->device, record->inode};
	const struct known_file *file = files_latest(natives->files, &key);

	if (file && file->native != FILE_NO_NUMBER)
		add_module(natives, record->h.tgid, file, record->start,
			   record->length ? record->start + record->length : 0, record->offset,
			   record->exec);
}

/* Asks for the frames of the first that waits. False: nobody answers. */
static bool ask(struct natives *natives)
{
	const struct record_native *record = (const void *)&natives->first->record;
	struct message_unwind *message = &natives->request.message;
	const struct message_module *modules;
	size_t count, size;

	if (!natives->helper)
		return false;
	modules = modules_of(natives->modules, record->h.tgid, &count);
	*message = (struct message_unwind){
		.kind = MESSAGE_UNWIND,
		.modules = count,
		.bytes = record->bytes,
		.may_lack = natives->fetcher && !natives->fetching,
		.sp = record->sp,
	};
	memcpy(message->regs, record->regs, sizeof(message->regs));
	if (count)
		memcpy(message->module, modules, count * sizeof(*modules));
	memcpy(&message->module[count], record->stack, record->bytes);
	size = sizeof(*message) + count * sizeof(*modules) + record->bytes;
	if (helper_ask(natives->helper, message, size)) {
		restart_helper(natives);
		return false;
	}
	natives->asked_ns = clock_boot_ns();
	return true;
}

/* Looks at all that the process has mapped; what was known stands, if it is not that program's. */
static bool scan_program(struct natives *natives, pid_t pid, uint64_t program)
{
	bool same;

	if (modules_copy(natives->modules, pid, KEPT))
		return false;
	same = !scan_process(natives, pid) && probe_program(natives->probe, pid) == program;
	if (!same) {
		modules_drop(natives->modules, pid);
		modules_copy(natives->modules, KEPT, pid);
	}
	modules_drop(natives->modules, KEPT);
	return same;
}

/* Where a file was missing: once, if the process still runs that program. */
static bool found_more(struct natives *natives, const struct record_native *record)
{
	uint64_t program = probe_program(natives->probe, record->h.tgid);

	if (natives->asked_again || !program || program > record->h.time_ns)
		return false;
	natives->asked_again = true;
	return scan_program(natives, record->h.tgid, program);
}

/* Nothing is asked for from here on; why: a sentence that lasts. */
static void stop_fetching(struct natives *natives, const char *why)
{
	fetcher_free(natives->fetcher);
	natives->fetcher = NULL;
	natives->fetching = false;
	natives->fetch_news = why;
}

static void fetch_failed(struct natives *natives, int err)
{
	snprintf(natives->fetch_failed, sizeof(natives->fetch_failed),
		 "debuginfod is not asked any more: no server has answered (%s)", strerror(-err));
	stop_fetching(natives, natives->fetch_failed);
}

/* A file's names may be had from a server. */
static void fetch(struct natives *natives, const struct message_lacking *lacking)
{
	int err;

	if (natives->fetches++ == FETCHES_MAX) {
		stop_fetching(natives, "debuginfod is not asked any more: it has been asked for "
				       "as many files as it may be");
		return;
	}
	err = fetcher_ask(natives->fetcher, lacking->build_id, lacking->bytes);
	natives->fetching = true;
	natives->fetching_for = lacking->id;
	if (err)
		fetch_failed(natives, err);
}

/* Looks whether a server has answered, and hands what it had to the helper. */
static void take_fetched(struct natives *natives, int wait_ms)
{
	_cleanup_close_ int fd = -1;
	int err;

	if (!natives->fetcher || !natives->fetches)
		return;
	err = fetcher_answer(natives->fetcher, wait_ms, &fd);
	if (err == -EAGAIN)
		return;
	natives->fetching = false;
	if (err)
		fetch_failed(natives, err);
	else if (fd >= 0 && natives->helper && natives->fetching_for != FILE_NO_NUMBER &&
		 helper_names(natives->helper, natives->fetching_for, fd))
		restart_helper(natives);
}

static int hand_on(struct natives *natives, const struct record_header *record)
{
	int err = natives->feed(natives->feed_arg, record);

	return err == -EINVAL || err == -ESRCH ? 0 : err;
}

/* The frames of the first that waits; NULL: none were found. Of itself only who it is goes on. */
static int answered(struct natives *natives, const struct record_native_stack *answer)
{
	const struct record_native *record = (const void *)&natives->first->record;
	_cleanup_free_ struct record_native_stack *stack =
		record_native_stack_new(record, answer, clock_boot_ns());
	struct record_native stripped = *record;
	int err = stack ? hand_on(natives, &stack->h) : 0;

	stripped.h.size = sizeof(stripped);
	stripped.bytes = 0;
	memset(stripped.regs, 0, sizeof(stripped.regs));
	natives->asked_ns = 0;
	natives->asked_again = false;
	take_first(natives);
	return err ? err : hand_on(natives, &stripped.h);
}

/* A native stack is first: asks, or takes the answer. *ret_wait: there is none yet. */
static int pump_native(struct natives *natives, int wait_ms, bool *ret_wait)
{
	const struct record_native *record = (const void *)&natives->first->record;
	struct helper_answer answer = {0};
	uint64_t waited_ms;
	int err;

	*ret_wait = natives->fetching && !natives->hurry;
	if (*ret_wait)
		take_fetched(natives, wait_ms);
	if (*ret_wait && natives->fetching)
		return 0;
	*ret_wait = false;
	if (!natives->asked_ns)
		return ask(natives) ? 0 : answered(natives, NULL);
	err = helper_answer(natives->helper, wait_ms, &answer);
	waited_ms = (clock_boot_ns() - natives->asked_ns) / 1000000;
	if (err == -EAGAIN && waited_ms < (heed() ? HURRY_MS : HELPER_WAIT_MS)) {
		*ret_wait = true;
		return 0;
	}
	if (!err && answer.lacking && (!natives->fetcher || natives->fetching))
		err = -EBADMSG;
	if (err) {
		restart_helper(natives);
		return answered(natives, NULL);
	}
	if (answer.lacking)
		fetch(natives, answer.lacking);
	else if (answer.stack->end != NATIVE_NO_MODULE || !found_more(natives, record))
		return answered(natives, answer.stack);
	natives->asked_ns = 0; /* asks once more */
	return 0;
}

/* What the record makes of the modules, in its turn. */
static void note_modules(struct natives *natives, const struct record_header *record)
{
	const void *r = record;

	if (!record_valid(record))
		return;
	switch (record->type) {
	case RECORD_MODULE:
		module_mapped(natives, r);
		break;
	case RECORD_FORK:
		modules_copy(natives->modules, record->tgid,
			     ((const struct record_fork *)r)->child_tgid);
		break;
	case RECORD_EXEC:
	case RECORD_EXIT:
		modules_drop(natives->modules, record->tgid);
		break;
	}
}

int natives_pump(struct natives *natives, bool all)
{
	bool wait = false;
	int err = 0;

	take_fetched(natives, 0);
	while (!err && natives->first && (all || !wait)) {
		const struct record_header *record = &natives->first->record;

		if (record->type == RECORD_NATIVE) {
			err = pump_native(natives, all ? 100 : 0, &wait);
			continue;
		}
		note_modules(natives, record);
		err = hand_on(natives, record);
		take_first(natives);
	}
	return err;
}

/* A copy at the end of those that wait. */
static int wait_turn(struct natives *natives, const struct record_header *record)
{
	struct waiting *waiting = malloc(sizeof(*waiting) - sizeof(waiting->record) + record->size);

	if (!waiting)
		return -ENOMEM;
	waiting->next = NULL;
	memcpy(&waiting->record, record, record->size);
	*natives->end = waiting;
	natives->end = &waiting->next;
	natives->waiting += record->size;
	return 0;
}

int natives_feed(struct natives *natives, const struct record_header *record)
{
	bool native = record->type == RECORD_NATIVE && record_valid(record);
	int err;

	open_mapped(natives, record);
	if (!native && !natives->first) {
		note_modules(natives, record);
		return natives->feed(natives->feed_arg, record);
	}
	if (!native && record->type == RECORD_NATIVE)
		return -EINVAL;
	err = wait_turn(natives, record);
	if (err)
		return err;
	natives->hurry = natives->waiting > WAITING_MAX;
	err = natives_pump(natives, natives->hurry);
	natives->hurry = false;
	return err;
}

int natives_fd(const struct natives *natives)
{
	if (natives->fetching)
		return fetcher_fd(natives->fetcher);
	return natives->helper ? helper_fd(natives->helper) : -1;
}

const char *natives_news(struct natives *natives)
{
	if (natives->fetch_news)
		return TAKE_PTR(natives->fetch_news);
	if (!natives->gave_up || natives->told)
		return NULL;
	natives->told = true;
	return "native stacks are not found any more: what parses the files of the traced "
	       "processes keeps failing on them";
}
