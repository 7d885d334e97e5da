/*
 * Steering on a link with several queues. A card is told by its filters which frames go to which
 * of its queues; on a veth pair it is the sender's end that decides, by a number of its own for
 * each connection. So a program at the origin's end looks at each answer's destination port and
 * chooses the queue as kernels/fetch/xdp_steering.h deals them out. What is for other ports, as
 * most of the kernel's own are, goes as it would without.
 *
 * It is attached as a classifier (clsact and cls_bpf, Linux 4.5), which belongs to the interface
 * and goes with it.
 */
#ifndef LAB_LINK_STEER_H
#define LAB_LINK_STEER_H

/*
 * What leaves by that interface, in the calling thread's namespace, is for so many queues at the
 * other end. fd: of link_netlink_open(). 0, or -errno: -ENOENT when the kernel has no such
 * classifier.
 */
int link_steer(int fd, const char *name, unsigned queues);

#endif
