/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct recent {
	FILE *stream;  /* what the sink prints into */
	char *pending; /* the beginning of a line */
	size_t pending_size, pending_room;
	char *lines[RECENT_LINES]; /* a ring */
	size_t first, count, bytes;
};

static void drop_first(struct recent *recent)
{
	char **line = &recent->lines[recent->first];

	recent->bytes -= strlen(*line);
	free(TAKE_PTR(*line));
	recent->first = (recent->first + 1) % RECENT_LINES;
	recent->count--;
}

/* Takes the line. */
static void add_line(struct recent *recent, char *line)
{
	size_t size = strlen(line);

	if (size > RECENT_BYTES) {
		free(line);
		return;
	}
	while (recent->count == RECENT_LINES || recent->bytes + size > RECENT_BYTES)
		drop_first(recent);
	recent->lines[(recent->first + recent->count++) % RECENT_LINES] = line;
	recent->bytes += size;
}

/* Without memory a line is left out. */
static ssize_t take_line_bytes(void *cookie, const char *bytes, size_t size)
{
	struct recent *recent = cookie;
	const char *end;

	if (mem_grow(&recent->pending, &recent->pending_room, recent->pending_size + size, 1)) {
		recent->pending_size = 0;
		return size;
	}
	memcpy(recent->pending + recent->pending_size, bytes, size);
	recent->pending_size += size;
	while ((end = memchr(recent->pending, '\n', recent->pending_size))) {
		size_t length = end - recent->pending;
		char *line = mem_dup_text(recent->pending, length);

		if (line)
			add_line(recent, line);
		recent->pending_size -= length + 1;
		memmove(recent->pending, end + 1, recent->pending_size);
	}
	return size;
}

int recent_new(const struct json_options *options, struct recent **ret_recent,
	       struct sink **ret_sink)
{
	const cookie_io_functions_t functions = {.write = take_line_bytes};
	struct recent *recent = calloc(1, sizeof(*recent));
	struct sink *sink = NULL;

	if (recent)
		recent->stream = fopencookie(recent, "w", functions);
	if (recent && recent->stream)
		sink = json_sink_new(recent->stream, options);
	if (!sink) {
		recent_free(recent);
		return -ENOMEM;
	}
	*ret_recent = recent;
	*ret_sink = sink;
	return 0;
}

void recent_free(struct recent *recent)
{
	if (!recent)
		return;
	if (recent->stream)
		fclose(recent->stream);
	while (recent->count)
		drop_first(recent);
	free(recent->pending);
	free(recent);
}

void recent_print(struct recent *recent, FILE *out)
{
	fflush(recent->stream);
	fputc('[', out);
	for (size_t i = 0; i < recent->count; i++)
		fprintf(out, "%s%s", i ? ",\n" : "\n",
			recent->lines[(recent->first + i) % RECENT_LINES]);
	fputs("\n]\n", out);
}
