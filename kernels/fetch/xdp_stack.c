/* The driver below lwIP: see xdp_stack.h. */
#include "kernels/fetch/xdp_stack.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/priv/tcp_priv.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fetch/xdp_port.h"

/* Shorter frames are padded: the least that Ethernet carries, without its checksum. */
#define FRAME_LEAST    60
#define TICKS_A_SECOND (UINT64_C(1000000000) / XDP_TICK_NS)
/* How often, and for how long each time, a next hop is asked for its address. */
#define ARP_TRIES   10
#define ARP_LOOKS   100
#define ARP_LOOK_NS INT64_C(1000000)

static int refuse(int err, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-err));
	return err;
}

/* --- frames out ----------------------------------------------------------------------------- */

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
	struct xdp_stack *stack = netif->state;
	struct xdp_socket *socket = &stack->sockets[0];
	uint8_t *frame =
		p->tot_len <= XDP_FRAME_SIZE ? xdp_socket_frame(socket, stack->calls) : NULL;
	size_t length = p->tot_len;

	if (!frame)
		return ERR_MEM; /* TCP tries again */
	pbuf_copy_partial(p, frame, p->tot_len, 0);
	if (length < FRAME_LEAST) {
		memset(frame + length, 0, FRAME_LEAST - length);
		length = FRAME_LEAST;
	}
	xdp_socket_send(socket, frame, length);
	stack->calls->frames_sent++;
	stack->calls->frame_copies++;
	return ERR_OK;
}

static err_t make_netif(struct netif *netif)
{
	const struct xdp_stack *stack = netif->state;
	const struct xdp_interface *i = &stack->takeover->interface;

	netif->name[0] = 'x';
	netif->name[1] = 'd';
	netif->output = etharp_output;
	netif->linkoutput = send_frame;
	netif->mtu = (u16_t)(i->mtu < 1500 ? i->mtu : 1500);
	netif->hwaddr_len = sizeof(i->hardware);
	memcpy(netif->hwaddr, i->hardware, sizeof(i->hardware));
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

/* --- frames in ------------------------------------------------------------------------------ */

/* lwIP has done with a frame. */
static void free_frame(struct pbuf *p)
{
	struct xdp_frame *f = (struct xdp_frame *)p;
	struct xdp_stack *stack = f->stack;

	stack->sockets[f->queue].held--;
	xdp_socket_give_back(&stack->sockets[f->queue], (uint64_t)f->index << XDP_FRAME_SHIFT);
}

/* What is out of order waits for what is missing: copied, so that the kernel has its frames. */
static struct pbuf *copy_frame(struct xdp_stack *stack, unsigned queue, uint64_t index,
			       const uint8_t *bytes, u16_t length)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, length, PBUF_RAM);

	if (p) {
		memcpy(p->payload, bytes, length);
		stack->calls->frame_copies++;
	}
	xdp_socket_give_back(&stack->sockets[queue], index << XDP_FRAME_SHIFT);
	return p;
}

static struct pbuf *wrap_frame(struct xdp_stack *stack, unsigned queue, const struct xdp_desc *d)
{
	struct xdp_socket *socket = &stack->sockets[queue];
	uint64_t index = d->addr >> XDP_FRAME_SHIFT;
	struct xdp_frame *f = &stack->frames[(size_t)queue * stack->frames_a_queue + index];
	uint8_t *bytes = socket->memory + d->addr;

	if (socket->held >= stack->room.spare / 2)
		return copy_frame(stack, queue, index, bytes, (u16_t)d->len);
	socket->held++;
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)d->len, PBUF_REF, &f->custom, bytes,
				   (u16_t)d->len);
}

