/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/expression.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#define STACK_MAX 64
#define OPS_MAX	  256

struct machine {
	const struct unwind_regs *regs;
	const struct unwind_memory *memory;
	const uint64_t *cfa;
	uint64_t stack[STACK_MAX];
	size_t depth;
	bool is_value; /* what is left is the value itself */
};

int memory_read(const struct unwind_memory *memory, uint64_t address, uint64_t *ret)
{
	uint64_t at = address - memory->start;

	if (address < memory->start || at >= memory->size || memory->size - at < sizeof(*ret))
		return -EFAULT;
	memcpy(ret, memory->bytes + at, sizeof(*ret));
	return 0;
}

int regs_read(const struct unwind_regs *regs, uint64_t number, uint64_t *ret)
{
	if (number >= RECORD_REGS)
		return -EINVAL;
	if (!(regs->known >> number & 1))
		return -ENODATA;
	*ret = regs->value[number];
	return 0;
}

static int push_value(struct machine *m, uint64_t value)
{
	if (m->depth == STACK_MAX)
		return -EINVAL;
	m->stack[m->depth++] = value;
	return 0;
}

static int push_reg(struct machine *m, uint64_t number, uint64_t offset)
{
	uint64_t value;
	int err = regs_read(m->regs, number, &value);

	return err ? err : push_value(m, value + offset);
}

/* A register as a location is where the value lies: nothing may follow. */
static int take_reg(struct machine *m, uint64_t number)
{
	m->is_value = true;
	return push_reg(m, number, 0);
}

static int dereference(struct machine *m)
{
	uint64_t *top;

	if (!m->depth)
		return -EINVAL;
	top = &m->stack[m->depth - 1];
	return memory_read(m->memory, *top, top);
}

/* 0, or -EINVAL: no operation on the two topmost values. */
static int two_operands(struct machine *m, uint8_t atom)
{
	uint64_t a, b, *to;

	if (m->depth < 2)
		return -EINVAL;
	b = m->stack[--m->depth];
	to = &m->stack[m->depth - 1];
	a = *to;
	switch (atom) {
	case DW_OP_plus:
		*to = a + b;
		return 0;
	case DW_OP_minus:
		*to = a - b;
		return 0;
	case DW_OP_mul:
		*to = a * b;
		return 0;
	case DW_OP_and:
		*to = a & b;
		return 0;
	case DW_OP_or:
		*to = a | b;
		return 0;
	case DW_OP_xor:
		*to = a ^ b;
		return 0;
	case DW_OP_shl:
		*to = b < 64 ? a << b : 0;
		return 0;
	case DW_OP_shr:
		*to = b < 64 ? a >> b : 0;
		return 0;
	case DW_OP_eq:
		*to = a == b;
		return 0;
	case DW_OP_ne:
		*to = a != b;
		return 0;
	case DW_OP_ge:
		*to = (int64_t)a >= (int64_t)b;
		return 0;
	case DW_OP_gt:
		*to = (int64_t)a > (int64_t)b;
		return 0;
	case DW_OP_le:
		*to = (int64_t)a <= (int64_t)b;
		return 0;
	case DW_OP_lt:
		*to = (int64_t)a < (int64_t)b;
		return 0;
	}
	return -EINVAL;
}

static int move_values(struct machine *m, uint8_t atom)
{
	size_t needed = atom == DW_OP_over || atom == DW_OP_swap ? 2 : 1;
	uint64_t top;

	if (m->depth < needed)
		return -EINVAL;
	top = m->stack[m->depth - 1];
	switch (atom) {
	case DW_OP_dup:
		return push_value(m, top);
	case DW_OP_drop:
		m->depth--;
		return 0;
	case DW_OP_over:
		return push_value(m, m->stack[m->depth - 2]);
	default: /* DW_OP_swap */
		m->stack[m->depth - 1] = m->stack[m->depth - 2];
		m->stack[m->depth - 2] = top;
		return 0;
	}
}

/* What elfutils leaves in number and number2: operands, sign-extended where signed. */
static int evaluate_op(struct machine *m, const Dwarf_Op *op)
{
	uint8_t atom = op->atom;

	if (m->is_value)
		return -EINVAL;
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return push_reg(m, atom - DW_OP_breg0, op->number);
	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31)
		return take_reg(m, atom - DW_OP_reg0);
	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return push_value(m, atom - DW_OP_lit0);
	switch (atom) {
	case DW_OP_bregx:
		return push_reg(m, op->number, op->number2);
	case DW_OP_regx:
		return take_reg(m, op->number);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push_value(m, op->number);
	case DW_OP_call_frame_cfa:
		return m->cfa ? push_value(m, *m->cfa) : -EINVAL;
	case DW_OP_plus_uconst:
		return m->depth ? (m->stack[m->depth - 1] += op->number, 0) : -EINVAL;
	case DW_OP_deref:
		return dereference(m);
	case DW_OP_dup:
	case DW_OP_drop:
	case DW_OP_over:
	case DW_OP_swap:
		return move_values(m, atom);
	case DW_OP_stack_value:
		m->is_value = true;
		return 0;
	case DW_OP_nop:
		return 0;
	}
	return two_operands(m, atom);
}

int expression_evaluate(const Dwarf_Op *ops, size_t count, enum expression_kind kind,
			const struct unwind_regs *regs, const struct unwind_memory *memory,
			const uint64_t *cfa, uint64_t *ret)
{
	struct machine m = {.regs = regs, .memory = memory, .cfa = cfa};

	if (count > OPS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		int err = evaluate_op(&m, &ops[i]);

		if (err)
			return err;
	}
	if (!m.depth)
		return -EINVAL;
	*ret = m.stack[m.depth - 1];
	return kind == EXPRESSION_LOCATION && !m.is_value ? memory_read(memory, *ret, ret) : 0;
}
