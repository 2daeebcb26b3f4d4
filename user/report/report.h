/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What is told of findings: text for people, JSON lines for scripts.
 *
 * Owns: how a finding is told. Each output is a struct sink (sink.h) or a pure function of
 * a finding. Never: judges, waits, or writes a raw byte of a traced process.
 */
#ifndef FDTRACE_REPORT_REPORT_H
#define FDTRACE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attribute.h"
#include "source/source.h"
#include "session/sink.h"

struct text_options {
	bool color;
	bool quiet_info;	      /* leave out findings of severity info */
	bool in_full;		      /* what follows from a finding that was shown, too */
	unsigned int width;	      /* columns, 100 at most; 0: 99 */
	unsigned int frames;	      /* frames shown of each stack before "… N more"; 0: 16 */
	struct source_reader *source; /* lent; NULL: no source lines */
};

/*
 * Text. out is lent. A finding is printed whole the first time; what follows from it is a line;
 * what says the same again is counted, and told at the end with the summary, by bugs. Source lines
 * are shown where they can be had: see source/source.h.
 */
struct sink *text_sink_new(FILE *out, const struct text_options *options);

struct json_options {
	bool events; /* calls too */
	bool every;  /* each finding is written, not only the first of its bug, kind and place */
	/* Who the process of a finding is, and what else is known of the finding: lent until the
	 * next call. NULL: that is not told. */
	const struct attributes *(*resource)(void *arg, const struct finding_view *view);
	const struct attributes *(*attributes)(void *arg, const struct finding_view *view);
	void *arg;
	/*
	 * Asked before a line is written for a finding, for that finding; false: none is, and the
	 * next finding of the same bug, kind and place takes its place. NULL: each may be.
	 */
	bool (*permit)(void *arg);
	void *permit_arg;
};

/*
 * JSON lines, schema fdtrace/1 (docs/json.md). out is lent. Findings that say the same as one
 * before are counted, and told as updates.
 */
struct sink *json_sink_new(FILE *out, const struct json_options *options);

struct otlp_options {
	struct json_options finding; /* what is asked for each: events and every are not heeded */
	bool json;		     /* in JSON, in place of protobuf */
	const char *run;	     /* tells the ids of this run of fdtrace from those of others */
	const char *host_id;	     /* NULL: not known, as with host_name */
	const char *host_name;	     /* */
	uint64_t (*now)(void);	     /* nanoseconds since the epoch */
	/* Each record: a whole ResourceLogs message, lent. */
	void (*put)(void *arg, const uint8_t *bytes, size_t length);
	void *arg;
};

/* What is no finding: all lent. */
struct otlp_event {
	const char *name, *body;
	const char *uid; /* of which this run has one */
	uint64_t time_unix_nano;
	const struct attributes *resource, *attributes;
};

/* Its row, to options->put. 0 or -ENOMEM. */
int otlp_put_event(const struct otlp_options *options, const struct otlp_event *event);

/*
 * Log records of OpenTelemetry (docs/fdtrace-agent.8): what json_sink_new() writes, but for the
 * summary. options: copied; what it points to is lent, till the sink is freed. NULL without memory.
 */
struct sink *otlp_sink_new(const struct otlp_options *options);

/* "fd 7 was closed twice": at most size bytes with the NUL. No text of a process is in it. */
void finding_headline(const struct finding *finding, char *text, size_t size);

/*
 * What happened, and what to change: one sentence each, for text_for_layout() or text_soften().
 * The caller frees them.
 */
int finding_explain(const struct finding_view *view, char **ret_explanation, char **ret_advice);

/* One line, no newline, at most width columns: for a terminal's status line. */
void status_line(const struct session_stats *stats, double records_per_second, unsigned int width,
		 char *buf, size_t size);

#endif
