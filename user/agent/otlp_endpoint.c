/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otlp_endpoint.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* Behind the scheme. NULL: it is another. */
static const char *skip_scheme(const char *url)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (!strncasecmp(url, schemes[i], strlen(schemes[i])))
			return url + strlen(schemes[i]);
	return NULL;
}

bool otlp_endpoint_right(const char *url, bool *ret_path)
{
	const char *host = skip_scheme(url);
	size_t length;

	if (!host)
		return false;
	length = strcspn(host, "/?#");
	*ret_path = host[length] == '/';
	for (const char *at = url; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return false;
	return length && !memchr(host, '@', length) && (*ret_path || !host[length]);
}
