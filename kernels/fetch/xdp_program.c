/* The instructions, their maps and the link: see xdp_program.h, and bpf-helpers(7). */
#include "kernels/fetch/xdp_program.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the one element of the map `losses`. */
struct losses {
	uint64_t state; /* of the generator */
	uint64_t lost;	/* frames */
};

/* Knuth's MMIX generator, x = a x + c modulo 2^64: its upper bits are the good ones. */
#define LCG_A UINT64_C(6364136223846793005)
#define LCG_C UINT64_C(1442695040888963407)

static int refuse(int err, char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return err;
}

#define INSTRUCTION(code_, to, from, offset, number)                                               \
	{                                                                                          \
		.code = (code_), .dst_reg = (to), .src_reg = (from), .off = (offset),              \
		.imm = (int32_t)(number)                                                           \
	}
#define MOVE(to, from)		      INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, number)		      INSTRUCTION(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number)
#define COMPUTE(op, to, from)	      INSTRUCTION(BPF_ALU64 | (op) | BPF_X, to, from, 0, 0)
#define COMPUTE_BY(op, to, n)	      INSTRUCTION(BPF_ALU64 | (op) | BPF_K, to, 0, 0, n)
#define LOAD(size, to, from, at)      INSTRUCTION(BPF_LDX | BPF_MEM | (size), to, from, at, 0)
#define STORE(size, to, at, from)     INSTRUCTION(BPF_STX | BPF_MEM | (size), to, from, at, 0)
#define STORE_NUMBER(size, to, at, n) INSTRUCTION(BPF_ST | BPF_MEM | (size), to, 0, at, n)
#define JUMP_IF(op, a, n, by)	      INSTRUCTION(BPF_JMP | (op) | BPF_K, a, 0, by, n)
#define CALL(helper)		      INSTRUCTION(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT			      INSTRUCTION(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* Of 64 bits: they take two. */
#define SET_WIDE(to, number)                                                                       \
	INSTRUCTION(BPF_LD | BPF_DW | BPF_IMM, to, 0, 0, (uint32_t)((uint64_t)(number))),          \
		INSTRUCTION(0, 0, 0, 0, (uint32_t)((uint64_t)(number) >> 32))
#define SET_MAP(to, fd)                                                                            \
	INSTRUCTION(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd),                      \
		INSTRUCTION(0, 0, 0, 0, 0)

static int make_maps(struct xdp_program *p, unsigned queues, bool losing, uint64_t seed)
{
	const struct losses losses = {.state = seed};
	uint32_t first = 0;

	p->sockets = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "iolab_sockets", sizeof(uint32_t),
				    sizeof(uint32_t), queues, NULL);
	if (p->sockets < 0)
		return -errno;
	if (!losing)
		return 0;
	p->losses = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iolab_losses", sizeof(first),
				   sizeof(losses), 1, NULL);
	if (p->losses < 0 || bpf_map_update_elem(p->losses, &first, &losses, BPF_ANY))
		return -errno;
	return 0;
}

