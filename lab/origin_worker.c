/* The origin's event loop: accept, serve, expire, in that order, for ever. */
#include "lab/origin_worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/origin_secure.h"
#include "topology/bind.h"

#define EVENTS_MOST	1024
#define ACCEPT_PAUSE_NS UINT64_C(10000000)

struct origin_worker {
	struct origin_service service;
	struct origin_thread *thread;
	struct wheel_timer accept_again; /* runs while accepting is paused */
	struct epoll_event events[EVENTS_MOST];
};

struct origin_connection *origin_slot(struct origin_slots *slots, int fd)
{
	size_t at = (size_t)fd / SLOTS_PER_CHUNK;
	struct origin_connection *chunk, *made;

	if (at >= slots->chunk_count)
		return NULL;
	chunk = atomic_load_explicit(&slots->chunks[at], memory_order_acquire);
	if (!chunk) {
		size_t size = SLOTS_PER_CHUNK * sizeof(*chunk);

		made = aligned_alloc(_Alignof(struct origin_connection), size);
		if (!made)
			return NULL;
		memset(made, 0, size);
		if (atomic_compare_exchange_strong(&slots->chunks[at], &chunk, made))
			chunk = made;
		else
			free(made); /* another thread was faster */
	}
	return &chunk[(size_t)fd % SLOTS_PER_CHUNK];
}

int origin_watch(const struct origin_thread *thread)
{
	struct origin *origin = thread->origin;

	for (unsigned i = 0; i < origin->listener_count; i++) {
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLEXCLUSIVE,
			.data.ptr = &origin->listeners[i],
		};

		if (epoll_ctl(thread->wait.epoll, EPOLL_CTL_ADD, origin->listeners[i].fd, &event))
			return -errno;
	}
	return 0;
}

/* Out of descriptors or memory: clients wait in the backlog while others give theirs back. */
static void pause_accepting(struct origin_worker *worker)
{
	struct origin_thread *thread = worker->thread;
	const struct origin *origin = thread->origin;

	if (wheel_waits(&worker->accept_again))
		return;
	for (unsigned i = 0; i < origin->listener_count; i++)
		epoll_ctl(thread->wait.epoll, EPOLL_CTL_DEL, origin->listeners[i].fd, NULL);
	wheel_add(&worker->service.wheel, &worker->accept_again,
		  origin_wait_now() + ACCEPT_PAUSE_NS);
}

static void hand_over(struct origin *origin, int fd, bool tls)
{
	unsigned turn = atomic_fetch_add_explicit(&origin->turn, 1, memory_order_relaxed);
	struct origin_thread *thread = &origin->threads[turn % origin->config.threads];
	struct origin_connection *connection = origin_slot(&origin->slots, fd);
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = connection,
	};

	if (!connection) {
		close(fd);
		return;
	}
	/* Pairs with the release by the thread that had the slot before. */
	(void)atomic_load_explicit(&connection->taken, memory_order_acquire);
	origin_connection_open(connection, fd, tls);
	atomic_store_explicit(&connection->taken, true, memory_order_release);
	atomic_fetch_add_explicit(&thread->connections, 1, memory_order_relaxed);
	/* From here on it is the other thread's. */
	if (epoll_ctl(thread->wait.epoll, EPOLL_CTL_ADD, fd, &event)) {
		atomic_store_explicit(&connection->taken, false, memory_order_release);
		close(fd);
	}
}

/*
 * As many clients as there were events: a lone client costs no second accept4() that finds
 * nobody, and a crowd is not let in one a turn.
 */
