/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/bucket.h"

#define MINUTE_NS UINT64_C(60000000000)

bool bucket_take(struct bucket *bucket, uint64_t now_ns)
{
	uint64_t cost = MINUTE_NS / bucket->per_minute;
	uint64_t from = bucket->empty_ns > now_ns ? bucket->empty_ns : now_ns;

	if (from + cost - now_ns > bucket->burst * cost)
		return false;
	bucket->empty_ns = from + cost;
	return true;
}
