/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/otlp/resource.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "report/format.h"

static int add_host(struct otlp_attributes *list, const struct otlp_options *options)
{
	int err = otlp_add_text(list, "host.id", options->host_id);

	err |= otlp_add_text(list, "host.name", options->host_name);
	return err | otlp_add_text(list, "os.type", "linux");
}

/* "CPython 3.11.2" */
static int add_runtime_attributes(struct otlp_attributes *list, const char *runtime)
{
	const char *blank = runtime ? strchr(runtime, ' ') : NULL;
	char name[WORD_SIZE] = "";
	int err;

	if (!blank || (size_t)(blank - runtime) >= sizeof(name))
		return otlp_add_text(list, "process.runtime.description", runtime);
	for (const char *at = runtime; at < blank; at++)
		name[at - runtime] = (char)tolower((unsigned char)*at);
	err = otlp_add_text(list, "process.runtime.name", name);
	err |= otlp_add_text(list, "process.runtime.version", blank + 1);
	return err | otlp_add_text(list, "process.runtime.description", runtime);
}

/* What the process is: whatever tells a service from others belongs here. */
static int add_identity(struct otlp_attributes *list, const struct finding_view *view)
{
	const struct process *process = view->process;
	char time[WORD_SIZE];
	int err = 0;

	if (process->ns_pid)
		err |= otlp_add_number(list, "process.vpid", process->ns_pid);
	if (process->start_ns)
		err |= otlp_add_text(list, "process.creation.time",
				     format_time((int64_t)process->start_ns + view->wall_offset_ns,
						 false, time));
	if (process->exe) {
		err |= otlp_add_text(list, "process.executable.name", text_basename(process->exe));
		err |= otlp_add_text(list, "process.executable.path", process->exe);
	}
	err |= add_runtime_attributes(list, process->runtime);
	err |= otlp_add_text(list, "process.linux.cgroup", process->cgroup);
	err |= otlp_add_text(list, "container.id", process->container_id);
	return err | otlp_add_bytes(list, "fdtrace.process.comm", process->comm,
				    strnlen(process->comm, sizeof(process->comm)));
}

int otlp_add_resource(struct otlp_attributes *list, const struct otlp_options *options,
		      const struct finding_view *view)
{
	int err = add_host(list, options);

	if (view && options->finding.resource)
		err |= otlp_add_list(list, options->finding.resource(options->finding.arg, view));
	if (!view)
		return err;
	err |= otlp_add_number(list, "process.pid", view->finding->tgid);
	return view->process ? err | add_identity(list, view) : err;
}
