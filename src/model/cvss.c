/* SPDX-License-Identifier: Apache-2.0 */
/* cvss.c - CVSS 2.0, 3.0 and 3.1 by the guides of FIRST: the environmental score where
 * environmental metrics are given, else the temporal where temporal ones are, else the base score.
 */
#include "base/num.h"
#include "model/internal.h"

#include <math.h>

static bool read_value(const struct cvss_metric *metric, str text, uint8_t *out)
{
    for (uint8_t i = 0; metric->values[i]; i++)
        if (str_eq(str_from(metric->values[i]), text)) {
            *out = i;
            return true;
        }
    return false;
}

static size_t find_metric(const struct cvss_metric *metrics, size_t n, str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_from(metrics[i].key), key))
            return i;
    return n;
}

bool cvss_read(str vector, const struct cvss_metric *metrics, size_t n,
               uint8_t values[static CVSS_METRICS], struct err *err)
{
    bool is_seen[CVSS_METRICS] = {false};
    str rest = vector, field, key, value;
    for (size_t i = 0; i < CVSS_METRICS; i++)
        values[i] = 0;
    while (str_next(&rest, '/', &field)) {
        if (field.len == 0 && rest.len == 0)
            break; /* a slash at the end does no harm */
        str_cut_byte(field, ':', &key, &value);
        size_t i = find_metric(metrics, n, key);
        if (i == n || is_seen[i] || !read_value(&metrics[i], value, &values[i]))
            return err_set(err, ERR_FORMAT, "CVSS metric " STR_FMT ": unknown or given twice",
                           STR_ARG(field));
        is_seen[i] = true;
    }
    for (size_t i = 0; i < n; i++)
        if (metrics[i].is_mandatory && !is_seen[i])
            return err_set(err, ERR_FORMAT, "CVSS vector lacks %s", metrics[i].key);
    return true;
}

/* --- 2.0: "A Complete Guide to the Common Vulnerability Scoring System", section 3.2 -------------
 */
enum {
    A2_AV,
    A2_AC,
    A2_AU,
    A2_C,
    A2_I,
    A2_A,
    A2_E,
    A2_RL,
    A2_RC,
    A2_CDP,
    A2_TD,
    A2_CR,
    A2_IR,
    A2_AR,
    A2_N
};

#define IMPACT2                                                                                    \
    {"N", "P", "C"}, { 0, 0.275, 0.660 }
#define REQUIREMENT2                                                                               \
    {"ND", "L", "M", "H"}, { 1, 0.5, 1, 1.51 }
static const struct cvss_metric metrics2[A2_N] = {
    [A2_AV] = {"AV", true, {"L", "A", "N"}, {0.395, 0.646, 1.0}},
    [A2_AC] = {"AC", true, {"H", "M", "L"}, {0.35, 0.61, 0.71}},
    [A2_AU] = {"Au", true, {"M", "S", "N"}, {0.45, 0.56, 0.704}},
    [A2_C] = {"C", true, IMPACT2},
    [A2_I] = {"I", true, IMPACT2},
    [A2_A] = {"A", true, IMPACT2},
    [A2_E] = {"E", false, {"ND", "U", "POC", "F", "H"}, {1, 0.85, 0.9, 0.95, 1}},
    [A2_RL] = {"RL", false, {"ND", "OF", "TF", "W", "U"}, {1, 0.87, 0.9, 0.95, 1}},
    [A2_RC] = {"RC", false, {"ND", "UC", "UR", "C"}, {1, 0.9, 0.95, 1}},
    [A2_CDP] = {"CDP", false, {"ND", "N", "L", "LM", "MH", "H"}, {0, 0, 0.1, 0.3, 0.4, 0.5}},
    [A2_TD] = {"TD", false, {"ND", "N", "L", "M", "H"}, {1, 0, 0.25, 0.75, 1}},
    [A2_CR] = {"CR", false, REQUIREMENT2},
    [A2_IR] = {"IR", false, REQUIREMENT2},
    [A2_AR] = {"AR", false, REQUIREMENT2},
};

static double round1(double x) { return floor(x * 10 + 0.5 + 1e-9) / 10; }

