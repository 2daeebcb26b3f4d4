/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What a call may have meant, where that is open: the generations that a finding lists.
 *
 * Owns: which they are. Never: judges whether it is open.
 */
#ifndef FDTRACE_FD_CANDIDATES_H
#define FDTRACE_FD_CANDIDATES_H

#include "fd/verdict.h"

/* It is open, nobody is accused, and so far there is no candidate. */
void candidates_none(struct finding *f);

/* As far as there is room. What its paths lie in stays the generation's. */
void candidates_add(struct verdict *verdict, const struct generation *gen);

/*
 * It is open, and all that is over may be meant, gen (NULL: none) first, but for what nobody else
 * can have been given.
 */
void candidates_all(const struct slot *slot, const struct generation *gen, struct verdict *verdict);

#endif
