/*
 * Asynchronous without the kernel's TCP: frames come by a ring in memory from the interface's own
 * queue, and lwIP, in this program, makes streams of them. lwIP calls back when something has
 * happened to a connection, and what the connection wants next is done in the callback, so that
 * the next request carries the acknowledgement of the last answer: one frame each way a fetch.
 * All that was put out meanwhile goes with one kick. wait=block sleeps in poll() when the ring is
 * empty; wait=spin looks again.
 */
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/fetch/model.h"
#include "kernels/fetch/sockets.h"
#include "kernels/fetch/xdp_options.h"
#include "kernels/fetch/xdp_port.h"
#include "kernels/fetch/xdp_stack.h"

/* So many connections are opened in a row before the answers are looked at. */
#define CONNECT_SLICE 64

/* lwIP's side of a connection, and its argument to every callback. */
struct stream {
	struct worker *worker;
	struct connection *connection;
	struct tcp_pcb *pcb; /* NULL: not open */
	bool ended;	     /* the server's end has come */
};

struct state {
	struct xdp_stack stack;
	struct stream *streams; /* one a connection */
	unsigned count;
	unsigned port; /* of this worker's, the one to try next, from 0 */
};

/* For the whole process: made before it was forked. */
static struct xdp_takeover takeover;
/* Likewise: the record wants it when the stack is gone. */
static char effective[XDP_TEXT_SIZE];

static void advance(struct worker *w, struct connection *c);

/* --- what a connection wants ---------------------------------------------------------------- */

static void close_stream(struct stream *stream)
{
	struct tcp_pcb *pcb = stream->pcb;

	stream->pcb = NULL;
	if (pcb) {
		tcp_arg(pcb, NULL);
		tcp_recv(pcb, NULL);
		tcp_sent(pcb, NULL);
		tcp_err(pcb, NULL);
		/* For a FIN that there is no memory for, lwIP waits by itself. */
		tcp_close(pcb);
	}
	connection_closed(stream->connection);
}

/* Hands over as much of the request as there is room for; the rest follows on_sent(). */
static void send_request(struct stream *stream)
{
	struct connection *c = stream->connection;
	size_t length;
	const uint8_t *bytes = connection_output(c, &length);
	size_t room = tcp_sndbuf(stream->pcb);
	u16_t piece = (u16_t)(length < room ? length : room < UINT16_MAX ? room : UINT16_MAX);
	err_t err = piece ? tcp_write(stream->pcb, bytes, piece, TCP_WRITE_FLAG_COPY) : ERR_MEM;

	if (err == ERR_OK)
		connection_sent(c, piece);
	else if (err != ERR_MEM || tcp_sndqueuelen(stream->pcb) == 0)
		connection_error(c, err == ERR_MEM ? "send in lwIP" : "send", xdp_port_errno(err));
	/* Within this connection's own callback that is left to lwIP, for its end. */
	tcp_output(stream->pcb);
}

/* --- what lwIP tells ------------------------------------------------------------------------ */

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t err)
{
	struct stream *stream = argument;

	(void)err; /* always ERR_OK */
	pcb->rto = pcb->sv = XDP_RTO_ANSWERED;
	connection_connected(stream->connection);
	advance(stream->worker, stream->connection);
	return ERR_OK;
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
	struct stream *stream = argument;

	(void)pcb;
	(void)length;
	if (stream->connection->want == WANT_SEND)
		advance(stream->worker, stream->connection);
	return ERR_OK;
}

/* One piece of what arrived: between two the connection may have to answer. */
static void hand_over(struct stream *stream, const void *bytes, size_t length)
{
	struct connection *c = stream->connection;

	if (c->want == WANT_SEND)
		send_request(stream);
	if (c->want == WANT_RECEIVE)
		connection_received(c, bytes, length);
	else
		connection_peer_done(c); /* more than it was asked for */
}

