/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/unwind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The System V ABIs for x86-64 and AArch64: DWARF register number mapping. */
#if defined(__x86_64__)
#define REG_SP	  7
#define REG_PC	  16
#define PC_MASK	  UINT64_MAX
#define REGISTERS 17
#elif defined(__aarch64__)
#define REG_SP	  31
#define REG_PC	  32
#define PC_MASK	  ((UINT64_C(1) << 48) - 1) /* a return address may be signed above */
#define REGISTERS 33
#endif

#define ALL_REGISTERS ((UINT64_C(1) << REGISTERS) - 1)

struct unwinder {
	const struct unwind_memory *memory;
	struct unwind_module *modules;
	size_t count;
	struct unwind_regs regs;
	struct unwind_stack *stack;
};

static void free_frame(Dwarf_Frame **frame)
{
	free(*frame);
}

static struct unwind_module *find_unwind_module(const struct unwinder *u, uint64_t pc,
						uint64_t *ret_bias)
{
	for (size_t i = 0; i < u->count; i++) {
		struct unwind_module *module = &u->modules[i];
		struct object_mapping *mapping = &module->mapping;

		if (!module->object || pc < mapping->start || (mapping->end && pc >= mapping->end))
			continue;
		if (!object_bias(module->object, mapping, ret_bias) && pc < mapping->end)
			return module;
	}
	*ret_bias = 0;
	return NULL;
}

/* Of unwind information: what went wrong, as the end of a stack. */
static enum native_end end_of_unwind(int err)
{
	return err == -EFAULT ? NATIVE_STACK : NATIVE_BROKEN;
}

static int frame_address(const struct unwinder *u, Dwarf_Frame *frame, uint64_t *ret)
{
	size_t count = 0;
	Dwarf_Op *ops;

	if (dwarf_frame_cfa(frame, &ops, &count))
		return -EINVAL;
	return expression_evaluate(ops, count, EXPRESSION_VALUE, &u->regs, u->memory, NULL, ret);
}

/* A register as the caller had it. 0; -ENODATA: the rules say that nobody can know. */
static int caller_register(const struct unwinder *u, Dwarf_Frame *frame, int number, uint64_t cfa,
			   uint64_t *ret)
{
	Dwarf_Op memory[3], *ops;
	size_t count;
	int err;

	if (dwarf_frame_register(frame, number, memory, &ops, &count))
		return -EINVAL;
	if (!count && ops == memory)
		return -ENODATA;
	err = count ? expression_evaluate(ops, count, EXPRESSION_LOCATION, &u->regs, u->memory,
					  &cfa, ret)
		    : regs_read(&u->regs, number, ret); /* the same value */
	return err == -ENODATA ? -EINVAL : err;		/* of one that we do not know */
}

/*
 * To the calling frame. *ret_up: there is one, and its registers are u's now. The return address is
 * undefined in a thread's first function: that is how its unwind information ends a stack.
 */
static enum native_end step_out(struct unwinder *u, Dwarf_Frame *frame, int ra, bool signal,
				bool *ret_up)
{
	struct unwind_regs caller = {0};
	uint64_t cfa = 0, pc = 0;
	int err = frame_address(u, frame, &cfa);

	*ret_up = false;
	if (err)
		return end_of_unwind(err);
	err = caller_register(u, frame, ra, cfa, &pc);
	if (err == -ENODATA || (!err && !pc))
		return NATIVE_COMPLETE;
	if (err)
		return end_of_unwind(err);
	for (int i = 0; i < REGISTERS; i++)
		if (!caller_register(u, frame, i, cfa, &caller.value[i]))
			caller.known |= UINT64_C(1) << i;
	if (!(caller.known >> REG_SP & 1)) {
		caller.value[REG_SP] = cfa;
		caller.known |= UINT64_C(1) << REG_SP;
	}
	caller.value[REG_PC] = pc & PC_MASK;
	caller.known |= UINT64_C(1) << REG_PC;
	/* A stack grows downwards; only a signal handler may have had one of its own. */
	if (!signal && (caller.value[REG_SP] < u->regs.value[REG_SP] ||
			(caller.value[REG_SP] == u->regs.value[REG_SP] && u->stack->depth > 1)))
		return NATIVE_BROKEN;
	u->regs = caller;
	*ret_up = true;
	return NATIVE_COMPLETE;
}

