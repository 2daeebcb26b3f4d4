/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What Python calls the class of an object that owns a descriptor: the kernel side tells its name
 * alone, which of a class written in Python lacks the module.
 *
 * Owns: that addition, read in the process while it is there. Never: keeps a name.
 */
#ifndef FDTRACE_TRACER_OWNER_CLASS_H
#define FDTRACE_TRACER_OWNER_CLASS_H

#include "base/records.h"

struct py_layout;

/*
 * Feeds the record, with the module in front of the name where that is missing and can be read: of
 * a process that runs a Python of this layout. What feed returned, or -ENOMEM.
 */
int owner_class_named(const struct record_owner_type *record, const struct py_layout *layout,
		      record_fn feed, void *arg);

#endif