static double base2(const double w[], double impact)
{
    double exploitability = 20 * w[A2_AV] * w[A2_AC] * w[A2_AU];
    double f = impact == 0 ? 0 : 1.176;
    return round1((0.6 * impact + 0.4 * exploitability - 1.5) * f);
}

static double impact2(double c, double i, double a)
{
    return 10.41 * (1 - (1 - c) * (1 - i) * (1 - a));
}

static bool score2(str text, double *score, struct err *err)
{
    uint8_t at[CVSS_METRICS];
    double w[A2_N];
    if (!cvss_read(text, metrics2, A2_N, at, err))
        return false;
    bool is_environmental = false;
    for (size_t i = 0; i < A2_N; i++) {
        w[i] = metrics2[i].weights[at[i]];
        is_environmental |= i >= A2_CDP && at[i] != 0;
    }
    double impact = impact2(w[A2_C], w[A2_I], w[A2_A]);
    if (is_environmental)
        impact = fmin(10, impact2(w[A2_C] * w[A2_CR], w[A2_I] * w[A2_IR], w[A2_A] * w[A2_AR]));
    double temporal = round1(base2(w, impact) * w[A2_E] * w[A2_RL] * w[A2_RC]);
    *score =
        is_environmental ? round1((temporal + (10 - temporal) * w[A2_CDP]) * w[A2_TD]) : temporal;
    return true;
}

/* --- 3.0 and 3.1: specification documents, sections 7 (and appendix A of 3.1)
 * --------------------- */
enum {
    A3_AV,
    A3_AC,
    A3_PR,
    A3_UI,
    A3_S,
    A3_C,
    A3_I,
    A3_A, /* base */
    A3_E,
    A3_RL,
    A3_RC, /* temporal */
    A3_CR,
    A3_IR,
    A3_AR, /* environmental */
    A3_MAV,
    A3_MAC,
    A3_MPR,
    A3_MUI,
    A3_MS,
    A3_MC,
    A3_MI,
    A3_MA, /* in the order of base */
    A3_N
};

#define REQUIREMENT3                                                                               \
    {"X", "H", "M", "L"}, { 1, 1.5, 1, 0.5 }
static const struct cvss_metric metrics3[A3_N] = {
    [A3_AV] = {"AV", true, {"N", "A", "L", "P"}, {0.85, 0.62, 0.55, 0.2}},
    [A3_AC] = {"AC", true, {"L", "H"}, {0.77, 0.44}},
    [A3_PR] = {"PR", true, {"N", "L", "H"}, {0.85, 0.62, 0.27}},
    [A3_UI] = {"UI", true, {"N", "R"}, {0.85, 0.62}},
    [A3_S] = {"S", true, {"U", "C"}, {0, 1}},
    [A3_C] = {"C", true, {"H", "L", "N"}, {0.56, 0.22, 0}},
    [A3_I] = {"I", true, {"H", "L", "N"}, {0.56, 0.22, 0}},
    [A3_A] = {"A", true, {"H", "L", "N"}, {0.56, 0.22, 0}},
    [A3_E] = {"E", false, {"X", "H", "F", "P", "U"}, {1, 1, 0.97, 0.94, 0.91}},
    [A3_RL] = {"RL", false, {"X", "U", "W", "T", "O"}, {1, 1, 0.97, 0.96, 0.95}},
    [A3_RC] = {"RC", false, {"X", "C", "R", "U"}, {1, 1, 0.96, 0.92}},
    [A3_CR] = {"CR", false, REQUIREMENT3},
    [A3_IR] = {"IR", false, REQUIREMENT3},
    [A3_AR] = {"AR", false, REQUIREMENT3},
    [A3_MAV] = {"MAV", false, {"X", "N", "A", "L", "P"}, {0}},
    [A3_MAC] = {"MAC", false, {"X", "L", "H"}, {0}},
    [A3_MPR] = {"MPR", false, {"X", "N", "L", "H"}, {0}},
    [A3_MUI] = {"MUI", false, {"X", "N", "R"}, {0}},
    [A3_MS] = {"MS", false, {"X", "U", "C"}, {0}},
    [A3_MC] = {"MC", false, {"X", "H", "L", "N"}, {0}},
    [A3_MI] = {"MI", false, {"X", "H", "L", "N"}, {0}},
    [A3_MA] = {"MA", false, {"X", "H", "L", "N"}, {0}},
};

