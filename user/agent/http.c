/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/metrics.h"
#include "base/amount.h"
#include "base/mem.h"

/* Who keeps a connection open and says nothing is let go of. */
#define TIMEOUT_S	10
#define CONNECTIONS_MAX 16
#define BACKLOG		16

struct http {
	struct http_pages pages;
	struct MHD_Daemon *daemon;
	int epoll_fd;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, char *text, size_t size, bool ours)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		size, text, ours ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response) {
		free(ours ? text : NULL);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int status,
				   char *text)
{
	return answer(connection, status, "text/plain; charset=utf-8", text, strlen(text), false);
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, const char *type,
				   void (*print)(void *arg, FILE *out), void *arg)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return MHD_NO;
	print(arg, out);
	if (fclose(out)) {
		free(text);
		return MHD_NO;
	}
	return answer(connection, MHD_HTTP_OK, type, text, size, true);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	static char ok[] = "ok\n", not_here[] = "/metrics, /healthz and /findings are here\n",
		    get_only[] = "only GET\n";
	const struct http *http = arg;

	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, get_only);
	if (!strcmp(url, "/metrics"))
		return answer_page(connection, METRICS_TYPE, http->pages.metrics, http->pages.arg);
	if (!strcmp(url, "/findings"))
		return answer_page(connection, "application/json", http->pages.findings,
				   http->pages.arg);
	if (!strcmp(url, "/healthz"))
		return answer_text(connection, MHD_HTTP_OK, ok);
	return answer_text(connection, MHD_HTTP_NOT_FOUND, not_here);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The size of the address. 0: it is none. */
static socklen_t parse_address(const char *text, union address *ret)
{
	const char *colon = strrchr(text, ':'), *end = colon;
	char host[INET6_ADDRSTRLEN];
	unsigned long port;
	bool v6 = *text == '[';

	if (!colon || !amount_number(colon + 1, colon + strlen(colon), UINT16_MAX, &port))
		return 0;
	text += v6;
	end -= v6;
	if (end < text || (size_t)(end - text) >= sizeof(host) || (v6 && *end != ']'))
		return 0;
	memcpy(host, text, end - text);
	host[end - text] = '\0';
	*ret = (union address){0};
	if (v6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		return inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1 ? sizeof(ret->v6) : 0;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(port);
	return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1 ? sizeof(ret->v4) : 0;
}

/* The socket, or negative errno. */
static int listen_at(const char *text)
{
	_cleanup_close_ int fd = -1;
	union address address;
	socklen_t size;

	if (sd_listen_fds(0) > 0)
		return SD_LISTEN_FDS_START;
	size = parse_address(text, &address);
	if (!size)
		return -EINVAL;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(fd, &address.any, size) || listen(fd, BACKLOG))
		return -errno;
	return TAKE_FD(fd);
}

static void print_url(int fd, char *ret_url, size_t size)
{
	union address address = {0};
	socklen_t length = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "";

	getsockname(fd, &address.any, &length);
	if (address.any.sa_family == AF_INET6)
		snprintf(ret_url, size, "http://[%s]:%u",
			 inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host)) ?: "",
			 ntohs(address.v6.sin6_port));
	else if (address.any.sa_family == AF_INET)
		snprintf(ret_url, size, "http://%s:%u",
			 inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host)) ?: "",
			 ntohs(address.v4.sin_port));
	else
		snprintf(ret_url, size, "a socket that was handed over");
}

int http_open(const char *address, const struct http_pages *pages, char *ret_url, size_t size,
	      struct http **ret_http)
{
	_cleanup_close_ int fd = listen_at(address);
	struct http *http = fd < 0 ? NULL : calloc(1, sizeof(*http));
	const union MHD_DaemonInfo *info;

	if (!http)
		return fd < 0 ? fd : -ENOMEM;
	http->pages = *pages;
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http,
					MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
					MHD_OPTION_END);
	if (!http->daemon) {
		free(http);
		return -EIO;
	}
	print_url(fd, ret_url, size);
	TAKE_FD(fd); /* MHD closes it */
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->epoll_fd = info ? info->epoll_fd : -1;
	*ret_http = http;
	return 0;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}

int http_fd(const struct http *http)
{
	return http->epoll_fd;
}

void http_step(struct http *http)
{
	MHD_run(http->daemon);
}
