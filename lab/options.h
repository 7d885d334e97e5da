/*
 * Command lines from tables: an option is one row, and its parsing, its help and --list-options
 * all come from that row. Cross-option checks belong to the program, after parsing.
 */
#ifndef LAB_OPTIONS_H
#define LAB_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
	OPTION_FLAG,	 /* bool: set true */
	OPTION_COUNT,	 /* uint64_t: digits */
	OPTION_SIZE,	 /* uint64_t: bytes, with k m g */
	OPTION_DURATION, /* uint64_t: nanoseconds, with ns us ms s m */
	OPTION_TEXT,	 /* const char *: as typed, points into argv */
	OPTION_TEXTS,	 /* struct option_texts: may be given again and again */
	OPTION_CHOICE	 /* unsigned: index into choices */
};

#define OPTION_TEXTS_MAX 64

struct option_texts {
	const char *items[OPTION_TEXTS_MAX]; /* in the order given; point into argv */
	unsigned count;
};

struct option_row {
	const char *name; /* without the dashes */
	char letter;	  /* one-letter form, or 0 */
	enum option_kind kind;
	size_t offset;		    /* of the field in the program's options */
	const char *argument;	    /* its name in the help, NULL for a flag */
	const char *help;	    /* one line */
	const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
	uint64_t least;		    /* smallest value of a count, size or duration */
	uint64_t most;		    /* largest, 0 for no limit */
	const char *zero;	    /* the word that stands for a count of 0, NULL: none does */
	/* Whether a text is of its form: 0, or -errno with what is wrong in why. NULL: any is. */
	int (*check)(const char *text, char *why, size_t why_size);
};

struct option_set {
	const char *usage; /* after the program's name: "[options] URL..." */
	const char *about; /* one or two lines */
	const struct option_row *rows;
	size_t count;
	const char *notes; /* whole lines for the end of the help, NULL for none */
};

/*
 * --help: usage, every option with the form of its value and its line, what the forms mean, and
 * the notes.
 */
void options_print_help(const struct option_set *set);

/*
 * Parses argv into `into` (a zeroed or preset struct, see offset). Options may stand before or
 * after operands; "--" ends them; values are given as --name=value or --name value. Operands
 * are moved to argv[1] ... argv[operands]. Handles --help, --version and --list-options itself
 * and then exits 0. Returns the number of operands; a wrong command line ends the program with
 * one line and STATUS_USAGE.
 */
int options_parse(const struct option_set *set, void *into, int argc, char **argv);

/*
 * Reads one value of an option (not of a flag) as the command line would: *number gets a count, a
 * size, a duration in ns or the index of a choice, and is left alone for a text. Returns 0, or
 * -EINVAL with what is wrong and how to mend it in why.
 */
int options_value(const struct option_row *row, const char *text, uint64_t *number, char *why,
		  size_t why_size);

#endif
