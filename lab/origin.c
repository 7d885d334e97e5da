/* Starting and stopping the origin: the listening socket, the threads, the table of slots. */
#include "lab/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lab/origin_worker.h"
#include "lab/units.h"
#include "topology/bind.h"

#define FILES_MOST (1U << 20) /* where the limit is "unlimited", the table need not be */

/* "[::1]" to "::1", in place; anything else is no IPv6 host here. */
static const char *without_brackets(char *host)
{
	size_t length = strlen(host);

	if (length < 3 || host[0] != '[' || host[length - 1] != ']')
		return "";
	host[length - 1] = '\0';
	return host + 1;
}

int origin_address(const char *text, struct sockaddr_storage *address, char *why, size_t why_size)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	char host[64];
	uint64_t port;

	memset(address, 0, sizeof(*address));
	if (colon && length < sizeof(host) && units_count(colon + 1, &port) == 0 && port <= 65535) {
		memcpy(host, text, length);
		host[length] = '\0';
		v4.sin_port = v6.sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
			memcpy(address, &v4, sizeof(v4));
			return 0;
		}
		if (inet_pton(AF_INET6, without_brackets(host), &v6.sin6_addr) == 1) {
			memcpy(address, &v6, sizeof(v6));
			return 0;
		}
	}
	snprintf(why, why_size,
		 "'%s' is no address to listen on; give 127.0.0.1:8080 or [::1]:8080", text);
	return -EINVAL;
}

static void print_address(const struct sockaddr_storage *address, char *text, size_t size)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	char host[INET6_ADDRSTRLEN];

	memcpy(&v4, address, sizeof(v4));
	memcpy(&v6, address, sizeof(v6));
	if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(v4.sin_port));
	}
}

void origin_url(const struct origin *origin, unsigned at, char *url, size_t size)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char text[INET6_ADDRSTRLEN + 10];

	getsockname(origin->listeners[at].fd, (struct sockaddr *)&address, &length);
	print_address(&address, text, sizeof(text));
	snprintf(url, size, "%s://%s/", origin->listeners[at].tls ? "https" : "http", text);
}

static int open_listener(struct origin *origin, const struct origin_listen *listen_on, char *why,
			 size_t why_size)
{
	const struct sockaddr_storage *address = &listen_on->address;
	socklen_t length = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							  : sizeof(struct sockaddr_in);
	char text[INET6_ADDRSTRLEN + 10];
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;
	int err = 0;

	/*
	 * Accepted sockets inherit TCP_NODELAY, and reno: where BBR is the host's default, it paces
	 * answers by timers of its own, which costs CPU and is latency that nobody asked for. The
	 * backlog is cut to net.core.somaxconn.
	 */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) ||
	    bind(fd, (const struct sockaddr *)address, length) || listen(fd, 65535)) {
		err = -errno;
		print_address(address, text, sizeof(text));
		snprintf(why, why_size, "cannot listen on %s: %s", text, strerror(-err));
	}
	if (err && fd >= 0)
		close(fd);
	if (!err)
		origin->listeners[origin->listener_count++] =
			(struct origin_listener){fd, listen_on->tls};
	return err;
}

static int open_listeners(struct origin *origin, char *why, size_t why_size)
{
	const struct origin_config *config = &origin->config;
	int err = 0;

	for (unsigned i = 0; i < config->listen_count && !err; i++)
		err = open_listener(origin, &config->listens[i], why, why_size);
	return err;
}

