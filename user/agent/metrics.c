/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/metrics.h"

#include <inttypes.h>

#include "base/mem.h"
#include "report/format.h"

static void print_family(FILE *out, const char *name, const char *type, const char *unit,
			 const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s %s\n", name, help);
}

static void print_seconds(FILE *out, const char *name, const char *suffix, uint64_t ns)
{
	fprintf(out, "%s%s %" PRIu64 ".%09" PRIu64 "\n", name, suffix, ns / 1000000000,
		ns % 1000000000);
}

static void print_kinds(const struct session_stats *stats, FILE *out)
{
	print_family(out, "fdtrace_findings", "counter", NULL,
		     "Findings by kind, repeats among them.");
	for (int kind = 0; kind < FINDING_KINDS; kind++)
		fprintf(out, "fdtrace_findings_total{kind=\"%s\"} %" PRIu64 "\n",
			finding_kind_name(kind), stats->findings[kind]);
}

static void print_losses(const struct session_stats *stats, FILE *out)
{
	print_family(out, "fdtrace_records_lost", "counter", NULL,
		     "Records of the kernel side that found no room, by what they told of.");
	for (int cause = 0; cause < LOSS_CAUSES; cause++)
		fprintf(out, "fdtrace_records_lost_total{of=\"%s\"} %" PRIu64 "\n",
			format_loss(cause, false), stats->lost[cause]);
}

/* By mode: there is one. */
static void print_processes(const struct session_stats *stats, FILE *out)
{
	print_family(out, "fdtrace_processes", "gauge", NULL, "Processes that are traced now.");
	fprintf(out, "fdtrace_processes{mode=\"full\"} %" PRIu64 "\n", stats->processes);
}

static void print_forgotten_total(const struct session_stats *stats, FILE *out)
{
	print_family(out, "fdtrace_forgotten", "counter", NULL,
		     "What went for want of room (limits.memory).");
	fprintf(out, "fdtrace_forgotten_total{what=\"descriptors\"} %" PRIu64 "\n",
		stats->forgotten);
	fprintf(out, "fdtrace_forgotten_total{what=\"stacks\"} %" PRIu64 "\n",
		stats->forgotten_stacks);
	fprintf(out, "fdtrace_forgotten_total{what=\"code_objects\"} %" PRIu64 "\n",
		stats->forgotten_codes);
}

