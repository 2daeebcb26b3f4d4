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

struct elf_helper;

/* Before anything is opened that the helper should not have. 0 or negative errno. */
int elf_helper_new(struct elf_helper **ret_elf_helper);
void elf_helper_free(struct elf_helper *elf_helper);

/* How many files could not be looked into, for the helper died of them. */
unsigned int elf_helper_failures(const struct elf_helper *elf_helper);

/*
 * As the functions of user/python/ whose names they bear. Also -ECANCELED: the helper died of this
 * file or took too long; -ENOTRECOVERABLE: there is no helper any more; -EBADMSG: its answer makes
 * no sense; -EINTR: see base/heed.h.
 */
int elf_helper_runtime_find(struct elf_helper *elf_helper, int fd, struct python_runtime *ret);
int elf_helper_code_destructor(struct elf_helper *elf_helper, int fd,
			       const struct python_runtime *runtime, uint64_t *ret_offset);
int elf_helper_owner_functions(struct elf_helper *elf_helper, int fd,
			       struct code_range ret[OWNER_CODES]);

#endif
