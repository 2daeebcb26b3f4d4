/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/tracer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/heed.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "native/helper.h"
#include "security/elf_helper.h"
#include "security/privileges.h"
#include "session/session.h"
#include "tracer/discover.h"
#include "tracer/file_cache.h"
#include "tracer/file_store.h"
#include "tracer/native_stacks.h"
#include "tracer/recorder.h"
#include "tracer/resync.h"
#include "tracer/starts.h"

/* Verdicts wait for time to pass, even where no record comes. */
#define TICK_NS 50000000

enum event { EVENT_RING, EVENT_TICK, EVENT_NATIVE, EVENT_FILE };

struct tracer {
	struct tracer_options options;
	struct elf_helper *elf_helper;
	struct source *source; /* NULL: nothing shows source lines */
	struct session *session;
	struct recorder recorder;
	struct ebpf *ebpf; /* NULL: not open yet */
	struct file_cache *file_cache;
	struct native_stacks *native_stacks; /* NULL: not asked for */
	struct discover *discover;
	struct resync resync;
	int epoll_fd, timer_fd;
	const char *lacks[PRIVILEGES_LACKS_MAX];
	size_t lack_count, lacks_told;
	const char *ebpf_lack_told; /* of discover_lack() */
	unsigned int unread;	    /* executable files whose failure has been told */
	char unread_text[160];
	struct starts starts;
	struct file_store files;
	bool files_told; /* that they cannot be kept */
	char files_text[PATH_MAX + 128];
};

