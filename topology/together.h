/*
 * What two CPUs do at once, as a multiple of what one does alone: near 2 they are two cores, near
 * 1 they are one core's threads. The kernel's tables say that too, but not in a virtual machine
 * whose CPUs the hypervisor seats where it likes, and elsewhere a second later; there only
 * measuring tells. Both run multiplications that depend on nothing, which fill the one port that
 * a core has for them.
 */
#ifndef TOPOLOGY_TOGETHER_H
#define TOPOLOGY_TOGETHER_H

/* Below it, two CPUs were not two cores while they were looked at. */
#define TOGETHER_TWO_CORES 1.7

struct together {
	double least, median, most; /* over the looks */
};

/*
 * Looks so many times (from 1 to TOGETHER_LOOKS_MAX), each about 8 ms, 50 ms apart. Rates are by
 * the threads' own time: other tasks on these CPUs do not count, unless they keep the two apart.
 * The caller is left as it was. Returns 0, or -errno when a thread cannot be had or not be bound
 * to its CPU.
 */
#define TOGETHER_LOOKS_MAX 64
int together_look(unsigned one, unsigned other, unsigned looks, struct together *answer);

#endif
