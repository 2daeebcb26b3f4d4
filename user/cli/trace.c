/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/trace.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heed.h"
#include "base/mem.h"
#include "cli/left_behind.h"
#include "cli/log.h"
#include "cli/outputs.h"
#include "cli/signals.h"
#include "cli/spawn.h"
#include "cli/status_line.h"
#include "cli/targets.h"
#include "tracer/tracer.h"

enum event { EVENT_TRACER, EVENT_SIGNAL, EVENT_CHILD };

struct trace {
	const struct options *options;
	struct tracer *tracer;
	struct outputs outputs;
	struct status_line status;
	struct spawn child; /* pid 0: none */
	struct left_behind left;
	int epoll_fd, signal_fd;
	bool starting; /* COMMAND does not run yet */
	bool stop;
	bool not_recorded; /* the recording has failed, which has been said */
	int exit_status;
};

static int open_tracer(struct trace *trace)
{
	const struct options *options = trace->options;
	const struct tracer_options wanted = {
		.ebpf =
			{
				.ring_bytes = options->ring_bytes,
				.follow = options->follow,
				.owners = options->owners,
				.verbose = options->verbose,
				.kind = options->hooks,
				.natives = options->native,
				.drop = options->drop,
			},
		.heap_scan = options->heap_scan,
		.heap_scan_bytes = options->heap_scan_bytes,
		.history = options->history,
		.memory = options->memory,
		.source_lines = !options->json || options->record,
		.debuginfod = options->debuginfod,
		.record = options->record,
		.record_bytes = options->record_bytes,
	};
	struct tracer_error error;

	return tracer_new(&wanted, &trace->tracer, &error) ? log_tracer_error(&error) : EXIT_OK;
}

