/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the agent's own process takes, as /proc and the kernel's accounting have it. */
#ifndef FDTRACE_AGENT_SELF_H
#define FDTRACE_AGENT_SELF_H

#include <stdint.h>

uint64_t self_cpu_ns(void);	    /* user and system time, of its helpers that have ended, too */
uint64_t self_resident_bytes(void); /* 0: not known */
uint64_t self_open_fds(void);	    /* 0: not known */

#endif
