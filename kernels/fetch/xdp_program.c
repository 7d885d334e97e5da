/* The instructions, their maps and the link: see xdp_program.h, and bpf-helpers(7). */
#include "kernels/fetch/xdp_program.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/fetch/bpf_code.h"

/* In the map `losses`, an element a queue. */
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

static int make_losses(struct xdp_program *p, unsigned queues, uint64_t seed)
{
	const struct losses losses = {.state = seed};
	int err = 0;

	p->losses = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iolab_losses", sizeof(uint32_t),
				   sizeof(losses), queues, NULL);
	for (uint32_t queue = 0; p->losses >= 0 && !err && queue < queues; queue++)
		err = bpf_map_update_elem(p->losses, &queue, &losses, BPF_ANY);
	return p->losses < 0 || err ? -errno : 0;
}

static int make_strays(struct xdp_program *p)
{
	const struct bpf_map_create_opts options = {.sz = sizeof(options),
						    .map_flags = BPF_F_MMAPABLE};
	void *memory;

	p->strays = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iolab_strays", sizeof(uint32_t),
				   sizeof(struct xdp_strays), 1, &options);
	if (p->strays < 0)
		return -errno;
	memory = mmap(NULL, sizeof(struct xdp_strays), PROT_READ, MAP_SHARED, p->strays, 0);
	if (memory == MAP_FAILED)
		return -errno;
	p->astray = memory;
	return 0;
}

static int make_maps(struct xdp_program *p, unsigned queues, bool by_port,
		     const struct xdp_variants *o)
{
	int err = 0;

	p->sockets = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "iolab_sockets", sizeof(uint32_t),
				    sizeof(uint32_t), queues, NULL);
	if (p->sockets < 0)
		return -errno;
	if (o->drop_permille)
		err = make_losses(p, queues, o->seed);
	return err || !by_port ? err : make_strays(p);
}

/* The program under way. */
struct code {
	struct bpf_insn all[96];
	size_t count;
};

static void append(struct code *code, const struct bpf_insn *part, size_t size)
{
	memcpy(code->all + code->count, part, size);
	code->count += size / sizeof(*part);
}

/* In each part register 6 is the context; what a part is done with goes on behind it. */
static void begin(struct code *code)
{
	const struct bpf_insn part[] = {MOVE(BPF_REG_6, BPF_REG_1)};

	append(code, part, sizeof(part));
}

static void lose_some(struct code *code, const struct xdp_program *p, uint32_t drop_permille)
{
	const struct bpf_insn part[] = {
		/* r0 = &losses[queue] */
		LOAD(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index)),
		STORE(BPF_W, BPF_REG_10, -4, BPF_REG_1),
		MOVE(BPF_REG_2, BPF_REG_10),
		COMPUTE_BY(BPF_ADD, BPF_REG_2, -4),
		SET_MAP(BPF_REG_1, p->losses),
		CALL(BPF_FUNC_map_lookup_elem),
		JUMP_IF(BPF_JEQ, BPF_REG_0, 0, 16),
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
	};

	append(code, part, sizeof(part));
}

/* Past this part goes what is for a worker's port and came by that worker's queue. */
static void sort_by_port(struct code *code, const struct xdp_program *p,
			 const struct xdp_steering *s)
{
	const struct xdp_share first = xdp_steering_share(s, 0);
	const unsigned last = first.port + s->workers * first.ports - 1;
	const struct bpf_insn part[] = {
		LOAD_PORT(BPF_REG_8, BPF_REG_6, offsetof(struct xdp_md, data),
			  offsetof(struct xdp_md, data_end), 2),
		JUMP_IF(BPF_JLT, BPF_REG_8, first.port, 1),
		JUMP_IF(BPF_JLE, BPF_REG_8, last, 2),
		SET(BPF_REG_0, XDP_PASS),
		EXIT,
		/* r7 = the queue, r9 = the port's */
		LOAD(BPF_W, BPF_REG_7, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index)),
		MOVE(BPF_REG_9, BPF_REG_8),
		COMPUTE_BY(BPF_SUB, BPF_REG_9, XDP_PORT_FIRST),
		COMPUTE_BY(BPF_RSH, BPF_REG_9, s->shift),
		COMPUTE_BY(BPF_ADD, BPF_REG_9, s->origin),
		JUMP_IF_REG(BPF_JEQ, BPF_REG_7, BPF_REG_9, 14),
		/* Astray. */
		STORE_NUMBER(BPF_W, BPF_REG_10, -4, 0),
		MOVE(BPF_REG_2, BPF_REG_10),
		COMPUTE_BY(BPF_ADD, BPF_REG_2, -4),
		SET_MAP(BPF_REG_1, p->strays),
		CALL(BPF_FUNC_map_lookup_elem),
		JUMP_IF(BPF_JEQ, BPF_REG_0, 0, 5),
		STORE(BPF_W, BPF_REG_0, offsetof(struct xdp_strays, queue), BPF_REG_7),
		STORE(BPF_W, BPF_REG_0, offsetof(struct xdp_strays, port), BPF_REG_8),
		LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, offsetof(struct xdp_strays, frames)),
		COMPUTE_BY(BPF_ADD, BPF_REG_1, 1),
		STORE(BPF_DW, BPF_REG_0, offsetof(struct xdp_strays, frames), BPF_REG_1),
		SET(BPF_REG_0, XDP_DROP),
		EXIT,
	};

	append(code, part, sizeof(part));
}