/* Those without a label. */
static void print_plain(const struct metrics *metrics, FILE *out)
{
	const struct session_stats *stats = &metrics->session;
	const struct {
		const char *name;
		bool counter;
		uint64_t value;
		const char *help;
	} rows[] = {
		{"fdtrace_findings_suspected", true, stats->suspected,
		 "Findings that are suspected, not proved."},
		{"fdtrace_records", true, stats->records, "Records taken from the kernel side."},
		{"fdtrace_processes_seen", true, stats->processes_seen,
		 "Processes that were traced, children among them."},
		{"fdtrace_descriptors", false, stats->descriptors,
		 "Descriptors of traced processes that are believed to be open."},
		{"fdtrace_stacks_missing", true, stats->stacks_missing,
		 "Stacks that findings lack, because their records were lost or forgotten."},
		{"fdtrace_files_examined", true, stats->files_examined,
		 "Executable files looked into, since nothing was known of them (tracing.cache)."},
		{"fdtrace_scope_taken_up", true, metrics->taken_up,
		 "Processes that a rule named, and that were taken up for it."},
		{"fdtrace_scope_refused", true, metrics->refused,
		 "Processes that a rule named and that could not be traced."},
		{"fdtrace_scope_passed_over", true, metrics->passed_over,
		 "Programs that began while limits.overhead was spent, and were not looked at then."},
		{"fdtrace_processes_paused", false, metrics->budget.paused,
		 "Processes that are let alone now, for limits.overhead."},
		{"fdtrace_pauses", true, metrics->budget.pauses,
		 "How often a process was let alone for limits.overhead."},
		{"fdtrace_scope_rules_unused", false, metrics->rules_unused,
		 "Rules of scope.include that have named no process so far."},
		{"fdtrace_bugs", false, metrics->known.bugs,
		 "Bugs that are remembered, of a service each."},
		{"fdtrace_bugs_forgotten", true, metrics->known.evicted,
		 "Bugs that went for want of room, those not met for the longest time."},
		{"fdtrace_spool_bytes", false, metrics->spool.bytes,
		 "Of the spool on the disk, and what is on its way there."},
		{"fdtrace_spool_commits", true, metrics->spool.commits,
		 "Transactions that the disk has taken."},
		{"fdtrace_spool_failures", true, metrics->spool.failures,
		 "How often the disk has begun to fail."},
		{"fdtrace_spool_set_aside", true, metrics->spool.set_aside,
		 "Damaged files, each set aside and replaced."},
		{"fdtrace_spool_works", false, metrics->spool.has_file && metrics->spool.works,
		 "1: there is a spool, and the disk takes it."},
		{"fdtrace_config_last_reload_successful", false, metrics->reload_works,
		 "1: the configuration was right when it was last read."},
		{"fdtrace_attached", false, 1, "1: the hooks are attached, and records are read."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_family(out, rows[i].name, rows[i].counter ? "counter" : "gauge", NULL,
			     rows[i].help);
		fprintf(out, "%s%s %" PRIu64 "\n", rows[i].name, rows[i].counter ? "_total" : "",
			rows[i].value);
	}
}

static void print_dedup(const struct metrics *metrics, FILE *out)
{
	const struct dedup_stats *dedup = &metrics->dedup;

	print_family(out, "fdtrace_findings_told", "counter", NULL,
		     "Findings and counts that were told, by what was known of the bug.");
	for (int state = 0; state < SEEN_STATES; state++)
		fprintf(out, "fdtrace_findings_told_total{state=\"%s\"} %" PRIu64 "\n",
			seen_state_name(state), dedup->told[state]);
	print_family(out, "fdtrace_findings_suppressed", "counter", NULL,
		     "Findings that were not told: counted with one before, or held back for "
		     "limits.findings_per_minute.");
	fprintf(out, "fdtrace_findings_suppressed_total{reason=\"repeat\"} %" PRIu64 "\n",
		dedup->repeats);
	fprintf(out, "fdtrace_findings_suppressed_total{reason=\"rate\"} %" PRIu64 "\n",
		dedup->suppressed);
}

/* A counter or gauge of each receiver of the spool. */
static void print_spool_sinks(const struct metrics *metrics, const char *name, const char *type,
			      const char *help, size_t offset, FILE *out)
{
	const struct spool_stats *spool = &metrics->spool;

	print_family(out, name, type, NULL, help);
	for (size_t i = 0; i < spool->sink_count; i++)
		fprintf(out, "%s%s{sink=\"%s\"} %" PRIu64 "\n", name, *type == 'c' ? "_total" : "",
			metrics->spool_sinks[i],
			*(const uint64_t *)((const char *)&spool->sinks[i] + offset));
}

#define OF_SINK(field) offsetof(struct spool_sink_stats, field)

static void print_spool(const struct metrics *metrics, FILE *out)
{
	print_spool_sinks(metrics, "fdtrace_spool_rows", "gauge",
			  "Findings that wait to be delivered.", OF_SINK(waiting), out);
	print_spool_sinks(metrics, "fdtrace_spool_dropped", "counter",
			  "Findings that were never delivered: for want of room, or damaged.",
			  OF_SINK(dropped), out);
	print_spool_sinks(metrics, "fdtrace_spool_refused", "counter",
			  "Findings that the receiver will never take.", OF_SINK(refused), out);
}

/* otlp: taken, till something else has been seen. */
static void print_sinks(const struct metrics *metrics, FILE *out)
{
	const struct otlp_stats *otlp = &metrics->export.otlp;

	print_family(out, "fdtrace_sink_failures", "counter", NULL,
		     "How often an output has begun to fail.");
	fprintf(out, "fdtrace_sink_failures_total{sink=\"json\"} %" PRIu64 "\n",
		metrics->file_failures);
	fprintf(out, "fdtrace_sink_failures_total{sink=\"otlp\"} %" PRIu64 "\n", otlp->failures);
	print_family(out, "fdtrace_sink_works", "gauge", NULL, "1: the output takes findings.");
	if (metrics->has_file)
		fprintf(out, "fdtrace_sink_works{sink=\"json\"} %d\n", metrics->file_works);
	if (metrics->has_export)
		fprintf(out, "fdtrace_sink_works{sink=\"otlp\"} %d\n", otlp->works);
}

/* Of what is sent, by its receiver. */
static void print_export(const struct export_stats *stats, FILE *out)
{
	const struct {
		const char *outcome;
		uint64_t count;
	} records[] = {
		{"delivered", stats->otlp.delivered},
		{"refused", stats->otlp.refused},
		{"rejected", stats->otlp.rejected},
		{"dropped", stats->dropped},
	};

	print_family(out, "fdtrace_export_records", "counter", NULL,
		     "Records that were sent or lost: delivered; refused for good; rejected of a "
		     "request that was taken; dropped for want of room.");
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		fprintf(out,
			"fdtrace_export_records_total{sink=\"otlp\",outcome=\"%s\"} %" PRIu64 "\n",
			records[i].outcome, records[i].count);
	print_family(out, "fdtrace_export_requests", "counter", NULL,
		     "Requests: taken; to be tried again; without an answer; to be sent in two; "
		     "refused.");
	for (int end = 0; end < OTLP_REQUEST_ENDS; end++)
		fprintf(out,
			"fdtrace_export_requests_total{sink=\"otlp\",outcome=\"%s\"} %" PRIu64 "\n",
			otlp_request_end_name(end), stats->otlp.requests[end]);
	print_family(out, "fdtrace_export_waiting", "gauge", NULL, "Records that are to be sent.");
	fprintf(out, "fdtrace_export_waiting{sink=\"otlp\"} %" PRIu64 "\n", stats->waiting);
}

static void print_overhead(const struct metrics *metrics, FILE *out)
{
	const struct budget *budget = &metrics->budget;

	print_family(
		out, "fdtrace_hooks_cpu_seconds", "counter", "seconds",
		"CPU time that the hooks took of traced processes, as far as they measure it.");
	print_seconds(out, "fdtrace_hooks_cpu_seconds", "_total", budget->hooks_ns);
	print_family(out, "fdtrace_overhead_ratio", "gauge", "ratio",
		     "CPU time of hooks and agent of late, as a part of one CPU.");
	fprintf(out, "fdtrace_overhead_ratio %.6f\n", budget->rate);
	print_family(out, "fdtrace_overhead_limit_ratio", "gauge", "ratio",
		     "What it may be (limits.overhead); 0: there is no limit.");
	fprintf(out, "fdtrace_overhead_limit_ratio %.6f\n", budget->limit);
}

/* As the client libraries of Prometheus name them. */
static void print_process(const struct metrics *metrics, FILE *out)
{
	print_family(out, "process_cpu_seconds", "counter", "seconds",
		     "CPU time of the agent, without what hooks cost the traced processes.");
	print_seconds(out, "process_cpu_seconds", "_total", metrics->cpu_ns);
	print_family(out, "process_resident_memory_bytes", "gauge", "bytes",
		     "Memory of the agent, without what the kernel side has.");
	fprintf(out, "process_resident_memory_bytes %" PRIu64 "\n", metrics->resident_bytes);
	print_family(out, "process_open_fds", "gauge", NULL, "Descriptors of the agent.");
	fprintf(out, "process_open_fds %" PRIu64 "\n", metrics->open_fds);
	print_family(out, "process_start_time_seconds", "gauge", "seconds",
		     "When the agent started, since the epoch.");
	print_seconds(out, "process_start_time_seconds", "", metrics->started_ns);
}

void metrics_print(const struct metrics *metrics, FILE *out)
{
	print_family(out, "fdtrace_build", "info", NULL, "Which fdtrace this is.");
	fprintf(out, "fdtrace_build_info{version=\"%s\",hooks=\"%s\"} 1\n", FDTRACE_VERSION,
		metrics->session.hooks ? metrics->session.hooks : "");
	print_kinds(&metrics->session, out);
	print_losses(&metrics->session, out);
	print_forgotten_total(&metrics->session, out);
	print_processes(&metrics->session, out);
	print_plain(metrics, out);
	print_overhead(metrics, out);
	print_dedup(metrics, out);
	print_spool(metrics, out);
	print_sinks(metrics, out);
	print_export(&metrics->export, out);
	print_family(out, "fdtrace_config_last_reload_success_timestamp_seconds", "gauge",
		     "seconds", "When the configuration that holds was read, since the epoch.");
	print_seconds(out, "fdtrace_config_last_reload_success_timestamp_seconds", "",
		      metrics->reloaded_ns);
	print_process(metrics, out);
	fputs("# EOF\n", out);
}
