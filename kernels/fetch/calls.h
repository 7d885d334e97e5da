/*
 * The system calls that models make, counted. These counts are the evidence of the matrix: how
 * often a model called, how often it was told EAGAIN, how often it was notified. One struct a
 * worker, written by that worker alone.
 */
#ifndef FETCH_CALLS_H
#define FETCH_CALLS_H

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct calls {
	uint64_t total;		/* system calls made */
	uint64_t would_block;	/* of which answered EAGAIN (or EALREADY while connecting) */
	uint64_t notifications; /* readiness events or completions taken */
	uint64_t cq_overflows;	/* completions that found no room */
	/* Of a model that has frames instead of sockets: */
	uint64_t kicks;		  /* calls that only wake the kernel; among the total */
	uint64_t frames_sent;	  /* Ethernet frames */
	uint64_t frames_received; /* likewise */
	uint64_t batches;	  /* looks at the ring that found some */
	uint64_t frame_copies;	  /* frames that this program copied */
	uint64_t frames_dropped;  /* that found no room, in or out */
	uint64_t frames_lost;	  /* dropped on purpose */
};

static inline ssize_t calls_send(struct calls *calls, int fd, const void *bytes, size_t length)
{
	ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

	calls->total++;
	if (sent < 0 && errno == EAGAIN)
		calls->would_block++;
	return sent;
}

static inline ssize_t calls_recv(struct calls *calls, int fd, void *bytes, size_t size)
{
	ssize_t received = recv(fd, bytes, size, 0);

	calls->total++;
	if (received < 0 && errno == EAGAIN)
		calls->would_block++;
	return received;
}

static inline int calls_connect(struct calls *calls, int fd, const struct sockaddr *address,
				socklen_t length)
{
	int err = connect(fd, address, length);

	calls->total++;
	if (err && (errno == EINPROGRESS || errno == EALREADY))
		calls->would_block++;
	return err;
}

static inline int calls_close(struct calls *calls, int fd)
{
	calls->total++;
	return close(fd);
}

/* Wakes the kernel to take what an AF_XDP socket has to send. */
static inline int calls_kick(struct calls *calls, int fd)
{
	ssize_t sent = sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0);

	calls->total++;
	calls->kicks++;
	if (sent < 0 && errno == EAGAIN)
		calls->would_block++;
	return sent < 0 ? -1 : 0;
}

/* Wakes it to receive into what it was given. */
static inline void calls_kick_receiving(struct calls *calls, int fd)
{
	calls->total++;
	calls->kicks++;
	recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* Sleeps for wait_ns, until a signal comes at the latest. */
static inline void calls_sleep(struct calls *calls, int64_t wait_ns)
{
	const struct timespec wait = {.tv_sec = wait_ns / 1000000000,
				      .tv_nsec = wait_ns % 1000000000};

	calls->total++;
	nanosleep(&wait, NULL);
}

/* wait_ns: 0 looks, -1 waits for ever; in between the time is the kernel's own, to the ns. */
static inline int calls_epoll_wait(struct calls *calls, int epoll, struct epoll_event *events,
				   int most, int64_t wait_ns)
{
	const struct timespec wait = {.tv_sec = wait_ns / 1000000000,
				      .tv_nsec = wait_ns % 1000000000};
	int count = wait_ns > 0 ? epoll_pwait2(epoll, events, most, &wait, NULL)
				: epoll_wait(epoll, events, most, (int)wait_ns);

	calls->total++;
	if (count > 0)
		calls->notifications += (uint64_t)count;
	return count;
}

/* wait_ns: 0 looks, -1 waits for ever. */
static inline int calls_poll(struct calls *calls, struct pollfd *list, unsigned length,
			     int64_t wait_ns)
{
	const struct timespec wait = {.tv_sec = wait_ns / 1000000000,
				      .tv_nsec = wait_ns % 1000000000};
	int count = ppoll(list, length, wait_ns < 0 ? NULL : &wait, NULL);

	calls->total++;
	if (count > 0)
		calls->notifications += (uint64_t)count;
	return count;
}

/* Looks at the descriptors below `limit` that are in the sets; wait_ns as in calls_poll(). */
static inline int calls_select(struct calls *calls, int limit, fd_set *to_read, fd_set *to_write,
			       int64_t wait_ns)
{
	const struct timespec wait = {.tv_sec = wait_ns / 1000000000,
				      .tv_nsec = wait_ns % 1000000000};
	int count = pselect(limit, to_read, to_write, NULL, wait_ns < 0 ? NULL : &wait, NULL);

	calls->total++;
	if (count > 0)
		calls->notifications += (uint64_t)count;
	return count;
}

#endif
