/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The registers and the stack of a function that is running here, as the kernel side would have
 * taken them, and what this program has mapped, to unwind them by. A test's header.
 */
#ifndef FDTRACE_OWN_STACK_H
#define FDTRACE_OWN_STACK_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"
#include "native/unwind.h"
#include "process/proc.h"

struct taken {
	struct unwind_regs regs;
	uint8_t stack[RECORD_STACK_MAX];
	struct unwind_memory memory;
};

#if defined(__x86_64__)
#define SP(taken) ((taken)->regs.value[7])

static void take_regs(struct taken *taken, const ucontext_t *context)
{
	/* By DWARF number. */
	static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				    REG_RBP, REG_RSP, REG_R8,  REG_R9,	REG_R10, REG_R11,
				    REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		taken->regs.value[i] = context->uc_mcontext.gregs[order[i]];
}
#elif defined(__aarch64__)
#define SP(taken) ((taken)->regs.value[31])

static void take_regs(struct taken *taken, const ucontext_t *context)
{
	memcpy(taken->regs.value, context->uc_mcontext.regs, 31 * 8);
	taken->regs.value[31] = context->uc_mcontext.sp;
	taken->regs.value[32] = context->uc_mcontext.pc;
}
#endif

static volatile int sum;

/* Word by word, past the sanitizers, which take it for an overrun. Up to what exec put there. */
__attribute__((no_sanitize("address"))) static size_t copy_words(uint8_t *to, uint64_t from,
								 size_t bytes)
{
	uint64_t end = (uint64_t)(uintptr_t)environ;
	size_t at = 0;

	for (; at + 8 <= bytes && from + at < end; at += 8)
		*(volatile uint64_t *)(to + at) = *(volatile uint64_t *)(uintptr_t)(from + at);
	return at;
}

static __attribute__((noinline)) void take(struct taken *taken, size_t bytes)
{
	ucontext_t context;

	getcontext(&context);
	take_regs(taken, &context);
	bytes = copy_words(taken->stack, SP(taken), bytes);
	taken->memory = (struct unwind_memory){SP(taken), taken->stack, bytes};
	sum++;
}

struct own {
	struct unwind_module modules[64];
	size_t count;
};

static int add_own(void *arg, const struct proc_mapping *mapping)
{
	struct own *own = arg;
	int fd = proc_open_mapping(getpid(), mapping);
	const char *slash = mapping->path ? strrchr(mapping->path, '/') : NULL;

	if (fd < 0)
		fd = open(mapping->path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && own->count < 64);
	own->modules[own->count++] = (struct unwind_module){
		.mapping = {mapping->start, mapping->end, mapping->offset, false},
		.object = object_new(fd, slash ? slash + 1 : "?", NULL),
	};
	return 0;
}

static int set_up(void **state)
{
	struct own *own = calloc(1, sizeof(*own));

	if (!own)
		return -1;
	*state = own;
	return proc_each_exec_mapping(getpid(), add_own, own);
}

static int tear_down(void **state)
{
	struct own *own = *state;

	for (size_t i = 0; i < own->count; i++)
		object_free(own->modules[i].object);
	free(own);
	return 0;
}

#endif