static int open_reports(struct trace *trace)
{
	struct sink *sink;
	int status =
		outputs_open(&trace->outputs, trace->options, tracer_source(trace->tracer), &sink);

	if (status)
		return status;
	if (tracer_add_sink(trace->tracer, sink)) {
		log_error("too many outputs");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static int open_kernel_side(struct trace *trace)
{
	struct tracer_error error;

	return tracer_open(trace->tracer, &error) ? log_tracer_error(&error) : EXIT_OK;
}

static int wait_for(struct trace *trace, int fd, enum event event)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = event};

	return epoll_ctl(trace->epoll_fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void on_signal(struct trace *trace)
{
	struct signalfd_siginfo info;

	while (read(trace->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		bool ends = signals_ask_to_end(info.ssi_signo);

		if (trace->child.pid)
			spawn_pass_on(&trace->child, &info);
		else if (ends)
			trace->stop = true;
		trace->left.unwanted |= ends;
	}
}

/* While something takes long: whether to give it up. */
static bool heed_signals(void *arg)
{
	struct trace *trace = arg;

	on_signal(trace);
	return trace->stop || trace->starting;
}

static int open_loop(struct trace *trace)
{
	signal(SIGPIPE, SIG_IGN);
	trace->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	trace->signal_fd = signals_open();
	if (trace->epoll_fd < 0 || trace->signal_fd < 0 ||
	    wait_for(trace, trace->signal_fd, EVENT_SIGNAL) ||
	    wait_for(trace, tracer_fd(trace->tracer), EVENT_TRACER)) {
		log_error("cannot start the event loop: %s", strerror(errno));
		return EXIT_FAILED;
	}
	heed_set(trace->signal_fd, heed_signals, trace);
	return EXIT_OK;
}

/* What the tracer has to say; --quiet leaves out what only limits what is seen. */
static void print_notices(struct trace *trace, unsigned int kinds)
{
	enum tracer_notice kind;
	const char *text;

	if (trace->options->quiet)
		kinds &= ~(NOTICE_LACK | NOTICE_UNSUPPORTED);
	while ((text = tracer_notice(trace->tracer, kinds, &kind))) {
		status_line_hide(&trace->status);
		log_error("%s", text);
		trace->not_recorded |= kind == NOTICE_NOT_RECORDED;
	}
}

/* What was printed goes out; the status line makes room for it. */
static int show_progress(struct trace *trace, bool all)
{
	struct session_stats stats;
	int err = 0;

	print_notices(trace, NOTICE_ALL);
	left_behind_print_awaited(&trace->left, trace->tracer, &trace->status);
	if (output_waits(&trace->outputs.output)) {
		status_line_hide(&trace->status);
		err = output_flush(&trace->outputs.output, all);
	}
	if (!all && status_line_due(&trace->status, clock_boot_ns())) {
		tracer_stats(trace->tracer, &stats);
		status_line_show(&trace->status, &stats, clock_boot_ns());
	}
	return err;
}

static void fail_trace(struct trace *trace, int err)
{
	trace->stop = true;
	status_line_hide(&trace->status);
	trace->exit_status = outputs_failed(&trace->outputs, err, trace->child.pid != 0);
}

static void on_command_end(struct trace *trace)
{
	int status = spawn_status(&trace->child);

	if (status == -EAGAIN)
		return;
	trace->exit_status = status < 0 ? EXIT_FAILED : status;
	trace->child.pid = 0;
	trace->stop = !left_behind_begin(&trace->left);
}

static void on_trace_event(struct trace *trace, enum event event)
{
	switch (event) {
	case EVENT_SIGNAL:
		on_signal(trace);
		break;
	case EVENT_CHILD:
		on_command_end(trace);
		break;
	case EVENT_TRACER:
		break; /* it takes a step at every wake-up */
	}
}

static void trace_loop(struct trace *trace)
{
	bool more = true; /* what attaching has begun */

	while (!trace->stop) {
		struct epoll_event events[4];
		int n = epoll_wait(trace->epoll_fd, events, ARRAY_SIZE(events), more ? 0 : -1), err;

		for (int i = 0; i < n; i++)
			on_trace_event(trace, events[i].data.u32);
		err = tracer_step(trace->tracer, &more);
		if (!err)
			err = show_progress(trace, false);
		if (err)
			fail_trace(trace, err);
		if (!trace->child.pid && !tracer_next_target(trace->tracer, 0))
			trace->stop = true;
	}
}

static void set_exit_status(struct trace *trace)
{
	struct session_stats stats;

	print_notices(trace, NOTICE_NOT_RECORDED);
	tracer_stats(trace->tracer, &stats);
	if (trace->exit_status == EXIT_OUTPUT)
		return;
	if (trace->not_recorded)
		trace->exit_status = EXIT_OUTPUT;
	else if (trace->options->error_exitcode && session_stats_findings(&stats))
		trace->exit_status = trace->options->error_exitcode;
}

/* Detaches, reads what is left, decides what waited, and sums up. */
static void finish_trace(struct trace *trace)
{
	int err;

	left_behind_print_untraced(&trace->left, trace->tracer, &trace->status);
	err = tracer_stop(trace->tracer);
	/* What is left to wait for are others: a second Ctrl-C ends that. */
	if (!trace->child.pid)
		signals_let_go(trace->signal_fd);
	if (!err)
		err = tracer_finish(trace->tracer, outputs_summary(trace->options));
	status_line_hide(&trace->status);
	if (!err)
		err = show_progress(trace, true);
	if (err && trace->exit_status != EXIT_OUTPUT)
		fail_trace(trace, err);
	set_exit_status(trace);
	/* Where tracing has failed, COMMAND goes on. */
	spawn_see_end(&trace->child, trace->signal_fd);
}

/* Everything is open and attached: what is not needed any more is given up. */
static int give_up_privileges(const struct trace *trace)
{
	int err = tracer_confine(trace->tracer, trace->options->command, false);

	if (!err)
		return EXIT_OK;
	log_error("cannot give up privileges: %s", strerror(-err));
	return EXIT_FAILED;
}

static void log_tracing(struct trace *trace, const char *what)
{
	struct session_stats stats;

	if (trace->options->quiet || trace->stop)
		return;
	tracer_stats(trace->tracer, &stats);
	log_info("tracing %s through %s; %s", what, stats.hooks,
		 trace->options->command ? "reports follow" : "Ctrl-C ends");
}

static int attach_all(struct trace *trace)
{
	char what[64];
	int status = targets_attach(trace->options, trace->tracer, what, sizeof(what));

	if (status)
		return status;
	print_notices(trace, NOTICE_LACK);
	log_tracing(trace, what);
	return EXIT_OK;
}

static int start_command(struct trace *trace)
{
	char **command = trace->options->command;
	int err = spawn_prepare(command, &trace->child);

	trace->starting = true;
	trace->left.command = command[0];
	if (!err) {
		err = tracer_start(trace->tracer, trace->child.pid, command);
		if (err) {
			spawn_cancel(&trace->child);
			trace->child.pid = 0;
		}
	}
	if (err) {
		log_error("cannot start %s: %s", command[0], strerror(-err));
		return EXIT_FAILED;
	}
	trace->starting = false;
	heed_set(trace->signal_fd, heed_signals, trace);
	err = spawn_go(&trace->child);
	if (err) {
		trace->child.pid = 0;
		log_error("cannot run %s: %s", command[0], strerror(-err));
		return err == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	log_tracing(trace, command[0]);
	return wait_for(trace, trace->child.pidfd, EVENT_CHILD) ? EXIT_FAILED : EXIT_OK;
}

static int run_trace(struct trace *trace)
{
	int status = open_tracer(trace);

	if (!status)
		status = open_reports(trace);
	if (!status)
		status = open_kernel_side(trace);
	if (!status)
		status = open_loop(trace);
	if (status)
		return status;
	print_notices(trace, NOTICE_LACK);
	status = trace->options->command ? start_command(trace) : attach_all(trace);
	if (!status)
		status = give_up_privileges(trace);
	if (status)
		return status;
	status_line_open(&trace->status, !trace->options->quiet);
	trace_loop(trace);
	finish_trace(trace);
	return trace->exit_status;
}

int trace_run(const struct options *options)
{
	struct trace trace = {
		.options = options,
		.left = {.quiet = options->quiet, .unwanted = !options->wait},
		.outputs = OUTPUTS_NONE,
		.epoll_fd = -1,
		.signal_fd = -1,
	};
	int status;

	setlocale(LC_CTYPE, "C.UTF-8");
	status = run_trace(&trace);
	heed_set(-1, NULL, NULL);
	tracer_free(trace.tracer);
	outputs_close(&trace.outputs);
	close_fd(trace.epoll_fd);
	close_fd(trace.signal_fd);
	return status;
}
