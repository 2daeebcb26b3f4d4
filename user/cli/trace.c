/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/trace.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tracer/discover.h"
#include "base/clock.h"
#include "base/heed.h"
#include "base/mem.h"
#include "cli/log.h"
#include "security/elf_helper.h"
#include "security/privileges.h"
#include "cli/left_behind.h"
#include "native/helper.h"
#include "tracer/native_stacks.h"
#include "ebpf/ebpf.h"
#include "tracer/recorder.h"
#include "tracer/resync.h"
#include "cli/outputs.h"
#include "session/session.h"
#include "cli/signals.h"
#include "cli/spawn.h"
#include "cli/status_line.h"
#include "cli/targets.h"

#define TICK_NS 50000000
enum event { EVENT_RING, EVENT_SIGNAL, EVENT_TICK, EVENT_CHILD, EVENT_NATIVE, EVENT_FILE };

struct desk {
	const struct options *options;
	struct foreign *foreign;
	unsigned int unread;   /* files that have been complained of */
	struct source *source; /* NULL: nothing shows source lines */
	struct files *files;
	struct probe *probe;
	struct session *session;
	struct attach *attach;
	struct relist relist;
	struct natives *natives; /* NULL: not asked for */
	struct recorder recorder;
	struct reports reports;
	struct status status;
	struct spawn child; /* pid 0: none */
	struct left left;
	int epoll_fd, signal_fd, timer_fd;
	bool starting; /* COMMAND does not run yet */
	bool stop;
	int exit_status;
};

static void forget_stack(void *arg, uint64_t stack_id)
{
	struct desk *desk = arg;

	probe_forget_stack(desk->probe, stack_id);
}

static int open_recorder(struct desk *desk, const struct session_options *session)
{
	const struct options *options = desk->options;
	struct sink *sink;
	int status;

	if (!options->record)
		return EXIT_OK;
	status = recorder_open(&desk->recorder, options->record, options->record_bytes, session,
			       source_files(desk->source));
	if (status)
		return status;
	sink = recorder_sink(&desk->recorder);
	if (!sink || session_add_sink(desk->session, sink)) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static struct source_reader *lines(struct desk *desk)
{
	struct source_reader *recorded = recorder_source(&desk->recorder);

	return recorded || !desk->source ? recorded : source_files(desk->source);
}

static int open_session(struct desk *desk)
{
	struct session_options options = {
		.fd = {.history = desk->options->history},
		.memory = desk->options->memory,
		.forget_stack = forget_stack,
		.forget_arg = desk,
		.started_ns = clock_boot_ns(),
		.wall_offset_ns = clock_wall_offset_ns(),
	};
	int status;

	if (session_new(&options, &desk->session)) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	status = open_recorder(desk, &options);
	if (status)
		return status;
	return reports_open(&desk->reports, desk->options, desk->session, lines(desk));
}

/* Everything that the session learns goes through here, into the recording too. */
static int deliver(void *arg, const struct record_header *record)
{
	struct desk *desk = arg;
	int err = session_record(desk->session, record);

	recorder_write(&desk->recorder, record);
	return err;
}

/* First of all, so that the helpers inherit nothing: neither a map nor a file of ours. */
static int open_helpers(struct desk *desk)
{
	int err = foreign_new(&desk->foreign);

	if (!err && (!desk->options->json || desk->options->record))
		err = source_new(&desk->source);
	if (!err || err == -ENOTSUP)
		return EXIT_OK;
	complain("cannot start the helpers that read programs' files: %s", strerror(-err));
	return EXIT_FAILED;
}

/* In the order in which it is learned, though native stacks take a while. */
static int feed(void *arg, const struct record_header *record)
{
	struct desk *desk = arg;

	return desk->natives ? natives_feed(desk->natives, record) : deliver(desk, record);
}

static int open_natives(struct desk *desk)
{
	int err;

	if (desk->options->native == NATIVES_NONE)
		return EXIT_OK;
	err = natives_new(desk->probe, desk->files, desk->options->debuginfod, deliver, desk,
			  &desk->natives);
	return err ? complain_natives(err) : EXIT_OK;
}

/* One record of the kernel side's. */
static int on_record(void *arg, const struct record_header *record, size_t size)
{
	struct desk *desk = arg;
	int err;

	if (desk->natives)
		natives_arrived(desk->natives, record);
	err = attach_record(desk->attach, record);
	/* What makes no sense, or is of a process that has gone, is passed over. */
	return err == -EINVAL || err == -ESRCH ? 0 : err;
}

static int on_ended(void *arg, const struct record_header *record)
{
	return on_record(arg, record, record->size);
}

static int open_probe(struct desk *desk)
{
	struct probe_options options = {
		.ring_bytes = desk->options->ring_bytes,
		.follow = desk->options->follow,
		.owners = desk->options->owners,
		.verbose = desk->options->verbose,
		.rung = desk->options->hooks,
		.natives = desk->options->native,
		.drop = desk->options->drop,
	};
	struct attach_options attaching;
	struct probe_error error;
	int err;

	if (probe_open(&options, &desk->probe, &error))
		return complain_lack(&error);
	err = files_new(desk->probe, desk->foreign, desk->options->owners, &desk->files);
	attaching = (struct attach_options){
		.probe = desk->probe,
		.foreign = desk->foreign,
		.files = desk->files,
		.session = desk->session,
		.owners = desk->options->owners,
		.heap_scan = desk->options->heap_scan,
		.heap_scan_bytes = desk->options->heap_scan_bytes,
	};
	if (err || attach_new(&attaching, feed, desk, &desk->attach)) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	relist_init(&desk->relist, desk->probe, desk->session, feed, on_ended, desk);
	return open_natives(desk);
}

static int watch(struct desk *desk, int fd, enum event event)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = event};

	return epoll_ctl(desk->epoll_fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void on_signal(struct desk *desk)
{
	struct signalfd_siginfo info;

	while (read(desk->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		bool ends = signals_ask_to_end(info.ssi_signo);

		if (desk->child.pid)
			spawn_pass_on(&desk->child, &info);
		else if (ends)
			desk->stop = true;
		desk->left.unwanted |= ends;
	}
}

/* While something takes long: whether to give it up. */
static bool heed_signals(void *arg)
{
	struct desk *desk = arg;

	on_signal(desk);
	return desk->stop || desk->starting;
}

static int open_loop(struct desk *desk)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = TICK_NS,
		.it_value.tv_nsec = TICK_NS,
	};

	signal(SIGPIPE, SIG_IGN);
	desk->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	desk->signal_fd = signals_open();
	desk->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (desk->epoll_fd < 0 || desk->signal_fd < 0 || desk->timer_fd < 0 ||
	    timerfd_settime(desk->timer_fd, 0, &every, NULL) ||
	    watch(desk, desk->signal_fd, EVENT_SIGNAL) || watch(desk, desk->timer_fd, EVENT_TICK) ||
	    watch(desk, probe_fd(desk->probe), EVENT_RING)) {
		complain("cannot start the event loop: %s", strerror(errno));
		return EXIT_FAILED;
	}
	heed_set(desk->signal_fd, heed_signals, desk);
	return EXIT_OK;
}

