/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the agent says of itself: a line on standard error, escaped; to the journal with its level.
 */
#ifndef FDTRACE_AGENT_LOG_H
#define FDTRACE_AGENT_LOG_H

/* syslog(3)'s levels, of which these are used: LOG_ERR, LOG_WARNING, LOG_INFO. */
__attribute__((format(printf, 2, 3))) void agent_log(int level, const char *format, ...);

#endif
