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

static struct sink *new_sink(const struct reports *reports, const struct options *options,
			     struct source_reader *source)
{
	struct text_options text = {
		.color = want_color(options, reports->output.fd),
		.quiet_info = !options->all,
		.frames = options->frames,
		.source = source,
	};

	if (options->json)
		return json_sink_new(reports->output.stream, options->events);
	return text_sink_new(reports->output.stream, &text);
}

/* -o, else standard output, which a COMMAND keeps for itself. */
int reports_open(struct reports *reports, const struct options *options,
		 struct source_reader *source, struct sink **ret_sink)
{
	int fd = options->command ? STDERR_FILENO : STDOUT_FILENO, err;

	if (options->output) {
		fd = output_file_open(options->output, true);
		if (fd < 0) {
			complain("cannot write to %s: %s", options->output, output_file_error(fd));
			return EXIT_OUTPUT;
		}
		reports->fd = fd;
		reports->path = options->output;
	}
	err = output_open(&reports->output, fd);
	if (err) {
		complain("cannot write reports: %s", strerror(-err));
		return EXIT_FAILED;
	}
	*ret_sink = new_sink(reports, options, source);
	if (!*ret_sink) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

void reports_close(struct reports *reports)
{
	output_close(&reports->output);
	reports->fd = close_fd(reports->fd);
}

bool reports_summary(const struct options *options)
{
	return !options->quiet || options->json;
}

int reports_failed(const struct reports *reports, int err, bool goes_on)
{
	const char *end = goes_on ? "; tracing has ended, COMMAND goes on" : "";

	if (err == -EPIPE) {
		complain("nobody reads the reports any more: stopped%s", end);
		return EXIT_OUTPUT;
	}
	if (reports->output.error) {
		complain("cannot write %s%s: %s%s", reports->path ? "to " : "reports",
			 reports->path ? reports->path : "", strerror(-reports->output.error), end);
		return EXIT_OUTPUT;
	}
	complain("stopped: %s%s", strerror(-err), end);
	return EXIT_FAILED;
}
