/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/findings_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/output_file.h"

#define RETRY_NS 30000000000ull

/* A line that was cut off, by a full disk or by our own end, is ended. */
static void end_last_line(int fd)
{
	struct stat st;
	char last;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return;
	if (pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
		(void)!write(fd, "\n", 1);
}

/* 0 or negative errno. */
static int open_findings_path(struct findings_file *file)
{
	int fd = file->path ? output_file_append(file->path) : STDOUT_FILENO;

	if (fd < 0)
		return fd;
	if (file->path) {
		end_last_line(fd);
		close_fd(file->fd);
		file->fd = fd;
	}
	file->output.fd = fd;
	file->output.error = 0;
	return 0;
}

static void take_path(struct findings_file *file, const char *path)
{
	file->path = strcmp(path, "-") ? path : NULL;
}

int findings_file_open(struct findings_file *file, const char *path,
		       const struct json_options *options, struct sink **ret_sink)
{
	int err;

	take_path(file, path);
	err = output_open(&file->output, -1);
	if (!err)
		err = open_findings_path(file);
	if (err)
		return err;
	*ret_sink = json_sink_new(file->output.stream, options);
	return *ret_sink ? 0 : -ENOMEM;
}

void findings_file_close(struct findings_file *file)
{
	output_close(&file->output);
	file->fd = close_fd(file->fd);
}

static void set_error(struct findings_file *file, int err)
{
	if (err && !file->err) {
		file->failures++;
		file->told = false;
	}
	file->err = err;
}

void findings_file_reopen(struct findings_file *file, const char *path)
{
	output_flush(&file->output, true);
	take_path(file, path);
	set_error(file, open_findings_path(file));
}

void findings_file_step(struct findings_file *file, uint64_t now_ns, bool all)
{
	if (file->err && now_ns >= file->retry_ns)
		set_error(file, open_findings_path(file));
	if (!file->err)
		set_error(file, output_flush(&file->output, all));
	else
		output_flush(&file->output, false); /* goes nowhere, or into the file of before */
	if (file->err && now_ns >= file->retry_ns)
		file->retry_ns = now_ns + RETRY_NS;
}

const char *findings_file_trouble(struct findings_file *file)
{
	if (!file->err || file->told)
		return NULL;
	file->told = true;
	return output_file_error(file->err);
}
