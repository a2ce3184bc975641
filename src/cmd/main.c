/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>

#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* all else stays "C": the same bytes everywhere */
    return cmd_main(argc, (const char *const *)argv);
}
