/* ctl.c - waymarkctl: its main().
 */
#include "tools/ctl_run.h"

int main(int argc, char **argv)
{
	return ctl_run(argc, argv);
}
