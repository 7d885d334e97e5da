/*
 * The part of lwIP's port that a program without threads brings along itself. The distribution's
 * library has one for threads, with locks and a clock; the linker prefers what the program
 * defines. Here nothing is shared, and time is what xdp_stack_tick() makes of it.
 */
#include "kernels/fetch/xdp_port.h"

#include <errno.h>
#include <lwip/inet_chksum.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* lwIP's own timers are never asked for: xdp_stack_tick() calls what they would. */
u32_t sys_now(void)
{
	return 0;
}

sys_prot_t sys_arch_protect(void)
{
	return 0;
}

void sys_arch_unprotect(sys_prot_t protection)
{
	(void)protection;
}

/* The first sequence number of the next connection. */
static u32_t sequence;

void xdp_port_seed(void)
{
	unsigned seeds[2] = {0, 0};

	/* So few bytes are never refused once the system is up; a start at 0 is right as well. */
	if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
		seeds[0] = seeds[1] = 0;
	srand(seeds[0]);
	sequence = seeds[1];
}

/*
 * lwIP's own starts at the same number in every process. A port is used again after 16,384 others,
 * so after 2^30 numbers: less than half a circle, a server that still knows it takes it for new.
 */
u32_t tcp_next_iss(struct tcp_pcb *pcb)
{
	(void)pcb;
	sequence += 0x10000;
	return sequence;
}

/* Called wherever lwIP is entered. */
void sys_check_core_locking(void)
{
}

/* Defined in lwIP's sources alone. */
u16_t lwip_standard_chksum(const void *bytes, int length);

/*
 * The Internet checksum's sum, not inverted, in the byte order of memory (RFC 1071, 2): eight
 * bytes at a time, their halves in sums of their own, which a frame cannot overflow.
 */
u16_t lwip_standard_chksum(const void *bytes, int length)
{
	const uint8_t *at = bytes;
	uint64_t low = 0, high = 0, word = 0;

	for (; length >= 8; length -= 8, at += 8) {
		memcpy(&word, at, 8);
		low += word & UINT32_MAX;
		high += word >> 32;
	}
	word = 0;
	memcpy(&word, at, (size_t)length);
	low += (word & UINT32_MAX) + (word >> 32) + high;
	while (low >> 16)
		low = (low & UINT16_MAX) + (low >> 16);
	return (u16_t)low;
}

/*
 * The youngest, at the list's head, are kept: they answer a server that has not heard the last
 * acknowledgement. One that is forgotten would answer with a reset, which ends that server as well.
 */
void xdp_port_forget(unsigned most)
{
	struct tcp_pcb *last = tcp_tw_pcbs;

	for (unsigned i = 1; last && i < most; i++)
		last = last->next;
	while (last && last->next)
		tcp_abort(last->next);
}

int xdp_port_errno(err_t err)
{
	switch (err) {
	case ERR_MEM:
	case ERR_BUF:
		return ENOMEM;
	case ERR_RTE:
		return ENETUNREACH;
	case ERR_USE:
		return EADDRNOTAVAIL;
	case ERR_RST:
	case ERR_CLSD:
		return ECONNRESET;
	case ERR_ABRT: /* sent again too often */
	case ERR_TIMEOUT:
		return ETIMEDOUT;
	default:
		return EPROTO;
	}
}
