/* What the doctor says of links and of the ways past the kernel's TCP, which the lab has tried. */
#include <string.h>

#include "topology/doctor_inside.h"

/* What each is for, and what makes it work. */
struct feature {
	const char *name;
	const char *without; /* what then does not go, or how */
	const char *missing; /* mends a kernel that has it as a module only, or not */
};

/* Whether it is the user who may not, rather than the kernel that cannot. */
static bool is_forbidden(const char *answer)
{
	return strstr(answer, "not permitted") || strstr(answer, "Permission denied");
}

static void judge(const json_t *host, const struct feature *feature, struct doctor_finding *f)
{
	const char *answer = doctor_text(host, "links", feature->name);

	if (!answer)
		return;
	if (strcmp(answer, "yes") == 0) {
		doctor_say(f, DOCTOR_GOOD, "works");
		return;
	}
	doctor_say(f, DOCTOR_WARN, "%.90s: %s", answer, feature->without);
	doctor_mend(f, "%s",
		    is_forbidden(answer) ? "run as root: it takes CAP_NET_ADMIN and CAP_SYS_ADMIN"
					 : feature->missing);
}

static void judge_veth(const json_t *host, struct doctor_finding *f)
{
	static const struct feature veth = {"veth", "no --link veth, no iolab link",
					    "modprobe veth, or a kernel with CONFIG_VETH"};

	judge(host, &veth, f);
}

static void judge_netem(const json_t *host, struct doctor_finding *f)
{
	static const struct feature netem = {
		"netem", "a link's latency is made by the origin, and connecting takes none",
		"modprobe sch_netem, or a kernel with CONFIG_NET_SCH_NETEM"};

	judge(host, &netem, f);
}

static void judge_xdp(const json_t *host, struct doctor_finding *f)
{
	static const struct feature xdp = {
		"af_xdp", "no fetch-xdp",
		"a kernel with CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL"};

	judge(host, &xdp, f);
}

static void judge_tls(const json_t *host, struct doctor_finding *f)
{
	static const struct feature tls = {"ktls", "no --tls-io=ktls",
					   "modprobe tls, or a kernel with CONFIG_TLS"};

	judge(host, &tls, f);
}

const struct doctor_rule doctor_link_rules[] = {
	{"veth", judge_veth},	   {"netem", judge_netem}, {"af_xdp", judge_xdp},
	{"kernel_tls", judge_tls}, {NULL, NULL},
};