static err_t on_received(void *argument, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct stream *stream = argument;
	bool idle = stream->connection->want == WANT_NOTHING;

	(void)err; /* always ERR_OK */
	stream->ended = stream->ended || !p;
	if (!p)
		connection_peer_done(stream->connection);
	for (const struct pbuf *q = p; q; q = q->next)
		hand_over(stream, q->payload, q->len);
	if (p) {
		tcp_recved(pcb, p->tot_len);
		pbuf_free(p);
	}
	/* Idle: its end, or bytes that nobody asked for. Its lane may be busy elsewhere. */
	if (idle)
		close_stream(stream);
	else
		advance(stream->worker, stream->connection);
	/* A lane with several servers may have gone on elsewhere. */
	if (!idle && stream->connection->want == WANT_RECEIVE && !stream->connection->got_bytes)
		xdp_stack_asked(&((struct state *)stream->worker->model)->stack);
	return ERR_OK;
}

/* Reset by the server, or given up; lwIP has freed the pcb. */
static void on_error(void *argument, err_t err)
{
	static const char *const phases[] = {
		[WANT_CONNECT] = "connect", [WANT_SEND] = "send", [WANT_RECEIVE] = "receive"};
	struct stream *stream = argument;
	struct connection *c = stream->connection;
	bool idle = c->want == WANT_NOTHING;

	stream->pcb = NULL;
	if (c->want == WANT_CONNECT && err == ERR_RST)
		connection_error(c, phases[c->want], ECONNREFUSED);
	else if (!idle && c->want != WANT_CLOSE)
		connection_error(c, phases[c->want], xdp_port_errno(err));
	if (idle)
		close_stream(stream);
	else
		advance(stream->worker, c);
}

/* --- the model ------------------------------------------------------------------------------ */

/* The next of this worker's local ports that no connection has, not even one that is over. */
static err_t take_port(struct state *s, struct tcp_pcb *pcb)
{
	const struct xdp_share *share = &s->stack.share;
	err_t err = ERR_USE;

	for (unsigned tried = 0; err == ERR_USE && tried < share->ports; tried++) {
		err = tcp_bind(pcb, IP4_ADDR_ANY, (u16_t)(share->port + s->port));
		s->port = (s->port + 1) % share->ports;
	}
	return err;
}

/* Where there is none, one is free once the oldest connection that is over is forgotten. */
static err_t take_port_at_last(struct state *s, struct tcp_pcb *pcb)
{
	err_t err = take_port(s, pcb);
	struct tcp_pcb *oldest = tcp_tw_pcbs;

	if (err != ERR_USE || !oldest)
		return err;
	while (oldest->next)
		oldest = oldest->next;
	tcp_abort(oldest);
	return take_port(s, pcb);
}

static void open_stream(struct worker *w, struct stream *stream)
{
	struct state *s = w->model;
	struct connection *c = stream->connection;
	const struct sockaddr_in *address =
		(const struct sockaddr_in *)&sockets_endpoint(w, c)->address;
	const ip_addr_t to = IPADDR4_INIT(address->sin_addr.s_addr);
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
	err_t err;

	xdp_stack_opening(&s->stack);
	stream->ended = false;
	stream->pcb = pcb;
	if (!pcb) {
		connection_error(c, "open a connection in lwIP", ENOMEM);
		return;
	}
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, stream);
	tcp_recv(pcb, on_received);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	pcb->rto = XDP_RTO_FIRST;
	err = take_port_at_last(s, pcb);
	if (err == ERR_OK)
		err = tcp_connect(pcb, &to, ntohs(address->sin_port), on_connected);
	if (err != ERR_OK)
		connection_error(c, err == ERR_MEM ? "connect in lwIP" : "connect",
				 xdp_port_errno(err));
}

/* Does what the lane wants next, up to the point where lwIP has to call back first. */
static void advance(struct worker *w, struct connection *c)
{
	struct state *s = w->model;

	while (c && !worker_stopped(w)) {
		struct stream *stream = &s->streams[c->index];

		switch (c->want) {
		case WANT_CONNECT:
			open_stream(w, stream);
			if (c->want == WANT_CONNECT)
				return;
			break;
		case WANT_SEND:
			send_request(stream);
			if (c->want == WANT_SEND)
				return;
			break;
		case WANT_RECEIVE:
			if (!stream->ended)
				return;
			connection_eof(c);
			break;
		case WANT_CLOSE:
			close_stream(stream);
			break;
		case WANT_NOTHING:
			c = worker_next(w, c);
			break;
		}
	}
}

