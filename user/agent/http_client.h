/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One HTTP request at a time, by libcurl, within the agent's own loop.
 *
 * Owns: the connection, and that a receiver costs bounded time and memory, whatever it answers.
 * Never: waits; follows a redirect; repeats a request.
 */
#ifndef FDTRACE_AGENT_HTTP_CLIENT_H
#define FDTRACE_AGENT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an answer's body that are read. */
#define HTTP_ANSWER_MAX (16u << 10)

struct http_client;

struct http_client_options {
	const char *url;     /* lent */
	const char *headers; /* otlp.headers: see otlp_headers.h; lent */
	const char *ca_file; /* whom to trust; lent; NULL: whom the system trusts */
	uint64_t timeout_ms; /* of a whole request */
};

struct http_answer {
	long status;		/* 0: none has come */
	const char *why;	/* then: why not; lent */
	uint64_t retry_after_s; /* Retry-After, in seconds from now; 0: it has none */
	bool json;		/* what its Content-Type says */
	const uint8_t *body;	/* its beginning: lent, till the next request */
	size_t length;
};

/* Loads libcurl. 0; -ENOSYS: it is not to be had: *ret_why, lent; other negative errno. */
int http_client_new(const struct http_client_options *options, struct http_client **ret,
		    const char **ret_why);
void http_client_free(struct http_client *client);

/* Readable when http_client_step() has something to do. Lent. */
int http_client_fd(const struct http_client *client);

/* Begins: none is under way. body: lent, till it has ended. 0 or negative errno. */
int http_client_post(struct http_client *client, const char *content_type, bool gzip,
		     const uint8_t *body, size_t length);

/* Whether the request has ended: then *ret is its answer. */
bool http_client_step(struct http_client *client, struct http_answer *ret);

#endif
