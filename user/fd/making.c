/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "fd/making.h"

#include "base/syscalls.h"
#include "fd/fd_install.h"
#include "fd/fd_kind.h"
#include "fd/sockets.h"

struct making making_of(struct store *store, const struct record_call *call)
{
	struct making m = {
		.what.type = fd_kind_type(call->call),
		.what.call = call->call,
		.what.flags = call->flags,
		.what.arg = call->arg,
		.cloexec = fd_kind_cloexec(call),
	};

	if (call->call == CALL_INSTALLED)
		m.what = installed_what(call);
	m.text = text_of_call(store, call, m.what.type);
	return m;
}

struct making making_copy(struct store *store, const struct table *table,
			  const struct record_call *call)
{
	const struct slot *slot = slot_find(table, call->fd);
	struct making m = {.cloexec = fd_kind_cloexec(call), .copied = true};

	if (slot_live(slot) && !slot_stale(store, slot)) {
		m.what = slot->newest->what;
		m.text = text_ref(text_of(slot->newest));
	}
	return m;
}