/* Closes the connections whose fetch has had its time, and moves their lanes on. */
static void expire(struct worker *w, struct state *s)
{
	for (unsigned i = 0; i < s->count; i++)
		if (worker_overdue(w, &w->connections[i]))
			advance(w, &w->connections[i]);
}

static void write_effective(const struct state *s)
{
	xdp_takeover_text(&takeover, xdp_socket_polls(&s->stack.sockets[0]), effective);
}

int xdp_reach(const struct reach *reach, char *why, size_t why_size)
{
	return xdp_takeover_begin(&takeover, reach, why, why_size);
}

int xdp_prepare(struct worker *w, char *why, size_t why_size)
{
	const unsigned ports = xdp_steering_share(&takeover.steering, w->index).ports;
	struct state *s = calloc(1, sizeof(*s));
	int err;

	w->model = s;
	if (w->lanes * w->endpoints_count > ports) {
		snprintf(why, why_size,
			 "lwIP has %u local ports%s, and these would be %u connections; ask for "
			 "fewer --connections",
			 ports, ports < XDP_PORTS ? " for each queue" : "",
			 w->lanes * w->endpoints_count);
		return -EADDRNOTAVAIL;
	}
	if (s) {
		s->count = w->lanes * w->endpoints_count;
		s->streams = calloc(s->count, sizeof(*s->streams));
	}
	if (!s || !s->streams) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < s->count; i++)
		s->streams[i] = (struct stream){.worker = w, .connection = &w->connections[i]};
	err = xdp_stack_open(&s->stack, &takeover, w->index, w->endpoints, w->endpoints_count,
			     s->count, &w->calls, why, why_size);
	if (err)
		return err;
	/* No two runs begin at the same port: a server may still know the earlier one's. */
	s->port = (unsigned)rand() % ports;
	write_effective(s);
	return 0;
}

/* In slices: a server has room for so many half-open connections, and no more. */
static int start_lanes(struct worker *w, struct state *s)
{
	int err = 0;

	for (unsigned lane = 0; lane < w->lanes && !err && !worker_stopped(w); lane++) {
		advance(w, worker_next(w, worker_lane(w, lane)));
		if (lane % CONNECT_SLICE != CONNECT_SLICE - 1)
			continue;
		err = xdp_stack_flush(&s->stack);
		/* Not until there is nothing: the lanes that are open go on fetching. */
		for (unsigned look = 0; look < 4 && xdp_stack_receive(&s->stack); look++)
			;
	}
	return err ? err : xdp_stack_flush(&s->stack);
}

int xdp_run(struct worker *w)
{
	struct state *s = w->model;
	struct connection *c;
	int err;

	err = start_lanes(w, s);
	while (w->in_flight && !worker_stopped(w) && !err && !w->unable) {
		if (!xdp_stack_receive(&s->stack)) {
			if (w->wait == WAIT_BLOCK)
				xdp_stack_wait(&s->stack, worker_wait_ns(w));
			else if (w->idle)
				w->idle(w->idle_context);
		}
		while ((c = worker_due(w)))
			advance(w, c);
		if (worker_ticked(w)) {
			err = xdp_stack_tick(&s->stack);
			expire(w, s);
			w->unable = xdp_takeover_astray(&takeover);
		}
		err = err ? err : xdp_stack_flush(&s->stack);
	}
	if (err)
		w->broken = err == -ENOLINK ? "the XDP program was detached from the interface"
					    : "the interface was taken down or deleted";
	xdp_stack_losses(&s->stack, &w->calls);
	write_effective(s);
	return err;
}

void xdp_release(struct worker *w)
{
	struct state *s = w->model;

	for (unsigned i = 0; s && s->streams && i < s->count; i++)
		if (s->streams[i].pcb)
			close_stream(&s->streams[i]);
	if (s) {
		xdp_stack_close(&s->stack);
		free(s->streams);
	}
	free(s);
	w->model = NULL;
}

const char *xdp_variant(const struct worker *w)
{
	(void)w;
	return effective;
}
