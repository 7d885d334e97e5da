/*
 * The receive buffers of an io_uring worker: a ring from which the kernel picks one for each
 * arrival, and into which it is put back when its bytes have been parsed, where they lie.
 */
#ifndef FETCH_URING_BUFFERS_H
#define FETCH_URING_BUFFERS_H

#include <liburing.h>
#include <stddef.h>
#include <stdint.h>

#define URING_BUFFER_GROUP 0

struct uring_buffers {
	struct io_uring_buf_ring *ring;
	uint8_t *memory;
	unsigned count; /* a power of two */
	size_t size;	/* of one buffer, bytes */
	size_t stride;	/* from one buffer to the next: not a power of two, see make */
	int returned;	/* put back, not yet shown to the kernel */
};

/*
 * Makes and registers enough buffers for `connections` arrivals at once: at most 32768, beyond
 * which a receive that finds none is armed again. Untouched buffers cost no memory. Returns 0 or
 * -errno with one line in why.
 */
int uring_buffers_make(struct uring_buffers *buffers, struct io_uring *ring, unsigned connections,
		       char *why, size_t why_size);
void uring_buffers_free(struct uring_buffers *buffers, struct io_uring *ring);

static inline uint8_t *uring_buffers_at(const struct uring_buffers *buffers, unsigned index)
{
	return buffers->memory + index * buffers->stride;
}

/* The buffer may be used again, from the next uring_buffers_publish() on. */
static inline void uring_buffers_give_back(struct uring_buffers *buffers, unsigned index)
{
	io_uring_buf_ring_add(buffers->ring, uring_buffers_at(buffers, index),
			      (unsigned)buffers->size, (unsigned short)index,
			      (int)buffers->count - 1, buffers->returned++);
}

static inline void uring_buffers_publish(struct uring_buffers *buffers)
{
	if (buffers->returned) {
		io_uring_buf_ring_advance(buffers->ring, buffers->returned);
		buffers->returned = 0;
	}
}

#endif