/* return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS) */
static void hand_over(struct code *code, const struct xdp_program *p)
{
	const struct bpf_insn part[] = {
		LOAD(BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct xdp_md, rx_queue_index)),
		SET_MAP(BPF_REG_1, p->sockets),
		SET(BPF_REG_3, XDP_PASS),
		CALL(BPF_FUNC_redirect_map),
		EXIT,
	};

	append(code, part, sizeof(part));
}

static int load(struct xdp_program *p, const struct xdp_steering *s, const struct xdp_variants *o)
{
	struct code code = {.count = 0};

	begin(&code);
	if (o->drop_permille)
		lose_some(&code, p, o->drop_permille);
	if (s->by_port)
		sort_by_port(&code, p, s);
	hand_over(&code, p);
	p->program =
		bpf_prog_load(BPF_PROG_TYPE_XDP, "iolab_fetch", "none", code.all, code.count, NULL);
	return p->program < 0 ? -errno : 0;
}

int xdp_program_load(struct xdp_program *p, unsigned queues, const struct xdp_steering *steering,
		     const struct xdp_variants *options, char *why, size_t why_size)
{
	*p = (struct xdp_program){
		.sockets = -1, .losses = -1, .strays = -1, .program = -1, .link = -1};
	int err = make_maps(p, queues, steering->by_port, options);

	if (!err)
		err = load(p, steering, options);
	if (err == -EPERM)
		return refuse(err, why, why_size,
			      "AF_XDP needs the capabilities CAP_NET_ADMIN, "
			      "CAP_NET_RAW and CAP_BPF: run it as root");
	if (err)
		return refuse(err, why, why_size, "the kernel refuses the XDP program: %s",
			      strerror(-err));
	return 0;
}

int xdp_program_serve(const struct xdp_program *p, unsigned queue, int socket, char *why,
		      size_t why_size)
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

int xdp_program_attach(struct xdp_program *p, const struct xdp_interface *i, enum xdp_mode mode,
		       char *why, size_t why_size)
{
	static const char *const names[] = {
		[XDP_MODE_NATIVE] = "native", [XDP_MODE_GENERIC] = "generic"};
	int err = attach_as(p, i->index, mode == XDP_MODE_BEST ? XDP_MODE_NATIVE : mode);

	if (err == -EOPNOTSUPP && mode == XDP_MODE_BEST)
		err = attach_as(p, i->index, XDP_MODE_GENERIC);
	if (err == -EBUSY || err == -EEXIST)
		return refuse(err, why, why_size,
			      "the interface is busy: an XDP program is attached to it already");
	if (err == -EOPNOTSUPP)
		return refuse(err, why, why_size, "the driver has no %s mode for XDP: %s",
			      names[p->mode], strerror(-err));
	if (err == -ERANGE)
		return refuse(err, why, why_size,
			      "the MTU of %s or of its peer (%u bytes here) is too large for %s "
			      "XDP; `ip link set %s mtu 1500`, or take --xdp=generic",
			      i->name, i->mtu, names[p->mode], i->name);
	if (err)
		return refuse(err, why, why_size, "cannot attach the XDP program in %s mode: %s",
			      names[p->mode], strerror(-err));
	return 0;
}

bool xdp_program_attached(const struct xdp_program *p)
{
	struct bpf_link_info info = {.type = 0};
	uint32_t size = sizeof(info);

	/* A link that was detached is there, and leads to no interface. */
	return p->link < 0 || bpf_obj_get_info_by_fd(p->link, &info, &size) ||
	       info.xdp.ifindex != 0;
}

uint64_t xdp_program_lost(const struct xdp_program *p, unsigned queue)
{
	struct losses losses = {.lost = 0};

	if (p->losses >= 0)
		bpf_map_lookup_elem(p->losses, &queue, &losses);
	return losses.lost;
}

void xdp_program_close(struct xdp_program *p)
{
	/* The link first: with it nothing is redirected any more. */
	int *const all[] = {&p->link, &p->program, &p->losses, &p->strays, &p->sockets};

	if (p->astray)
		munmap((void *)(uintptr_t)p->astray, sizeof(*p->astray));
	p->astray = NULL;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}
