/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

/* zlib's largest window, and a gzip header in place of zlib's own. */
#define GZIP_WINDOW (15 + 16)
#define MEM_LEVEL   8

int gzip_bytes(const uint8_t *bytes, size_t length, uint8_t **ret, size_t *ret_length)
{
	z_stream stream = {.next_in = (uint8_t *)bytes, .avail_in = (uInt)length};
	_cleanup_free_ uint8_t *out = NULL;
	size_t room;
	int err;

	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&stream, length);
	out = malloc(room);
	stream.next_out = out;
	stream.avail_out = (uInt)room;
	err = out && deflate(&stream, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	*ret_length = stream.total_out;
	deflateEnd(&stream);
	if (!err)
		*ret = TAKE_PTR(out);
	return err;
}
