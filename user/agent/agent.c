/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/outputs.h"
#include "agent/self.h"
#include "agent/state.h"
#include "base/clock.h"
#include "base/exit_code.h"
#include "base/heed.h"
#include "base/mem.h"

/* So often at least it is seen to that who asks, and then says nothing, is let go of. */
#define HTTP_NS	      1000000000
/* At the end, for a slow disk. */
#define SPOOL_WAIT_NS UINT64_C(5000000000)

/* --- settings ------------------------------------------------------------------------------- */

static int read_settings(const struct arguments *arguments, struct settings *ret)
{
	struct settings_error error;
	int err = settings_read(arguments->config, environ, ret, &error);

	for (size_t i = 0; !err && i < arguments->setting_count; i++)
		err = settings_set(ret, arguments->settings[i], &error);
	if (!err)
		err = settings_complete(ret);
	if (err)
		agent_log(LOG_ERR, "%s", err == -ENOMEM ? "out of memory" : error.text);
	return err;
}

/* What was set when the trace was opened stays till its end. */
static bool needs_restart(const struct settings *old, const struct settings *new)
{
	return old->hooks != new->hooks || old->overhead != new->overhead ||
	       old->owners != new->owners || old->heap_scan != new->heap_scan ||
	       old->heap_scan_bytes != new->heap_scan_bytes || old->memory != new->memory ||
	       old->ring_bytes != new->ring_bytes || old->history != new->history ||
	       !otlp_settings_same(&old->otlp, &new->otlp) || strcmp(old->listen, new->listen) ||
	       strcmp(old->cache, new->cache) ||
	       old->findings_per_minute != new->findings_per_minute ||
	       old->findings_burst != new->findings_burst ||
	       old->update_interval != new->update_interval ||
	       old->returned_after != new->returned_after || strcmp(old->spool, new->spool) ||
	       old->spool_bytes != new->spool_bytes ||
	       !strcmp(old->json, NONE) != !strcmp(new->json, NONE);
}

/* --- what systemd and people are told ------------------------------------------------------- */

static void log_notices(struct agent *agent)
{
	const char *text;
	bool over;

	while ((text = tracer_notice(agent->tracer, NOTICE_ALL, NULL)))
		agent_log(LOG_WARNING, "%s", text);
	text = has_file(agent) ? findings_file_trouble(&agent->file) : NULL;
	if (text)
		agent_log(LOG_ERR, "cannot write to %s: %s", agent->settings.json, text);
	while ((text = spool_notice(agent->spool)))
		agent_log(LOG_ERR, "%s", text);
	text = agent->export ? export_trouble(agent->export, &over) : NULL;
	if (text)
		agent_log(over ? LOG_INFO : LOG_ERR, "otlp: %s", text);
}

static void log_scope(const struct agent *agent, size_t count)
{
	size_t index = 0;
	const char *rule;

	agent_log(LOG_INFO, "%zu process%s of those that run match scope.include", count,
		  count == 1 ? "" : "es");
	while ((rule = scope_unused(&agent->settings.scope, &index)))
		agent_log(LOG_WARNING, "no process matches %s so far", rule);
	sd_notifyf(0, "STATUS=Follows %zu processes, and their children", count);
}

static void feed_watchdog(struct agent *agent, uint64_t now_ns)
{
	if (!agent->watchdog_ns || now_ns - agent->fed_ns < agent->watchdog_ns / 2)
		return;
	agent->fed_ns = now_ns;
	sd_notify(0, "WATCHDOG=1");
}

/* --- the start ------------------------------------------------------------------------------ */

static int open_agent_tracer(struct agent *agent)
{
	const struct settings *settings = &agent->settings;
	const struct tracer_options options = {
		.ebpf =
			{
				.ring_bytes = settings->ring_bytes,
				.follow = true,
				.starts = true,
				.costs = true,
				.owners = settings->owners,
				.verbose = agent->arguments.verbose,
				.kind = settings->hooks,
			},
		.heap_scan = settings->heap_scan,
		.heap_scan_bytes = settings->heap_scan_bytes,
		.history = settings->history,
		.memory = settings->memory,
		.files = strcmp(settings->cache, NONE) ? settings->cache : NULL,
	};
	struct tracer_error error;

	if (!tracer_new(&options, &agent->tracer, &error))
		return EXIT_OK;
	agent_log(LOG_ERR, "%s", error.text);
	return tracer_exit_status(error.failure);
}