__attribute__((format(printf, 3, 4))) static void
set_error(struct tracer_error *error, enum tracer_failure failure, const char *format, ...)
{
	va_list args;

	error->failure = failure;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

static int no_memory(struct tracer_error *error)
{
	set_error(error, TRACER_FAILED, "out of memory");
	return -ENOMEM;
}

/* The helpers first, so that they inherit neither a map nor a file of ours. */
static int open_helpers(struct tracer *tracer, struct tracer_error *error)
{
	int err = elf_helper_new(&tracer->elf_helper);

	if (!err && tracer->options.source_lines)
		err = source_new(&tracer->source);
	if (!err || err == -ENOTSUP)
		return 0;
	set_error(error, TRACER_FAILED, "cannot start the helpers that read programs' files: %s",
		  strerror(-err));
	return err;
}

static void forget_stack(void *arg, uint64_t stack_id)
{
	struct tracer *tracer = arg;

	if (tracer->ebpf)
		ebpf_forget_stack(tracer->ebpf, stack_id);
}

static int start_session(struct tracer *tracer, struct tracer_error *error)
{
	const struct tracer_options *options = &tracer->options;
	struct session_options made_with = {
		.fd = {.history = options->history},
		.memory = options->memory,
		.forget_stack = forget_stack,
		.forget_arg = tracer,
		.started_ns = clock_boot_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
	};
	struct recorder_options recording = {
		.path = options->record,
		.limit = options->record_bytes,
		.made_with = &made_with,
		.lines = source_files(tracer->source),
	};
	int err;

	if (session_new(&made_with, &tracer->session))
		return no_memory(error);
	recording.session = tracer->session;
	err = recorder_open(&tracer->recorder, &recording);
	if (err)
		set_error(error, TRACER_NO_RECORDING, "cannot record to %s: %s", options->record,
			  output_file_error(err));
	return err;
}

int tracer_new(const struct tracer_options *options, struct tracer **ret_tracer,
	       struct tracer_error *error)
{
	struct tracer *tracer = calloc(1, sizeof(*tracer));
	int err;

	if (!tracer)
		return no_memory(error);
	tracer->options = *options;
	tracer->recorder = RECORDER_NONE;
	tracer->files = FILE_STORE_NONE;
	tracer->epoll_fd = tracer->timer_fd = -1;
	err = open_helpers(tracer, error);
	if (!err)
		err = start_session(tracer, error);
	if (err) {
		tracer_free(tracer);
		return err;
	}
	*ret_tracer = tracer;
	return 0;
}

void tracer_free(struct tracer *tracer)
{
	if (!tracer)
		return;
	resync_free(&tracer->resync);
	session_free(tracer->session);
	recorder_close(&tracer->recorder);
	native_stacks_free(tracer->native_stacks);
	discover_free(tracer->discover);
	file_store_close(&tracer->files);
	file_cache_free(tracer->file_cache);
	elf_helper_free(tracer->elf_helper);
	source_free(tracer->source);
	ebpf_close(tracer->ebpf);
	close_fd(tracer->epoll_fd);
	close_fd(tracer->timer_fd);
	free(tracer);
}

struct source_reader *tracer_source(struct tracer *tracer)
{
	struct source_reader *recorded = recorder_source(&tracer->recorder);

	return recorded ? recorded : source_files(tracer->source);
}

int tracer_add_sink(struct tracer *tracer, struct sink *sink)
{
	return session_add_sink(tracer->session, sink);
}

/* The chain: discovery, native stacks if they are asked for, the recorder, the session. */

static int to_recorder(void *arg, const struct record_header *record)
{
	struct tracer *tracer = arg;

	return recorder_feed(&tracer->recorder, record);
}

static int to_natives(void *arg, const struct record_header *record)
{
	struct tracer *tracer = arg;

	return tracer->native_stacks ? native_stacks_feed(tracer->native_stacks, record)
				     : recorder_feed(&tracer->recorder, record);
}

/* Its beginning: every record enters here, whether the kernel side's or one of our own. */
static int enter_chain(void *arg, const struct record_header *record)
{
	struct tracer *tracer = arg;

	return discover_record(tracer->discover, record);
}

/* One of the kernel side's: what makes no sense, or is of a process that has gone, is passed over.
 */
static int on_kernel_record(void *arg, const struct record_header *record, size_t size)
{
	struct tracer *tracer = arg;
	int err = 0;

	/* Nothing is traced from within a step. */
	if (record->type == RECORD_STARTED)
		starts_note(&tracer->starts, record->tgid);
	else
		err = enter_chain(tracer, record);
	return err == -EINVAL || err == -ESRCH ? 0 : err;
}

/* The end of a process, though its record was lost. */
static int on_lost_exit(void *arg, const struct record_header *record)
{
	return on_kernel_record(arg, record, record->size);
}

static int open_native_stacks(struct tracer *tracer, struct tracer_error *error)
{
	int err;

	if (tracer->options.ebpf.natives == NATIVES_NONE)
		return 0;
	err = native_stacks_new(tracer->ebpf, tracer->file_cache, tracer->options.debuginfod,
				to_recorder, tracer, &tracer->native_stacks);
	if (err == -ELIBACC)
		set_error(error, TRACER_FAILED,
			  "--debuginfod needs libdebuginfod.so.1 (Debian: libdebuginfod1)");
	else if (err)
		set_error(error, TRACER_FAILED, "cannot start what --native needs: %s",
			  strerror(-err));
	return err;
}

/* Without it, each trace looks into the files itself. */
static void open_files(struct tracer *tracer)
{
	const char *path = tracer->options.files;
	int err = path ? file_store_open(&tracer->files, path, tracer->file_cache) : 0;

	if (err)
		snprintf(tracer->files_text, sizeof(tracer->files_text),
			 "what is learned of executable files is not kept in %s: %s", path,
			 output_file_error(err));
}

static int open_chain(struct tracer *tracer, struct tracer_error *error)
{
	struct attach_options attaching = {
		.ebpf = tracer->ebpf,
		.elf_helper = tracer->elf_helper,
		.session = tracer->session,
		.owners = tracer->options.ebpf.owners,
		.heap_scan = tracer->options.heap_scan,
		.heap_scan_bytes = tracer->options.heap_scan_bytes,
	};

	if (file_cache_new(tracer->ebpf, tracer->elf_helper, attaching.owners, &tracer->file_cache))
		return no_memory(error);
	open_files(tracer);
	attaching.file_cache = tracer->file_cache;
	if (discover_new(&attaching, to_natives, tracer, &tracer->discover))
		return no_memory(error);
	resync_init(&tracer->resync, tracer->ebpf, tracer->session, enter_chain, on_lost_exit,
		    tracer);
	return open_native_stacks(tracer, error);
}

static int add_event(struct tracer *tracer, int fd, enum event event)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = event};

	return epoll_ctl(tracer->epoll_fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static int open_events(struct tracer *tracer, struct tracer_error *error)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = TICK_NS,
		.it_value.tv_nsec = TICK_NS,
	};
	int err = 0;

	tracer->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	tracer->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (tracer->epoll_fd < 0 || tracer->timer_fd < 0 ||
	    timerfd_settime(tracer->timer_fd, 0, &every, NULL))
		err = -errno;
	if (!err)
		err = add_event(tracer, tracer->timer_fd, EVENT_TICK);
	if (!err)
		err = add_event(tracer, ebpf_fd(tracer->ebpf), EVENT_RING);
	if (!err && discover_fd(tracer->discover) >= 0)
		err = add_event(tracer, discover_fd(tracer->discover), EVENT_FILE);
	if (err)
		set_error(error, TRACER_FAILED, "cannot start the event loop: %s", strerror(-err));
	return err;
}

static enum tracer_failure failure_of(enum ebpf_lack lack)
{
	switch (lack) {
	case EBPF_LACK_PRIVILEGE:
		return TRACER_NO_PRIVILEGE;
	case EBPF_LACK_KERNEL:
		return TRACER_NO_KERNEL;
	default:
		return TRACER_FAILED;
	}
}