/*
 * lwIP looks for a frame's connection in a list from its head, and moves the one found there.
 * Answers come in the order of the requests, so of many connections that would mean looking at
 * all of them each time. One that has asked again, whose answer is now the last to come, is moved
 * on to the tail: the next to be answered is then near the head. A list that has changed
 * otherwise is walked once, in the next batch.
 *
 * lwIP says that it has changed the list (tcp_active_pcbs_changed) in all cases but one: when a
 * frame ends its own connection, by a reset or as the last acknowledgement. So the tail is
 * forgotten before each frame that may be its own; behind a freed one connections would be lost.
 */
static void find_tail(struct xdp_stack *stack)
{
	if (tcp_active_pcbs_changed)
		stack->tail = NULL;
	tcp_active_pcbs_changed = 0;
	if (stack->tail || !tcp_active_pcbs)
		return;
	stack->tail = tcp_active_pcbs;
	while (stack->tail->next)
		stack->tail = stack->tail->next;
}

static void move_head_to_tail(struct xdp_stack *stack)
{
	struct tcp_pcb *head = tcp_active_pcbs;

	stack->asked = false;
	if (tcp_active_pcbs_changed || !stack->tail || !head->next)
		return;
	tcp_active_pcbs = head->next;
	head->next = NULL;
	stack->tail->next = head;
	stack->tail = head;
}

/* Whether it is anything but a whole segment, by its head, for another connection's port. */
static bool may_be_for_tail(const struct xdp_stack *stack, const uint8_t *frame, size_t length)
{
	const uint8_t *ip = frame + SIZEOF_ETH_HDR, *tcp = ip + IP_HLEN;
	bool plain = length >= SIZEOF_ETH_HDR + IP_HLEN + 4 && ip[0] == 0x45 /* no options */
		     && ((ip[6] & 0x3f) | ip[7]) == 0;			     /* no fragment */

	return !plain || (tcp[2] << 8 | tcp[3]) == stack->tail->local_port;
}

static void take_frame(struct xdp_stack *stack, unsigned queue, const struct xdp_desc *d)
{
	const uint8_t *bytes = stack->sockets[queue].memory + d->addr;
	struct pbuf *p;

	if (stack->tail && may_be_for_tail(stack, bytes, d->len))
		stack->tail = NULL;
	p = wrap_frame(stack, queue, d);
	if (p && ethernet_input(p, &stack->netif) != ERR_OK)
		pbuf_free(p);
	if (stack->asked)
		move_head_to_tail(stack);
}

static unsigned receive_from(struct xdp_stack *stack, unsigned queue)
{
	struct xdp_socket *socket = &stack->sockets[queue];
	uint32_t at;
	unsigned count = xdp_socket_arrived(socket, XDP_BATCH, &at);

	if (!count)
		return 0;
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(socket->memory +
				   xsk_ring_cons__rx_desc(&socket->rx, at + i)->addr);
	find_tail(stack);
	for (unsigned i = 0; i < count; i++)
		take_frame(stack, queue, xsk_ring_cons__rx_desc(&socket->rx, at + i));
	xdp_socket_taken(socket, count);
	xdp_socket_refill(socket, stack->calls);
	stack->calls->batches++;
	stack->calls->frames_received += count;
	stack->calls->notifications += count;
	return count;
}

unsigned xdp_stack_receive(struct xdp_stack *stack)
{
	unsigned count = 0;

	for (unsigned queue = 0; queue < stack->share.queues; queue++)
		count += receive_from(stack, queue);
	return count;
}

/* --- the loop's other parts ----------------------------------------------------------------- */

int xdp_stack_flush(struct xdp_stack *stack)
{
	return xdp_socket_flush(&stack->sockets[0], stack->calls);
}

void xdp_stack_wait(struct xdp_stack *stack, int64_t wait_ns)
{
	int ready;

	/* What the kernel has not taken yet, it takes when there is room for it. */
	stack->polled[0].events =
		(short)(POLLIN | (xdp_socket_behind(&stack->sockets[0]) ? POLLOUT : 0));
	ready = calls_poll(stack->calls, stack->polled, stack->share.queues, wait_ns);
	/* Each frame is counted when it is taken, whoever waited for it. */
	if (ready > 0)
		stack->calls->notifications -= (uint64_t)ready;
}