/* One slot a descriptor, so the limit of open files is the table's size. */
static int size_slots(struct origin *origin, char *why, size_t why_size)
{
	struct rlimit files;
	size_t most;

	if (getrlimit(RLIMIT_NOFILE, &files)) {
		int err = -errno;

		snprintf(why, why_size, "getrlimit: %s", strerror(-err));
		return err;
	}
	files.rlim_cur = files.rlim_max < FILES_MOST ? files.rlim_max : FILES_MOST;
	setrlimit(RLIMIT_NOFILE, &files); /* lowering the limit to the table's size is no loss */
	most = files.rlim_cur;
	origin->slots.chunk_count = (most + SLOTS_PER_CHUNK - 1) / SLOTS_PER_CHUNK;
	origin->slots.chunks = calloc(origin->slots.chunk_count, sizeof(origin->slots.chunks[0]));
	if (!origin->slots.chunks) {
		snprintf(why, why_size, "slots: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

static void *thread_main(void *argument)
{
	struct origin_thread *thread = argument;
	char name[16];

	snprintf(name, sizeof(name), "origin/%u", thread->index);
	pthread_setname_np(pthread_self(), name);
	thread->err = origin_worker_open(thread);
	sem_post(&thread->origin->ready);
	if (!thread->err)
		origin_worker_run(thread);
	return NULL;
}

static int start_threads(struct origin *origin, char *why, size_t why_size)
{
	int err = 0;

	for (unsigned i = 1; i < origin->config.threads && !err; i++) {
		err = -pthread_create(&origin->threads[i].id, NULL, thread_main,
				      &origin->threads[i]);
		if (err)
			snprintf(why, why_size, "thread %u: %s", i, strerror(-err));
		else
			origin->started++;
	}
	for (unsigned i = 0; i < origin->started; i++)
		while (sem_wait(&origin->ready))
			;
	if (err)
		return err;
	origin->threads[0].err = origin_worker_open(&origin->threads[0]);
	for (unsigned i = 0; i < origin->config.threads; i++) {
		if (origin->threads[i].err) {
			snprintf(why, why_size, "%s", origin->threads[i].why);
			return origin->threads[i].err;
		}
	}
	/* Only now may a thread accept: all that it may hand connections to are there. */
	for (unsigned i = 0; i < origin->config.threads && !err; i++) {
		err = origin_watch(&origin->threads[i]);
		if (err)
			snprintf(why, why_size, "listener: %s", strerror(-err));
	}
	return err;
}

/* After this the threads' figures stand still. */
static void join_threads(struct origin *origin)
{
	for (unsigned i = 1; i <= origin->started; i++)
		pthread_join(origin->threads[i].id, NULL);
	origin->started = 0;
	for (unsigned i = 0; i < origin->config.threads; i++) {
		struct origin_thread *thread = &origin->threads[i];

		thread->totals.connections = thread->connections;
		origin_worker_close(thread);
	}
}

int origin_start(const struct origin_config *config, struct origin **started, char *why,
		 size_t why_size)
{
	struct origin *origin =
		calloc(1, sizeof(*origin) + config->threads * sizeof(origin->threads[0]));
	int err;

	if (!origin) {
		snprintf(why, why_size, "threads: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	origin->config = *config;
	for (unsigned i = 0; i < config->threads; i++) {
		origin->threads[i].origin = origin;
		origin->threads[i].index = i;
		origin->threads[i].wait.epoll = -1;
		origin->threads[i].wait.timer = -1;
	}
	sem_init(&origin->ready, 0, 0);
	origin->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = origin->stop < 0 ? -errno : 0;
	if (err)
		snprintf(why, why_size, "eventfd: %s", strerror(-err));
	if (!err)
		err = open_listeners(origin, why, why_size);
	if (!err)
		err = size_slots(origin, why, why_size);
	if (!err && config->cpus)
		err = bind_allowed(&origin->allowed, why, why_size);
	if (!err)
		err = start_threads(origin, why, why_size);
	if (err) {
		origin_stop(origin);
		join_threads(origin);
		origin_free(origin);
		return err;
	}
	*started = origin;
	return 0;
}

void origin_run(struct origin *origin)
{
	origin_worker_run(&origin->threads[0]);
	join_threads(origin);
}

void origin_stop(struct origin *origin)
{
	int saved = errno;

	eventfd_write(origin->stop, 1); /* stays readable, for every thread */
	errno = saved;
}

void origin_count(const struct origin *origin, int thread, struct origin_totals *totals)
{
	*totals = (struct origin_totals){0};
	for (unsigned i = 0; i < origin->config.threads; i++) {
		const struct origin_totals *one = &origin->threads[i].totals;

		if (thread >= 0 && (unsigned)thread != i)
			continue;
		totals->requests += one->requests;
		totals->connections += one->connections;
		totals->bytes_sent += one->bytes_sent;
		totals->handshakes.full += one->handshakes.full;
		totals->handshakes.resumed += one->handshakes.resumed;
		totals->handshakes.failed += one->handshakes.failed;
	}
}

static void free_chunk(struct origin_connection *chunk)
{
	for (unsigned i = 0; chunk && i < SLOTS_PER_CHUNK; i++)
		if (chunk[i].taken)
			origin_connection_abandon(&chunk[i]);
	free(chunk);
}

void origin_free(struct origin *origin)
{
	for (size_t i = 0; i < origin->slots.chunk_count && origin->slots.chunks; i++)
		free_chunk(origin->slots.chunks[i]);
	free((void *)origin->slots.chunks);
	for (unsigned i = 0; i < origin->listener_count; i++)
		close(origin->listeners[i].fd);
	if (origin->stop >= 0)
		close(origin->stop);
	hwloc_bitmap_free(origin->allowed);
	sem_destroy(&origin->ready);
	free(origin);
}
