/*
 * What a host has for links and for going past its TCP, each by trying it: veth pairs, netem,
 * AF_XDP, TLS in the kernel. What is made for it is made by a child in a network namespace of its
 * own, and vanishes with that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/protocol/tls.h"
#include "lab/host_facts.h"
#include "kernels/fetch/netlink.h"
#include "lab/link_netlink.h"

#define SOME_DELAY_NS 1000000

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* What the child tells: 0, -errno, or that it was not tried. */
struct tried {
	int veth, netem, xdp_socket, xdp_program;
};

#define NOT_TRIED 1

/* A pair in this namespace, and a delay on one end. */
static void try_links(struct tried *t)
{
	const struct link_interface here = {.name = "iolab0"}, peer = {.name = "iolab1"};
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = netlink_open();

	t->veth = home < 0 ? -errno : fd < 0 ? fd : link_netlink_veth(fd, &here, &peer, home, 1);
	if (!t->veth)
		t->netem = link_netlink_delay(fd, here.name, SOME_DELAY_NS);
	if (fd >= 0)
		close(fd);
	if (home >= 0)
		close(home);
}

/* The least program that an interface takes: every frame is the kernel's. */
static int load_program(void)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.insns = (uint64_t)(uintptr_t)program,
		.license = (uint64_t)(uintptr_t) "GPL",
	};
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

static void try_xdp(struct tried *t)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	t->xdp_socket = fd < 0 ? -errno : 0;
	t->xdp_program = load_program();
	if (fd >= 0)
		close(fd);
}

/* In the child; its end ends all that it made. */
static _Noreturn void try_all(int answer)
{
	struct tried t = {.netem = NOT_TRIED};

	t.veth = unshare(CLONE_NEWNET) ? -errno : 0;
	if (!t.veth)
		try_links(&t);
	try_xdp(&t);
	_exit(write(answer, &t, sizeof(t)) == sizeof(t) ? 0 : 1);
}

static int ask_child(struct tried *t)
{
	int ends[2], err = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child == 0)
		try_all(ends[1]);
	if (child < 0)
		err = -errno;
	close(ends[1]);
	if (!err && read(ends[0], t, sizeof(*t)) != sizeof(*t))
		err = -EIO;
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}

/* "yes", or why not; nothing for what was not tried. */
static int add(json_t *object, const char *name, int err)
{
	const char *answer =
		err == 0 ? "yes"
		: err == -ENOENT || err == -EOPNOTSUPP || err == -EAFNOSUPPORT || err == -ENOSYS
			? "the kernel has none"
			: strerror(-err);

	return err == NOT_TRIED ? 0 : json_object_set_new(object, name, json_string(answer));
}

static int add_tls(json_t *object)
{
	const struct tls_options options = {.io = TLS_KTLS, .insecure = true, .endpoints = 1};
	struct tls_context *context;
	char why[256];

	if (tls_context_new(&options, &context, why, sizeof(why)))
		return json_object_set_new(object, "ktls", json_string(why));
	tls_context_free(context);
	return json_object_set_new(object, "ktls", json_string("yes"));
}

json_t *host_links(void)
{
	json_t *object = json_object();
	struct tried t = {.veth = NOT_TRIED};
	int err = ask_child(&t);

	if (!object)
		return NULL;
	/* A host on which nothing could be tried is one that does not show it. */
	if ((!err && (add(object, "veth", t.veth) || add(object, "netem", t.netem) ||
		      add(object, "af_xdp", t.xdp_socket ? t.xdp_socket : t.xdp_program))) ||
	    add_tls(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}