void xdp_stack_opening(struct xdp_stack *stack)
{
	stack->opened = (stack->opened + 1) % stack->over.slice;
	if (!stack->opened)
		xdp_port_forget(stack->over.most);
}

int xdp_stack_tick(struct xdp_stack *stack)
{
	const struct xdp_takeover *t = stack->takeover;
	bool detached;
	int err;

	tcp_tmr();
	stack->tail = NULL;
	/* Who spins does so only behind frames, and a card that sleeps sends none. */
	for (unsigned queue = 0; queue < stack->share.queues; queue++)
		xdp_socket_refill(&stack->sockets[queue], stack->calls);
	if (++stack->ticks >= TICKS_A_SECOND) {
		stack->ticks = 0;
		etharp_tmr();
		ip_reass_tmr();
		xdp_neighbour_renew(&t->interface, t->neighbours, t->neighbours_count);
		xdp_neighbour_tell(&stack->netif, t->neighbours, t->neighbours_count);
		xdp_takeover_look(t);
	}
	/* A deleted interface takes its link along: the socket is asked last, and knows. */
	detached = xdp_takeover_detached(t);
	err = xdp_socket_check(&stack->sockets[0], stack->calls);
	return !err && detached ? -ENOLINK : err;
}

/* --- opening and closing -------------------------------------------------------------------- */

static int make_room(struct xdp_stack *stack)
{
	size_t frames = (size_t)stack->share.queues * stack->frames_a_queue;

	stack->sockets = calloc(stack->share.queues, sizeof(*stack->sockets));
	stack->polled = calloc(stack->share.queues, sizeof(*stack->polled));
	stack->frames = calloc(frames, sizeof(*stack->frames));
	if (!stack->sockets || !stack->polled || !stack->frames)
		return -ENOMEM;
	for (size_t i = 0; i < frames; i++)
		stack->frames[i] =
			(struct xdp_frame){.custom.custom_free_function = free_frame,
					   .stack = stack,
					   .queue = (uint32_t)(i / stack->frames_a_queue),
					   .index = (uint32_t)(i % stack->frames_a_queue)};
	return 0;
}

static int open_queue(struct xdp_stack *stack, unsigned queue, char *why, size_t why_size)
{
	const struct xdp_takeover *t = stack->takeover;
	const struct xdp_variants *o = &t->options;
	const unsigned number = stack->share.queue + queue;
	struct xdp_socket *socket = &stack->sockets[queue];
	const struct xdp_socket_plan plan = {.interface = t->interface.name,
					     .queue = number,
					     .copying = o->copying,
					     .room = stack->room,
					     .sends = queue == 0};
	int err = xdp_socket_open(socket, &plan, why, why_size);

	/* The socket goes by the name, and the program by the number. */
	if (!err && if_nametoindex(plan.interface) != t->interface.index)
		return refuse(-ENODEV, "the interface was renamed meanwhile", why, why_size);

	if (!err && o->busy_poll_us) {
		err = xdp_socket_busy_poll(socket, o->busy_poll_us);
		if (err)
			return refuse(err, "the kernel refuses busy-poll", why, why_size);
	}
	if (!err)
		err = xdp_program_serve(&t->program, number, socket->fd, why, why_size);
	stack->polled[queue] = (struct pollfd){.fd = socket->fd, .events = POLLIN};
	return err;
}

static int start_lwip(struct xdp_stack *stack, char *why, size_t why_size)
{
	const struct xdp_interface *i = &stack->takeover->interface;
	const ip4_addr_t local = {i->local.s_addr}, netmask = {i->netmask.s_addr};
	const ip4_addr_t gateway = {i->gateway.s_addr};

	xdp_port_seed();
	lwip_init();
	if (!netif_add(&stack->netif, &local, &netmask, &gateway, stack, make_netif,
		       ethernet_input))
		return refuse(-ENOMEM, "lwIP takes no interface", why, why_size);
	netif_set_default(&stack->netif);
	netif_set_up(&stack->netif);
	return 0;
}

