/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What fdtrace says to people of itself: one line, on standard error, escaped for a terminal.
 */
#ifndef FDTRACE_COMPLAIN_H
#define FDTRACE_COMPLAIN_H

__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
