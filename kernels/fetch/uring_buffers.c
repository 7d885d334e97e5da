/* Making and registering the buffer ring, with the calls that liburing 2.3 already has. */
#include "kernels/fetch/uring_buffers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels/fetch/model.h"

#define BUFFERS_MOST 32768 /* what a ring of buffers can hold */

static void *map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int uring_buffers_make(struct uring_buffers *b, struct io_uring *ring, unsigned connections,
		       char *why, size_t why_size)
{
	struct io_uring_buf_reg registration = {.bgid = URING_BUFFER_GROUP};
	int err;

	b->size = RECEIVE_SIZE;
	/* At a power of two the heads of all buffers would fall into the same few cache sets. */
	b->stride = RECEIVE_SIZE + 256;
	b->returned = 0;
	for (b->count = 16; b->count < connections && b->count < BUFFERS_MOST;)
		b->count *= 2;
	b->ring = map(b->count * sizeof(struct io_uring_buf));
	b->memory = map(b->count * b->stride);
	if (!b->ring || !b->memory) {
		snprintf(why, why_size, "out of memory for %u receive buffers", b->count);
		return -ENOMEM;
	}
	registration.ring_addr = (uint64_t)(uintptr_t)b->ring;
	registration.ring_entries = b->count;
	err = io_uring_register_buf_ring(ring, &registration, 0);
	if (err) {
		snprintf(why, why_size, "io_uring: registering a buffer ring: %s", strerror(-err));
		return err;
	}
	io_uring_buf_ring_init(b->ring);
	for (unsigned i = 0; i < b->count; i++)
		uring_buffers_give_back(b, i);
	uring_buffers_publish(b);
	return 0;
}

void uring_buffers_free(struct uring_buffers *b, struct io_uring *ring)
{
	if (b->ring) {
		io_uring_unregister_buf_ring(ring, URING_BUFFER_GROUP);
		munmap(b->ring, b->count * sizeof(struct io_uring_buf));
	}
	if (b->memory)
		munmap(b->memory, b->count * b->stride);
	b->ring = NULL;
	b->memory = NULL;
}
