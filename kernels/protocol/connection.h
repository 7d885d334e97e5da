/*
 * A connection: HTTP/1.1 client as a state machine without I/O. It says what it wants next and
 * is told what happened; it makes no call, knows no clock and allocates nothing. Every model
 * drives the same code over the same bytes, so that models differ only in how they wait.
 *
 *	want NOTHING --begin--> CONNECT or SEND --> RECEIVE --> NOTHING (kept alive) or CLOSE
 *
 * A request on a connection that the server closed while it was idle is sent again, once, on a
 * new connection (RFC 9112, 9.3.1), provided that not a byte of the response had arrived.
 */
#ifndef PROTOCOL_CONNECTION_H
#define PROTOCOL_CONNECTION_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/protocol/chunks.h"
#include "kernels/protocol/coding.h"
#include "kernels/protocol/request.h"
#include "kernels/protocol/tls.h"

enum want {
	WANT_NOTHING, /* idle: the fetch is over, or none was begun */
	WANT_CONNECT, /* open a socket to the request's endpoint */
	WANT_SEND,    /* send connection_output() */
	WANT_RECEIVE, /* receive, and hand over what came */
	WANT_CLOSE    /* close the socket */
};

/* Longest head of a response that is accepted, bytes. */
#define CONNECTION_HEAD_MAX ((size_t)64 * 1024)

struct connection;
struct headers;
struct decoder;

/*
 * Who is told about fetches: the lab stamps and counts in these, and nowhere else. All are
 * called from within the connection_*() call that caused them.
 */
struct observer {
	void (*connected)(struct observer *observer, struct connection *connection);
	/* The TLS handshake is over and the server is who it should be. */
	void (*secured)(struct observer *observer, struct connection *connection);
	void (*first_byte)(struct observer *observer, struct connection *connection);
	/* The response is whole: status, body_bytes and received_bytes are final. */
	void (*done)(struct observer *observer, struct connection *connection);
	/* The fetch failed: failure says how; it is not retried. */
	void (*failed)(struct observer *observer, struct connection *connection);
};

/* Longest response that is remembered whole, bytes. */
#define CONNECTION_SEEN_MAX 512

/*
 * The latest response to a request that came in one piece, checked, and left its connection open.
 * Another that equals it byte for byte, head and body, means the same, and is not parsed again:
 * 3 % less CPU a fetch of 24 bytes.
 */
struct seen_response {
	uint32_t length; /* 0: none yet */
	uint32_t body_bytes;
	uint16_t status;
	uint8_t bytes[CONNECTION_SEEN_MAX];
};

/*
 * What the body of a request must be, kept from its first whole response in this worker. One a
 * request and worker, so that no two workers share it. Bodies are compared as they are decoded;
 * until there is a whole one, those that come beside it are summed up, and their sums compared.
 */
struct body_reference {
	struct seen_response seen;
	struct connection *writer; /* whose response is being kept, while it is not whole */
	uint64_t summed_length;	   /* of the first whole body, where it was not the one kept */
	uint32_t sum;		   /* of its first `capacity` bytes */
	bool summed;		   /* there is such a one */
	uint8_t *bytes;		   /* the first `capacity` bytes */
	size_t capacity;
	uint64_t length; /* of the whole body, once known */
	bool known;
	bool varies; /* the first body is kept, the others may be different */
};

/* How the body of a response stands to its reference. */
enum body_state {
	BODY_COMPARED, /* all that came so far is the reference's */
	BODY_SUMMED,   /* what came before there was a reference is not compared yet */
	BODY_DIFFERS
};

