/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Findings, and counts of findings, as log records of OpenTelemetry (docs/fdtrace-agent.8, OTLP).
 *
 * Owns: which attribute says what: those of the semantic conventions where there is one, fdtrace.*
 * else. Pure.
 */
#ifndef FDTRACE_REPORT_OTLP_RECORD_H
#define FDTRACE_REPORT_OTLP_RECORD_H

#include "report/otlp/message.h"
#include "report/report.h"
#include "session/repeats.h"

/*
 * Each fills in a message that is empty, for otlp_message_clear() whatever it returns. 0 or
 * -ENOMEM.
 */
int otlp_finding_record(const struct otlp_options *options, const struct finding_view *view,
			struct otlp_message *ret);

/* That a finding has been met again, and how often so far; view: just now, NULL: before. */
int otlp_update_record(const struct otlp_options *options, const struct repeat *repeat,
		       const struct finding_view *view, struct otlp_message *ret);

/* That so many findings were held back. */
int otlp_suppressed_record(const struct otlp_options *options, const struct suppressed *suppressed,
			   struct otlp_message *ret);

int otlp_event_record(const struct otlp_options *options, const struct otlp_event *event,
		      struct otlp_message *ret);

#endif