static void current_stats(struct desk *desk, struct session_stats *stats)
{
	session_stats(desk->session, stats);
	probe_losses(desk->probe, stats->lost, &stats->compat_calls);
	stats->unseen = attach_unseen(desk->attach);
}

static void tell_unread(struct desk *desk)
{
	unsigned int failures = foreign_failures(desk->foreign);

	if (failures == desk->unread)
		return;
	status_hide(&desk->status);
	complain("%u executable file%s of traced processes made the helper that reads %s fail: "
		 "taken for no Python",
		 failures - desk->unread, failures - desk->unread == 1 ? "" : "s",
		 failures - desk->unread == 1 ? "it" : "them");
	desk->unread = failures;
}

/* What was printed goes out; the status line makes room for it. */
static int show(struct desk *desk, bool all)
{
	const char *news = desk->natives ? natives_news(desk->natives) : NULL;
	struct earlier_progress progress;
	struct session_stats stats;
	int err = 0;

	if (!news && !desk->options->quiet)
		news = strangers_news(attach_strangers(desk->attach));
	if (news) {
		status_hide(&desk->status);
		complain("%s", news);
	}
	if (recorder_has_news(&desk->recorder)) {
		status_hide(&desk->status);
		recorder_tell(&desk->recorder);
	}
	tell_unread(desk);
	left_tell_awaited(&desk->left, desk->probe, &desk->status);
	if (output_waits(&desk->reports.output)) {
		status_hide(&desk->status);
		err = output_flush(&desk->reports.output, all);
	}
	if (!all && status_due(&desk->status, clock_boot_ns())) {
		current_stats(desk, &stats);
		attach_progress(desk->attach, &progress);
		stats.searched = progress.done;
		stats.to_search = progress.total;
		status_show(&desk->status, &stats, clock_boot_ns());
	}
	return err;
}

