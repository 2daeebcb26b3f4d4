/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/find_word.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

size_t find_word_plain(const uint64_t *words, size_t count, size_t from, const uint64_t *wanted,
		       size_t wanted_count)
{
	for (size_t i = from; i < count; i++) {
		for (size_t j = 0; j < wanted_count; j++) {
			if (words[i] == wanted[j])
				return i;
		}
	}
	return count;
}

#ifdef __x86_64__
#define VECTORS 4  /* a turn of the loop compares so many with one wanted word ... */
#define STRIDE	16 /* ... which are so many words */

__attribute__((target("avx2"))) static inline __m256i compare(const __m256i here[VECTORS],
							      uint64_t wanted, __m256i found)
{
	const __m256i all = _mm256_set1_epi64x((long long)wanted);

	for (int i = 0; i < VECTORS; i++)
		found = _mm256_or_si256(found, _mm256_cmpeq_epi64(here[i], all));
	return found;
}

/* The first stride that holds one, or the first index behind which less than a stride is left. */
__attribute__((target("avx2"))) static size_t find_stride(const uint64_t *words, size_t count,
							  size_t from, const uint64_t *wanted,
							  size_t wanted_count)
{
	size_t at = from;

	for (; at + STRIDE <= count; at += STRIDE) {
		__m256i here[VECTORS], found = _mm256_setzero_si256();

		for (int i = 0; i < VECTORS; i++)
			here[i] = _mm256_loadu_si256((const __m256i *)(words + at) + i);
		for (size_t j = 0; j < wanted_count; j++)
			found = compare(here, wanted[j], found);
		if (!_mm256_testz_si256(found, found))
			break;
	}
	return at;
}
#endif

size_t find_word(const uint64_t *words, size_t count, size_t from, const uint64_t *wanted,
		 size_t wanted_count)
{
#ifdef __x86_64__
	/* Short searches go on behind a hit: most of what is left of its stride. */
	if (__builtin_cpu_supports("avx2"))
		from = find_stride(words, count, from, wanted, wanted_count);
#endif
	return find_word_plain(words, count, from, wanted, wanted_count);
}
