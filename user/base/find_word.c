/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "base/find_word.h"

#include <stdbool.h>

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
#define STRIDE	  16 /* words that a turn of the loop compares with each wanted one */
#define FOLDS_MAX 40 /* so many wanted ones have a vector of their own: 1.3 KB of the stack */

struct stride {
	__m256i a, b, c, d;
};

__attribute__((target("avx2"))) static inline struct stride load(const uint64_t *words)
{
	const __m256i *here = (const __m256i *)words;

	return (struct stride){_mm256_loadu_si256(here), _mm256_loadu_si256(here + 1),
			       _mm256_loadu_si256(here + 2), _mm256_loadu_si256(here + 3)};
}

/* The lower halves of eight words, in any order, cut down to their bits 4 to 19. */
__attribute__((target("avx2"))) static inline __m256i low_bits(__m256i a, __m256i b)
{
	const __m256 low = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);

	return _mm256_and_si256(_mm256_srli_epi32(_mm256_castps_si256(low), 4),
				_mm256_set1_epi32(0xffff));
}

/* Sixteen bits of each of its words: those in which addresses differ most. */
__attribute__((target("avx2"))) static inline __m256i fold(struct stride s)
{
	return _mm256_packus_epi32(low_bits(s.a, s.b), low_bits(s.c, s.d));
}

__attribute__((target("avx2"))) static bool holds_one(struct stride s, const uint64_t *wanted,
						      size_t wanted_count)
{
	__m256i found = _mm256_setzero_si256();

	for (size_t j = 0; j < wanted_count; j++) {
		const __m256i one = _mm256_set1_epi64x((long long)wanted[j]);
		const __m256i ab =
			_mm256_or_si256(_mm256_cmpeq_epi64(s.a, one), _mm256_cmpeq_epi64(s.b, one));
		const __m256i cd =
			_mm256_or_si256(_mm256_cmpeq_epi64(s.c, one), _mm256_cmpeq_epi64(s.d, one));

		found = _mm256_or_si256(found, _mm256_or_si256(ab, cd));
	}
	return !_mm256_testz_si256(found, found);
}

/*
 * The first stride that holds one, or the first index behind which less than a stride is left.
 * Of most strides a quarter of their bits says already that none is in it.
 */
__attribute__((target("avx2"))) static size_t find_stride(const uint64_t *words, size_t count,
							  size_t from, const uint64_t *wanted,
							  size_t wanted_count)
{
	__m256i folds[FOLDS_MAX];
	size_t at = from;

	for (size_t j = 0; j < wanted_count; j++)
		folds[j] = _mm256_set1_epi16((short)(wanted[j] >> 4));
	for (; at + STRIDE <= count; at += STRIDE) {
		const struct stride here = load(words + at);
		const __m256i folded = fold(here);
		__m256i maybe = _mm256_setzero_si256();

		for (size_t j = 0; j < wanted_count; j++)
			maybe = _mm256_or_si256(maybe, _mm256_cmpeq_epi16(folded, folds[j]));
		if (!_mm256_testz_si256(maybe, maybe) && holds_one(here, wanted, wanted_count))
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
	if (wanted_count <= FOLDS_MAX && __builtin_cpu_supports("avx2"))
		from = find_stride(words, count, from, wanted, wanted_count);
#endif
	return find_word_plain(words, count, from, wanted, wanted_count);
}