static void fail(struct desk *desk, int err)
{
	desk->stop = true;
	status_hide(&desk->status);
	desk->exit_status = reports_failed(&desk->reports, err, desk->child.pid != 0);
}

/* What waited for native stacks. One that helps to find them may have taken another's place. */
static int pump(struct desk *desk, bool all)
{
	if (!desk->natives)
		return 0;
	watch(desk, natives_fd(desk->natives), EVENT_NATIVE);
	return natives_pump(desk->natives, all);
}

/* Reads what waits, though not so much that nothing else is done; *ret_more: there is more. */
static int consume(struct desk *desk, uint64_t now, bool *ret_more)
{
	int err = relist_tell(&desk->relist, now);
	int n = err ? err : probe_consume(desk->probe, on_record, desk);

	*ret_more = n == PROBE_BATCH;
	return n < 0 && n != -EINTR ? n : 0;
}

static void on_child(struct desk *desk)
{
	int status = spawn_status(&desk->child);

	if (status == -EAGAIN)
		return;
	desk->exit_status = status < 0 ? EXIT_FAILED : status;
	desk->child.pid = 0;
	desk->stop = !left_begin(&desk->left);
}

static void on_event(struct desk *desk, enum event event)
{
	uint64_t ticks;

	switch (event) {
	case EVENT_SIGNAL:
		on_signal(desk);
		break;
	case EVENT_CHILD:
		on_child(desk);
		break;
	case EVENT_TICK:
		(void)!read(desk->timer_fd, &ticks, sizeof(ticks));
		break;
	case EVENT_FILE:
		attach_look(desk->attach);
		break;
	case EVENT_RING:
	case EVENT_NATIVE:
		break; /* read at every wake-up */
	}
}

/* Time has come so far; unless there are more, all records until then have been read. */
static int tick(struct desk *desk, uint64_t now, bool more)
{
	struct record_header record;
	int err = 0;

	record_own(&record, RECORD_TICK, sizeof(record), 0, now);
	if (!more && session_wants_tick(desk->session, now))
		err = feed(desk, &record);
	recorder_tick(&desk->recorder, now);
	return err ? err : session_flush(desk->session);
}

static void loop(struct desk *desk)
{
	bool busy = attach_step(desk->attach);

	while (!desk->stop) {
		struct epoll_event events[8];
		int n = epoll_wait(desk->epoll_fd, events, ARRAY_SIZE(events), busy ? 0 : -1), err;
		/* Before reading: a record that is in the ring by now cannot be older. */
		uint64_t now = clock_boot_ns();
		bool more = false;

		for (int i = 0; i < n; i++)
			on_event(desk, events[i].data.u32);
		err = consume(desk, now, &more);
		if (!err)
			err = pump(desk, false);
		if (!err)
			err = tick(desk, now, more);
		if (!err)
			err = relist_look(&desk->relist, now, more);
		busy = attach_step(desk->attach);
		if (!err)
			err = show(desk, false);
		if (err)
			fail(desk, err);
		/* The kernel side knows it even if the record of an exit was lost. */
		if (!desk->child.pid && !probe_has_targets(desk->probe))
			desk->stop = true;
	}
}

/* What only the kernel side's counters know. */
static int feed_end(struct desk *desk)
{
	_cleanup_free_ struct record_end *record = NULL;
	uint64_t lost[LOSS_CAUSES], compat;

	probe_losses(desk->probe, lost, &compat);
	record = record_end_new(lost, compat, attach_unseen(desk->attach), probe_rung(desk->probe),
				clock_boot_ns());
	return record ? feed(desk, &record->h) : -ENOMEM;
}

static void set_exit_status(struct desk *desk)
{
	struct session_stats stats;

	session_stats(desk->session, &stats);
	if (desk->exit_status == EXIT_OUTPUT)
		return;
	if (recorder_failed(&desk->recorder))
		desk->exit_status = EXIT_OUTPUT;
	else if (desk->options->error_exitcode && session_stats_findings(&stats))
		desk->exit_status = desk->options->error_exitcode;
}

