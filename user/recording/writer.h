/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Writing a recording.
 *
 * Owns: the block being filled, and the size that the file may have. Never: opens or closes the
 * file, logs, or goes on after an error.
 */
#ifndef FDTRACE_RECORDING_WRITER_H
#define FDTRACE_RECORDING_WRITER_H

#include "base/records.h"
#include "recording/format.h"

struct recording_writer;

/* The smallest limit that holds a header, and the mark that the limit was reached. */
#define RECORDING_MIN 4096

/*
 * Writes the header. fd is lent, empty, a regular file. limit: bytes, at least RECORDING_MIN. 0 or
 * negative errno.
 */
int recording_writer_new(int fd, uint64_t limit, const struct recording_parameters *parameters,
			 struct recording_writer **ret_writer);

/* What was not flushed is lost. */
void recording_writer_free(struct recording_writer *writer);

/*
 * One record, kept until a block is full. 0; -EFBIG: the limit is reached, and the file says so;
 * or negative errno. After an error nothing more is written, and 0 returned.
 */
int recording_write(struct recording_writer *writer, const struct record_header *record);

/* Writes what is kept. As recording_write(). */
int recording_flush(struct recording_writer *writer);

#endif
