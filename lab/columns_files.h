/* What the columns of the CSV files mean that hold no rows, in the files' order. */
#ifndef LAB_COLUMNS_FILES_H
#define LAB_COLUMNS_FILES_H

#include <stddef.h>

#define COLUMNS_FILES 3

struct columns_file_column {
	const char *name;
	const char *meaning;
};

struct columns_file {
	const char *name; /* as iolab columns --of has it */
	const char *about;
	const struct columns_file_column *columns;
	size_t count;
};

extern const struct columns_file columns_files[COLUMNS_FILES];

/* "rows" and the names of the files, in order; ended by NULL. */
extern const char *const columns_file_names[COLUMNS_FILES + 2];

#endif
