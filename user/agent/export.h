/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Findings to a receiver of OTLP logs: from the trace to the outbox, and from there on their way.
 *
 * Owns: the sink, the sender, and that they fit. Never: waits, but in export_finish().
 */
#ifndef FDTRACE_AGENT_EXPORT_H
#define FDTRACE_AGENT_EXPORT_H

#include "agent/otlp.h"
#include "agent/periods.h"
#include "agent/spool.h"
#include "report/report.h"
#include "session/sink.h"

/*
 * Which of the spool's receivers it is: a request is in one encoding, so what waits from before
 * otlp.encoding was another waits for that.
 */
enum { EXPORT_SPOOL_PROTOBUF, EXPORT_SPOOL_JSON, EXPORT_SPOOL_SINKS };

struct export;

struct export_stats {
	struct otlp_stats otlp;
	uint64_t dropped; /* rows that it never got */
	uint64_t waiting; /* rows, on their way to the disk and taken ones too */
};

/*
 * Before privileges are given up. settings, spool: lent; options: what is told of a finding.
 * *ret_sink is the caller's, and must go before the rest. 0 or negative errno: *ret_why says more,
 * lent.
 */
int export_new(const struct otlp_settings *settings, const struct json_options *options,
	       struct spool *spool, struct export **ret, struct sink **ret_sink,
	       const char **ret_why);
void export_free(struct export *export);

/* Readable when export_step() has something to do beside what the sink has taken. Lent. */
int export_fd(const struct export *export);
void export_step(struct export *export, uint64_t now_ns);

/* Sends what was watched, too. */
void export_coverage(struct export *export, const struct coverage_record *record);

/* Sends what waits, for EXPORT_FINISH_NS at most. How many records were not delivered. */
#define EXPORT_FINISH_NS UINT64_C(5000000000)
uint64_t export_finish(struct export *export);

/* NULL: there is none, all is 0. */
void export_stats(struct export *export, struct export_stats *ret);

/* As otlp_trouble(). */
const char *export_trouble(struct export *export, bool *ret_over);

#endif