static int load(struct xdp_program *p, unsigned drop_permille)
{
	const struct bpf_insn losing[] = {
		/* r6 = context; r0 = &losses */
		MOVE(BPF_REG_6, BPF_REG_1),
		STORE_NUMBER(BPF_W, BPF_REG_10, -4, 0),
		MOVE(BPF_REG_2, BPF_REG_10),
		COMPUTE_BY(BPF_ADD, BPF_REG_2, -4),
		SET_MAP(BPF_REG_1, p->losses),
		CALL(BPF_FUNC_map_lookup_elem),
		JUMP_IF(BPF_JEQ, BPF_REG_0, 0, 16), /* to `handing over`, after r1 = r6 */
		/* state = a state + c */
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, offsetof(struct losses, state)),
		SET_WIDE(BPF_REG_2, LCG_A),
		COMPUTE(BPF_MUL, BPF_REG_1, BPF_REG_2),
		SET_WIDE(BPF_REG_2, LCG_C),
		COMPUTE(BPF_ADD, BPF_REG_1, BPF_REG_2),
		STORE(BPF_DW, BPF_REG_0, offsetof(struct losses, state), BPF_REG_1),
		/* Drop if its upper bits modulo 1000 are below drop_permille. */
		COMPUTE_BY(BPF_RSH, BPF_REG_1, 33),
		COMPUTE_BY(BPF_MOD, BPF_REG_1, 1000),
		JUMP_IF(BPF_JGE, BPF_REG_1, drop_permille, 5),
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, offsetof(struct losses, lost)),
		COMPUTE_BY(BPF_ADD, BPF_REG_1, 1),
		STORE(BPF_DW, BPF_REG_0, offsetof(struct losses, lost), BPF_REG_1),
		SET(BPF_REG_0, XDP_DROP),
		EXIT,
		MOVE(BPF_REG_1, BPF_REG_6),
	};
	const struct bpf_insn handing_over[] = {
		/* return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS) */
		LOAD(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, rx_queue_index)),
		SET_MAP(BPF_REG_1, p->sockets),
		SET(BPF_REG_3, XDP_PASS),
		CALL(BPF_FUNC_redirect_map),
		EXIT,
	};
	struct bpf_insn all[64];
	size_t count = 0;

	if (drop_permille) {
		memcpy(all, losing, sizeof(losing));
		count = sizeof(losing) / sizeof(losing[0]);
	}
	memcpy(all + count, handing_over, sizeof(handing_over));
	count += sizeof(handing_over) / sizeof(handing_over[0]);
	p->program = bpf_prog_load(BPF_PROG_TYPE_XDP, "iolab_fetch", "none", all, count, NULL);
	return p->program < 0 ? -errno : 0;
}

int xdp_program_load(struct xdp_program *p, unsigned queues, unsigned drop_permille, uint64_t seed,
		     char *why, size_t why_size)
{
	*p = (struct xdp_program){.sockets = -1, .losses = -1, .program = -1, .link = -1};
	int err = make_maps(p, queues, drop_permille, seed);

	if (!err)
		err = load(p, drop_permille);
	if (err == -EPERM)
		return refuse(err, why, why_size,
			      "AF_XDP needs the capabilities CAP_NET_ADMIN, "
			      "CAP_NET_RAW and CAP_BPF: run it as root");
	if (err)
		return refuse(err, why, why_size, "the kernel refuses the XDP program: %s",
			      strerror(-err));
	return 0;
}

int xdp_program_serve(struct xdp_program *p, unsigned queue, int socket, char *why, size_t why_size)
{
	if (bpf_map_update_elem(p->sockets, &queue, &socket, BPF_ANY) == 0)
		return 0;
	return refuse(-errno, why, why_size, "the kernel refuses the socket of queue %u: %m",
		      queue);
}

static int attach_as(struct xdp_program *p, unsigned interface, enum xdp_mode mode)
{
	const struct bpf_link_create_opts options = {
		.sz = sizeof(options),
		.flags = mode == XDP_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE};

	p->link = bpf_link_create(p->program, (int)interface, BPF_XDP, &options);
	p->mode = mode;
	return p->link < 0 ? -errno : 0;
}

int xdp_program_attach(struct xdp_program *p, unsigned interface, enum xdp_mode mode, char *why,
		       size_t why_size)
{
	static const char *const names[] = {
		[XDP_MODE_NATIVE] = "native", [XDP_MODE_GENERIC] = "generic"};
	int err = attach_as(p, interface, mode == XDP_MODE_BEST ? XDP_MODE_NATIVE : mode);

	if (err == -EOPNOTSUPP && mode == XDP_MODE_BEST)
		err = attach_as(p, interface, XDP_MODE_GENERIC);
	if (err == -EBUSY || err == -EEXIST)
		return refuse(err, why, why_size,
			      "the interface is busy: an XDP program is attached to it already");
	if (err == -EOPNOTSUPP)
		return refuse(err, why, why_size, "the driver has no %s mode for XDP: %s",
			      names[p->mode], strerror(-err));
	if (err)
		return refuse(err, why, why_size, "cannot attach the XDP program in %s mode: %s",
			      names[p->mode], strerror(-err));
	return 0;
}

uint64_t xdp_program_lost(const struct xdp_program *p)
{
	struct losses losses = {.lost = 0};
	uint32_t first = 0;

	if (p->losses >= 0)
		bpf_map_lookup_elem(p->losses, &first, &losses);
	return losses.lost;
}

void xdp_program_close(struct xdp_program *p)
{
	/* The link first: with it nothing is redirected any more. */
	int *const all[] = {&p->link, &p->program, &p->losses, &p->sockets};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}
