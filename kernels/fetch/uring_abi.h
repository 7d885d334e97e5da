/*
 * The kernel's io_uring interface where it is newer than liburing 2.3's header, under names of
 * our own: the kernel's header and liburing's share an include guard, and later libraries define
 * some of these as enum constants, which no #ifndef sees. Whether the running kernel has them is
 * found out by asking it to do them.
 */
#ifndef FETCH_URING_ABI_H
#define FETCH_URING_ABI_H

#include <stdint.h>

/* sqe->ioprio of sends and receives */
#define URING_SEND_ZC_REPORT_USAGE (1U << 3) /* Linux 6.2 */
#define URING_RECVSEND_BUNDLE	   (1U << 4) /* 6.10 */

/* cqe->res of a zero-copy send's notification: the bytes were copied after all (6.2) */
#define URING_NOTIF_COPIED (1U << 31)

/* cqe->flags: the kernel goes on filling this buffer (6.12) */
#define URING_CQE_F_BUF_MORE (1U << 4)

#define URING_BUFFERS_INCREMENTAL 2 /* uring_buffer_ring.flags: fill them bit by bit (6.12) */

/* io_uring_buf_reg, of which libraries name the fourth field differently. */
struct uring_buffer_ring {
	uint64_t address;
	uint32_t entries;
	uint16_t group;
	uint16_t flags;
	uint64_t zero[3];
};

/* sqe->cmd_op of IORING_OP_URING_CMD on a socket (6.7) */
#define URING_SOCKET_SETSOCKOPT 3

/* io_uring_enter() flags: the argument is an offset into a registered region (6.13) */
#define URING_ENTER_EXT_ARG_REG (1U << 6)

/* io_uring_register() operations */
#define URING_REGISTER_NAPI	  27 /* 6.9 */
#define URING_REGISTER_MEM_REGION 34 /* 6.13 */

struct uring_napi {
	uint32_t busy_poll_us;
	uint8_t prefer_busy_poll;
	uint8_t zero[3];
	uint64_t zero_too;
};

#define URING_REGION_USER_MEMORY 1U /* uring_region.flags */

struct uring_region {
	uint64_t address;
	uint64_t size;
	uint32_t flags;
	uint32_t id;
	uint64_t mmap_offset;
	uint64_t zero[4];
};

#define URING_REGION_OF_WAITS 1U /* uring_region_registration.flags */

struct uring_region_registration {
	uint64_t region; /* address of a uring_region */
	uint64_t flags;
	uint64_t zero[2];
};

#define URING_WAIT_HAS_TIME 1U /* uring_registered_wait.flags */

/* What a registered region holds: the arguments of a wait. */
struct uring_registered_wait {
	int64_t seconds;
	int64_t nanoseconds;
	uint32_t min_wait_us;
	uint32_t flags;
	uint64_t signals;
	uint32_t signals_size;
	uint32_t zero[3];
	uint64_t zero_too[2];
};

/* io_uring_getevents_arg, whose padding has become the least wait (6.12). */
struct uring_wait {
	uint64_t signals;
	uint32_t signals_size;
	uint32_t min_wait_us;
	uint64_t time; /* address of a struct __kernel_timespec, or 0 */
};

#endif
