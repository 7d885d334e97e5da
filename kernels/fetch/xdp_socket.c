/* UMEM, rings, and the calls that wake the kernel: see xdp_socket.h, and af_xdp.rst. */
#include "kernels/fetch/xdp_socket.h"

#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The fewest and the most frames that may wait in all of a worker's RX together. */
#define RX_LEAST 4096
#define RX_MOST	 16384
/* Likewise, those that may be held; and the fewest of either for one queue. */
#define SPARE	   4096
#define ROOM_LEAST 256
/* Places in the COMPLETION of who sends nothing: there has to be one. */
#define COMPLETION_LEAST 64
/* Segments in a window of 64 KiB. */
#define WINDOW_FRAMES 46
/* How many frames FILL has at least, and for each connection. */
#define LEVEL_LEAST	     1024
#define LEVEL_PER_CONNECTION 16
/* Kicks without a frame taken after which the rest is left for later. */
#define KICKS_IN_VAIN 2
/* How often a busy queue is asked for again, and after what time. */
#define BUSY_TRIES   50
#define BUSY_WAIT_NS INT64_C(20000000)

/* Newer than the headers of some distributions. */
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#endif

static int refuse(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

static int refuse_umem(const struct xdp_socket *s, int err, char *why, size_t why_size)
{
	if (err == -EPERM)
		snprintf(why, why_size,
			 "AF_XDP needs the capability CAP_NET_RAW too: run it as root");
	else if (err == -ENOBUFS)
		snprintf(why, why_size,
			 "%zu KiB of frames for each queue are more than may be locked in memory: "
			 "raise `ulimit -l`",
			 s->memory_size >> 10);
	else
		return refuse(err, "cannot share memory with the kernel (UMEM)", why, why_size);
	return err;
}

/* As many as all windows hold together, within limits, as a power of two. */
static unsigned rx_size(unsigned connections)
{
	unsigned size = RX_LEAST;

	while (size < RX_MOST && size / WINDOW_FRAMES < connections)
		size *= 2;
	return size;
}

/* Of `all`, a power of two. */
static unsigned part(unsigned all, unsigned queues)
{
	unsigned most = all;

	while (all > ROOM_LEAST && all / 2 * queues >= 2 * most)
		all /= 2;
	return all;
}

struct xdp_room xdp_socket_room(unsigned connections, unsigned queues)
{
	const unsigned level = LEVEL_PER_CONNECTION * connections;
	const unsigned rx = part(rx_size(connections), queues);

	return (struct xdp_room){.rx = rx,
				 .level = level < LEVEL_LEAST ? LEVEL_LEAST : level,
				 .spare = part(SPARE, queues)};
}

static int make_memory(struct xdp_socket *s, const struct xdp_socket_plan *plan)
{
	s->rx_size = plan->room.rx;
	s->tx_frames = plan->sends ? XDP_TX_FRAMES : 0;
	s->frames_in = plan->room.rx + plan->room.spare;
	s->level = plan->room.level < s->rx_size ? plan->room.level : s->rx_size;
	s->memory_size = ((size_t)s->frames_in + s->tx_frames) << XDP_FRAME_SHIFT;
	s->to_fill = calloc(s->frames_in, sizeof(*s->to_fill));
	s->memory = mmap(NULL, s->memory_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (s->memory == MAP_FAILED)
		s->memory = NULL;
	return s->memory && s->to_fill ? 0 : -ENOMEM;
}

static int make_umem(struct xdp_socket *s)
{
	const struct xsk_umem_config config = {.fill_size = s->rx_size,
					       .comp_size = s->tx_frames ? s->tx_frames
									 : COMPLETION_LEAST,
					       .frame_size = XDP_FRAME_SIZE};

	return xsk_umem__create(&s->umem, s->memory, s->memory_size, &s->fill, &s->completion,
				&config);
}

static int make_socket(struct xdp_socket *s, const struct xdp_socket_plan *plan)
{
	static const uint16_t flags[] = {[XDP_COPYING_BEST] = 0,
					 [XDP_COPYING_COPY] = XDP_COPY,
					 [XDP_COPYING_NONE] = XDP_ZEROCOPY};
	const struct xsk_socket_config config = {
		.rx_size = s->rx_size,
		.tx_size = XDP_TX_FRAMES,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(XDP_USE_NEED_WAKEUP | flags[plan->copying])};
	struct xdp_options options = {0};
	socklen_t size = sizeof(options);
	int err = xsk_socket__create(&s->socket, plan->interface, plan->queue, s->umem, &s->rx,
				     plan->sends ? &s->tx : NULL, &config);

	if (err)
		return err;
	s->fd = xsk_socket__fd(s->socket);
	if (getsockopt(s->fd, SOL_XDP, XDP_OPTIONS, &options, &size))
		return -errno;
	s->zerocopy = options.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
}

int xdp_socket_open(struct xdp_socket *s, const struct xdp_socket_plan *plan, char *why,
		    size_t why_size)
{
	static const char *const names[] = {[XDP_COPYING_BEST] = "",
					    [XDP_COPYING_COPY] = "copying ",
					    [XDP_COPYING_NONE] = "zero-copy "};
	struct calls uncounted = {0};
	char what[96];
	int err;

	s->fd = -1;
	err = make_memory(s, plan);
	if (err)
		return refuse(err, "frames to receive and to send", why, why_size);
	for (unsigned try = 0;; try++) {
		err = make_umem(s);
		if (err)
			return refuse_umem(s, err, why, why_size);
		err = make_socket(s, plan);
		/* The kernel lets a queue go a moment after an earlier run has closed it. */
		if (err != -EBUSY || try == BUSY_TRIES)
			break;
		xsk_umem__delete(s->umem);
		s->umem = NULL;
		calls_sleep(&uncounted, BUSY_WAIT_NS);
	}
	if (err) {
		snprintf(what, sizeof(what), "the kernel refuses %sAF_XDP on queue %u of %s",
			 names[plan->copying], plan->queue, plan->interface);
		return refuse(err, what, why, why_size);
	}
	/* Backwards, for both are stacks. */
	for (unsigned i = s->tx_frames; i-- > 0;)
		s->to_send[s->to_send_count++] = ((uint64_t)s->frames_in + i) << XDP_FRAME_SHIFT;
	for (unsigned i = s->frames_in; i-- > 0;)
		s->to_fill[s->to_fill_count++] = (uint64_t)i << XDP_FRAME_SHIFT;
	xdp_socket_refill(s, &uncounted);
	return 0;
}

int xdp_socket_busy_poll(struct xdp_socket *s, unsigned us)
{
	int on = 1, time = (int)us, budget = 64;

	if (setsockopt(s->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_BUSY_POLL, &time, sizeof(time)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)))
		return -errno;
	return 0;
}

bool xdp_socket_polls(const struct xdp_socket *s)
{
	int queue = 0;
	socklen_t size = sizeof(queue);

	return getsockopt(s->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &queue, &size) == 0 && queue;
}

void xdp_socket_close(struct xdp_socket *s)
{
	if (s->socket)
		xsk_socket__delete(s->socket);
	if (s->umem)
		xsk_umem__delete(s->umem);
	if (s->memory)
		munmap(s->memory, s->memory_size);
	free(s->to_fill);
	s->to_fill = NULL;
	s->socket = NULL;
	s->umem = NULL;
	s->memory = NULL;
	s->fd = -1;
}

void xdp_socket_refill(struct xdp_socket *s, struct calls *calls)
{
	unsigned filled = s->rx_size - xsk_prod_nb_free(&s->fill, s->rx_size);
	unsigned count = filled < s->level ? s->level - filled : 0;
	uint32_t at;

	if (count > s->to_fill_count)
		count = s->to_fill_count;
	if (count && xsk_ring_prod__reserve(&s->fill, count, &at)) {
		for (unsigned i = 0; i < count; i++)
			*xsk_ring_prod__fill_addr(&s->fill, at + i) =
				s->to_fill[--s->to_fill_count];
		xsk_ring_prod__submit(&s->fill, count);
	}
	if (xsk_ring_prod__needs_wakeup(&s->fill))
		calls_kick_receiving(calls, s->fd);
}

/* Takes back the frames that have been sent. */
static void reclaim(struct xdp_socket *s)
{
	uint32_t at;
	unsigned count = xsk_ring_cons__peek(&s->completion, XDP_TX_FRAMES, &at);

	for (unsigned i = 0; i < count; i++)
		s->to_send[s->to_send_count++] = *xsk_ring_cons__comp_addr(&s->completion, at + i);
	if (count)
		xsk_ring_cons__release(&s->completion, count);
}

uint8_t *xdp_socket_frame(struct xdp_socket *s, struct calls *calls)
{
	if (s->to_send_count == 0)
		reclaim(s);
	if (s->to_send_count == 0) {
		xdp_socket_flush(s, calls);
		reclaim(s);
	}
	if (s->to_send_count == 0)
		return NULL;
	return s->memory + s->to_send[s->to_send_count - 1];
}

void xdp_socket_send(struct xdp_socket *s, const uint8_t *frame, size_t length)
{
	uint32_t at;

	/* TX has as many places as there are frames to send. */
	if (!xsk_ring_prod__reserve(&s->tx, 1, &at))
		return;
	s->to_send_count--;
	*xsk_ring_prod__tx_desc(&s->tx, at) =
		(struct xdp_desc){.addr = (uint64_t)(frame - s->memory), .len = (uint32_t)length};
	s->queued++;
}

int xdp_socket_flush(struct xdp_socket *s, struct calls *calls)
{
	unsigned vain = 0;

	if (s->queued) {
		xsk_ring_prod__submit(&s->tx, s->queued);
		s->queued = 0;
	} else if (!xdp_socket_behind(s)) {
		return 0;
	}
	/* A call takes 32 frames as a rule, and none while too many are still on their way. */
	while (vain < KICKS_IN_VAIN && xdp_socket_behind(s) &&
	       xsk_ring_prod__needs_wakeup(&s->tx)) {
		uint32_t before = __atomic_load_n(s->tx.consumer, __ATOMIC_ACQUIRE);

		if (calls_kick(calls, s->fd) && errno != EAGAIN && errno != EBUSY &&
		    errno != ENOBUFS && errno != EINTR)
			return errno == ENXIO ? -ENODEV : -errno;
		vain = __atomic_load_n(s->tx.consumer, __ATOMIC_ACQUIRE) == before ? vain + 1 : 0;
	}
	reclaim(s);
	return 0;
}

int xdp_socket_check(const struct xdp_socket *s, struct calls *calls)
{
	/* A wake-up for nothing is harmless, and ENXIO means that the socket is bound no more. */
	if (calls_kick(calls, s->fd) == 0)
		return 0;
	return errno == ENXIO ? -ENODEV : errno == ENETDOWN ? -ENETDOWN : 0;
}

struct xdp_socket_losses xdp_socket_losses(const struct xdp_socket *s)
{
	struct xdp_statistics statistics = {0};
	socklen_t size = sizeof(statistics);

	if (s->fd >= 0)
		getsockopt(s->fd, SOL_XDP, XDP_STATISTICS, &statistics, &size);
	return (struct xdp_socket_losses){.no_frame = statistics.rx_fill_ring_empty_descs,
					  .no_room = statistics.rx_ring_full};
}
