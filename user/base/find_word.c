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
#define STRIDE 16 /* words that a turn of the loop compares with each wanted one */

/*
 * The first stride that holds one, or the first index behind which less than a stride is left.
 * Written out, so that every compiler keeps the four vectors in registers.
 */
__attribute__((target("avx2"))) static size_t find_stride(const uint64_t *words, size_t count,
							  size_t from, const uint64_t *wanted,
							  size_t wanted_count)
{
	size_t at = from;

	for (; at + STRIDE <= count; at += STRIDE) {
		const __m256i *here = (const __m256i *)(words + at);
		const __m256i a = _mm256_loadu_si256(here), b = _mm256_loadu_si256(here + 1);
		const __m256i c = _mm256_loadu_si256(here + 2), d = _mm256_loadu_si256(here + 3);
		__m256i found = _mm256_setzero_si256();

		for (size_t j = 0; j < wanted_count; j++) {
			const __m256i one = _mm256_set1_epi64x((long long)wanted[j]);
			const __m256i ab = _mm256_or_si256(_mm256_cmpeq_epi64(a, one),
							   _mm256_cmpeq_epi64(b, one));
			const __m256i cd = _mm256_or_si256(_mm256_cmpeq_epi64(c, one),
							   _mm256_cmpeq_epi64(d, one));

			found = _mm256_or_si256(found, _mm256_or_si256(ab, cd));
		}
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
