/*
 * Two ends of a virtual link for tests that need root: the test itself moves into a network
 * namespace of its own, where the servers are, and a child holds another one, where the clients
 * are. Neither has a name, so that both are gone with the test, however it ends.
 */
#ifndef TESTS_VETH_H
#define TESTS_VETH_H

#include <stdbool.h>
#include <sys/types.h>

#define VETH_CLIENT "10.99.0.1"
#define VETH_SERVER "10.99.0.2"
/* Gives the interface an alias as the lab does. */
void veth_mark(const char *name);

/* The clients' interface; its alias says that the lab made it. */
#define VETH_NAME "wtxdp0"

/*
 * Makes it, with checksums computed by whoever sends. Returns false when the kernel refuses
 * namespaces, as it does to others than root; fails the test when something else goes wrong.
 */
bool veth_make(void);

/* Makes the pair again, which a test has deleted; from the servers' namespace. */
void veth_join(void);

/*
 * Takes the clients' interface up and waits for its carrier. Their kernel knows the server's MAC
 * address for good: it would ask for it, in vain, while a test has taken the interface from it.
 */
void veth_up(void);

/*
 * Where the test is: a frame on a virtual link has the checksum that the sender's card would have
 * put in, or none. So it is the sender's work.
 */
void veth_checksums_by_software(const char *name);

/* The process that the clients' namespace belongs to, for `ip ... netns`. */
pid_t veth_holder(void);

/* Waits until the interface, where the test is, carries frames. */
void veth_wait_for_carrier(const char *name);

/* What the test starts or asks from here on is in the clients' namespace, or in the servers'. */
void veth_to_clients(void);
void veth_to_servers(void);

/* `ip` with these words, separated by single blanks, where the test is; fails the test. */
void veth_ip(const char *words);

/* The id of the XDP program attached to the clients' interface; 0 when there is none. */
unsigned veth_program(void);

void veth_remove(void);

#endif
