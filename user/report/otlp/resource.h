/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Whom a log record speaks of: the resource, which is the traced process on its host.
 *
 * Owns: its attributes, which are what Collectors and back ends group by. Pure.
 */
#ifndef FDTRACE_REPORT_OTLP_RESOURCE_H
#define FDTRACE_REPORT_OTLP_RESOURCE_H

#include "report/otlp/message.h"
#include "report/report.h"

/* The process of a finding; view NULL: the host alone. 0 or -ENOMEM. */
int otlp_add_resource(struct otlp_attributes *list, const struct otlp_options *options,
		      const struct finding_view *view);

#endif
