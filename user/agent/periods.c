/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/periods.h"

#include <string.h>

#include "base/clock.h"
#include "report/format.h"
#include "report/json/value.h"

struct ending {
	struct periods *periods;
	struct coverage_record record;
};

static const struct process *find_traced(void *arg, uint32_t pid)
{
	return tracer_process(arg, (pid_t)pid);
}

static void pass_coverage_row(void *arg, const struct coverage_row *row)
{
	struct ending *ending = arg;
	struct coverage_record *record = &ending->record;

	record->row = row;
	record->resource.count = 0;
	service_attributes(&row->service, &record->resource);
	identity_host(ending->periods->identities, &record->resource);
	ending->periods->fn(ending->periods->arg, record);
}

/* lost: up to now. */
static void end_period(struct periods *periods, uint64_t now_ns, const uint64_t *lost)
{
	static const struct coverage_row nothing = {.service = {.source = SERVICE_NOWHERE}};
	int64_t wall_ns = clock_wall_offset_ns();
	uint64_t more[LOSS_CAUSES];
	struct ending ending = {
		.periods = periods,
		.record =
			{
				.start_ns = (int64_t)periods->started_ns + wall_ns,
				.end_ns = (int64_t)now_ns + wall_ns,
				.lost = more,
			},
	};

	for (size_t i = 0; i < LOSS_CAUSES; i++)
		more[i] = lost[i] > periods->lost[i] ? lost[i] - periods->lost[i] : 0;
	ending.record.incomplete =
		identities_sum_up(periods->identities, now_ns, find_traced, periods->tracer);
	if (!identities_each_service(periods->identities, pass_coverage_row, &ending))
		pass_coverage_row(&ending, &nothing);
	memcpy(periods->lost, lost, sizeof(periods->lost));
	periods->started_ns = now_ns;
}

/* What waited has been decided. */
static int end_last_period(struct sink *sink, const struct session_stats *stats)
{
	end_period((struct periods *)sink, clock_boot_ns(), stats->lost);
	return 0;
}

void periods_begin(struct periods *periods, struct tracer *tracer, struct identities *identities,
		   coverage_fn fn, void *arg)
{
	*periods = (struct periods){
		.sink = {.end = end_last_period},
		.tracer = tracer,
		.identities = identities,
		.fn = fn,
		.arg = arg,
		.started_ns = clock_boot_ns(),
	};
}

void periods_step(struct periods *periods, uint64_t now_ns, uint64_t interval_ns)
{
	struct session_stats stats;

	identities_step(periods->identities, now_ns, find_traced, periods->tracer);
	if (now_ns < periods->started_ns + interval_ns)
		return;
	tracer_stats(periods->tracer, &stats);
	end_period(periods, now_ns, stats.lost);
}

static int set_period(json_t *object, const struct coverage_record *record)
{
	char time[WORD_SIZE];
	int err = json_object_set_new(object, "start_time",
				      value_text(format_time(record->start_ns, false, time)));

	err |= json_object_set_new(object, "end_time",
				   value_text(format_time(record->end_ns, false, time)));
	return err | json_object_set_new(object, "duration_ns",
					 value_nano(record->end_ns - record->start_ns));
}

/* By mode: there is one. */
static json_t *process_times(const struct coverage_row *row)
{
	json_t *object = json_object();

	return value_whole(object,
			   json_object_set_new(object, "full", value_nano((int64_t)row->full_ns)));
}

void coverage_print(FILE *out, const struct coverage_record *record)
{
	const struct coverage_row *row = record->row;
	json_t *object = json_object();
	int err = json_object_set_new(object, "schema", json_string("fdtrace/1"));

	err |= json_object_set_new(object, "kind", json_string("coverage"));
	err |= json_object_set_new(object, "resource", value_attributes(&record->resource));
	if (row->others)
		err |= json_object_set_new(object, "others", json_true());
	err |= set_period(object, record);
	err |= json_object_set_new(object, "processes", value_count(row->processes));
	err |= json_object_set_new(object, "process_time_ns", process_times(row));
	err |= json_object_set_new(object, "calls", value_count(row->calls));
	err |= json_object_set_new(object, "findings", value_count(row->findings));
	err |= json_object_set_new(object, "lost", value_lost(record->lost));
	if (record->incomplete)
		err |= json_object_set_new(object, "incomplete", json_true());
	(void)value_print(out, value_whole(object, err));
}
