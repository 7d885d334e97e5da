/*
 * lwIP between Ethernet frames and TCP: one network interface whose driver is an AF_XDP socket a
 * queue. lwIP keeps its state in globals, so there is one stack a process, and whoever opened it
 * makes all calls to lwIP, on one thread. The distribution's library is built for threads, with
 * malloc() behind its pools (so nothing but memory limits the number of connections) and a window
 * of 64 KiB; xdp_port.c is what that build needs to be told to run without a thread of its own.
 *
 * Received bytes are read where the kernel put them: a frame is given back when lwIP frees the
 * pbuf around it. Sent bytes are copied twice: into a segment, which is kept until it is
 * acknowledged, and into the frame.
 */
#ifndef FETCH_XDP_STACK_H
#define FETCH_XDP_STACK_H

#include <lwip/netif.h>
#include <lwip/pbuf.h>

#include "kernels/fetch/xdp_netlink.h"
#include "kernels/fetch/xdp_socket.h"
#include "kernels/fetch/xdp_takeover.h"

/* Frames taken from a queue in one go. */
#define XDP_BATCH 64

struct xdp_frame {
	struct pbuf_custom custom; /* around the frame, while lwIP has it */
	struct xdp_stack *stack;
	uint32_t queue;
	uint32_t index; /* in the socket's memory */
};

struct xdp_stack {
	struct netif netif;
	struct xdp_takeover *takeover;
	struct xdp_share share;	    /* queues and ports of this worker */
	struct xdp_over over;	    /* and of its ports, how many may wait */
	struct xdp_socket *sockets; /* one a queue; all is sent by the first */
	struct xdp_frame *frames;   /* frames_a_queue for each */
	struct pollfd *polled;	    /* one a queue */
	struct calls *calls;
	struct xdp_room room; /* of each queue */
	unsigned frames_a_queue;
	struct tcp_pcb *tail; /* the last of lwIP's connections; NULL: not known */
	bool asked;	      /* a connection has just sent its next request */
	unsigned opened;      /* connections, modulo those between two looks at what is over */
	unsigned ticks;	      /* modulo those of a second */
};

/*
 * A worker's stack, on its share of the interface: from here on until xdp_stack_close() all that
 * arrives there, or for this share, comes to it. The first worker's attaches the program. Servers
 * whose next hop does not answer ARP within a second are left for TCP to fail on. Returns 0 or
 * -errno with one line in why; to be closed in either case.
 */
int xdp_stack_open(struct xdp_stack *stack, struct xdp_takeover *takeover, unsigned worker,
		   const struct endpoint *endpoints, unsigned count, unsigned connections,
		   struct calls *calls, char *why, size_t why_size);

/* Adds what has been lost since xdp_stack_open() to frames_dropped and frames_lost. */
void xdp_stack_losses(const struct xdp_stack *stack, struct calls *calls);

/* Gives its queues back to the kernel. */
void xdp_stack_close(struct xdp_stack *stack);

/* Hands at most XDP_BATCH frames of each queue to lwIP; returns how many there were. */
unsigned xdp_stack_receive(struct xdp_stack *stack);

/* To be called in a connection's callback when it has sent its next request: see xdp_stack.c. */
static inline void xdp_stack_asked(struct xdp_stack *stack)
{
	stack->asked = true;
}

/* To be called before a connection is opened: forgets the oldest of too many that are over. */
void xdp_stack_opening(struct xdp_stack *stack);

/* Sends what lwIP has put out. Returns 0 or -errno. */
int xdp_stack_flush(struct xdp_stack *stack);

/* Sleeps until a frame arrives, a signal comes or wait_ns are over (-1: for ever). */
void xdp_stack_wait(struct xdp_stack *stack, int64_t wait_ns);

/*
 * XDP_TICK_NS have gone by: lwIP's timers run. Returns 0; -ENOLINK when the program was
 * detached; another -errno when the interface is not there any more. Who only waits would never
 * hear of either.
 */
int xdp_stack_tick(struct xdp_stack *stack);

#endif
