/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The spool's thread: it writes what is put in and settled, and reads ahead what waits.
 *
 * Owns: the file, and what is done when the disk fails or the file is damaged. Never: has the lock
 * while it waits for the disk.
 */
#ifndef FDTRACE_AGENT_SPOOL_THREAD_H
#define FDTRACE_AGENT_SPOOL_THREAD_H

#include "agent/spool_state.h"

/* Opens the file and looks what is in it; a damaged one is set aside. Without the lock. */
void spool_open_file(struct spool *spool);

/* The file is damaged: it is set aside, and a new one begun. Without the lock. */
void spool_replace_file(struct spool *spool);

/* What pthread_create() runs. spool: struct spool. */
void *spool_thread_run(void *spool);

#endif
