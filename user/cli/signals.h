/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The signals that the event loop takes: those that ask to stop, and those that are passed on.
 *
 * Owns: which they are. What we were started to ignore (nohup) stays ignored. Never: acts on one.
 */
#ifndef FDTRACE_CLI_SIGNALS_H
#define FDTRACE_CLI_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on they come as what can be read here, without waiting. The descriptor or -1 (errno). */
int signals_open(void);

/* A signal of this number asks to stop. */
bool signals_ask_to_end(uint32_t number);

/* They act as they do on any program again; those that have not been read are forgotten. */
void signals_let_go(int signal_fd);

#endif
