/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which word of many is one of a few that are looked for?
 *
 * Owns: that search, by vector instructions where the processor has them. Pure.
 */
#ifndef FDTRACE_BASE_FIND_WORD_H
#define FDTRACE_BASE_FIND_WORD_H

#include <stddef.h>
#include <stdint.h>

/* The index, not below from, of the first of count words that equals one of wanted; or count. */
size_t find_word(const uint64_t *words, size_t count, size_t from, const uint64_t *wanted,
		 size_t wanted_count);

/* The same without vector instructions: what find_word() falls back to. */
size_t find_word_plain(const uint64_t *words, size_t count, size_t from, const uint64_t *wanted,
		       size_t wanted_count);

#endif