/* musl's first function has no unwind information, and no caller. */
static bool is_first_function(const struct unwind_frame *frame)
{
	return frame->symbol && !strcmp(frame->symbol, "_start");
}

#if defined(__aarch64__)
/* struct rt_sigframe: behind siginfo and the head of a ucontext, and a fault's address. */
#define INTERRUPTED_REGS (128 + 176 + 8)

/*
 * A signal's handler returns to the vDSO, which is in no file; at the stack pointer then lies what
 * it had interrupted, and x29 points to a frame record, which must say the same
 * (arch/arm64/kernel/signal.c: struct rt_sigframe_user_layout).
 */
static bool interrupted(const struct unwinder *u, struct unwind_regs *ret)
{
	uint64_t at = u->regs.value[REG_SP] + INTERRUPTED_REGS, fp, lr;

	for (int i = 0; i < REGISTERS; i++)
		if (memory_read(u->memory, at + (uint64_t)i * 8, &ret->value[i]))
			return false;
	ret->known = ALL_REGISTERS;
	return !memory_read(u->memory, u->regs.value[29], &fp) &&
	       !memory_read(u->memory, u->regs.value[29] + 8, &lr) && fp == ret->value[29] &&
	       lr == ret->value[30];
}
#else
/* The C library has a function of its own to return to, with unwind information. */
static bool interrupted(const struct unwinder *u, struct unwind_regs *ret)
{
	return false;
}
#endif

/* A frame in no module. */
static enum native_end step_unknown(struct unwinder *u, struct unwind_frame *out, bool *exact,
				    bool *ret_up)
{
	struct unwind_regs regs;

	if (*exact || !interrupted(u, &regs))
		return NATIVE_NO_MODULE;
	out->symbol = "__kernel_rt_sigreturn";
	u->regs = regs;
	*exact = true;
	*ret_up = true;
	return NATIVE_COMPLETE;
}

/*
 * The frame of u's registers, and the step out of it. exact: pc is an instruction that was
 * interrupted; else the one behind a call, which may belong to another function.
 */
static enum native_end one_frame(struct unwinder *u, bool *exact, bool *ret_up)
{
	__attribute__((cleanup(free_frame))) Dwarf_Frame *frame = NULL;
	struct unwind_frame *out = &u->stack->frames[u->stack->depth++];
	uint64_t pc = u->regs.value[REG_PC], bias = 0, look = pc - !*exact;
	struct unwind_module *module = find_unwind_module(u, look, &bias);
	int ra;

	*ret_up = false;
	*out = (struct unwind_frame){.address = pc - bias};
	if (!module)
		return step_unknown(u, out, exact, ret_up);
	out->object = module->object;
	out->symbol = object_symbol(module->object, look - bias);
	frame = object_frame(module->object, look - bias);
	if (!frame)
		return is_first_function(out) ? NATIVE_COMPLETE : NATIVE_NO_CFI;
	ra = dwarf_frame_info(frame, NULL, NULL, exact);
	if (ra < 0)
		return NATIVE_BROKEN;
	return step_out(u, frame, ra, *exact, ret_up);
}

enum native_end unwind(struct unwind_regs regs, const struct unwind_memory *memory,
		       struct unwind_module *modules, size_t count, struct unwind_stack *ret)
{
	struct unwinder u = {memory, modules, count, regs, ret};
	enum native_end end = NATIVE_FRAMES;
	bool exact = true, up = true;

	u.regs.known = ALL_REGISTERS;
	ret->depth = 0;
	while (up) {
		if (ret->depth == RECORD_NATIVES_MAX)
			return NATIVE_FRAMES;
		end = one_frame(&u, &exact, &up);
	}
	return end;
}
