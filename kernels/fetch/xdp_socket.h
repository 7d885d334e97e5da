/*
 * An AF_XDP socket on one queue of an interface: memory that the kernel and the program share
 * (the UMEM, cut into frames), and four rings of descriptors. Frames that arrived come by the RX
 * ring and go back by FILL; frames to be sent go out by TX and come back by COMPLETION. Only
 * waking the kernel takes a call, and only when the kernel says that it sleeps (need_wakeup).
 */
#ifndef FETCH_XDP_SOCKET_H
#define FETCH_XDP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xdp/xsk.h>

#include "kernels/fetch/calls.h"
#include "kernels/fetch/xdp_options.h"

/* Bytes of a frame: a 1500-byte packet, its Ethernet header and the kernel's headroom fit. */
#define XDP_FRAME_SIZE	2048
#define XDP_FRAME_SHIFT 11
/* Frames that may be under way to be sent. */
#define XDP_TX_FRAMES 2048
/*
 * How many frames a socket has, of those that a worker needs for so many connections: what arrives
 * is spread over its queues unevenly, so each has twice its part, and no fewer than 256.
 */
struct xdp_room {
	unsigned rx;	/* places in RX and in FILL, a power of two */
	unsigned level; /* frames that FILL is kept at, if it has room for them */
	unsigned spare; /* beside those, so many may be held by whoever received them */
};

struct xdp_room xdp_socket_room(unsigned connections, unsigned queues);

struct xdp_socket {
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	struct xsk_ring_prod tx;
	struct xsk_ring_cons completion;
	uint8_t *memory;
	size_t memory_size;
	unsigned rx_size;   /* places in RX and in FILL */
	unsigned tx_frames; /* behind those for receiving; 0 when it only receives */
	unsigned frames_in; /* for receiving, the first ones in memory; behind them the others */
	unsigned level;	    /* frames that FILL is kept at: few, so that they stay in the caches */
	unsigned queued;    /* frames in TX that the kernel has not been shown */
	unsigned held;	    /* frames that arrived and were not given back */
	unsigned to_send_count, to_fill_count;
	uint64_t to_send[XDP_TX_FRAMES]; /* addresses of free frames, a stack: warm ones first */
	uint64_t *to_fill;		 /* likewise, of frames that FILL has not */
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	int fd;
	bool zerocopy; /* in effect */
};

/* What a socket is to be. */
struct xdp_socket_plan {
	const char *interface;
	unsigned queue;
	enum xdp_copying copying;
	struct xdp_room room;
	bool sends; /* too, and does not only receive */
};

/* Opens it. Returns 0 or -errno with one line in why; to be closed in either case. */
int xdp_socket_open(struct xdp_socket *socket, const struct xdp_socket_plan *plan, char *why,
		    size_t why_size);

/* Kernel-side busy polling of the queue's card for so many microseconds at a call; 0 or -errno. */
int xdp_socket_busy_poll(struct xdp_socket *socket, unsigned us);
/* Whether frames came from a queue that can be polled. */
bool xdp_socket_polls(const struct xdp_socket *socket);

void xdp_socket_close(struct xdp_socket *socket);

/* --- receiving ------------------------------------------------------------------------------ */

/* Descriptors of at most `most` frames that arrived; the first is at *at of the RX ring. */
static inline unsigned xdp_socket_arrived(struct xdp_socket *s, unsigned most, uint32_t *at)
{
	unsigned count = xsk_cons_nb_avail(&s->rx, s->rx_size);

	/* Late already: more may come before the next look. */
	if (count > s->level / 2)
		s->level = s->rx_size;
	return xsk_ring_cons__peek(&s->rx, most, at);
}

/* They have been read; their frames are still the caller's. */
static inline void xdp_socket_taken(struct xdp_socket *s, unsigned count)
{
	xsk_ring_cons__release(&s->rx, count);
}

/* The frame may be received into again. */
static inline void xdp_socket_give_back(struct xdp_socket *s, uint64_t address)
{
	s->to_fill[s->to_fill_count++] = address;
}

/* Passes on to the kernel what was given back. */
void xdp_socket_refill(struct xdp_socket *socket, struct calls *calls);

/* --- sending -------------------------------------------------------------------------------- */

/* A frame of XDP_FRAME_SIZE bytes to be filled and sent, or NULL when all are under way. */
uint8_t *xdp_socket_frame(struct xdp_socket *socket, struct calls *calls);

/* The frame that xdp_socket_frame() gave last, with so many bytes, is to be sent. */
void xdp_socket_send(struct xdp_socket *socket, const uint8_t *frame, size_t length);

/*
 * Shows the kernel all that is to be sent and wakes it if it sleeps. Returns 0, or -errno when
 * the interface takes none any more.
 */
int xdp_socket_flush(struct xdp_socket *socket, struct calls *calls);

/* 0; or -ENETDOWN: the interface is down; -ENODEV: it is gone, and nothing will ever arrive. */
int xdp_socket_check(const struct xdp_socket *socket, struct calls *calls);

/* Whether the kernel has still to take frames of an earlier flush. */
static inline bool xdp_socket_behind(const struct xdp_socket *s)
{
	return __atomic_load_n(s->tx.consumer, __ATOMIC_ACQUIRE) != *s->tx.producer;
}

struct xdp_socket_losses {
	uint64_t no_frame; /* frames that arrived and found FILL empty */
	uint64_t no_room;  /* and that found RX full */
};

/* What was lost so far. */
struct xdp_socket_losses xdp_socket_losses(const struct xdp_socket *socket);

#endif
