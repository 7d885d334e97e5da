/*
 * A TLS client of the origin: the receiving and sending of origin_connection.c and origin_answer.c
 * with origin_tls.h in between. What the connection serves and what it sends is the same.
 */
#ifndef LAB_ORIGIN_SECURE_H
#define LAB_ORIGIN_SECURE_H

#include "lab/origin.h"
#include "lab/origin_connection.h"
#include "lab/origin_tls.h"

/* A client's; made when it is first heard of, by the thread that serves it. */
struct origin_secure {
	struct origin_tls tls;
	struct origin_stash *raw;     /* received, not yet decrypted: behind an answer that waits */
	struct origin_outbox *unsent; /* encrypted, the socket had no room */
};

/* A worker's. */
struct origin_secure_service {
	SSL_CTX *context; /* the origin's */
	struct origin_outbox *outboxes;
	struct origin_handshakes handshakes;
	struct origin_outbox out; /* empty between connections */
	char plain[RECORD_MAX];	  /* decrypted */
	char staging[RECORD_MAX]; /* to be encrypted: a head and the body's beginning */
};

/* NULL when out of memory. */
struct origin_secure_service *origin_secure_service_new(SSL_CTX *context);
void origin_secure_service_free(struct origin_secure_service *service);

/* As resume() does, for an open connection whose stash has been served. */
void origin_secure_resume(struct origin_service *service, struct origin_connection *connection);

/* As origin_answer_give() and origin_answer_push() do. */
void origin_secure_give(struct origin_service *service, struct origin_connection *connection,
			const struct origin_reply *reply);
void origin_secure_push(struct origin_service *service, struct origin_connection *connection);

/* Tells the client that nothing follows, if the socket has room. */
void origin_secure_goodbye(struct origin_service *service, struct origin_connection *connection);

/* Counts a handshake that came to nothing, and frees all. */
void origin_secure_leave(struct origin_service *service, struct origin_connection *connection);
void origin_secure_free(struct origin_secure *secure);

#endif
