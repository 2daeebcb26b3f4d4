/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Makes system calls at a depth of native frames, each with a frame pointer. Reads lines
 * "DEPTH COUNT", makes COUNT calls that fail, and answers with the nanoseconds of CPU time.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

long long at_depth(int frames, long count);

__attribute__((noinline, used)) long long at_depth(int frames, long count)
{
	long long start;

	if (frames > 1) {
		start = at_depth(frames - 1, count);
		__asm__ volatile(""); /* no tail call */
		return start;
	}
	start = cpu_ns();
	for (long i = 0; i < count; i++)
		close(-1);
	return cpu_ns() - start;
}

/* With a chain of frame pointers that ends, as that of a program whose libc has them too. */
static long long at_bottom(int frames, long count)
{
	long long result;

#ifdef __x86_64__
	__asm__ volatile("push %%rbp\n\tpush %%rbp\n\txor %%ebp, %%ebp\n\tcall at_depth\n\t"
			 "pop %%rbp\n\tpop %%rbp"
			 : "=a"(result), "+D"(frames), "+S"(count)
			 :
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
#else
	result = at_depth(frames, count);
#endif
	return result;
}

int main(void)
{
	int depth;
	long count;

	while (scanf("%d %ld", &depth, &count) == 2) {
		printf("%lld\n", at_bottom(depth, count));
		fflush(stdout);
	}
	return 0;
}
