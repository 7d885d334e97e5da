/*
 * What lies between the client and the origin. A veth link is two network namespaces of the lab's
 * own joined by a pair of virtual interfaces, made by rtnetlink and setns() alone: the host's own
 * interfaces, routes and settings are never touched. Nothing of it has a name in a file system:
 * the namespaces are held by descriptors and by the processes in them, so that the kernel takes
 * all of it down when the last of those is gone, however it went.
 *
 * Each end's ifalias is "iolab END OWNER", see link_leftovers.h for the owner: by it fetch-xdp
 * knows an interface that it may attach to, and `iolab clean` what is left of a run that died.
 *
 * Addresses are of 198.18.0.0/15, which RFC 2544 (appendix C.2.2) and RFC 6890 keep for measuring
 * networks apart from any real one: nobody's host is meant by accident.
 *
 * Offloads are off at both ends, for all models alike: a stack in the program has none either. Each
 * frame is at most MTU long, and its checksums are made and checked by whoever's stack it is.
 */
#ifndef LAB_LINK_H
#define LAB_LINK_H

#include <jansson.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_kind { LINK_LOOPBACK, LINK_VETH, LINK_NONE };
extern const char *const link_kind_names[]; /* "loopback", "veth", "none"; NULL at the end */

enum link_end { LINK_CLIENT, LINK_ORIGIN };
#define LINK_ENDS 2

/* As many as one worker of fetch-xdp serves. */
#define LINK_QUEUES_MAX 64

/* Who makes a link's latency: the kernel's netem, or, where that is missing, the origin. */
enum link_delay { LINK_NO_DELAY, LINK_DELAY_NETEM, LINK_DELAY_ORIGIN };

/* As the kernel says of an interface; see ethtool(8). */
struct link_offloads {
	bool tx_checksum, rx_checksum, tso, gso, gro;
};

struct link {
	enum link_kind kind;
	unsigned queues;     /* each way, at both ends */
	uint64_t latency_ns; /* added to each round trip */
	enum link_delay delay;
	/* Of a veth link; otherwise netns are -1 and the addresses those of loopback. */
	int netns[LINK_ENDS];
	char interface[LINK_ENDS][IF_NAMESIZE];
	char address[LINK_ENDS][INET_ADDRSTRLEN];
	struct link_offloads offloads[LINK_ENDS];
	unsigned mtu;
};

/*
 * Makes the link; of a kind other than LINK_VETH nothing is made. queues: 1 to LINK_QUEUES_MAX each
 * way; of more than one, answers to the ports of kernels/fetch/xdp_steering.h are steered.
 * latency_ns: 0 for none, else the origin must be told when link->delay says that it makes it.
 * Returns 0, or -errno with one line in why: -EPERM without the right to make namespaces or
 * interfaces, -EOPNOTSUPP when the kernel has no veth, -ENOENT when it cannot steer. Only the
 * calling thread is ever in another namespace, and it is back before this returns. Take it down
 * with link_down(), which is safe after a failure too.
 */
int link_up(struct link *link, enum link_kind kind, unsigned queues, uint64_t latency_ns, char *why,
	    size_t why_size);

/* The address of an end of such a link. */
const char *link_address(enum link_kind kind, enum link_end end);

/*
 * Puts the calling thread, and what it will fork, into the namespace of one end; of a kind other
 * than LINK_VETH it stays where it is. Returns 0 or -errno.
 */
int link_enter(const struct link *link, enum link_end end);

/* The namespace for subprocess_start_in(): -1 where there is none. */
int link_netns(const struct link *link, enum link_end end);

/*
 * Ends the processes that are still in the namespaces (not the caller's own), and lets go of them.
 * Returns how many had to be ended. A second call does nothing.
 */
unsigned link_down(struct link *link);

/* For the record: "loopback", "veth", "veth 1ms by netem", "veth with 2 queues", "none". */
#define LINK_TEXT_SIZE 64
const char *link_text(const struct link *link, char text[static LINK_TEXT_SIZE]);

/* For host.json: kind, and of a veth link its ends, offloads as read back, MTU, queues and
 * latency. */
json_t *link_facts(const struct link *link);

#endif
