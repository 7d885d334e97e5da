/*
 * An HTTP client for tests that trusts nobody: it writes the bytes that it is told to, reads
 * answers one by one, and fails the running cmocka test on any byte of a body that is not the
 * pattern's. Blocking, with a limit on every read, so that a missing byte is a failed test.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/child.h"

/* Starts $BUILD/origin with these options (NULL-terminated); returns the port it listens on. */
unsigned peer_origin(struct child *child, const char *const *options);

/* SIGTERM; asserts exit status 0, nothing on stderr, and returns its last line. */
const char *peer_origin_end(struct child *child);

struct peer {
	int fd;
	size_t at, end; /* received and not yet read */
	char bytes[65536];
};

struct answer {
	int status;
	bool closes;	    /* Connection: close */
	bool keeps;	    /* Connection: keep-alive */
	int64_t length;	    /* Content-Length, -1 without */
	uint64_t body_size; /* bytes that came, all of them right */
	char head[1024];
};

/* Connects to 127.0.0.1:port; receive_buffer is SO_RCVBUF, 0 for the system's. */
void peer_open(struct peer *peer, unsigned port, int receive_buffer);
void peer_close(struct peer *peer);

void peer_send(struct peer *peer, const char *bytes, size_t size);
void peer_text(struct peer *peer, const char *text);

/* "GET path HTTP/1.1" with a Host. */
void peer_get(struct peer *peer, const char *path);

/* Reads one answer; `head`: to a HEAD request, so without a body. */
void peer_answer(struct peer *peer, struct answer *answer, bool head);

/* peer_answer() of which these are asserted. */
void peer_expect(struct peer *peer, int status, uint64_t body_size);

/* Asserts that the other side closed in order, with no byte left unread. */
void peer_expect_end(struct peer *peer);

#endif
