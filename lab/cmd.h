/*
 * iolab's commands. Each parses its own command line (argv[0] is its name) and returns the exit
 * status.
 */
#ifndef LAB_CMD_H
#define LAB_CMD_H

#include <jansson.h>
#include <stdio.h>

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
enum status cmd_plot(int argc, char **argv);
enum status cmd_report(int argc, char **argv);

/*
 * Prints an object on stdout, indented, and gives it up. Ends the program with one line and
 * STATUS_FAILED when it is NULL or cannot be printed.
 */
void cmd_print_json(json_t *object);

/* The same with the flags of jansson that say how. */
void cmd_print_json_as(json_t *object, size_t flags);

/* A word of a command line as it can be typed: between quotation marks where it needs them. */
void cmd_print_word(FILE *file, const char *word);

#endif
