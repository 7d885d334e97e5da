/*
 * What lwIP draws by chance: the first local port and each connection's first sequence number.
 * Two runs one after the other must not look like one connection to a server that still waits.
 */
#ifndef FETCH_XDP_PORT_H
#define FETCH_XDP_PORT_H

/* To be called once, before lwip_init(). */
void xdp_port_seed(void);

#endif
