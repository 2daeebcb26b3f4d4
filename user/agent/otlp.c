/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "agent/otlp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/gzip.h"
#include "agent/http_client.h"
#include "agent/otlp_answer.h"
#include "agent/otlp_batch.h"
#include "base/mem.h"

struct otlp {
	struct otlp_settings settings;
	struct outbox *outbox;
	struct http_client *client;
	struct otlp_batch batch;
	uint8_t *body;		/* of the request that is under way; NULL: none is */
	uint64_t again_ns;	/* CLOCK_BOOTTIME, not before: 0: at once */
	unsigned int failures;	/* in a row, of what is to be tried again */
	int epoll_fd, timer_fd; /* the client, the outbox while it is asked, wake_ns */
	uint64_t wake_ns;	/* CLOCK_BOOTTIME; 0: never */
	bool asks_outbox;	/* its fd is waited for */
	struct otlp_stats stats;
	char trouble[512];
	bool is_told;
};

const char *otlp_request_end_name(enum otlp_request_end end)
{
	static const char *const names[] = {"ok", "again", "no_answer", "split", "refused"};

	return names[end];
}

/* --- what is said --------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void set_trouble(struct otlp *otlp, const char *format,
							      ...)
{
	va_list args;

	if (!otlp->stats.works)
		return;
	otlp->stats.works = false;
	otlp->stats.failures++;
	otlp->is_told = false;
	va_start(args, format);
	vsnprintf(otlp->trouble, sizeof(otlp->trouble), format, args);
	va_end(args);
}

const char *otlp_trouble(struct otlp *otlp, bool *ret_over)
{
	*ret_over = otlp->stats.works;
	if (otlp->is_told)
		return NULL;
	otlp->is_told = true;
	return otlp->trouble;
}

/* The last request was taken: what was wrong is no more. */
static void set_works(struct otlp *otlp)
{
	if (otlp->stats.works)
		return;
	otlp->stats.works = true;
	/* What nobody was told of needs no end. */
	otlp->is_told = !otlp->is_told;
	snprintf(otlp->trouble, sizeof(otlp->trouble), "%s takes records again",
		 otlp->settings.endpoint);
}

bool otlp_settings_same(const struct otlp_settings *a, const struct otlp_settings *b)
{
	return !strcmp(a->endpoint, b->endpoint) && !strcmp(a->headers, b->headers) &&
	       !strcmp(a->ca_file, b->ca_file) && a->timeout_ms == b->timeout_ms &&
	       a->plain == b->plain && a->json == b->json;
}

static void say_answer(struct otlp *otlp, const struct http_answer *answer, const char *then)
{
	if (answer->status)
		set_trouble(otlp, "%s answers with status %ld: %s", otlp->settings.endpoint,
			    answer->status, then);
	else
		set_trouble(otlp, "%s does not answer: %s: %s", otlp->settings.endpoint,
			    answer->why, then);
}

/* --- the rows of a request ------------------------------------------------------------------ */

static void settle(struct otlp *otlp, enum outbox_end end)
{
	const struct otlp_range *range = otlp_batch_next(&otlp->batch);
	int64_t ids[OTLP_BATCH_ROWS];

	for (size_t i = 0; i < range->count; i++)
		ids[i] = otlp->batch.rows[range->first + i].id;
	otlp->outbox->settle(otlp->outbox, ids, range->count, end);
	otlp_batch_done(&otlp->batch);
	otlp->failures = 0;
}

static void refuse(struct otlp *otlp)
{
	otlp->stats.refused += otlp_batch_next(&otlp->batch)->count;
	settle(otlp, OUTBOX_REFUSED);
}

/* Partial success is no failure: what was rejected is never sent again. */
static void accept_rows(struct otlp *otlp, const struct http_answer *answer)
{
	uint64_t count = otlp_batch_next(&otlp->batch)->count;
	struct otlp_partial partial;

	otlp_read_partial(answer->body, answer->length, answer->json, &partial);
	if (partial.rejected > count)
		partial.rejected = count;
	otlp->stats.requests[REQUEST_OK]++;
	otlp->stats.delivered += count - partial.rejected;
	otlp->stats.rejected += partial.rejected;
	if (partial.rejected)
		set_trouble(otlp, "%s has rejected %" PRIu64 " of %" PRIu64 " records: %s",
			    otlp->settings.endpoint, partial.rejected, count, partial.text);
	else
		set_works(otlp);
	settle(otlp, OUTBOX_DELIVERED);
}

static void wait_for_again(struct otlp *otlp, uint64_t retry_after_s, uint64_t now_ns)
{
	uint32_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	otlp->again_ns = now_ns + otlp_backoff_ns(otlp->failures, retry_after_s, random);
	otlp->failures++;
}

static void take_verdict(struct otlp *otlp, const struct http_answer *answer, uint64_t now_ns)
{
	switch (otlp_verdict(answer->status)) {
	case OTLP_ACCEPTED:
		accept_rows(otlp, answer);
		break;
	case OTLP_AGAIN:
		otlp->stats.requests[answer->status ? REQUEST_AGAIN : REQUEST_NO_ANSWER]++;
		say_answer(otlp, answer, "it is tried again");
		wait_for_again(otlp, answer->retry_after_s, now_ns);
		break;
	case OTLP_TOO_WRONG:
		if (otlp_batch_split(&otlp->batch)) {
			otlp->stats.requests[REQUEST_SPLIT]++;
			break;
		}
		/* fall through */
	case OTLP_REFUSED:
		otlp->stats.requests[REQUEST_REFUSED]++;
		say_answer(otlp, answer, "what it refuses is lost, and counted");
		refuse(otlp);
		break;
	}
}

