/* iolab: the experiment. Finds the command and hands over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/cmd.h"
#include "lab/cmd_topology.h"
#include "lab/units.h"
#include "lab/version.h"

static enum status topology(int argc, char **argv)
{
	return (enum status)cmd_topology(argc, argv);
}

static const struct command {
	const char *name;
	enum status (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{"run", cmd_run, "run a plan (default: matrix) and print what it shows"},
	{"plan", cmd_plan, "the cells of a plan and how long they take, without running any"},
	{"compare", cmd_compare, "two runs, cell by cell: what changed, and what can be claimed"},
	{"calibrate", cmd_calibrate, "the lab itself: what differences it finds on this host"},
	{"plot", cmd_plot, "the pictures of a run, from its files"},
	{"report", cmd_report, "report.html of a run, from its files"},
	{"list", cmd_list, "the shipped plans"},
	{"columns", cmd_columns, "the columns of a row and their meaning"},
	{"doctor", cmd_doctor,
	 "whether figures taken on this host can be believed, and what mends it"},
	{"link", cmd_link, "run a program over a veth link, with an origin at its other end"},
	{"clean", cmd_clean, "end what runs that were killed left behind"},
	{"topology", topology, "the machine, and who would sit where"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	printf("Usage: iolab COMMAND [options]\n"
	       "Which way of waiting for I/O wins on this host, by how much, at what cost?\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].about);
	printf("\niolab COMMAND --help tells its options.\n");
}

_Noreturn static void unknown(const char *name)
{
	const char *names[COMMANDS];
	const char *nearest;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = units_nearest(name, names, COMMANDS);
	if (nearest)
		status_exit(STATUS_USAGE, "unknown command '%s'; did you mean %s?", name, nearest);
	status_exit(STATUS_USAGE, "unknown command '%s'; iolab --help lists them", name);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return (int)commands[i].run(argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0)
		printf("iolab %s\n", version_text());
	else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		print_help();
	else
		unknown(name);
	return argc > 1 ? STATUS_DONE : STATUS_USAGE;
}