/* The next hop's MAC address: many connections at once would overflow what waits for it. */
static void resolve(struct xdp_stack *stack, const struct endpoint *to)
{
	const ip4_addr_t hop = {xdp_interface_hop(&stack->takeover->interface, to).s_addr};
	const ip4_addr_t *found_address;
	struct eth_addr *found;

	/* By time, for other frames may come as well, and any number of them. */
	for (unsigned look = 0; look < ARP_TRIES * ARP_LOOKS; look++) {
		if (etharp_find_addr(&stack->netif, &hop, &found, &found_address) >= 0)
			return;
		if (look % ARP_LOOKS == 0)
			etharp_query(&stack->netif, &hop, NULL);
		xdp_stack_flush(stack);
		calls_sleep(stack->calls, ARP_LOOK_NS);
		xdp_stack_receive(stack);
	}
}

int xdp_stack_open(struct xdp_stack *stack, struct xdp_takeover *t, unsigned worker,
		   const struct endpoint *endpoints, unsigned count, unsigned connections,
		   struct calls *calls, char *why, size_t why_size)
{
	int err = 0;

	memset(stack, 0, sizeof(*stack));
	stack->takeover = t;
	stack->share = xdp_steering_share(&t->steering, worker);
	stack->calls = calls;
	stack->over = xdp_steering_over(&stack->share, connections);
	stack->room = xdp_socket_room(connections, stack->share.queues);
	stack->frames_a_queue = stack->room.rx + stack->room.spare;
	if (make_room(stack))
		return refuse(-ENOMEM, "the frames' descriptors", why, why_size);
	for (unsigned queue = 0; !err && queue < stack->share.queues; queue++)
		err = open_queue(stack, queue, why, why_size);
	if (!err)
		err = start_lwip(stack, why, why_size);
	if (!err && worker == 0)
		err = xdp_program_attach(&t->program, &t->interface, t->options.mode, why,
					 why_size);
	if (err)
		return err;
	atomic_fetch_add(&t->shared->zerocopies, stack->sockets[0].zerocopy);
	/* Where ARP is the kernel's. */
	xdp_neighbour_tell(&stack->netif, t->neighbours, t->neighbours_count);
	for (unsigned i = 0; !t->steering.by_port && i < count; i++)
		if (endpoints[i].address.ss_family == AF_INET)
			resolve(stack, &endpoints[i]);
	return 0;
}

void xdp_stack_losses(const struct xdp_stack *stack, struct calls *calls)
{
	const struct xdp_share *share = &stack->share;
	uint64_t by_sockets = 0;

	for (unsigned queue = 0; queue < share->queues; queue++) {
		struct xdp_socket_losses losses = xdp_socket_losses(&stack->sockets[queue]);

		calls->frames_lost +=
			xdp_program_lost(&stack->takeover->program, share->queue + queue);
		by_sockets += losses.no_frame + losses.no_room;
	}
	calls->frames_dropped += xdp_takeover_drops(stack->takeover, by_sockets);
}

void xdp_stack_close(struct xdp_stack *stack)
{
	/* The ends of the connections; the kernel hears the answers. */
	if (stack->sockets && netif_is_up(&stack->netif))
		xdp_stack_flush(stack);
	if (stack->takeover)
		xdp_takeover_end(stack->takeover);
	for (unsigned queue = 0; stack->sockets && queue < stack->share.queues; queue++)
		xdp_socket_close(&stack->sockets[queue]);
	free(stack->sockets);
	free(stack->polled);
	free(stack->frames);
	stack->sockets = NULL;
}