/* Detaches, reads what is left, decides what waited, and sums up. */
static void finish(struct desk *desk)
{
	bool more;
	int err;

	left_tell_untraced(&desk->left, desk->probe, &desk->status);
	probe_detach(desk->probe);
	do
		err = consume(desk, clock_boot_ns(), &more);
	while (!err && more);
	/* What is left to wait for are others: a second Ctrl-C ends that. */
	if (!desk->child.pid)
		signals_let_go(desk->signal_fd);
	if (!err)
		err = pump(desk, true);
	if (!err)
		err = feed_end(desk);
	recorder_tick(&desk->recorder, UINT64_MAX);
	if (!err)
		err = session_end(desk->session, reports_summary(desk->options));
	status_hide(&desk->status);
	if (!err)
		err = show(desk, true);
	if (err && desk->exit_status != EXIT_OUTPUT)
		fail(desk, err);
	set_exit_status(desk);
	/* Where tracing has failed, COMMAND goes on. */
	spawn_see_end(&desk->child, desk->signal_fd);
}

/* Everything is open and attached: what is not needed any more is given up. */
static int stand_guard(const struct desk *desk)
{
	int err = guard_drop(desk->options->command);

	if (!err)
		err = guard_filter(desk->natives ? helper_exe : NULL);
	if (!err)
		return EXIT_OK;
	complain("cannot give up privileges: %s", strerror(-err));
	return EXIT_FAILED;
}

static void announce_tracing(struct desk *desk, const char *what)
{
	if (!desk->options->quiet && !desk->stop)
		announce("tracing %s through %s; %s", what, probe_rung(desk->probe),
			 desk->options->command ? "reports follow" : "Ctrl-C ends");
}

static int attach_all(struct desk *desk)
{
	char what[64];
	int status = targets_attach(desk->options, desk->attach, desk->session, desk->natives, what,
				    sizeof(what));

	if (status)
		return status;
	if (attach_fd(desk->attach) >= 0)
		watch(desk, attach_fd(desk->attach), EVENT_FILE);
	if (attach_lack(desk->attach) && !desk->options->quiet)
		complain("%s", attach_lack(desk->attach));
	announce_tracing(desk, what);
	return 0;
}

static int start_command(struct desk *desk)
{
	char **command = desk->options->command;
	int err = spawn_prepare(command, &desk->child);

	desk->starting = true;
	desk->left.command = command[0];
	if (desk->natives)
		natives_starting(desk->natives, command[0]);
	if (!err) {
		err = attach_starting(desk->attach, desk->child.pid, command);
		if (err) {
			spawn_cancel(&desk->child);
			desk->child.pid = 0;
		}
	}
	if (err) {
		complain("cannot start %s: %s", command[0], strerror(-err));
		return EXIT_FAILED;
	}
	desk->starting = false;
	heed_set(desk->signal_fd, heed_signals, desk);
	err = spawn_go(&desk->child);
	if (err) {
		desk->child.pid = 0;
		complain("cannot run %s: %s", command[0], strerror(-err));
		return err == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	announce_tracing(desk, command[0]);
	return watch(desk, desk->child.pidfd, EVENT_CHILD) ? EXIT_FAILED : EXIT_OK;
}

static int run(struct desk *desk)
{
	int status = open_helpers(desk);

	if (!status)
		status = open_session(desk);
	if (!status)
		status = open_probe(desk);
	if (!status)
		status = open_loop(desk);
	if (!status && !desk->options->quiet)
		complain_lacks(probe_kprobes_refused(desk->probe));
	if (!status)
		status = desk->options->command ? start_command(desk) : attach_all(desk);
	if (!status)
		status = stand_guard(desk);
	if (status)
		return status;
	status_open(&desk->status, !desk->options->quiet);
	loop(desk);
	finish(desk);
	return desk->exit_status;
}

int desk_run(const struct options *options)
{
	struct desk desk = {
		.options = options,
		.left = {.quiet = options->quiet, .unwanted = !options->wait},
		.recorder = RECORDER_NONE,
		.reports = REPORTS_NONE,
		.epoll_fd = -1,
		.signal_fd = -1,
		.timer_fd = -1,
	};
	int status;

	setlocale(LC_CTYPE, "C.UTF-8");
	status = run(&desk);
	heed_set(-1, NULL, NULL);
	relist_free(&desk.relist);
	session_free(desk.session);
	recorder_close(&desk.recorder);
	natives_free(desk.natives);
	attach_free(desk.attach);
	files_free(desk.files);
	foreign_free(desk.foreign);
	source_free(desk.source);
	reports_close(&desk.reports);
	probe_close(desk.probe);
	close_fd(desk.epoll_fd);
	close_fd(desk.signal_fd);
	close_fd(desk.timer_fd);
	return status;
}
