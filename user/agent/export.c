/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/export.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/host.h"
#include "base/clock.h"
#include "base/mem.h"
#include "report/format.h"

/* How often it is seen, at the end, whether anything waits still. */
#define FINISH_POLL_MS 100

struct export
{
	struct host host;
	char run[HOST_RUN_SIZE];
	struct otlp_options options;
	uint64_t periods; /* records of what was watched */
	struct spool *spool;
	size_t sink; /* of the spool's receivers */
	struct otlp *otlp;
};

static void put_row(void *arg, const uint8_t *bytes, size_t length)
{
	const struct export *export = arg;

	spool_put(export->spool, bytes, length, 1u << export->sink);
}

static struct sink *new_export_sink(const struct otlp_settings *settings,
				    const struct json_options *finding, struct export *export)
{
	export->options = (struct otlp_options){
		.finding = *finding,
		.json = settings->json,
		.run = export->run,
		.host_id = export->host.id[0] ? export->host.id : NULL,
		.host_name = export->host.name[0] ? export->host.name : NULL,
		.now = clock_real_ns,
		.put = put_row,
		.arg = export,
	};

	return otlp_sink_new(&export->options);
}

int export_new(const struct otlp_settings *settings, const struct json_options *options,
	       struct spool *spool, struct export **ret, struct sink **ret_sink,
	       const char **ret_why)
{
	struct export *export = calloc(1, sizeof(*export));
	int err = export ? host_new_run(export->run) : -ENOMEM;

	*ret_why = NULL;
	if (!err) {
		host_read(&export->host);
		export->spool = spool;
		export->sink = settings->json ? EXPORT_SPOOL_JSON : EXPORT_SPOOL_PROTOBUF;
		err = otlp_new(settings, spool_outbox(spool, export->sink), &export->otlp, ret_why);
	}
	if (!err) {
		*ret_sink = new_export_sink(settings, options, export);
		err = *ret_sink ? 0 : -ENOMEM;
	}
	if (err) {
		if (!*ret_why)
			*ret_why = strerror(-err);
		export_free(export);
		return err;
	}
	*ret = export;
	return 0;
}

void export_free(struct export *export)
{
	if (!export)
		return;
	otlp_free(export->otlp);
	free(export);
}

int export_fd(const struct export *export)
{
	return otlp_fd(export->otlp);
}

void export_step(struct export *export, uint64_t now_ns)
{
	otlp_step(export->otlp, now_ns);
}

/* Literals: an attribute's key is lent. */
static const char *lost_key(enum loss_cause cause)
{
	static char keys[LOSS_CAUSES][48];

	snprintf(keys[cause], sizeof(keys[cause]), "fdtrace.coverage.lost.%s",
		 format_loss(cause, false));
	return keys[cause];
}

static void list_coverage(const struct coverage_record *record, struct attributes *ret)
{
	const struct coverage_row *row = record->row;

	attributes_add_number(ret, "fdtrace.coverage.duration_ns",
			      record->end_ns - record->start_ns);
	attributes_add_number(ret, "fdtrace.coverage.processes", (int64_t)row->processes);
	attributes_add_number(ret, "fdtrace.coverage.process_time_ns.full", (int64_t)row->full_ns);
	attributes_add_number(ret, "fdtrace.coverage.calls", (int64_t)row->calls);
	attributes_add_number(ret, "fdtrace.coverage.findings", (int64_t)row->findings);
	if (row->others)
		attributes_add_number(ret, "fdtrace.coverage.others", 1);
	if (record->incomplete)
		attributes_add_number(ret, "fdtrace.coverage.incomplete", 1);
	for (int cause = 0; cause < LOSS_CAUSES; cause++)
		attributes_add_number(ret, lost_key(cause), (int64_t)record->lost[cause]);
}

void export_coverage(struct export *export, const struct coverage_record *record)
{
	struct attributes attributes = {0};
	char uid[40], body[WORD_SIZE], digits[WORD_SIZE];
	const struct otlp_event event = {
		.name = "fdtrace.agent.coverage",
		.body = body,
		.uid = uid,
		.time_unix_nano = (uint64_t)record->end_ns,
		.resource = &record->resource,
		.attributes = &attributes,
	};

	list_coverage(record, &attributes);
	snprintf(uid, sizeof(uid), "coverage-%llu", (unsigned long long)++export->periods);
	snprintf(body, sizeof(body), "%s processes were watched",
		 format_count(record->row->processes, digits));
	(void)otlp_put_event(&export->options, &event); /* without memory one is missing */
}

uint64_t export_finish(struct export *export)
{
	struct pollfd wait = {.fd = otlp_fd(export->otlp), .events = POLLIN};
	uint64_t now = clock_boot_ns(), end = now + EXPORT_FINISH_NS;
	struct export_stats stats;

	spool_hurry(export->spool, EXPORT_FINISH_NS);
	for (;;) {
		export_step(export, now);
		export_stats(export, &stats);
		if (!stats.waiting || now >= end)
			return stats.waiting;
		poll(&wait, 1, FINISH_POLL_MS);
		now = clock_boot_ns();
	}
}

void export_stats(struct export *export, struct export_stats *ret)
{
	struct spool_stats spool;

	*ret = (struct export_stats){.otlp.works = true};
	if (!export)
		return;
	otlp_stats(export->otlp, &ret->otlp);
	spool_stats(export->spool, &spool);
	ret->dropped = spool.sinks[export->sink].dropped;
	ret->waiting = spool.sinks[export->sink].waiting;
}

const char *export_trouble(struct export *export, bool *ret_over)
{
	return otlp_trouble(export->otlp, ret_over);
}
