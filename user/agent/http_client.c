/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/http_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/curl_library.h"
#include "agent/otlp_headers.h"
#include "base/mem.h"

#define CONNECT_MS_MAX 10000

struct http_client {
	const struct curl_library *curl;
	struct http_client_options options;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers; /* of the request that is under way */
	int epoll_fd;		    /* curl's sockets, and its timer */
	int timer_fd;
	bool busy, ended;
	CURLcode result;
	char error[CURL_ERROR_SIZE];
	uint8_t body[HTTP_ANSWER_MAX];
	size_t length;
};

/* --- what curl asks for --------------------------------------------------------------------- */

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_client *client = arg;
	struct epoll_event event = {.data.fd = fd};

	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(client->epoll_fd, EPOLL_CTL_MOD, fd, &event) && errno == ENOENT)
		epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	const struct http_client *client = arg;
	struct itimerspec timer = {0};

	/* Nothing at all would stop it; curl asks for 0 where it is to be called at once. */
	timer.it_value.tv_sec = ms > 0 ? ms / 1000 : 0;
	timer.it_value.tv_nsec = ms > 0 ? ms % 1000 * 1000000 : ms == 0;
	timerfd_settime(client->timer_fd, 0, &timer, NULL);
	return 0;
}

/* What is beyond the bound is not read: that ends the request. */
static size_t take_answer(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_client *client = arg;
	size_t room = sizeof(client->body) - client->length, more = size * count;

	memcpy(client->body + client->length, bytes, more < room ? more : room);
	client->length += more < room ? more : room;
	return more <= room ? more : 0;
}

/* --- one request ---------------------------------------------------------------------------- */

static int add_header(void *arg, const char *name, const char *value)
{
	struct http_client *client = arg;
	_cleanup_free_ char *line = NULL;
	struct curl_slist *list;

	if (asprintf(&line, "%s: %s", name, value) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	list = client->curl->slist_append(client->headers, line);
	if (!list)
		return -ENOMEM;
	client->headers = list;
	return 0;
}

static int set_request_headers(struct http_client *client, const char *content_type, bool gzip)
{
	int err;

	client->curl->slist_free_all(client->headers);
	client->headers = client->curl->slist_append(NULL, "Expect:"); /* no 100 is waited for */
	err = client->headers ? add_header(client, "Content-Type", content_type) : -ENOMEM;
	if (!err && gzip)
		err = add_header(client, "Content-Encoding", "gzip");
	if (!err)
		err = otlp_headers_each(client->options.headers, add_header, client);
	return err;
}

static void set_request(struct http_client *client, const uint8_t *body, size_t length)
{
	const struct curl_library *curl = client->curl;
	long timeout = (long)client->options.timeout_ms;
	CURL *easy = client->easy;

	curl->easy_reset(easy);
	curl->easy_setopt(easy, CURLOPT_URL, client->options.url);
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl->easy_setopt(easy, CURLOPT_USERAGENT, "fdtrace/" FDTRACE_VERSION);
	curl->easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
	curl->easy_setopt(easy, CURLOPT_POST, 1L);
	curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	curl->easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			  timeout < CONNECT_MS_MAX ? timeout : (long)CONNECT_MS_MAX);
	if (client->options.ca_file)
		curl->easy_setopt(easy, CURLOPT_CAINFO, client->options.ca_file);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, client);
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
}

int http_client_post(struct http_client *client, const char *content_type, bool gzip,
		     const uint8_t *body, size_t length)
{
	int err = set_request_headers(client, content_type, gzip);

	if (err)
		return err;
	client->ended = false;
	client->length = 0;
	client->error[0] = '\0';
	set_request(client, body, length);
	if (client->curl->multi_add_handle(client->multi, client->easy))
		return -EIO;
	client->busy = true;
	return 0;
}

static void act(struct http_client *client)
{
	struct epoll_event events[8];
	int n = epoll_wait(client->epoll_fd, events, ARRAY_SIZE(events), 0), left;
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd, what = 0;

		if (fd == client->timer_fd) {
			(void)!read(fd, &ticks, sizeof(ticks));
			client->curl->multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0,
							  &left);
			continue;
		}
		what |= events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0;
		what |= events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
		what |= events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
		client->curl->multi_socket_action(client->multi, fd, what, &left);
	}
}

static bool has_ended(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = client->curl->multi_info_read(client->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		client->result = message->data.result;
		client->ended = true;
	}
	return client->ended;
}

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";

	return content_type && !strncasecmp(content_type, json, sizeof(json) - 1);
}

/* A status that has come counts, whatever became of the rest: the receiver has decided. */
static void read_answer(struct http_client *client, struct http_answer *ret)
{
	const struct curl_library *curl = client->curl;
	curl_off_t retry_after = 0;
	char *content_type = NULL;

	*ret = (struct http_answer){.body = client->body, .length = client->length};
	curl->easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	curl->easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &retry_after);
	curl->easy_getinfo(client->easy, CURLINFO_CONTENT_TYPE, &content_type);
	ret->retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
	ret->json = is_json(content_type);
	if (!ret->status)
		ret->why = client->error[0] ? client->error : curl->easy_strerror(client->result);
}

bool http_client_step(struct http_client *client, struct http_answer *ret)
{
	if (!client->busy)
		return false;
	act(client);
	if (!has_ended(client))
		return false;
	read_answer(client, ret);
	client->curl->multi_remove_handle(client->multi, client->easy);
	client->busy = false;
	return true;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int open_client(struct http_client *client)
{
	struct epoll_event event = {.events = EPOLLIN};

	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	event.data.fd = client->timer_fd;
	if (client->epoll_fd < 0 || client->timer_fd < 0 ||
	    epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->timer_fd, &event))
		return -errno;
	client->multi = client->curl->multi_init();
	client->easy = client->curl->easy_init();
	if (!client->multi || !client->easy)
		return -ENOMEM;
	client->curl->multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	client->curl->multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	client->curl->multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	client->curl->multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	return 0;
}

int http_client_new(const struct http_client_options *options, struct http_client **ret,
		    const char **ret_why)
{
	const struct curl_library *curl = curl_library_load(ret_why);
	struct http_client *client = curl ? calloc(1, sizeof(*client)) : NULL;
	int err;

	if (!client)
		return curl ? -ENOMEM : -ENOSYS;
	client->curl = curl;
	client->options = *options;
	client->epoll_fd = client->timer_fd = -1;
	err = open_client(client);
	if (err) {
		http_client_free(client);
		return err;
	}
	*ret = client;
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	if (client->busy)
		client->curl->multi_remove_handle(client->multi, client->easy);
	if (client->easy)
		client->curl->easy_cleanup(client->easy);
	if (client->multi)
		client->curl->multi_cleanup(client->multi);
	client->curl->slist_free_all(client->headers);
	close_fd(client->epoll_fd);
	close_fd(client->timer_fd);
	free(client);
}

int http_client_fd(const struct http_client *client)
{
	return client->epoll_fd;
}