struct connection {
	enum want want;
	int fd;			/* the model's; -1 when there is none */
	uint32_t index;		/* in the worker's array */
	unsigned armed;		/* the model's own state */
	bool open;		/* connected, as far as is known */
	bool ready;		/* requests may be sent: connected and, with TLS, secured */
	bool drives;		/* OpenSSL has the socket: connection_drive() instead of calls */
	bool reused;		/* this fetch began on an open connection */
	bool got_bytes;		/* of this fetch's response */
	bool peer_done;		/* the server will send nothing after what is here already */
	bool notified;		/* the server ended the TLS stream in order */
	bool one_piece;		/* all that was received so far came in one go */
	bool complete;		/* the response is whole */
	bool keep_alive;	/* the server lets the connection stay open */
	bool head_complete;	/* the blank line has been parsed */
	bool coded;		/* this response's body is decoded */
	bool chunked;		/* this response's body is under way, in chunks */
	uint8_t body_state;	/* enum body_state */
	uint16_t status;	/* of the response */
	const uint8_t *output;	/* what the socket is to send now */
	uint32_t output_length; /* bytes */
	uint32_t sent;		/* of which are sent */
	const struct request *request;
	struct body_reference *reference; /* NULL: bodies are not compared */
	struct observer *observer;
	uint64_t body_bytes;	 /* of this response, decoded */
	uint64_t received_bytes; /* of this response, head included, without TLS's own */
	/* The observer's own, which this module never looks at. */
	uint64_t due_ns;   /* when this fetch was due */
	uint64_t begun_ns; /* when this request was begun */
	uint64_t first_byte_ns;
	uint64_t connected_ns; /* 0: on an open connection */
	uint64_t secured_ns;
	const char *failure;	    /* constant text, NULL while all is well */
	const char *failure_detail; /* constant text that says more, or NULL */
	int failure_errno;	    /* 0 when the reason is not a call's */
	/* Given by whoever made the connection, who also frees them; NULL where there is no use. */
	struct tls *tls;	 /* with it, the connection speaks TLS */
	struct headers *headers; /* where the headers that the lab reads are kept */
	struct decoder *decoder; /* with headers too: content codings are decoded */
	uint32_t sum;		 /* of what came of the body before there was a reference */
	uint64_t summed;	 /* bytes of it */
	struct chunks chunks;	 /* where in them */
	llhttp_t parser;
} __attribute__((aligned(64)));

/* Makes an unconnected connection; no resource is held. */
void connection_init(struct connection *connection, uint32_t index, struct observer *observer);

/* Begins a fetch; the connection must want NOTHING. reference may be NULL. */
void connection_begin(struct connection *connection, const struct request *request,
		      struct body_reference *reference);

/*
 * What is still to be sent; *length is its size in bytes. It stays where it is until the
 * connection has received something or is closed.
 */
static inline const uint8_t *connection_output(const struct connection *connection, size_t *length)
{
	*length = connection->output_length - connection->sent;
	return connection->output + connection->sent;
}

/* The socket is connected. */
void connection_connected(struct connection *connection);

/* So many bytes of the output were taken by the kernel. */
static inline void connection_sent(struct connection *connection, size_t length)
{
	connection->sent += (uint32_t)length;
	if (connection->sent == connection->output_length)
		connection->want = WANT_RECEIVE;
}

/*
 * Where OpenSSL has the socket (drives is set): makes the calls that what the connection wants
 * (SEND or RECEIVE) takes. Returns true when it wants something else now, false when it has to
 * wait for what it wants. *calls is increased by the system calls made.
 */
bool connection_drive(struct connection *connection, uint64_t *calls);

/* length bytes arrived, wherever they lie; they are not needed after the call. length > 0. */
void connection_received(struct connection *connection, const void *bytes, size_t length);

/* The peer closed its side, and everything before that has been received. */
void connection_eof(struct connection *connection);

/*
 * The peer closed its side behind bytes that are still to be received: the connection will not be
 * used for another fetch. For models that hear of this ahead of connection_eof().
 */
static inline void connection_peer_done(struct connection *connection)
{
	connection->peer_done = true;
}

/* A call failed with this errno while `phase` ("connect", "send", "receive") was going on. */
void connection_error(struct connection *connection, const char *phase, int error);

/*
 * Gives the fetch under way up for a reason that no call told: `failure` and `detail` (or NULL)
 * are constant text. The connection then wants CLOSE.
 */
void connection_give_up(struct connection *connection, const char *failure, const char *detail);

/* What the fetch under way is at: "connect", "TLS", "response", "head" or "body". */
const char *connection_phase(const struct connection *connection);

/* The socket is closed: what follows is another CONNECT (a retry) or NOTHING. */
void connection_closed(struct connection *connection);

#endif
