/* Making and registering the buffer ring, with the calls that liburing 2.3 already has. */
#include "kernels/fetch/uring_buffers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels/fetch/uring_abi.h"

static void *map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

int uring_buffers_make(struct uring_buffers *b, struct io_uring *ring, bool incremental,
		       bool bundle, char *why, size_t why_size)
{
	struct uring_buffer_ring registration = {.group = URING_BUFFER_GROUP,
						 .entries = URING_BUFFERS};
	int err;

	b->in_pieces = incremental || bundle;
	b->ring = map(URING_BUFFERS * sizeof(struct io_uring_buf));
	if (!b->ring || receive_area_make(&b->area, URING_BUFFERS)) {
		snprintf(why, why_size, "out of memory for %u receive buffers", URING_BUFFERS);
		return -ENOMEM;
	}
	registration.address = (uintptr_t)b->ring;
	if (incremental)
		registration.flags = URING_BUFFERS_INCREMENTAL;
	err = io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_PBUF_RING, &registration,
				1);
	if (err < 0) {
		snprintf(why, why_size, "io_uring: registering a%s buffer ring: %s",
			 incremental ? "n incremental" : "", strerror(-err));
		return err;
	}
	io_uring_buf_ring_init(b->ring);
	for (unsigned i = 0; i < URING_BUFFERS; i++)
		uring_buffers_give_back(b, i);
	return 0;
}

void uring_buffers_free(struct uring_buffers *b, struct io_uring *ring)
{
	if (b->ring) {
		io_uring_unregister_buf_ring(ring, URING_BUFFER_GROUP);
		munmap(b->ring, URING_BUFFERS * sizeof(struct io_uring_buf));
	}
	receive_area_free(&b->area);
	b->ring = NULL;
}

void uring_buffers_give_back(struct uring_buffers *b, unsigned index)
{
	b->place[index] = (uint16_t)(b->ring->tail & (URING_BUFFERS - 1));
	io_uring_buf_ring_add(b->ring, uring_buffers_at(b, index), (unsigned)URING_BUFFER_SIZE,
			      (unsigned short)index, URING_BUFFERS - 1, 0);
	io_uring_buf_ring_advance(b->ring, 1);
}

size_t uring_buffers_piece(const struct uring_buffers *b, unsigned index, size_t left,
			   const uint8_t **at)
{
	size_t room = URING_BUFFER_SIZE - b->used[index];

	*at = uring_buffers_at(b, index) + b->used[index];
	return left < room ? left : room;
}

unsigned uring_buffers_taken(struct uring_buffers *b, unsigned index, size_t length, bool finished)
{
	unsigned next = b->ring->bufs[(b->place[index] + 1) & (URING_BUFFERS - 1)].bid;

	b->used[index] += (uint32_t)length;
	if (finished) {
		b->used[index] = 0;
		uring_buffers_give_back(b, index);
	}
	return next;
}