/* --- requests ------------------------------------------------------------------------------- */

static int compress_body(struct otlp *otlp, size_t *length)
{
	uint8_t *small;
	int err = gzip_bytes(otlp->body, *length, &small, length);

	if (err)
		return err;
	free(otlp->body);
	otlp->body = small;
	return 0;
}

static int post(struct otlp *otlp)
{
	const char *type =
		otlp_batch_is_json(&otlp->batch) ? "application/json" : "application/x-protobuf";
	size_t length;
	int err = otlp_batch_body(&otlp->batch, &otlp->body, &length);

	if (!err && !otlp->settings.plain)
		err = compress_body(otlp, &length);
	if (!err)
		err = http_client_post(otlp->client, type, !otlp->settings.plain, otlp->body,
				       length);
	if (err)
		free(TAKE_PTR(otlp->body));
	return err;
}

/* Whether there is a batch to send. */
static bool has_rows(struct otlp *otlp)
{
	if (otlp_batch_next(&otlp->batch))
		return true;
	otlp_batch_begin(&otlp->batch, otlp->outbox->take(otlp->outbox, otlp->batch.rows,
							  OTLP_BATCH_ROWS, OTLP_BATCH_BYTES));
	return otlp_batch_next(&otlp->batch);
}

/* As many as can be begun: what is too large for any request is refused at once. */
static void begin_request(struct otlp *otlp, uint64_t now_ns)
{
	while (!otlp->body && now_ns >= otlp->again_ns && has_rows(otlp)) {
		int err = post(otlp);

		if (err == -EFBIG && !otlp_batch_split(&otlp->batch)) {
			set_trouble(otlp, "a record is larger than a request may be: it is lost, "
					  "and counted");
			refuse(otlp);
		} else if (err && err != -EFBIG) {
			set_trouble(otlp, "cannot send to %s: %s: it is tried again",
				    otlp->settings.endpoint, strerror(-err));
			wait_for_again(otlp, 0, now_ns);
		}
	}
}

static void set_wake_up(struct otlp *otlp, uint64_t ns)
{
	const struct itimerspec timer = {
		.it_value = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)},
	};

	if (ns == otlp->wake_ns)
		return;
	otlp->wake_ns = ns;
	timerfd_settime(otlp->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

/* What is waited for: the outbox only while a row would be taken, or it would wake us for nothing.
 */
static void set_waits(struct otlp *otlp, uint64_t now_ns)
{
	bool waits = !otlp->body && otlp->again_ns > now_ns, asks = !otlp->body && !waits;
	struct epoll_event event = {.events = asks ? EPOLLIN : 0};

	set_wake_up(otlp, waits ? otlp->again_ns : 0);
	if (otlp->outbox->fd < 0 || asks == otlp->asks_outbox)
		return;
	epoll_ctl(otlp->epoll_fd, EPOLL_CTL_MOD, otlp->outbox->fd, &event);
	otlp->asks_outbox = asks;
}

void otlp_step(struct otlp *otlp, uint64_t now_ns)
{
	struct http_answer answer;

	if (http_client_step(otlp->client, &answer)) {
		free(TAKE_PTR(otlp->body));
		take_verdict(otlp, &answer, now_ns);
	}
	begin_request(otlp, now_ns);
	set_waits(otlp, now_ns);
}

/* --- the whole ------------------------------------------------------------------------------ */

static int add_wait(const struct otlp *otlp, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(otlp->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_waits(struct otlp *otlp)
{
	int err;

	otlp->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	otlp->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (otlp->epoll_fd < 0 || otlp->timer_fd < 0)
		return -errno;
	err = add_wait(otlp, otlp->timer_fd);
	if (!err)
		err = add_wait(otlp, http_client_fd(otlp->client));
	if (!err && otlp->outbox->fd >= 0)
		err = add_wait(otlp, otlp->outbox->fd);
	otlp->asks_outbox = true;
	return err;
}

int otlp_new(const struct otlp_settings *settings, struct outbox *outbox, struct otlp **ret,
	     const char **ret_why)
{
	const struct http_client_options options = {
		.url = settings->endpoint,
		.headers = settings->headers,
		.ca_file = strcmp(settings->ca_file, "system") ? settings->ca_file : NULL,
		.timeout_ms = settings->timeout_ms,
	};
	struct otlp *otlp = calloc(1, sizeof(*otlp));
	int err;

	if (!otlp)
		return -ENOMEM;
	otlp->settings = *settings;
	otlp->outbox = outbox;
	otlp->epoll_fd = otlp->timer_fd = -1;
	otlp->stats.works = otlp->is_told = true;
	err = http_client_new(&options, &otlp->client, ret_why);
	if (!err)
		err = open_waits(otlp);
	if (err) {
		otlp_free(otlp);
		return err;
	}
	*ret = otlp;
	return 0;
}

void otlp_free(struct otlp *otlp)
{
	if (!otlp)
		return;
	http_client_free(otlp->client);
	while (otlp_batch_next(&otlp->batch))
		settle(otlp, OUTBOX_RETURNED);
	free(otlp->body);
	close_fd(otlp->epoll_fd);
	close_fd(otlp->timer_fd);
	free(otlp);
}

int otlp_fd(const struct otlp *otlp)
{
	return otlp->epoll_fd;
}

void otlp_stats(const struct otlp *otlp, struct otlp_stats *ret)
{
	*ret = otlp->stats;
}
