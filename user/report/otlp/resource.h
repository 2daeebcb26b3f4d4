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

/* pid 0: no process, the host alone; process NULL: of it the number alone is known. 0 or -ENOMEM.
 */
int otlp_add_resource(struct otlp_attributes *list, const struct otlp_options *options,
		      uint32_t pid, const struct process *process, int64_t wall_offset_ns);

#endif
