/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Time: records carry CLOCK_BOOTTIME nanoseconds, people and JSON want wall-clock time.
 *
 * Owns: the offset between both. Never: formats for a report.
 */
#ifndef FDTRACE_BASE_CLOCK_H
#define FDTRACE_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME now, nanoseconds. */
uint64_t clock_boot_ns(void);

/* CLOCK_REALTIME now, nanoseconds: what the times of files are compared with. */
uint64_t clock_monotonic_ns(void);
uint64_t clock_real_ns(void);

/* What to add to a CLOCK_BOOTTIME time to get nanoseconds since the epoch. */
int64_t clock_wall_offset_ns(void);

#endif
