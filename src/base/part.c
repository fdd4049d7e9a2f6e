#include "base/part.h"

void part_undo(void *p)
{
	part_drop(p);
}
