/*
 * A run's folder and the host: host.json and topology.xml, and whether a run that is gone on with
 * still is where it was begun. Rows of two kernels, or two hosts, make no one figure.
 */
#ifndef LAB_RUN_HOST_H
#define LAB_RUN_HOST_H

#include "lab/run_folder.h"

/*
 * Writes host.json and topology.xml, unless they are there already and whole: a run may have been
 * killed before they were. Ends the program as run_folder_make() does.
 */
void run_host_write(const struct run_folder *folder, uint64_t place, const struct link *link);

/*
 * For a run that is gone on with: compares this host, and this lab, with host.json, in what moves
 * figures and stays as it is while nobody changes it: the lab's version and how it was built, the
 * kernel and its command line, the processor, mitigations, sysctls and libraries. Ends the program
 * with one line and STATUS_USAGE when they differ; with `anyway` that is a warning, and what
 * differs is kept in resumed.json. Without a readable host.json there is nothing to compare with,
 * which a warning says when there is one.
 */
void run_host_check(const struct run_folder *folder, uint64_t place, bool anyway);

/*
 * What resumed.json says: the differences in spite of which the run was gone on with, into `text`,
 * "" when there are none. Returns text.
 */
const char *run_host_note(const struct run_folder *folder, char *text, size_t size);

#endif
