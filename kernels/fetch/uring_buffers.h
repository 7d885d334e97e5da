/*
 * The receive buffers of an io_uring worker: a ring from which the kernel picks one for each
 * arrival, and into which it is put back when its bytes have been parsed, where they lie.
 */
#ifndef FETCH_URING_BUFFERS_H
#define FETCH_URING_BUFFERS_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/receive_area.h"

#define URING_BUFFER_GROUP 0

/*
 * Few, however many connections there are: they are used in turn, so that few stay in the caches,
 * and each is back long before its turn comes again. An arrival that finds none is told ENOBUFS
 * and asked for again. A power of two.
 */
#define URING_BUFFERS 64U

#define URING_BUFFER_SIZE RECEIVE_SIZE

struct uring_buffers {
	struct io_uring_buf_ring *ring;
	struct receive_area area;
	bool in_pieces; /* incremental or bundle: an arrival may be part of one or many */
	uint16_t place[URING_BUFFERS]; /* where in the ring each was put last */
	uint32_t used[URING_BUFFERS];  /* bytes of each that were taken, while it is being filled */
};

/*
 * Makes and registers the buffers; incremental and bundle as in uring_options. Untouched buffers
 * cost no memory. Returns 0 or -errno with one line in why.
 */
int uring_buffers_make(struct uring_buffers *buffers, struct io_uring *ring, bool incremental,
		       bool bundle, char *why, size_t why_size);
void uring_buffers_free(struct uring_buffers *buffers, struct io_uring *ring);

static inline uint8_t *uring_buffers_at(const struct uring_buffers *buffers, unsigned index)
{
	return receive_area_at(&buffers->area, index);
}

/* The kernel may use the buffer again. */
void uring_buffers_give_back(struct uring_buffers *buffers, unsigned index);

/*
 * An arrival in pieces: the bytes, at most `left`, that it has in this buffer. Sets *at, returns
 * how many.
 */
size_t uring_buffers_piece(const struct uring_buffers *buffers, unsigned index, size_t left,
			   const uint8_t **at);

/*
 * That piece is done with; `finished`: the kernel will put nothing more into the buffer. Returns
 * the buffer in which the arrival goes on.
 */
unsigned uring_buffers_taken(struct uring_buffers *buffers, unsigned index, size_t length,
			     bool finished);

#endif
