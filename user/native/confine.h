/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A process that gives away what it could do harm with.
 *
 * Owns: the order of it: limits, root directory, user, capabilities, system calls. Never: goes on
 * where a step fails.
 */
#ifndef FDTRACE_NATIVE_CONFINE_H
#define FDTRACE_NATIVE_CONFINE_H

/*
 * From here on the process has no privileges, sees of all files at most those below debug_dir
 * (which is its root then; none where that cannot be), and has but the system calls of one that
 * computes: others fail, and to ask for code to run ends it. 0 or negative errno: then nothing of a
 * foreign file must be parsed.
 */
int confine(const char *debug_dir);

#endif
