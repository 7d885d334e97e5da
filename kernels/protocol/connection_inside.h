/* What the files of connection.h share: connection.c the states, connection_parse.c HTTP's text,
 * connection_tls.c what TLS puts between the two, connection_reference.c what bodies must be. */
#ifndef PROTOCOL_CONNECTION_INSIDE_H
#define PROTOCOL_CONNECTION_INSIDE_H

#include "kernels/protocol/connection.h"

/* --- connection.c --------------------------------------------------------------------------- */

/* The fetch failed: tells the observer; the connection wants CLOSE. */
void connection_fail(struct connection *c, const char *failure, int error);

/* Plain bytes of the response. */
void connection_take(struct connection *c, const void *bytes, size_t length);

/* --- connection_parse.c --------------------------------------------------------------------- */

/* A new connection: its parser begins at a response. */
void connection_parse_begin(struct connection *c);

/*
 * Parses; c->complete, status, keep_alive and body_bytes follow. 0, or -EBADMSG with c->failure
 * and c->failure_detail set.
 */
int connection_parse(struct connection *c, const void *bytes, size_t length);

/* The stream is over: true when that completed a body that has no stated length. */
bool connection_parse_end(struct connection *c);

/* --- connection_reference.c ----------------------------------------------------------------- */

/* Bytes of a body whose reference is not known yet. */
void connection_learn(struct connection *c, const uint8_t *bytes, size_t length);

/* The body is whole: whether it is what it must be. It may become the reference. */
bool connection_body_is_right(struct connection *c);

/* The reference is not whole yet and this connection will not complete it. */
void connection_abandon_reference(struct connection *c);

/* --- connection_tls.c ----------------------------------------------------------------------- */

/* Connected: the handshake begins. */
void connection_secure(struct connection *c);

/* The request, encrypted, becomes the output. */
void connection_seal(struct connection *c);

/* Ciphertext came. */
void connection_unseal(struct connection *c, const void *bytes, size_t length);

#endif
