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

#include "agent/arguments.h"
#include "agent/costs.h"
#include "agent/dedup.h"
#include "agent/export.h"
#include "agent/findings_file.h"
#include "agent/following.h"
#include "agent/http.h"
#include "agent/identity.h"
#include "agent/keeper.h"
#include "agent/log.h"
#include "agent/metrics.h"
#include "agent/periods.h"
#include "agent/recent.h"
#include "agent/self.h"
#include "agent/settings.h"
#include "agent/spool.h"
#include "base/clock.h"
#include "base/exit_code.h"
#include "base/heed.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "tracer/tracer.h"

/* What stands for a file of findings, or an address, that there is not. */
#define NONE	"none"
/* So often at least it is seen to that who asks, and then says nothing, is let go of. */
#define HTTP_NS 1000000000

#define SECOND_NS     INT64_C(1000000000)
#define DAY_NS	      (86400 * SECOND_NS)
/* At the end, for a slow disk. */
#define SPOOL_WAIT_NS (5 * SECOND_NS)

enum event { EVENT_TRACER, EVENT_SIGNAL, EVENT_HTTP, EVENT_EXPORT };

struct agent {
	struct arguments arguments;
	struct settings settings;
	struct tracer *tracer;
	struct identities *identities;
	struct periods periods;
	struct attributes attributes; /* of the finding that is told */
	struct findings_file file;
	struct dedup *dedup;
	struct spool *spool;
	struct keeper keeper;
	struct recent *recent;		  /* with http alone */
	struct export *export;		  /* NULL: nothing is sent */
	struct http *http;		  /* NULL: nobody may ask */
	uint64_t http_ns;		  /* CLOCK_BOOTTIME, of its last step */
	uint64_t started_ns, reloaded_ns; /* CLOCK_REALTIME */
	bool reload_failed;
	struct following following;
	struct costs costs;
	int epoll_fd, signal_fd;
	uint64_t watchdog_ns, fed_ns; /* 0: systemd does not watch */
	bool attached;		      /* what is traced is, and reports may come */
	bool stop, reload, reopen;    /* a signal has asked for it */
	bool asked;		      /* somebody does, over HTTP */
	int status;
};

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

