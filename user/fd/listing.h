/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The list of a process's own open descriptors, /proc/self/fd, as a descriptor.
 *
 * os.listdir("/proc/self/fd") opens that directory, reads it and closes it. Its own number is in
 * the list that it returns, and is closed by then: a loop that closes each number of the list gets
 * EBADF for it. No program has that number from anywhere else.
 *
 * Owns: how such a descriptor is known. Pure. Never: asks /proc.
 */
#ifndef FDTRACE_FD_LISTING_H
#define FDTRACE_FD_LISTING_H

#include <stdbool.h>

#include "fd/table.h"

/*
 * The generation, which is over, was such a descriptor, and the failed close is one that got the
 * number from the list, in the same thread: a single Python call had opened and closed it; or the C
 * library had opened it (os.scandir() closes it where its loop ends) and os.close() is called now.
 * A program that opens the directory itself and closes it twice is neither, and nor is a directory
 * of the C library's that was closed behind its back.
 */
bool listing_is_closed_again(const struct generation *gen, const struct record_call *call);

#endif
