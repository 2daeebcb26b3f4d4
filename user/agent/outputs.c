/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/outputs.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "agent/log.h"
#include "agent/metrics.h"
#include "agent/self.h"
#include "base/exit_code.h"
#include "base/mem.h"
#include "base/output_file.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_NS	  (86400 * SECOND_NS)

/* The receivers of the spool, by their numbers, which stay for ever. */
static const char *const spool_sinks[EXPORT_SPOOL_SINKS] = {
	[EXPORT_SPOOL_PROTOBUF] = "otlp",
	[EXPORT_SPOOL_JSON] = "otlp_json",
};

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

static void write_coverage(void *arg, const struct coverage_record *record)
{
	struct agent *agent = arg;

	if (has_file(agent))
		coverage_print(agent->file.output.stream, record);
	if (agent->export)
		export_coverage(agent->export, record);
}

/* The first sinks: the others ask them, and are told of the end after them. */
static int open_identities(struct agent *agent)
{
	struct sink *sink;
	int err = identities_new(&agent->identities, &sink);

	if (err || tracer_add_sink(agent->tracer, sink))
		return EXIT_FAILED;
	periods_begin(&agent->periods, agent->tracer, agent->identities, write_coverage, agent);
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
		.sinks = ARRAY_SIZE(spool_sinks),
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
	const struct json_options options = finding_options(agent);
	struct sink *sink;
	const char *why;

	if (!strcmp(agent->settings.otlp.endpoint, NONE))
		return EXIT_OK;
	if (!export_new(&agent->settings.otlp, &options, agent->spool, &agent->export, &sink, &why))
		return dedup_add_sink(agent->dedup, sink) ? EXIT_FAILED : EXIT_OK;
	agent_log(LOG_ERR, "otlp.endpoint: nothing can be sent: %s", why);
	return EXIT_FAILED;
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
		.spool_sinks = spool_sinks,
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

int agent_open_outputs(struct agent *agent)
{
	int status = open_identities(agent);

	if (!status)
		status = open_dedup(agent);
	if (!status)
		status = open_spool(agent);
	if (!status)
		status = open_findings(agent);
	if (!status)
		status = open_export(agent);
	return status ? status : open_http(agent);
}