static bool has_file(const struct agent *agent)
{
	return agent->file.output.stream;
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

static void tell_scope(const struct agent *agent, size_t count)
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

static const struct attributes *resource_of(void *arg, const struct finding_view *view)
{
	const struct agent *agent = arg;

	return identity_of(agent->identities, view->process, view->wall_offset_ns);
}

static const struct attributes *attributes_of(void *arg, const struct finding_view *view)
{
	struct agent *agent = arg;

	agent->attributes.count = 0;
	attributes_add_text(&agent->attributes, "fdtrace.owner",
			    owners_of_finding(&agent->settings.code_owners, view));
	return &agent->attributes;
}

/* Of all outputs: they tell the same. */
static struct json_options finding_options(struct agent *agent)
{
	return (struct json_options){
		.resource = resource_of,
		.attributes = attributes_of,
		.arg = agent,
		.permit = dedup_permit,
		.permit_arg = agent->dedup,
	};
}

static void tell_coverage(void *arg, const struct coverage_record *record)
{
	const struct agent *agent = arg;

	if (has_file(agent))
		coverage_print(agent->file.output.stream, record);
}

/* The first sinks: the others ask them, and are told of the end after them. */
static int open_identities(struct agent *agent)
{
	struct sink *sink;
	int err = identities_new(&agent->identities, &sink);

	if (err || tracer_add_sink(agent->tracer, sink))
		return EXIT_FAILED;
	periods_begin(&agent->periods, agent->tracer, agent->identities, tell_coverage, agent);
	return tracer_add_sink(agent->tracer, &agent->periods.sink) ? EXIT_FAILED : EXIT_OK;
}

static int open_dedup(struct agent *agent)
{
	const struct settings *settings = &agent->settings;
	const struct dedup_limits limits = {
		.known =
			{
				.returned_after_ns = (int64_t)settings->returned_after * DAY_NS,
				.again_ns = (int64_t)settings->update_interval * SECOND_NS,
			},
		.per_minute = settings->findings_per_minute,
		.burst = settings->findings_burst,
		.resource = resource_of,
		.arg = agent,
	};
	struct sink *sink;
	int err = dedup_new(&limits, &agent->dedup, &sink);

	if (!err)
		err = tracer_add_sink(agent->tracer, sink);
	return err ? EXIT_FAILED : EXIT_OK;
}

/* A spool that cannot be opened is told, and tried again: nothing waits for it. */
static int open_spool(struct agent *agent)
{
	const struct spool_options options = {
		.path = strcmp(agent->settings.spool, NONE) ? agent->settings.spool : NULL,
		.bytes = agent->settings.spool_bytes,
	};
	int err = spool_new(&options, &agent->spool);

	if (err)
		return EXIT_FAILED;
	agent->keeper = (struct keeper){dedup_known(agent->dedup), agent->spool, 0};
	err = keeper_load(&agent->keeper);
	if (err)
		agent_log(LOG_ERR, "cannot read all that was known of bugs from %s: %s",
			  agent->settings.spool, strerror(-err));
	return EXIT_OK;
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

static int open_findings(struct agent *agent)
{
	const struct json_options options = finding_options(agent);
	struct sink *sink;
	int err;

	if (!strcmp(agent->settings.json, NONE))
		return EXIT_OK;
	err = findings_file_open(&agent->file, agent->settings.json, &options, &sink);
	if (err) {
		agent_log(LOG_ERR, "cannot write to %s: %s", agent->settings.json,
			  output_file_error(err));
		return EXIT_OUTPUT;
	}
	return dedup_add_sink(agent->dedup, sink) ? EXIT_FAILED : EXIT_OK;
}

static int open_export(struct agent *agent)
{
	struct sink *sink;
	const char *why;

	if (!strcmp(agent->settings.otlp.endpoint, NONE))
		return EXIT_OK;
	if (!export_new(&agent->settings.otlp, &agent->export, &sink, &why))
		return tracer_add_sink(agent->tracer, sink) ? EXIT_FAILED : EXIT_OK;
	agent_log(LOG_ERR, "otlp.endpoint: nothing can be sent: %s", why);
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

static void gather_metrics(const struct agent *agent, struct metrics *ret)
{
	*ret = (struct metrics){
		.taken_up = agent->following.taken_up,
		.refused = agent->following.refused,
		.passed_over = agent->following.passed_over,
		.budget = agent->costs.budget,
		.rules_unused = scope_count_unused(&agent->settings.scope),
		.file_failures = agent->file.failures,
		.has_file = has_file(agent),
		.file_works = !agent->file.err,
		.has_export = agent->export,
		.reload_works = !agent->reload_failed,
		.reloaded_ns = agent->reloaded_ns,
		.started_ns = agent->started_ns,
		.cpu_ns = self_cpu_ns(),
		.resident_bytes = self_resident_bytes(),
		.open_fds = self_open_fds(),
	};
	tracer_stats(agent->tracer, &ret->session);
	dedup_stats(agent->dedup, &ret->dedup);
	known_stats(dedup_known(agent->dedup), &ret->known);
	spool_stats(agent->spool, &ret->spool);
	export_stats(agent->export, &ret->export);
}

static void print_metrics(void *arg, FILE *out)
{
	struct metrics metrics;

	gather_metrics(arg, &metrics);
	metrics_print(&metrics, out);
}

static void print_findings(void *arg, FILE *out)
{
	const struct agent *agent = arg;

	recent_print(agent->recent, out);
}

/* Before privileges are given up: from then on no socket listens. */
static int open_http(struct agent *agent)
{
	const struct http_pages pages = {print_metrics, print_findings, agent};
	const struct json_options options = finding_options(agent);
	const char *address = agent->settings.listen;
	struct sink *sink;
	char url[64];
	int err;

	if (!strcmp(address, NONE))
		return EXIT_OK;
	err = recent_new(&options, &agent->recent, &sink);
	if (!err)
		err = dedup_add_sink(agent->dedup, sink);
	if (!err)
		err = http_open(address, &pages, url, sizeof(url), &agent->http);
	if (err == -EINVAL)
		agent_log(LOG_ERR, "metrics.listen: %s is no HOST:PORT", address);
	else if (err)
		agent_log(LOG_ERR, "metrics.listen: cannot listen at %s: %s", address,
			  strerror(-err));
	if (err)
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	agent_log(LOG_INFO, "answers at %s/metrics", url);
	return EXIT_OK;
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
	tell_scope(agent, count);
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
		status = open_identities(agent);
	if (!status)
		status = open_dedup(agent);
	if (!status)
		status = open_spool(agent);
	if (!status)
		status = open_findings(agent);
	if (!status)
		status = open_export(agent);
	if (!status)
		status = open_http(agent);
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
	budget_init(&agent->costs.budget, agent->settings.overhead / 1e6, clock_boot_ns(),
		    self_cpu_ns());
	agent->following = (struct following){
		.tracer = agent->tracer,
		.scope = &agent->settings.scope,
		.budget = &agent->costs.budget,
	};
	log_notices(agent);
	status = look_at_all(agent);
	if (status)
		return status;
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

/* What the receiver does not take in time is lost, and said. */
static void finish_export(struct agent *agent)
{
	uint64_t left = agent->export ? export_finish(agent->export) : 0;

	log_notices(agent);
	if (left)
		agent_log(LOG_ERR, "otlp: %" PRIu64 " record%s could not be delivered to %s: lost",
			  left, left == 1 ? "" : "s", agent->settings.otlp.endpoint);
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
