/* All the models, by name. */
#ifndef FETCH_MODELS_H
#define FETCH_MODELS_H

#include "kernels/fetch/model.h"

/* In the order of models.def, NULL at the end. */
extern const struct model *const models[];

/* NULL when there is none of that name. */
const struct model *models_find(const char *name);

#endif
