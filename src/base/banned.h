/* SPDX-License-Identifier: Apache-2.0 */
/* banned.h - functions that take a length on faith, keep state behind our back, or run a shell.
 * Included by the build before everything else; their use is a compile error (scripts/lint knows
 * more). */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* a fortifying libc makes macros of some */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef gets
#undef strtok
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef localtime
#undef gmtime
#undef ctime
#undef asctime
#undef tmpnam
#undef tempnam
#undef mktemp
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison localtime gmtime ctime asctime tmpnam tempnam mktemp
