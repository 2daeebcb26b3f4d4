/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "cli/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/output_file.h"
#include "cli/log.h"
#include "report/report.h"

static bool want_color(const struct options *options, int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (options->color != COLOR_AUTO)
		return options->color == COLOR_ALWAYS;
	return isatty(fd) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

static struct sink *new_sink(const struct outputs *outputs, const struct options *options,
			     struct source_reader *source)
{
	struct text_options text = {
		.color = want_color(options, outputs->output.fd),
		.quiet_info = !options->all,
		.in_full = options->all,
		.frames = options->frames,
		.source = source,
	};
	struct json_options json = {.events = options->events, .every = options->all};

	if (options->json)
		return json_sink_new(outputs->output.stream, &json);
	return text_sink_new(outputs->output.stream, &text);
}

/* -o, else standard output, which a COMMAND keeps for itself. */
int outputs_open(struct outputs *outputs, const struct options *options,
		 struct source_reader *source, struct sink **ret_sink)
{
	int fd = options->command ? STDERR_FILENO : STDOUT_FILENO, err;

	if (options->output) {
		fd = output_file_open(options->output, true);
		if (fd < 0) {
			log_error("cannot write to %s: %s", options->output, output_file_error(fd));
			return EXIT_OUTPUT;
		}
		outputs->fd = fd;
		outputs->path = options->output;
	}
	err = output_open(&outputs->output, fd);
	if (err) {
		log_error("cannot write reports: %s", strerror(-err));
		return EXIT_FAILED;
	}
	*ret_sink = new_sink(outputs, options, source);
	if (!*ret_sink) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

void outputs_close(struct outputs *outputs)
{
	output_close(&outputs->output);
	outputs->fd = close_fd(outputs->fd);
}

bool outputs_summary(const struct options *options)
{
	return !options->quiet || options->json;
}

int outputs_failed(const struct outputs *outputs, int err, bool goes_on)
{
	const char *end = goes_on ? "; tracing has ended, COMMAND goes on" : "";

	if (err == -EPIPE) {
		log_error("nobody reads the reports any more: stopped%s", end);
		return EXIT_OUTPUT;
	}
	if (outputs->output.error) {
		log_error("cannot write %s%s: %s%s", outputs->path ? "to " : "reports",
			  outputs->path ? outputs->path : "", strerror(-outputs->output.error),
			  end);
		return EXIT_OUTPUT;
	}
	log_error("stopped: %s%s", strerror(-err), end);
	return EXIT_FAILED;
}
