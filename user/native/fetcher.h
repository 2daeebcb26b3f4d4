/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A process of its own that asks debuginfod servers for separate files of names.
 *
 * Owns: that process: a fresh copy of this program, without privileges, as the user who asked for
 * it; what is remembered of the environment for it; the client library, which only it loads.
 * Never: looks into a file that a server has sent; trusts what it answers.
 */
#ifndef FDTRACE_NATIVE_FETCHER_H
#define FDTRACE_NATIVE_FETCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No file takes longer. */
#define FETCHER_WAIT_MS 60000

struct fetcher;

/*
 * Starts it. urls: the servers, with blanks between them. Started by root it is the user behind
 * sudo, whose cache it uses, else nobody, with a cache that goes with it. 0; -ELIBACC: there is no
 * client library (libdebuginfod.so.1); other negative errno.
 */
int fetcher_new(const char *urls, struct fetcher **ret_fetcher);
void fetcher_free(struct fetcher *fetcher);

/* Asks for the file of a build; one question at a time. 0; negative errno: it is gone. */
int fetcher_ask(struct fetcher *fetcher, const uint8_t *build_id, size_t bytes);

/*
 * The answer, waiting up to wait_ms for it. 0: *ret_fd is a regular file, the caller's, or -1: no
 * server has it. -EAGAIN: not yet. Other negative errno: no server has answered (-ETIME: in time),
 * or (-EPIPE) the process is gone.
 */
int fetcher_answer(struct fetcher *fetcher, int wait_ms, int *ret_fd);

/* Readable when there is an answer, or the process is gone. Lent. */
int fetcher_fd(const struct fetcher *fetcher);

/* Whether this process was started to be the fetcher; then fetcher_run() is all that it does. */
bool fetcher_is_wanted(const char *program);
int fetcher_run(void);

#endif
