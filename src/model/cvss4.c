/* SPDX-License-Identifier: Apache-2.0 */
/* cvss4.c - CVSS 4.0, specification document section 8.
 *
 * A vector belongs to a macro vector of six equivalence classes (EQ1 … EQ6), whose score the expert
 * committee fixed in a table.  From it is taken the mean, over the classes that have a lower
 * neighbour, of the way down to that neighbour in proportion to the vector's distance from the
 * severest vector of its own class.  EQ3 and EQ6 depend on each other and count as one. */
#include "base/num.h"
#include "model/internal.h"

#include <math.h>

enum {
    AV,
    AC,
    AT,
    PR,
    UI,
    VC,
    VI,
    VA,
    SC,
    SI,
    SA,
    E,
    CR,
    IR,
    AR,
    MAV,
    MAC,
    MAT,
    MPR,
    MUI,
    MVC,
    MVI,
    MVA,
    MSC,
    MSI,
    MSA, /* in the order of the base metrics */
    S,
    AU,
    R,
    V,
    RE,
    U, /* supplemental: change no score */
    N_METRICS
};

/* Values in the order of severity, so that an index is a distance.  SI and SA have a value S
 * (safety) only as modified metrics; it is their level 0, and SC counts alike. */
#define IMPACT                                                                                     \
    {"H", "L", "N"}, { 0 }
#define REQUIREMENT                                                                                \
    {"X", "H", "M", "L"}, { 0 }
static const struct cvss_metric metrics[N_METRICS] = {
    [AV] = {"AV", true, {"N", "A", "L", "P"}, {0}},
    [AC] = {"AC", true, {"L", "H"}, {0}},
    [AT] = {"AT", true, {"N", "P"}, {0}},
    [PR] = {"PR", true, {"N", "L", "H"}, {0}},
    [UI] = {"UI", true, {"N", "P", "A"}, {0}},
    [VC] = {"VC", true, IMPACT},
    [VI] = {"VI", true, IMPACT},
    [VA] = {"VA", true, IMPACT},
    [SC] = {"SC", true, IMPACT},
    [SI] = {"SI", true, IMPACT},
    [SA] = {"SA", true, IMPACT},
    [E] = {"E", false, {"X", "A", "P", "U"}, {0}},
    [CR] = {"CR", false, REQUIREMENT},
    [IR] = {"IR", false, REQUIREMENT},
    [AR] = {"AR", false, REQUIREMENT},
    [MAV] = {"MAV", false, {"X", "N", "A", "L", "P"}, {0}},
    [MAC] = {"MAC", false, {"X", "L", "H"}, {0}},
    [MAT] = {"MAT", false, {"X", "N", "P"}, {0}},
    [MPR] = {"MPR", false, {"X", "N", "L", "H"}, {0}},
    [MUI] = {"MUI", false, {"X", "N", "P", "A"}, {0}},
    [MVC] = {"MVC", false, {"X", "H", "L", "N"}, {0}},
    [MVI] = {"MVI", false, {"X", "H", "L", "N"}, {0}},
    [MVA] = {"MVA", false, {"X", "H", "L", "N"}, {0}},
    [MSC] = {"MSC", false, {"X", "H", "L", "N"}, {0}},
    [MSI] = {"MSI", false, {"X", "H", "L", "N", "S"}, {0}},
    [MSA] = {"MSA", false, {"X", "H", "L", "N", "S"}, {0}},
    [S] = {"S", false, {"X", "N", "P"}, {0}},
    [AU] = {"AU", false, {"X", "N", "Y"}, {0}},
    [R] = {"R", false, {"X", "A", "U", "I"}, {0}},
    [V] = {"V", false, {"X", "D", "C"}, {0}},
    [RE] = {"RE", false, {"X", "L", "M", "H"}, {0}},
    [U] = {"U", false, {"X", "Clear", "Green", "Amber", "Red"}, {0}},
};

/* The effective levels: 0 is the severest value of a metric. */
enum { LEVEL_S = 0, LEVEL_SUB_H = 1, LEVEL_SUB_N = 3, LEVEL_H = 0, LEVEL_N = 2 };
struct levels {
    int of[E + 4]; /* AV … SA, E, CR, IR, AR */
};

static struct levels effective(const uint8_t at[])
{
    struct levels v;
    for (size_t i = AV; i <= SA; i++) {
        size_t modified = at[MAV + i];
        int level = modified ? (int)modified - 1 : at[i];
        if (i >= SC) /* H 1, L 2, N 3, and S 0 */
            level = modified == 4 ? LEVEL_S : level + 1;
        v.of[i] = level;
    }
    for (size_t i = E; i <= AR; i++) /* not defined is the worst case */
        v.of[i] = at[i] ? at[i] - 1 : 0;
    return v;
}

