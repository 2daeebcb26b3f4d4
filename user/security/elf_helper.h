/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What ELF files of traced processes hold, as user/python/ finds it, but found in the sandbox:
 * whoever made such a file may have made it against us.
 *
 * Owns: the questions, and the checks of the answers. Never: opens a file, or keeps an answer.
 */
#ifndef FDTRACE_SECURITY_ELF_HELPER_H
#define FDTRACE_SECURITY_ELF_HELPER_H

#include <stddef.h>
#include <stdint.h>

#include "python/owner_functions.h"
#include "python/runtime.h"

struct foreign;

/* Before anything is opened that the helper should not have. 0 or negative errno. */
int foreign_new(struct foreign **ret_foreign);
void foreign_free(struct foreign *foreign);

/* How many files could not be looked into, for the helper died of them. */
unsigned int foreign_failures(const struct foreign *foreign);

/*
 * As the functions of user/python/ whose names they bear. Also -ECANCELED: the helper died of this
 * file or took too long; -ENOTRECOVERABLE: there is no helper any more; -EBADMSG: its answer makes
 * no sense; -EINTR: see base/heed.h.
 */
int foreign_runtime_find(struct foreign *foreign, int fd, struct python_runtime *ret);
int foreign_code_destructor(struct foreign *foreign, int fd, const struct python_runtime *runtime,
			    uint64_t *ret_offset);
int foreign_owner_functions(struct foreign *foreign, int fd, struct code_range ret[OWNER_CODES]);

#endif
