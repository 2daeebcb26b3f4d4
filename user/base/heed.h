/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Signals that come while something takes long.
 *
 * Owns: the one question that every loop over what a process has made asks at each turn, and every
 * wait of ours: is it to end? Never: reads a signal itself: whoever runs the session does.
 */
#ifndef FDTRACE_BASE_HEED_H
#define FDTRACE_BASE_HEED_H

#include <stdbool.h>

/*
 * From here on fd is looked at: once it is readable, fn sees to what it brings, and says whether
 * whatever is under way is to be given up. fd -1: no more.
 */
void heed_set(int fd, bool (*fn)(void *arg), void *arg);

/* Whether to give up what is under way: from then on always. Cheap: asks now and then. */
bool heed(void);

/*
 * As poll(2) of one descriptor. 1; 0: wait_ms are over; -EINTR: to be given up; other negative
 * errno.
 */
int heed_poll(int fd, short events, int wait_ms);

#endif