/* With the privileges that are left. */
static int start_spool(struct agent *agent)
{
	int err = spool_start(agent->spool);

	if (!err)
		return EXIT_OK;
	agent_log(LOG_ERR, "cannot start a thread: %s", strerror(-err));
	return EXIT_FAILED;
}

static int attach_hooks(struct agent *agent)
{
	struct tracer_error error;

	if (!tracer_open(agent->tracer, &error))
		return EXIT_OK;
	agent_log(LOG_ERR, "%s", error.text);
	return tracer_exit_status(error.failure);
}

static int add_to_loop(const struct agent *agent, int fd, enum event event)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = event};

	return epoll_ctl(agent->epoll_fd, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void take_signals(struct agent *agent)
{
	struct signalfd_siginfo info;

	while (read(agent->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		agent->reload |= info.ssi_signo == SIGHUP;
		agent->reopen |= info.ssi_signo == SIGUSR1;
		agent->stop |= info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
	}
}

/* While something takes long: whether to give it up. */
static bool heed_agent_signals(void *arg)
{
	struct agent *agent = arg;

	take_signals(agent);
	return agent->stop;
}

static int open_agent_loop(struct agent *agent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	agent->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	agent->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (agent->epoll_fd < 0 || agent->signal_fd < 0 ||
	    add_to_loop(agent, agent->signal_fd, EVENT_SIGNAL) ||
	    (agent->http && add_to_loop(agent, http_fd(agent->http), EVENT_HTTP)) ||
	    (agent->export && add_to_loop(agent, export_fd(agent->export), EVENT_EXPORT)) ||
	    add_to_loop(agent, tracer_fd(agent->tracer), EVENT_TRACER)) {
		agent_log(LOG_ERR, "cannot start the event loop: %s", strerror(errno));
		return EXIT_FAILED;
	}
	heed_set(agent->signal_fd, heed_agent_signals, agent);
	return EXIT_OK;
}

static int look_at_all(struct agent *agent)
{
	size_t count;
	int err = following_look_at_all(&agent->following, &count);

	if (heed())
		return EXIT_OK;
	if (err) {
		agent_log(LOG_ERR, "cannot list the processes: %s", strerror(-err));
		return EXIT_FAILED;
	}
	log_scope(agent, count);
	return EXIT_OK;
}

static int confine(const struct agent *agent)
{
	int err = tracer_confine(agent->tracer, false, true);

	if (!err)
		return EXIT_OK;
	agent_log(LOG_ERR, "cannot give up privileges: %s", strerror(-err));
	return EXIT_FAILED;
}

static int start(struct agent *agent)
{
	int status = open_agent_tracer(agent);

	if (!status)
		status = agent_open_outputs(agent);
	if (!status)
		status = attach_hooks(agent);
	if (!status)
		status = open_agent_loop(agent);
	if (!status)
		status = confine(agent);
	if (!status)
		status = start_spool(agent);
	if (status)
		return status;
	agent->following = (struct following){
		.tracer = agent->tracer,
		.scope = &agent->settings.scope,
		.budget = &agent->costs.budget,
	};
	log_notices(agent);
	status = look_at_all(agent);
	if (status)
		return status;
	budget_init(&agent->costs.budget, agent->settings.overhead / 1e6, clock_boot_ns(),
		    self_cpu_ns());
	agent->attached = true;
	agent->started_ns = agent->reloaded_ns = clock_real_ns();
	if (sd_watchdog_enabled(0, &agent->watchdog_ns) > 0)
		agent->watchdog_ns *= 1000;
	sd_notify(0, "READY=1");
	return EXIT_OK;
}

/* --- the loop ------------------------------------------------------------------------------- */

/* All of it, or nothing where it is wrong. */
static void reload(struct agent *agent)
{
	struct settings settings;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)clock_monotonic_ns() / 1000);
	if (read_settings(&agent->arguments, &settings)) {
		agent_log(LOG_ERR, "the configuration stays as it was");
		agent->reload_failed = true;
		settings_free(&settings);
	} else if (needs_restart(&agent->settings, &settings)) {
		agent_log(
			LOG_ERR,
			"a reload changes scope, owners, coverage and the file of findings alone: the "
			"configuration stays as it was; restart the agent");
		agent->reload_failed = true;
		settings_free(&settings);
	} else {
		settings_free(&agent->settings);
		agent->settings = settings;
		agent->reopen = true;
		agent->reload_failed = false;
		agent->reloaded_ns = clock_real_ns();
		look_at_all(agent);
	}
	sd_notify(0, "READY=1");
}