int tracer_exit_status(enum tracer_failure failure)
{
	switch (failure) {
	case TRACER_NO_PRIVILEGE:
		return EXIT_PRIVILEGE;
	case TRACER_NO_KERNEL:
		return EXIT_KERNEL;
	case TRACER_NO_RECORDING:
		return EXIT_OUTPUT;
	case TRACER_FAILED:
		break;
	}
	return EXIT_FAILED;
}

int tracer_open(struct tracer *tracer, struct tracer_error *error)
{
	struct ebpf_error lacking;
	int err = ebpf_open(&tracer->options.ebpf, &tracer->ebpf, &lacking);

	if (err) {
		set_error(error, failure_of(lacking.lack), "%s", lacking.text);
		return err;
	}
	err = open_chain(tracer, error);
	if (!err)
		err = open_events(tracer, error);
	if (!err)
		tracer->lack_count =
			privileges_lacks(ebpf_kprobes_refused(tracer->ebpf), tracer->lacks);
	return err;
}

int tracer_attach(struct tracer *tracer, pid_t pid, enum tracer_scope scope, bool follow)
{
	bool known = session_has_process(tracer->session, pid);
	int err = discover_running(tracer->discover, pid, follow);

	if (err)
		return err;
	/* One that has been followed from its parent is known, but not what it has mapped. */
	if (tracer->native_stacks && (!known || scope == TRACER_NAMED))
		native_stacks_attached(tracer->native_stacks, pid);
	if (scope == TRACER_NAMED && !heed())
		discover_inside(tracer->discover, pid);
	return known;
}

int tracer_start(struct tracer *tracer, pid_t pid, char *const *command)
{
	if (tracer->native_stacks)
		native_stacks_starting(tracer->native_stacks, command[0]);
	return discover_starting(tracer->discover, pid, command);
}

int tracer_confine(const struct tracer *tracer, bool signals, bool network)
{
	int err = privileges_drop(signals);

	return err ? err : privileges_filter(tracer->native_stacks ? helper_exe : NULL, network);
}

int tracer_fd(const struct tracer *tracer)
{
	return tracer->epoll_fd;
}

/* What is not read at every step anyway. */
static void take_events(struct tracer *tracer)
{
	struct epoll_event events[8];
	int n = epoll_wait(tracer->epoll_fd, events, ARRAY_SIZE(events), 0);
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == EVENT_TICK)
			(void)!read(tracer->timer_fd, &ticks, sizeof(ticks));
		else if (events[i].data.u32 == EVENT_FILE)
			discover_look(tracer->discover);
	}
}

/* Reads what waits, though not so much that nothing else is done; *ret_more: there is more. */
static int consume_ring(struct tracer *tracer, uint64_t now, bool *ret_more)
{
	int err = resync_report(&tracer->resync, now);
	int n = err ? err : ebpf_consume(tracer->ebpf, on_kernel_record, tracer);

	*ret_more = n == EBPF_BATCH;
	return n < 0 && n != -EINTR ? n : 0;
}

/* What waited for native stacks. One that helps to find them may have taken another's place. */
static int pump_natives(struct tracer *tracer, bool all)
{
	if (!tracer->native_stacks)
		return 0;
	add_event(tracer, native_stacks_fd(tracer->native_stacks), EVENT_NATIVE);
	return native_stacks_pump(tracer->native_stacks, all);
}

/* Time has come so far; unless there are more, all records until then have been read. */
static int pass_time(struct tracer *tracer, uint64_t now, bool more)
{
	struct record_header record;
	int err = 0;

	record_own(&record, RECORD_TICK, sizeof(record), 0, now);
	if (!more && session_wants_tick(tracer->session, now))
		err = enter_chain(tracer, &record);
	recorder_tick(&tracer->recorder, now);
	return err ? err : session_flush(tracer->session);
}

int tracer_step(struct tracer *tracer, bool *ret_more)
{
	/* Before reading: a record that is in the ring by now cannot be older. */
	uint64_t now = clock_boot_ns();
	bool more = false;
	int err;

	take_events(tracer);
	err = consume_ring(tracer, now, &more);
	if (!err)
		err = pump_natives(tracer, false);
	if (!err)
		err = pass_time(tracer, now, more);
	if (!err)
		err = resync_look(&tracer->resync, now, more);
	*ret_more = discover_step(tracer->discover);
	file_store_save(&tracer->files, tracer->file_cache, now, false);
	return err;
}

int tracer_stop(struct tracer *tracer)
{
	bool more;
	int err;

	ebpf_detach(tracer->ebpf);
	do
		err = consume_ring(tracer, clock_boot_ns(), &more);
	while (!err && more);
	return err;
}

