/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/host.h"
#include "agent/memory_outbox.h"
#include "base/clock.h"
#include "base/mem.h"
#include "report/report.h"

/* What may wait: some thousand findings. */
#define OUTBOX_BYTES (8u << 20)

struct export
{
	struct host host;
	struct memory_outbox *outbox;
	struct otlp *otlp;
};

static void put_row(void *arg, const uint8_t *bytes, size_t length)
{
	memory_outbox_put(arg, bytes, length);
}

static struct sink *new_export_sink(const struct otlp_settings *settings,
				    const struct export *export)
{
	const struct otlp_options options = {
		.json = settings->json,
		.run = export->host.run,
		.host_id = export->host.id[0] ? export->host.id : NULL,
		.host_name = export->host.name[0] ? export->host.name : NULL,
		.now = clock_real_ns,
		.put = put_row,
		.arg = export->outbox,
	};

	return otlp_sink_new(&options);
}

int export_new(const struct otlp_settings *settings, struct export **ret, struct sink **ret_sink,
	       const char **ret_why)
{
	struct export *export = calloc(1, sizeof(*export));
	int err = export ? host_read(&export->host) : -ENOMEM;

	*ret_why = NULL;
	if (!err)
		err = memory_outbox_new(OUTBOX_BYTES, &export->outbox);
	if (!err)
		err = otlp_new(settings, memory_outbox_rows(export->outbox), &export->otlp,
			       ret_why);
	if (!err) {
		*ret_sink = new_export_sink(settings, export);
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
	memory_outbox_free(export->outbox);
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

uint64_t export_finish(struct export *export)
{
	struct memory_outbox_stats stats;

	otlp_drain(export->otlp, clock_boot_ns() + EXPORT_FINISH_NS);
	memory_outbox_stats(export->outbox, &stats);
	return stats.waiting;
}

void export_stats(const struct export *export, struct export_stats *ret)
{
	struct memory_outbox_stats outbox;

	*ret = (struct export_stats){.otlp.works = true};
	if (!export)
		return;
	otlp_stats(export->otlp, &ret->otlp);
	memory_outbox_stats(export->outbox, &outbox);
	ret->dropped = outbox.dropped;
	ret->waiting = outbox.waiting;
	ret->waiting_bytes = outbox.bytes;
}

const char *export_trouble(struct export *export, bool *ret_over)
{
	return otlp_trouble(export->otlp, ret_over);
}