/* Tenths, by EQ1 EQ2 EQ3 | EQ4 EQ5 EQ6; 0: there is no such macro vector. */
static const uint8_t scores[3][2][3][3][3][2] = {
#define ROW(a, b, c, d, e, f)                                                                      \
    {                                                                                              \
        {a, b}, {c, d}, { e, f }                                                                   \
    }
#define GAP(b, d, f)                                                                               \
    {                                                                                              \
        {0, b}, {0, d}, { 0, f }                                                                   \
    }
    {{{ROW(100, 99, 98, 95, 95, 92), ROW(100, 96, 93, 87, 91, 81), ROW(93, 90, 89, 80, 81, 68)},
      {ROW(98, 95, 95, 92, 90, 84), ROW(93, 92, 89, 81, 81, 65), ROW(88, 80, 78, 70, 69, 48)},
      {GAP(92, 82, 72), GAP(79, 69, 50), GAP(69, 55, 27)}},
     {{ROW(99, 97, 95, 92, 92, 85), ROW(95, 91, 90, 83, 84, 71), ROW(92, 81, 82, 71, 72, 53)},
      {ROW(95, 93, 92, 85, 85, 73), ROW(92, 82, 80, 72, 70, 59), ROW(84, 70, 71, 52, 50, 30)},
      {GAP(86, 75, 52), GAP(71, 52, 29), GAP(63, 29, 17)}}},
    {{{ROW(98, 95, 94, 87, 91, 81), ROW(94, 89, 86, 74, 77, 64), ROW(87, 75, 74, 63, 63, 49)},
      {ROW(94, 89, 88, 77, 76, 67), ROW(86, 76, 74, 58, 59, 50), ROW(72, 57, 57, 52, 52, 25)},
      {GAP(83, 70, 54), GAP(65, 58, 26), GAP(53, 21, 13)}},
     {{ROW(95, 90, 88, 76, 76, 70), ROW(90, 77, 75, 62, 61, 53), ROW(77, 66, 68, 59, 52, 30)},
      {ROW(89, 78, 76, 67, 62, 58), ROW(74, 59, 57, 57, 47, 23), ROW(61, 52, 57, 29, 24, 16)},
      {GAP(71, 59, 30), GAP(58, 26, 15), GAP(23, 13, 6)}}},
    {{{ROW(93, 87, 86, 72, 75, 58), ROW(86, 74, 74, 61, 56, 34), ROW(70, 54, 52, 40, 40, 22)},
      {ROW(85, 75, 74, 55, 62, 51), ROW(72, 57, 55, 41, 46, 19), ROW(53, 36, 34, 19, 19, 8)},
      {GAP(64, 51, 20), GAP(47, 21, 11), GAP(24, 9, 4)}},
     {{ROW(88, 75, 73, 53, 60, 50), ROW(73, 55, 59, 40, 41, 20), ROW(54, 43, 45, 22, 20, 11)},
      {ROW(75, 55, 58, 45, 40, 21), ROW(61, 51, 48, 18, 20, 9), ROW(46, 18, 17, 7, 8, 2)},
      {GAP(53, 24, 14), GAP(24, 12, 5), GAP(10, 3, 1)}}},
#undef ROW
#undef GAP
};

struct macro {
    int eq[6]; /* EQ1 is eq[0] */
};

static int table_score(const struct macro *m)
{
    static const int end[6] = {3, 2, 3, 3, 3, 2};
    for (size_t i = 0; i < 6; i++)
        if (m->eq[i] >= end[i])
            return 0;
    return scores[m->eq[0]][m->eq[1]][m->eq[2]][m->eq[3]][m->eq[4]][m->eq[5]];
}

/* Tables 24 to 29. */
static struct macro macro_of(const struct levels *v)
{
    const int *of = v->of;
    struct macro m = {{2, 1, 2, 2, of[E], 1}};
    if (of[AV] == 0 && of[PR] == 0 && of[UI] == 0)
        m.eq[0] = 0;
    else if ((of[AV] == 0 || of[PR] == 0 || of[UI] == 0) && of[AV] != 3)
        m.eq[0] = 1;
    if (of[AC] == 0 && of[AT] == 0)
        m.eq[1] = 0;
    if (of[VC] == LEVEL_H && of[VI] == LEVEL_H)
        m.eq[2] = 0;
    else if (of[VC] == LEVEL_H || of[VI] == LEVEL_H || of[VA] == LEVEL_H)
        m.eq[2] = 1;
    if (of[SI] == LEVEL_S || of[SA] == LEVEL_S)
        m.eq[3] = 0;
    else if (of[SC] == LEVEL_SUB_H || of[SI] == LEVEL_SUB_H || of[SA] == LEVEL_SUB_H)
        m.eq[3] = 1;
    if ((of[CR] == 0 && of[VC] == LEVEL_H) || (of[IR] == 0 && of[VI] == LEVEL_H) ||
        (of[AR] == 0 && of[VA] == LEVEL_H))
        m.eq[5] = 0;
    return m;
}