/* 3.1, appendix A: rounding up in integers, so that 4.000000000000001 stays 4.0.  3.0 means the
 * same. */
static double round_up(double x)
{
    long n = lround(x * 100000);
    return n % 10000 == 0 ? (double)n / 100000 : (double)(n / 10000 + 1) / 10;
}

struct parts3 {
    double exploitability, iss; /* impact sub-score before the scope */
    bool is_changed;
    bool is_modified; /* of the environmental group */
};

/* @at holds the base metrics; the modified ones were put in their place for the environmental
 * score. */
static struct parts3 parts3(const uint8_t at[], bool is_modified)
{
    double w[A3_N];
    for (size_t i = 0; i < A3_MAV; i++)
        w[i] = metrics3[i].weights[at[i]];
    bool is_changed = at[A3_S] == 1;
    static const double privileges_changed[] = {0.85, 0.68, 0.5};
    if (is_changed)
        w[A3_PR] = privileges_changed[at[A3_PR]];
    double c = w[A3_C], i = w[A3_I], a = w[A3_A];
    if (is_modified) {
        c *= w[A3_CR];
        i *= w[A3_IR];
        a *= w[A3_AR];
    }
    double iss = 1 - (1 - c) * (1 - i) * (1 - a);
    return (struct parts3){.exploitability = 8.22 * w[A3_AV] * w[A3_AC] * w[A3_PR] * w[A3_UI],
                           .iss = is_modified ? fmin(iss, 0.915) : iss,
                           .is_changed = is_changed,
                           .is_modified = is_modified};
}

static double combine3(const struct parts3 *p, bool is_31)
{
    double impact = 6.42 * p->iss;
    if (p->is_changed)
        impact = 7.52 * (p->iss - 0.029) - (p->is_modified && is_31
                                                ? 3.25 * pow(p->iss * 0.9731 - 0.02, 13)
                                                : 3.25 * pow(p->iss - 0.02, 15));
    if (impact <= 0)
        return 0;
    double sum = impact + p->exploitability;
    return round_up(fmin(p->is_changed ? 1.08 * sum : sum, 10));
}

static bool score3(str text, bool is_31, double *score, struct err *err)
{
    uint8_t at[CVSS_METRICS];
    if (!cvss_read(text, metrics3, A3_N, at, err))
        return false;
    bool is_modified = false;
    for (size_t i = A3_CR; i < A3_N; i++)
        is_modified |= at[i] != 0;
    for (size_t i = A3_MAV; i < A3_N; i++)
        if (at[i] != 0) /* one value more than the base metric, at the front */
            at[i - A3_MAV] = (uint8_t)(at[i] - 1);
    struct parts3 parts = parts3(at, is_modified);
    *score = combine3(&parts, is_31);
    double temporal = metrics3[A3_E].weights[at[A3_E]] * metrics3[A3_RL].weights[at[A3_RL]] *
                      metrics3[A3_RC].weights[at[A3_RC]];
    *score = round_up(*score * temporal);
    return true;
}

/* --- any
 * ------------------------------------------------------------------------------------------ */
bool cvss_score(str vector, double *score, struct err *err)
{
    str text = str_trim(vector);
    if (str_starts(text, STR("CVSS:4.0/")))
        return cvss4_score(str_skip(text, 9), score, err);
    if (str_starts(text, STR("CVSS:3.1/")))
        return score3(str_skip(text, 9), true, score, err);
    if (str_starts(text, STR("CVSS:3.0/")))
        return score3(str_skip(text, 9), false, score, err);
    if (str_starts(text, STR("CVSS:2.0/")))
        return score2(str_skip(text, 9), score, err);
    if (str_starts(text, STR("(")) && str_ends(text, STR(")")))
        text = str_slice(text, 1, text.len - 1); /* as the guide to 2.0 prints it */
    if (str_starts(text, STR("CVSS:")))
        return err_set(err, ERR_FORMAT, "CVSS version of " STR_FMT " is not known", STR_ARG(text));
    return score2(text, score, err);
}
