/*
 * iolab's commands. Each parses its own command line (argv[0] is its name) and returns the exit
 * status.
 */
#ifndef LAB_CMD_H
#define LAB_CMD_H

#include "lab/status.h"

enum status cmd_run(int argc, char **argv);
enum status cmd_plan(int argc, char **argv);
enum status cmd_list(int argc, char **argv);
enum status cmd_columns(int argc, char **argv);
enum status cmd_doctor(int argc, char **argv);
enum status cmd_compare(int argc, char **argv);
enum status cmd_calibrate(int argc, char **argv);
enum status cmd_link(int argc, char **argv);
enum status cmd_clean(int argc, char **argv);

#endif