static void accept_clients(struct origin_worker *worker, const struct origin_listener *listener,
			   int most)
{
	for (int i = 0; i < most; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			hand_over(worker->thread->origin, fd, listener->tls);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			pause_accepting(worker);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void expire(struct origin_worker *worker)
{
	struct origin_service *service = &worker->service;
	uint64_t now = origin_wait_now();
	struct wheel_timer *timer;

	while ((timer = wheel_expire(&service->wheel, now))) {
		if (timer == &worker->accept_again)
			origin_watch(worker->thread);
		else
			origin_connection_due(service,
					      (void *)((char *)timer -
						       offsetof(struct origin_connection, timer)));
	}
	origin_service_flush(service);
}

/*
 * Timers run between batches only, never among the events of one: a connection that they close
 * has no event left that could reach the slot's next user.
 */
void origin_worker_run(struct origin_thread *thread)
{
	struct origin *origin = thread->origin;
	struct origin_worker *worker = thread->worker;
	struct origin_service *service = &worker->service;

	for (;;) {
		uint64_t deadline = origin->config.busy ? 0 : wheel_next_ns(&service->wheel);
		int count =
			origin_wait_events(&thread->wait, worker->events, EVENTS_MOST, deadline);

		for (int i = 0; i < count; i++) {
			void *what = worker->events[i].data.ptr;

			/* All but clients lie in the origin itself. */
			if ((uintptr_t)what - (uintptr_t)origin >= sizeof(*origin)) {
				if (what)
					origin_connection_ready(service, what,
								worker->events[i].events);
			} else if (what == &origin->stop) {
				return;
			} else {
				accept_clients(worker, what, count);
			}
		}
		origin_service_flush(service);
		if (!wheel_empty(&service->wheel))
			expire(worker);
	}
}

/* Binds the calling thread to its CPU of the list. */
static int bind_to_own(struct origin_thread *thread)
{
	const struct origin *origin = thread->origin;
	hwloc_bitmap_t own = hwloc_bitmap_alloc();
	int cpu = hwloc_bitmap_first(origin->config.cpus);
	int err;

	for (unsigned i = 0; i < thread->index; i++)
		cpu = hwloc_bitmap_next(origin->config.cpus, cpu);
	if (!own || cpu < 0 || hwloc_bitmap_only(own, (unsigned)cpu)) {
		err = own ? -EINVAL : -ENOMEM;
		snprintf(thread->why, sizeof(thread->why), "no CPU for thread %u: %s",
			 thread->index, strerror(-err));
	} else {
		err = bind_thread_to_numbers(origin->allowed, own, thread->why,
					     sizeof(thread->why));
	}
	hwloc_bitmap_free(own);
	return err;
}

int origin_worker_open(struct origin_thread *thread)
{
	struct origin *origin = thread->origin;
	const struct origin_config *config = &origin->config;
	struct epoll_event stop = {.events = EPOLLIN, .data.ptr = &origin->stop};
	struct origin_worker *worker;
	int err = 0;

	/* Bound before anything is allocated, so that its memory is near. */
	if (config->cpus)
		err = bind_to_own(thread);
	if (!err)
		err = origin_wait_open(&thread->wait, false, thread->why, sizeof(thread->why));
	if (err)
		return err;
	worker = calloc(1, sizeof(*worker));
	if (worker && config->tls)
		worker->service.secure = origin_secure_service_new(config->tls);
	if (!worker || (config->tls && !worker->service.secure) ||
	    epoll_ctl(thread->wait.epoll, EPOLL_CTL_ADD, origin->stop, &stop)) {
		err = -errno;
		snprintf(thread->why, sizeof(thread->why), "thread %u: %s", thread->index,
			 strerror(-err));
		if (worker)
			origin_secure_service_free(worker->service.secure);
		free(worker);
		return err;
	}
	worker->thread = thread;
	worker->service.latency = config->latency;
	worker->service.random.state = thread->index;
	worker->service.contents.body_size = config->body_size;
	wheel_init(&worker->service.wheel, origin_wait_now());
	thread->worker = worker;
	return 0;
}

void origin_worker_close(struct origin_thread *thread)
{
	struct origin_worker *worker = thread->worker;

	if (worker) {
		thread->totals.requests = worker->service.requests;
		thread->totals.bytes_sent = worker->service.bytes_sent;
		if (worker->service.secure)
			thread->totals.handshakes = worker->service.secure->handshakes;
		origin_service_release(&worker->service);
		free(worker);
	}
	thread->worker = NULL;
	origin_wait_close(&thread->wait);
}
