/* A program of a few instructions, and where it is attached: see link_steer.h. */
#include "lab/link_steer.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/fetch/bpf_code.h"
#include "kernels/fetch/xdp_steering.h"
#include "lab/link_netlink.h"

/* TC_ACT_UNSPEC of linux/pkt_cls.h: nothing more is decided about the frame. */
#define GO_ON (-1)

static int load(unsigned queues)
{
	const unsigned shift = xdp_steering_shift(queues);
	const struct bpf_insn code[] = {
		MOVE(BPF_REG_6, BPF_REG_1),
		LOAD_PORT(BPF_REG_4, BPF_REG_6, offsetof(struct __sk_buff, data),
			  offsetof(struct __sk_buff, data_end), 5),
		JUMP_IF(BPF_JLT, BPF_REG_4, XDP_PORT_FIRST, 4),
		/* As the kernel keeps it of a frame that came in: one more, 0 for none. */
		COMPUTE_BY(BPF_SUB, BPF_REG_4, XDP_PORT_FIRST),
		COMPUTE_BY(BPF_RSH, BPF_REG_4, shift),
		COMPUTE_BY(BPF_ADD, BPF_REG_4, 1),
		STORE(BPF_W, BPF_REG_6, offsetof(struct __sk_buff, queue_mapping), BPF_REG_4),
		SET(BPF_REG_0, GO_ON),
		EXIT,
	};
	union bpf_attr attribute;

	memset(&attribute, 0, sizeof(attribute));
	attribute.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attribute.insns = (uintptr_t)code;
	attribute.insn_cnt = sizeof(code) / sizeof(code[0]);
	attribute.license = (uintptr_t) "none";
	strcpy(attribute.prog_name, "iolab_steer");
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attribute, sizeof(attribute));

	return fd < 0 ? -errno : (int)fd;
}

int link_steer(int fd, const char *name, unsigned queues)
{
	int program = load(queues);
	int err = program < 0 ? program : link_netlink_classify(fd, name, program, "iolab_steer");

	if (program >= 0)
		close(program);
	return err;
}
