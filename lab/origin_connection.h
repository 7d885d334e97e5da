/*
 * One client of the origin: a socket, what of its bytes is not yet answered, and the answer under
 * way. Its functions are called by one thread only, the worker's that it was handed to, when the
 * socket is ready or its timer is due, and never block.
 */
#ifndef LAB_ORIGIN_CONNECTION_H
#define LAB_ORIGIN_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/latency.h"
#include "lab/origin_http.h"
#include "lab/origin_reply.h"
#include "lab/wheel.h"

#define ORIGIN_RECEIVE_MAX 16384

/* Received bytes that have to wait, because the answer before them does. Rare, so pooled. */
struct origin_stash {
	struct origin_stash *next; /* in the pool */
	size_t at, end;
	char bytes[ORIGIN_RECEIVE_MAX];
};

enum connection_state {
	CONNECTION_OPEN,    /* between answers */
	CONNECTION_QUEUED,  /* its answer goes out with others' */
	CONNECTION_DELAYED, /* an answer waits for its time */
	CONNECTION_BLOCKED, /* an answer waits for room in the socket */
	CONNECTION_HELD,    /* nothing more is said; a timer may end it, and the client's leaving */
	CONNECTION_LINGERING, /* all is sent; what the client still sends is thrown away */
	CONNECTION_CLOSED
};

/* The first cache line is all that a keep-alive request touches. */
struct origin_connection {
	int fd;
	enum connection_state state;
	bool readable;	   /* an edge came, and the socket was not seen empty since */
	bool peer_done;	   /* FIN or an error came: only a read that says so ends the reading */
	bool unread;	   /* bytes came after the last request: a plain close would be a reset */
	atomic_bool taken; /* from accept to close; orders the slot's use across threads */
	bool tls;
	enum reply_after after; /* of the answer under way */
	struct origin_stash *stash;
	struct wheel_timer timer;
	struct origin_secure
		*secure; /* of a TLS client that has been heard of, see origin_secure.h */

	/* The answer under way, when it did not go out at once. */
	uint64_t body_at, body_end;
	struct origin_body *body; /* a reference; NULL: the pattern */
	uint64_t slow_ns;	  /* as the reply's */
	uint64_t after_ns;
	uint32_t head_at, head_end;
	char head[REPLY_HEAD_MAX];

	_Alignas(64) struct origin_parser parser;
};

#define ORIGIN_QUEUE_MAX 64

/* A remembered answer that is the last thing its connection has to do for now. */
struct origin_queued {
	struct origin_connection *connection;
	const struct origin_reply *reply; /* in the cache */
};

/* What a worker's connections share; all of it is the worker's own. */
struct origin_service {
	struct origin_queued queue[ORIGIN_QUEUE_MAX];
	unsigned queued;
	struct wheel wheel;
	struct origin_cache cache;
	struct latency latency;
	struct latency_random random;
	struct origin_contents contents;
	struct origin_secure_service *secure; /* NULL without TLS */
	struct origin_stash *stashes;	      /* the pool */
	uint64_t requests;		      /* answered */
	uint64_t bytes_sent;
	char buffer[ORIGIN_RECEIVE_MAX];
};

/* Readies a slot (zeroed, or closed before) for an accepted non-blocking socket. */
void origin_connection_open(struct origin_connection *connection, int fd, bool tls);

/* The socket's epoll events; edge-triggered, EPOLLIN | EPOLLOUT | EPOLLRDHUP. */
void origin_connection_ready(struct origin_service *service, struct origin_connection *connection,
			     uint32_t events);

/* Sends the answers that were queued; to be called before the thread waits. */
void origin_service_flush(struct origin_service *service);

/* Its timer is due. */
void origin_connection_due(struct origin_service *service, struct origin_connection *connection);

/*
 * Answers the requests in `bytes` while that goes without waiting, and keeps the rest for later.
 * For origin_secure.c, as are the two below.
 */
void origin_connection_take(struct origin_service *service, struct origin_connection *connection,
			    const char *bytes, size_t size);

/* Received bytes in a stash of their own, NULL when out of memory; and its way back. */
struct origin_stash *origin_stash_new(struct origin_service *service, const char *bytes,
				      size_t size);
void origin_stash_release(struct origin_service *service, struct origin_stash *stash);

/* Gives back a closed connection's descriptor, slot and all that it holds. */
void origin_connection_leave(struct origin_service *service, struct origin_connection *connection);

/* Frees what a connection still holds when its worker is gone, and closes it. */
void origin_connection_abandon(struct origin_connection *connection);

/* Frees the pool, and what is prepared and remembered. */
void origin_service_release(struct origin_service *service);

#endif
