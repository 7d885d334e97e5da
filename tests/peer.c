/* Sockets and a reader of answers that is too simple to be wrong. */
#include "tests/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lab/body_pattern.h"

unsigned peer_origin(struct child *child, const char *const *options)
{
	const char *argv[16] = {child_program("origin")};
	const char *line;
	unsigned port = 0;

	for (size_t i = 0; options && options[i]; i++)
		argv[i + 1] = options[i];
	child_start(child, argv);
	line = child_line(child, CHILD_LIMIT_MS);
	assert_non_null(line);
	assert_ptr_equal(strstr(line, "Listening on http://"), line);
	assert_int_equal(line[strlen(line) - 1], '/');
	port = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
	assert_in_range(port, 1, 65535);
	return port;
}

const char *peer_origin_end(struct child *child)
{
	int status = child_end(child, SIGTERM, CHILD_LIMIT_MS);
	const char *line;

	assert_string_equal(child->err.text, ""); /* first, for a sanitizer speaks there */
	assert_int_equal(status, 0);
	line = child_line(child, 0);
	assert_non_null(line);
	assert_true(child_one_line(child->out.text + child->line_at - strlen(line) - 1));
	return line;
}

void peer_open(struct peer *peer, unsigned port, int receive_buffer)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval limit = {.tv_sec = CHILD_LIMIT_MS / 1000};
	int one = 1;

	peer->at = 0;
	peer->end = 0;
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0)
		fail_msg("socket: %s", strerror(errno));
	if (receive_buffer)
		setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(int));
	setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(peer->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	assert_int_equal(connect(peer->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void peer_close(struct peer *peer)
{
	close(peer->fd);
	peer->fd = -1;
}

void peer_send(struct peer *peer, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(peer->fd, bytes, size, MSG_NOSIGNAL);

		assert_true(sent > 0);
		bytes += sent;
		size -= (size_t)sent;
	}
}

void peer_text(struct peer *peer, const char *text)
{
	peer_send(peer, text, strlen(text));
}

void peer_get(struct peer *peer, const char *path)
{
	char text[512];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
	peer_text(peer, text);
}

/* More bytes behind those that are there; false at the end of the stream. */
static bool fill(struct peer *peer)
{
	ssize_t got;

	if (peer->at > 0) {
		memmove(peer->bytes, peer->bytes + peer->at, peer->end - peer->at);
		peer->end -= peer->at;
		peer->at = 0;
	}
	assert_true(peer->end < sizeof(peer->bytes));
	got = recv(peer->fd, peer->bytes + peer->end, sizeof(peer->bytes) - peer->end, 0);
	assert_true(got >= 0);
	peer->end += (size_t)got;
	return got > 0;
}

static void read_head(struct peer *peer, struct answer *answer)
{
	const char *end;
	size_t size;

	while (!(end = memmem(peer->bytes + peer->at, peer->end - peer->at, "\r\n\r\n", 4)))
		assert_true(fill(peer));
	size = (size_t)(end + 4 - (peer->bytes + peer->at));
	assert_true(size < sizeof(answer->head));
	memcpy(answer->head, peer->bytes + peer->at, size);
	answer->head[size] = '\0';
	peer->at += size;
}

static const char *header(const char *head, const char *name)
{
	const char *line = head;

	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			return line + strlen(name) + 2;
	}
	return NULL;
}

void peer_answer(struct peer *peer, struct answer *answer, bool head)
{
	const char *connection, *length;
	uint64_t left;

	read_head(peer, answer);
	assert_int_equal(sscanf(answer->head, "HTTP/1.1 %3d ", &answer->status), 1);
	connection = header(answer->head, "Connection");
	length = header(answer->head, "Content-Length");
	answer->closes = connection && strncmp(connection, "close\r\n", 7) == 0;
	answer->keeps = connection && strncmp(connection, "keep-alive\r\n", 12) == 0;
	answer->length = length ? (int64_t)strtoull(length, NULL, 10) : -1;
	answer->body_size = 0;
	left = head || !length ? 0 : (uint64_t)answer->length;
	while (left) {
		size_t have = peer->end - peer->at;
		size_t piece = have < left ? have : (size_t)left;

		assert_int_equal(body_check(peer->bytes + peer->at, piece, answer->body_size),
				 piece);
		peer->at += piece;
		answer->body_size += piece;
		left -= piece;
		if (left)
			assert_true(fill(peer));
	}
}

void peer_expect(struct peer *peer, int status, uint64_t body_size)
{
	struct answer answer = {0};

	peer_answer(peer, &answer, false);
	assert_int_equal(answer.status, status);
	assert_int_equal(answer.body_size, body_size);
}

void peer_expect_end(struct peer *peer)
{
	assert_int_equal(peer->at, peer->end);
	assert_false(fill(peer));
}
