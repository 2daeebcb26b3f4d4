/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Is this ELF file a Python, which one, and where in it is its runtime?
 *
 * Owns: the search in an ELF file. The file is hostile: bounded, every offset checked.
 * Never: trusts a file's name; touches a process.
 */
#ifndef FDTRACE_PYTHON_RUNTIME_H
#define FDTRACE_PYTHON_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/owner_layout.h"
#include "abi/py_layout.h"

/* No pointer in it: it may travel. */
struct python_runtime {
	unsigned int version;  /* 0x030b: CPython 3.11 */
	char version_text[16]; /* "3.11.2", "3.14.1t", or "3.9" where the file does not say more */
	bool pypy;	       /* PyPy; no CPython, and version_text is empty */
	bool fixed;	       /* ET_EXEC: addresses are final, there is no load bias */
	uint64_t runtime;      /* address of _PyRuntime (3.6: interp_head), without load bias */
	uint64_t code_type;    /* address of PyCode_Type */
	/* The first executable segment in whole pages: what mmap maps, and where. */
	uint64_t text_vaddr;
	uint64_t text_offset;
	struct py_layout layout; /* what holds for this very build */
	/* Without load bias. CODE_FINALIZE and CODE_FINALIZE_FREED, where symbols tell. */
	struct code_range code[OWNER_CODES];
};

/*
 * fd: an ELF file, open for reading; not closed.
 * 0: *ret filled in. -ENOENT: not a Python. -ENOTSUP: one that fdtrace has no layout for: PyPy,
 * another version, no final release, or built so that its code objects or the offsets that it
 * publishes are not the version's own (version_text is filled in: "3" or "before 3.6" where no
 * more is known; version: 0 then). -EINVAL: no sane ELF file of this architecture. Other negative
 * errno: reading failed.
 */
int python_runtime_find(int fd, struct python_runtime *ret);

#endif
