/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The user behind sudo.
 *
 * Owns: what sudo's variables mean. Never: changes who we are.
 */
#ifndef FDTRACE_BASE_SUDO_H
#define FDTRACE_BASE_SUDO_H

#include <sys/types.h>

/*
 * Who has called us by sudo. 0; -ENOENT: nobody has, or we are not root; -EINVAL: the variables
 * make no sense.
 */
int sudo_user(uid_t *ret_uid, gid_t *ret_gid);

#endif
