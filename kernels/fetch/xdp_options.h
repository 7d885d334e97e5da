/*
 * The variants of fetch-xdp: which there are, which go together, and what they mean for the
 * program and for the sockets. Decided once, before the run.
 */
#ifndef FETCH_XDP_OPTIONS_H
#define FETCH_XDP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/fetch/model.h"

/* Where the program runs: in the card's driver, or in the kernel's network code behind it. */
enum xdp_mode { XDP_MODE_BEST, XDP_MODE_NATIVE, XDP_MODE_GENERIC };
/* Whether the kernel copies frames between the card's memory and the program's. */
enum xdp_copying { XDP_COPYING_BEST, XDP_COPYING_COPY, XDP_COPYING_NONE };

/*
 * What lwIP calls a quarter of a second: the longest that an acknowledgement is put off, and half
 * the unit of its retransmission timer. Its own 250 ms would make a lost frame cost 0.5 to 3 s;
 * with these it is 100 ms and more, as the kernel's 200 ms.
 */
#define XDP_TICK_NS UINT64_C(50000000)

/*
 * After what time something is sent again, in lwIP's units of two ticks, as the kernel's TCP has
 * it: a second until the server has answered at all (RFC 6298, 2), then some 200 ms at the least.
 * lwIP's own estimate does not go below three units, which is 200 to 300 ms.
 */
#define XDP_RTO_UNIT_NS	 (2 * XDP_TICK_NS)
#define XDP_RTO_FIRST	 ((int16_t)(UINT64_C(1000000000) / XDP_RTO_UNIT_NS))
#define XDP_RTO_ANSWERED 3

struct xdp_variants {
	enum xdp_mode mode;
	enum xdp_copying copying;
	uint32_t busy_poll_us; /* 0: none */
	uint32_t drop_permille;
	uint64_t seed; /* of what is dropped */
};

void xdp_options_resolve(struct xdp_variants *options, const struct model_choices *choices);

#define XDP_TEXT_SIZE 192

/*
 * The variants in effect, as a list with commas; copying and queues are put in as they are. polls:
 * frames came from a queue that can be polled, which is only known at the end.
 */
void xdp_options_text(const struct xdp_variants *options, enum xdp_mode mode, const char *copying,
		      const char *queues, bool polls, char text[XDP_TEXT_SIZE]);

/* --- the model's functions, in async_xdp.c: see model.h --- */

int xdp_reach(const struct reach *reach, char *why, size_t why_size);
int xdp_prepare(struct worker *worker, char *why, size_t why_size);
int xdp_run(struct worker *worker);
void xdp_release(struct worker *worker);
const char *xdp_variant(const struct worker *worker);

#endif
