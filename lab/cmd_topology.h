/* `iolab topology`: where workers, origin and pollers would run, as a drawing or as JSON. */
#ifndef LAB_CMD_TOPOLOGY_H
#define LAB_CMD_TOPOLOGY_H

/*
 * argv[0] is "topology". Returns a status (lab/status.h); a wrong command line ends the program.
 * Nothing is bound: with --on it answers for a machine that is not there.
 */
int cmd_topology(int argc, char **argv);

#endif
