/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Reading a recording, which may be anybody's: nothing in it is believed.
 *
 * Owns: one block at a time; memory is bounded whatever the file says. What comes before a
 * damaged place is given first. Never: opens or closes the file, logs, or looks into a record.
 */
#ifndef FDTRACE_RECORDING_READER_H
#define FDTRACE_RECORDING_READER_H

#include "base/records.h"
#include "recording/format.h"

struct recording_reader;

/*
 * Reads the header. fd is lent; it need not be seekable. 0; -ENOMEM; an error of read(2); or
 *   -ENOEXEC          no recording
 *   -EPROTONOSUPPORT  of a newer version
 *   -EXDEV            of another architecture
 *   -EBADMSG          damaged
 *   -ENODATA          truncated
 */
int recording_reader_new(int fd, struct recording_reader **ret_reader);
void recording_reader_free(struct recording_reader *reader);

const struct recording_parameters *recording_parameters(const struct recording_reader *reader);

/*
 * The next record: its size bytes are there, and it is aligned as a struct is. Lent until the next
 * call. 1; 0: the file has ended; -EBADMSG: it is damaged from here on; -ENOMEM; or an error of
 * read(2). Whether a recording is complete, its last record says.
 */
int recording_next(struct recording_reader *reader, const struct record_header **ret_record);

/* Bytes of the file that were whole. */
uint64_t recording_whole(const struct recording_reader *reader);

#endif
