/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The agent's answers over HTTP: GET /metrics, /healthz, /findings.
 *
 * Owns: the listening socket, and how many ask at once. It answers within the agent's own loop: who
 * is answered knows that the loop runs. Never: changes anything; waits for who asks.
 */
#ifndef FDTRACE_AGENT_HTTP_H
#define FDTRACE_AGENT_HTTP_H

#include <stdio.h>

struct http;

/* What is asked for: printed by whoever knows. */
struct http_pages {
	void (*metrics)(void *arg, FILE *out);
	void (*findings)(void *arg, FILE *out);
	void *arg;
};

/*
 * address: HOST:PORT, HOST a number; or [HOST]:PORT; or a socket that systemd hands over
 * (sd_listen_fds(3)) goes before it. Prints where it listens into ret_url (64 bytes at least). 0;
 * -EINVAL: no such address; other negative errno: it cannot listen there.
 */
int http_open(const char *address, const struct http_pages *pages, char *ret_url, size_t size,
	      struct http **ret_http);
void http_close(struct http *http);

/* Readable when http_step() has something to do. Lent. */
int http_fd(const struct http *http);
void http_step(struct http *http);

#endif