/* What only the kernel side's counters know. */
static int enter_end(struct tracer *tracer)
{
	_cleanup_free_ struct record_end *record = NULL;
	uint64_t lost[LOSS_CAUSES], compat;

	ebpf_losses(tracer->ebpf, lost, &compat);
	record = record_end_new(lost, compat, discover_unseen(tracer->discover),
				ebpf_hook_kind(tracer->ebpf), clock_boot_ns());
	return record ? enter_chain(tracer, &record->h) : -ENOMEM;
}

int tracer_finish(struct tracer *tracer, bool summary)
{
	int err = pump_natives(tracer, true);

	if (!err)
		err = enter_end(tracer);
	file_store_save(&tracer->files, tracer->file_cache, clock_boot_ns(), true);
	recorder_tick(&tracer->recorder, UINT64_MAX);
	return err ? err : session_end(tracer->session, summary);
}

static const char *lack_notice(struct tracer *tracer)
{
	const char *lack = tracer->discover ? discover_lack(tracer->discover) : NULL;

	if (tracer->lacks_told < tracer->lack_count)
		return tracer->lacks[tracer->lacks_told++];
	if (lack == tracer->ebpf_lack_told)
		return NULL;
	tracer->ebpf_lack_told = lack;
	return lack;
}

static const char *unread_notice(struct tracer *tracer)
{
	unsigned int failures = elf_helper_failures(tracer->elf_helper);
	unsigned int more = failures - tracer->unread;

	if (!more)
		return NULL;
	tracer->unread = failures;
	snprintf(tracer->unread_text, sizeof(tracer->unread_text),
		 "%u executable file%s of traced processes made the helper that reads %s fail: "
		 "taken for no Python",
		 more, more == 1 ? "" : "s", more == 1 ? "it" : "them");
	return tracer->unread_text;
}

static const char *trouble_notice(struct tracer *tracer)
{
	const char *text =
		tracer->native_stacks ? native_stacks_notice(tracer->native_stacks) : NULL;

	if (!text && *tracer->files_text && !tracer->files_told) {
		tracer->files_told = true;
		return tracer->files_text;
	}
	if (!text)
		text = recorder_full(&tracer->recorder);
	return text ? text : unread_notice(tracer);
}

static const char *notice_of(struct tracer *tracer, enum tracer_notice kind)
{
	switch (kind) {
	case NOTICE_LACK:
		return lack_notice(tracer);
	case NOTICE_UNSUPPORTED:
		return tracer->discover ? unsupported_notice(discover_unsupported(tracer->discover))
					: NULL;
	case NOTICE_TROUBLE:
		return trouble_notice(tracer);
	case NOTICE_NOT_RECORDED:
		return recorder_failure(&tracer->recorder);
	}
	return NULL;
}

const char *tracer_notice(struct tracer *tracer, unsigned int kinds, enum tracer_notice *ret_kind)
{
	for (unsigned int kind = 1; kind <= NOTICE_ALL; kind <<= 1) {
		const char *text = kinds & kind ? notice_of(tracer, kind) : NULL;

		if (text && ret_kind)
			*ret_kind = kind;
		if (text)
			return text;
	}
	return NULL;
}

void tracer_stats(struct tracer *tracer, struct session_stats *ret_stats)
{
	struct earlier_progress progress;

	session_stats(tracer->session, ret_stats);
	if (!tracer->discover)
		return;
	ebpf_losses(tracer->ebpf, ret_stats->lost, &ret_stats->compat_calls);
	ret_stats->hooks = ebpf_hook_kind(tracer->ebpf);
	ret_stats->unseen = discover_unseen(tracer->discover);
	ret_stats->files_examined = file_cache_changes(tracer->file_cache);
	discover_progress(tracer->discover, &progress);
	ret_stats->searched = progress.done;
	ret_stats->to_search = progress.total;
}

const struct process *tracer_process(const struct tracer *tracer, pid_t pid)
{
	return session_process(tracer->session, pid);
}

pid_t tracer_next_start(struct tracer *tracer)
{
	return starts_next(&tracer->starts, tracer->ebpf, clock_boot_ns());
}

void tracer_detach(struct tracer *tracer, pid_t pid)
{
	discover_leave(tracer->discover, pid);
}

bool tracer_cost(const struct tracer *tracer, pid_t pid, uint64_t *ret_program, uint64_t *ret_ns)
{
	return ebpf_cost(tracer->ebpf, pid, ret_program, ret_ns);
}

pid_t tracer_next_target(const struct tracer *tracer, pid_t pid)
{
	return ebpf_next_target(tracer->ebpf, pid);
}
