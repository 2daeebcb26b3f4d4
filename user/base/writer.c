/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static ssize_t output_keep(void *cookie, const char *bytes, size_t size)
{
	struct output *output = cookie;

	if (mem_grow(&output->data, &output->room, output->size + size, 1))
		return -1;
	memcpy(output->data + output->size, bytes, size);
	output->size += size;
	return size;
}

int output_open(struct output *output, int fd)
{
	cookie_io_functions_t functions = {.write = output_keep};

	memset(output, 0, sizeof(*output));
	output->fd = fd;
	output->stream = fopencookie(output, "w", functions);
	return output->stream ? 0 : -ENOMEM;
}

void output_close(struct output *output)
{
	if (output->stream)
		fclose(output->stream);
	free(output->data);
	memset(output, 0, sizeof(*output));
}

bool output_waits(struct output *output)
{
	fflush(output->stream);
	return output->size > 0;
}

static bool writable_now(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) > 0;
}

int output_flush(struct output *output, bool all)
{
	size_t done = 0;

	fflush(output->stream);
	while (done < output->size && !output->error) {
		bool wait = all || output->size - done > OUTPUT_PENDING_MAX;
		/* A pipe that polls writable takes this much without waiting. */
		size_t size = output->size - done < PIPE_BUF ? output->size - done : PIPE_BUF;
		ssize_t n;

		if (!wait && !writable_now(output->fd))
			break;
		n = write(output->fd, output->data + done, size);
		if (n >= 0)
			done += n;
		else if (errno == EAGAIN)
			poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, 100);
		else if (errno != EINTR)
			output->error = -errno;
	}
	if (output->error)
		done = output->size; /* nobody will read it */
	if (done) {		     /* and so something is kept */
		memmove(output->data, output->data + done, output->size - done);
		output->size -= done;
	}
	return output->error;
}