static void reopen(struct agent *agent)
{
	if (has_file(agent))
		findings_file_reopen(&agent->file, agent->settings.json);
}

static void heed_requests(struct agent *agent)
{
	if (agent->reload)
		reload(agent);
	if (agent->reopen)
		reopen(agent);
	agent->reload = agent->reopen = false;
}

static int step_agent(struct agent *agent, bool *ret_more)
{
	int err = tracer_step(agent->tracer, ret_more);
	uint64_t now = clock_boot_ns();

	if (!err)
		err = following_look_at_new(&agent->following);
	if (!err)
		err = costs_step(&agent->costs, agent->tracer, now);
	if (!err)
		err = dedup_step(agent->dedup, now, false);
	keeper_step(&agent->keeper, now);
	periods_step(&agent->periods, now, agent->settings.coverage_s * 1000000000);
	if (has_file(agent))
		findings_file_step(&agent->file, now, false);
	if (agent->export)
		export_step(agent->export, now);
	if (agent->http && (agent->asked || now - agent->http_ns >= HTTP_NS)) {
		http_step(agent->http);
		agent->http_ns = now;
	}
	log_notices(agent);
	feed_watchdog(agent, now);
	return err;
}

static void loop(struct agent *agent)
{
	bool more = true; /* what attaching has begun */

	while (!agent->stop) {
		struct epoll_event events[4];
		int n = epoll_wait(agent->epoll_fd, events, ARRAY_SIZE(events), more ? 0 : -1);
		int err;

		agent->asked = false;
		for (int i = 0; i < n; i++)
			agent->asked |= events[i].data.u32 == EVENT_HTTP;
		take_signals(agent);
		heed_requests(agent);
		err = step_agent(agent, &more);
		if (err) {
			agent_log(LOG_ERR, "stopped: %s", strerror(-err));
			agent->status = EXIT_FAILED;
			agent->stop = true;
		}
	}
}

/* What the receiver does not take in time waits for the next start, or is lost: that is said. */
static void finish_export(struct agent *agent)
{
	uint64_t left = agent->export ? export_finish(agent->export) : 0;
	bool kept = strcmp(agent->settings.spool, NONE);

	log_notices(agent);
	if (left)
		agent_log(kept ? LOG_WARNING : LOG_ERR,
			  "otlp: %" PRIu64 " record%s could not be delivered to %s: %s", left,
			  left == 1 ? "" : "s", agent->settings.otlp.endpoint,
			  kept ? "kept in the spool" : "lost");
}

/* Detaches, reads what is left, decides what waited, and sums up. */
static void finish(struct agent *agent)
{
	int err;

	sd_notify(0, "STOPPING=1");
	err = tracer_stop(agent->tracer);
	if (!err)
		err = tracer_finish(agent->tracer, true);
	if (has_file(agent))
		findings_file_step(&agent->file, clock_boot_ns(), true);
	keeper_finish(&agent->keeper, SPOOL_WAIT_NS);
	if (err) {
		agent_log(LOG_ERR, "the last findings may be missing: %s", strerror(-err));
		agent->status = EXIT_FAILED;
	}
	finish_export(agent);
}

static int run_agent(struct agent *agent)
{
	agent->status = start(agent);
	if (agent->attached) {
		loop(agent);
		finish(agent);
	}
	heed_set(-1, NULL, NULL);
	http_close(agent->http);
	tracer_free(agent->tracer);
	export_free(agent->export);
	budget_free(&agent->costs.budget);
	spool_close(agent->spool, SPOOL_WAIT_NS);
	dedup_free(agent->dedup);
	recent_free(agent->recent);
	identities_free(agent->identities);
	findings_file_close(&agent->file);
	close_fd(agent->epoll_fd);
	close_fd(agent->signal_fd);
	return agent->status;
}

int agent_run(int argc, char **argv)
{
	struct agent agent = {.file = FINDINGS_FILE_NONE, .epoll_fd = -1, .signal_fd = -1};
	int status = arguments_parse(argc, argv, &agent.arguments);

	if (status)
		return status > 0 ? EXIT_OK : EXIT_USAGE;
	setlocale(LC_CTYPE, "C.UTF-8");
	status = read_settings(&agent.arguments, &agent.settings) ? EXIT_USAGE : EXIT_OK;
	if (!status && agent.arguments.print)
		settings_print(&agent.settings, stdout);
	else if (!status && !agent.arguments.check)
		status = run_agent(&agent);
	settings_free(&agent.settings);
	return status;
}