/* The severest vectors of a class, as levels of its metrics (section 8.2, highest severity
 * vectors). */
enum { CLASS_METRICS = 6, CLASS_MAXIMA = 5 };
struct class_rows {
    uint8_t n_metrics;
    uint8_t metric[CLASS_METRICS];
    struct {
        uint8_t depth; /* steps from the severest to the mildest vector */
        uint8_t n;
        int8_t max[CLASS_MAXIMA][CLASS_METRICS];
    } level[6];
};
/* EQ5 has one metric and no distance within a level. */
static const struct class_rows classes[] = {
    {3,
     {AV, PR, UI},
     {{1, 1, {{0, 0, 0}}},
      {4, 3, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
      {5, 2, {{3, 0, 0}, {1, 1, 1}}}}},
    {2, {AC, AT}, {{1, 1, {{0, 0}}}, {2, 2, {{1, 0}, {0, 1}}}}},
    {3, {SC, SI, SA}, {{6, 1, {{1, 0, 0}}}, {5, 1, {{1, 1, 1}}}, {4, 1, {{2, 2, 2}}}}},
    {1, {E}, {{1, 1, {{0}}}, {1, 1, {{1}}}, {1, 1, {{2}}}}},
    {6,
     {VC, VI, VA, CR, IR, AR}, /* level: 2 × EQ3 + EQ6 */
     {{7, 1, {{0, 0, 0, 0, 0, 0}}},
      {6, 2, {{0, 0, 1, 1, 1, 0}, {0, 0, 0, 1, 1, 1}}},
      {8, 2, {{1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}}},
      {8,
       5,
       {{1, 0, 1, 0, 1, 0},
        {1, 0, 0, 0, 1, 1},
        {0, 1, 0, 1, 0, 1},
        {0, 1, 1, 1, 0, 0},
        {1, 1, 0, 0, 0, 1}}},
      {1, 0, {{0}}},
      {10, 1, {{1, 1, 1, 0, 0, 0}}}}},
};

/* Steps from the first of the severest vectors that is at least as severe in every metric. */
static int distance(const struct class_rows *rows, int level, const struct levels *v)
{
    for (size_t i = 0; i < rows->level[level].n; i++) {
        int sum = 0;
        bool is_below = true;
        for (size_t j = 0; j < rows->n_metrics; j++) {
            int step = v->of[rows->metric[j]] - rows->level[level].max[i][j];
            is_below &= step >= 0;
            sum += step;
        }
        if (is_below)
            return sum;
    }
    return 0;
}

/* Score of the macro vector one level lower in class @c (index into classes); 0: none. */
static int lower_score(const struct macro *m, size_t c)
{
    static const uint8_t eq_of[] = {0, 1, 3, 4};
    struct macro low = *m, other = *m;
    if (c < ARRAY_LEN(eq_of)) {
        low.eq[eq_of[c]]++;
        return table_score(&low);
    }
    if (m->eq[2] == 0 && m->eq[5] == 0) {
        low.eq[2]++;
        other.eq[5]++;
        int a = table_score(&low), b = table_score(&other);
        return a > b ? a : b;
    }
    if (m->eq[2] == 1 && m->eq[5] == 0)
        low.eq[5]++;
    else
        low.eq[2]++;
    return table_score(&low);
}

static bool has_no_impact(const struct levels *v)
{
    return v->of[VC] == LEVEL_N && v->of[VI] == LEVEL_N && v->of[VA] == LEVEL_N &&
           v->of[SC] == LEVEL_SUB_N && v->of[SI] == LEVEL_SUB_N && v->of[SA] == LEVEL_SUB_N;
}

bool cvss4_score(str text, double *score, struct err *err)
{
    uint8_t at[CVSS_METRICS];
    if (!cvss_read(text, metrics, N_METRICS, at, err))
        return false;
    struct levels v = effective(at);
    *score = 0;
    if (has_no_impact(&v))
        return true;
    struct macro m = macro_of(&v);
    const int level[] = {m.eq[0], m.eq[1], m.eq[3], m.eq[4], 2 * m.eq[2] + m.eq[5]};
    int value = table_score(&m), n = 0;
    double sum = 0;
    for (size_t c = 0; c < ARRAY_LEN(classes); c++) {
        int low = lower_score(&m, c);
        if (low == 0)
            continue;
        n++;
        sum += (double)((value - low) * distance(&classes[c], level[c], &v)) /
               classes[c].level[level[c]].depth;
    }
    double tenths = value - (n ? sum / n : 0);
    *score = floor(fmin(fmax(tenths, 0), 100) + 0.5 + 1e-6) / 10;
    return true;
}
