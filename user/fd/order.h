/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Which of two calls may have taken effect first.
 *
 * A record tells when a call returned. When it was entered is known where the record says so, or by
 * what its thread did before (store.after_ns); else records of calls that overlap come within the
 * settle time.
 *
 * Owns: these questions. Never: changes anything.
 */
#ifndef FDTRACE_FD_ORDER_H
#define FDTRACE_FD_ORDER_H

#include "fd/table.h"

/*
 * The call began after the site's call had returned: it is the same thread's, or was entered
 * later, by its record or by what its thread did before (store.after_ns).
 */
bool generation_after(const struct store *store, const struct record_call *call,
		      const struct fd_site *site);

/* The call's record came within the settle time after the site's. */
bool generation_soon(const struct store *store, const struct record_call *call,
		     const struct fd_site *site);

/* The call returned before the snapshot of its table was finished. */
bool generation_early(const struct table *table, const struct record_call *call);

/* The call may have taken effect before the descriptors of its table were listed. */
bool generation_may_be_unlisted(const struct store *store, const struct table *table,
				const struct record_call *call);

/*
 * Before the oldest generation that is known the number may have had another that was open still at
 * this call: it was not seen, or has been forgotten.
 */
bool generation_may_have_older(const struct store *store, const struct slot *slot,
			       const struct record_call *call);

/* The call may have taken effect before that moment; 0: never. */
bool order_may_precede(const struct store *store, const struct record_call *call, uint64_t ns);

/* The call may have taken effect before the site's, though it was recorded later. */
bool order_may_overlap(const struct store *store, const struct record_call *call,
		       const struct fd_site *site);

/*
 * The call may have taken effect before others whose records were lost, or whose process is not
 * known, or which have been forgotten (DOUBT_CUT).
 */
bool order_in_gap(const struct store *store, const struct slot *slot,
		  const struct record_call *call);

#endif
