/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: one row a key; type, default and help come from the row. */
#include "guard/internal.h"

#include <string.h>

#include "http/http.h"
#include "os/file.h"
#include "syntax/syntax.h"

struct word {
    const char *text; /* NULL: end of the list */
    uint32_t value;
};
struct row {
    struct config_key key;
    size_t offset, size; /* of the member that takes it; size 0: none takes it as it stands */
    uint64_t max;
    const struct word *words;
};

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define WORDS(...) ((const struct word[]){__VA_ARGS__, {NULL, 0}})
#define TEXT(path, fallback, member, help)                                                         \
    {                                                                                              \
        {path, CONFIG_TEXT, fallback, help}, MEMBER(struct config, member), 0, NULL                \
    }
#define NUMBER(path, fallback, member, max, help)                                                  \
    {                                                                                              \
        {path, CONFIG_NUMBER, fallback, help}, MEMBER(struct config, member), max, NULL            \
    }
#define WORD(path, fallback, member, words, help)                                                  \
    {                                                                                              \
        {path, CONFIG_WORD, fallback, help}, MEMBER(struct config, member), 0, words               \
    }
#define LIST(path, fallback, help)                                                                 \
    {                                                                                              \
        {path, CONFIG_LIST, fallback, help}, 0, 0, 0, NULL                                         \
    }
#define MAP(path, fallback, help)                                                                  \
    {                                                                                              \
        {path, CONFIG_MAP, fallback, help}, 0, 0, 0, NULL                                          \
    }
#define REGISTRY "registries[]."
#define REGISTRY_TEXT(path, fallback, member, help)                                                \
    {                                                                                              \
        {REGISTRY path, CONFIG_TEXT, fallback, help}, MEMBER(struct config_registry, member), 0,   \
            NULL                                                                                   \
    }
#define REGISTRY_NUMBER(path, fallback, member, max, help)                                         \
    {                                                                                              \
        {REGISTRY path, CONFIG_NUMBER, fallback, help}, MEMBER(struct config_registry, member),    \
            max, NULL                                                                              \
    }
#define REGISTRY_FLAG(path, fallback, member, help)                                                \
    {                                                                                              \
        {REGISTRY path, CONFIG_FLAG, fallback, help}, MEMBER(struct config_registry, member), 0,   \
            WORDS({"false", 0}, {"true", 1})                                                       \
    }

#define CHANNEL "notify[]."
#define CHANNEL_TEXT(path, fallback, member, help)                                                 \
    {                                                                                              \
        {CHANNEL path, CONFIG_TEXT, fallback, help}, MEMBER(struct config_channel, member), 0,     \
            NULL                                                                                   \
    }
#define CHANNEL_NUMBER(path, fallback, member, max, help)                                          \
    {                                                                                              \
        {CHANNEL path, CONFIG_NUMBER, fallback, help}, MEMBER(struct config_channel, member), max, \
            NULL                                                                                   \
    }
#define CHANNEL_WORD(path, fallback, member, words, help)                                          \
    {                                                                                              \
        {CHANNEL path, CONFIG_WORD, fallback, help}, MEMBER(struct config_channel, member), 0,     \
            words                                                                                  \
    }

static const struct row rows[] = {
    TEXT("listen.address", "127.0.0.1", listen_address, "address that the HTTPS server listens on"),
    NUMBER("listen.port", "8443", listen_port, 65535, "its port; 0: any free one"),
    TEXT("public-url", "", public_url,
         "how clients reach the server, for links in answers; empty: made of listen and port"),
    TEXT("tls.certificate", "", tls_cert_file,
         "PEM file with the certificate chain; empty: one is made on first start and kept"),
    TEXT("tls.key", "", tls_key_file, "PEM file with its private key"),
    TEXT("data-directory", "/var/lib/plimsoll", data_dir, "where the store and made keys are kept"),
    TEXT("store", "", store,
         "sqlite:PATH, postgres:CONNINFO or postgresql://…; empty: plimsoll.db in the data "
         "directory"),
    TEXT("secret-key-file", "", secret_key_file,
         "key that seals registries' credentials in the store, made on first start; empty: "
         "secret.key in the data directory"),
    TEXT("database-directory", "", database_dir,
         "advisory database; empty: advisories/ in the data directory"),
    TEXT("assessment-key", "dbd0cb49-b563-45e7-9724-889e799fa648", assessment_key,
         "the one key under which recommendations are published"),
    LIST("feeds", "[]",
         "advisory feeds as NAME or NAME=URL-or-FOLDER; empty: every feed with its default"),
    NUMBER("feeds-interval", "21600", feeds_interval_s, 31536000,
           "seconds between two updates of all feeds; 0: only at start"),
    NUMBER("feeds-max-change", "25", feeds_max_change, 1000,
           "percent by which a feed may move at once before it is held back; 0: any"),
    NUMBER("refresh-pause", "15", refresh_pause_s, 86400,
           "at least so many seconds between two look-ups of changelogs for new Debian images"),
    NUMBER("sweep-interval", "21600", sweep_interval_s, 31536000,
           "seconds between two looks at what each registry has, for what no notification told; 0: "
           "never"),
    NUMBER("workers", "2", workers, 64,
           "scans at the same time; 0: none here, those of plimsoll worker do all"),
    TEXT("worker.address", "", worker_address,
         "where plimsoll worker answers /healthz, /readyz and /metrics, by plain HTTP to anybody; "
         "empty: nowhere"),
    NUMBER("worker.port", "9464", worker_port, 65535, "its port; 0: any free one"),
    NUMBER("http-workers", "4", http_workers, 256, "requests answered at the same time"),
    NUMBER("attempts", "8", max_attempts, 1000, "tries before a job is put aside as dead"),
    NUMBER("retry-base", "10", retry_base_s, 3600,
           "seconds until the second try; doubled each time, at most an hour"),
    NUMBER("lease", "60", lease_s, 3600, "seconds after which a silent worker loses its job"),
    WORD("sandbox", "full", sandbox, WORDS({"full", SANDBOX_FULL}, {"basic", SANDBOX_BASIC}),
         "weakest sandbox to run with: full or basic"),
    WORD("log.level", "info", log_level,
         WORDS({"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR},
               {"off", LOG_OFF}),
         "debug, info, warn, error or off"),
    WORD("log.format", "text", is_log_json, WORDS({"text", 0}, {"json", 1}), "text or json"),
    TEXT("notification.secret", "", notification_secret,
         "what registries present as \"Authorization: Bearer SECRET\""),
    TEXT("notification.secret-file", "", notification_secret_file,
         "file that holds it; instead of notification.secret"),
    TEXT("proxy", "", proxy,
         "HTTP proxy on the way to registries, as URL; environment: what http_proxy, https_proxy "
         "and "
         "no_proxy say; empty: none"),
    TEXT("no-proxy", "", no_proxy, "hosts that are reached without it, separated by commas"),
    LIST("registries", "[]", "the registries that are guarded"),
    REGISTRY_TEXT("name", NULL, name, "its name in ARM ids and in the notification URL"),
    REGISTRY_TEXT("subscription", "00000000-0000-0000-0000-000000000000", subscription,
                  "UUID of the subscription it is shown under"),
    REGISTRY_TEXT("resource-group", "default", resource_group, "group it is shown under"),
    REGISTRY_TEXT("host", NULL, host, "host or host:port that images are pulled from"),
    REGISTRY_FLAG("plain-http", "false", is_plain_http, "true: HTTP without TLS"),
    REGISTRY_TEXT("username", "", username, "empty: anonymous"),
    REGISTRY_TEXT("password", "", password, "with username"),
    REGISTRY_TEXT("password-file", "", password_file, "file that holds it; instead of password"),
    REGISTRY_TEXT("identity-token", "", identity_token,
                  "an OAuth2 refresh token, instead of username and password"),
    REGISTRY_TEXT("identity-token-file", "", identity_token_file, "file that holds it"),
    REGISTRY_TEXT("tenant", "", tenant,
                  "Microsoft Entra tenant of a service principal, for an Azure registry"),
    REGISTRY_TEXT("client-id", "", client_id, "its application id"),
    REGISTRY_TEXT("client-secret", "", client_secret, "its secret"),
    REGISTRY_TEXT("client-secret-file", "", client_secret_file,
                  "file that holds it; instead of client-secret"),
    REGISTRY_TEXT("authority", "", authority,
                  "where it gets its token; empty: that of the host's Azure cloud"),
    REGISTRY_TEXT("audience", "", audience,
                  "what that token is for; empty: the resource manager of the host's Azure cloud"),
    REGISTRY_TEXT("ca-file", "", ca_file, "PEM file of a private certificate authority"),
    REGISTRY_TEXT("client-certificate-file", "", client_cert_file,
                  "PEM file of the certificate that we show to the registry"),
    REGISTRY_TEXT("client-key-file", "", client_key_file, "PEM file of its private key"),
    REGISTRY_TEXT("proxy", "", proxy,
                  "as the server's, for this one; none: no proxy; empty: the server's"),
    REGISTRY_TEXT("no-proxy", "", no_proxy, "with proxy"),
    REGISTRY_NUMBER("timeout", "60", timeout_s, 3600,
                    "seconds without progress after which a request is given up"),
    REGISTRY_NUMBER("concurrency", "8", concurrency, 256,
                    "scans and sweeps of one process that talk to the host at one time"),
    REGISTRY_TEXT("notification-secret", "", notification_secret,
                  "its own secret; empty: notification.secret"),
    LIST(REGISTRY "repositories", "[]",
         "its repositories, for one that has no catalog, or of which only these shall be found"),
    REGISTRY_NUMBER("sweep-interval", "0", sweep_interval_s, 31536000,
                    "as the server's, for this one: 60 is right for one that sends no "
                    "notifications; 0: the server's"),
    LIST("notify", "[]", "channels over which others are told what was found"),
    CHANNEL_TEXT("name", NULL, name, "its name, in the log, the metrics and the API"),
    CHANNEL_WORD("kind", "webhook", kind,
                 WORDS({"webhook", CHANNEL_WEBHOOK}, {"smtp", CHANNEL_SMTP}), "webhook or smtp"),
    CHANNEL_TEXT("url", NULL, url, "https://…, or smtp://HOST:PORT or smtps://HOST:PORT"),
    CHANNEL_TEXT("secret", "", secret, "webhook: key of the signature; empty: none is sent"),
    CHANNEL_TEXT("secret-file", "", secret_file, "file that holds it; instead of secret"),
    LIST(CHANNEL "events", "[]",
         "what is told: new-findings, image-healthy, scan-failed, pulled-vulnerable, source-held; "
         "empty: all"),
    CHANNEL_WORD(
        "severity", "any", severity,
        WORDS({"any", SEVERITY_UNKNOWN}, {"low", SEVERITY_LOW}, {"medium", SEVERITY_MEDIUM},
              {"high", SEVERITY_HIGH}, {"critical", SEVERITY_CRITICAL}),
        "least severity of findings: any, low, medium, high or critical; not rated counts"),
    LIST(CHANNEL "registries", "[]", "globs of registries' names; empty: all"),
    LIST(CHANNEL "repositories", "[]", "globs of repositories, such as shop/**; empty: all"),
    MAP(CHANNEL "headers", "{}", "webhook: more request headers"),
    CHANNEL_TEXT("ca-file", "", ca_file, "PEM file of a private certificate authority"),
    CHANNEL_WORD("starttls", "true", is_starttls, WORDS({"false", 0}, {"true", 1}),
                 "smtp: true or false; true: no mail leaves without TLS"),
    CHANNEL_TEXT("username", "", username, "smtp: empty: without login"),
    CHANNEL_TEXT("password", "", password, "with username"),
    CHANNEL_TEXT("password-file", "", password_file, "file that holds it; instead of password"),
    CHANNEL_TEXT("from", "", from, "smtp: the sender's address"),
    LIST(CHANNEL "to", "[]", "smtp: the receivers' addresses"),
    CHANNEL_NUMBER("timeout", "20", timeout_s, 50, "seconds that one try may take"),
    CHANNEL_NUMBER("attempts", "12", max_attempts, 1000,
                   "tries before a message is put aside as dead"),
    CHANNEL_NUMBER("retry-base", "10", retry_base_s, 3600,
                   "seconds until the second try; doubled each time, at most an hour"),
    MAP("limits", "{}", "ceilings on hostile input, as bytes, counts or seconds"),
};

const struct config_key *config_key_at(size_t i)
{
    return i < ARRAY_LEN(rows) ? &rows[i].key : NULL;
}

const struct config_registry *config_registry_find(const struct config *config, str name)
{
    for (size_t i = 0; i < config->registries.len; i++)
        if (str_eq_nocase(config->registries.ptr[i].name, name))
            return &config->registries.ptr[i];
    return NULL;
}

/* --- reading
 * -----------------------------------------------------------------------------------------------
 */
struct reading {
    struct arena *arena;
    str file;
    struct config *out;
    struct err *err;
};

static bool complain(struct reading *in, const struct yaml *at, const char *what, str name)
{
    return err_set(in->err, ERR_USAGE, STR_FMT ":%zu:%zu: %s" STR_FMT, STR_ARG(in->file), at->line,
                   at->column, what, STR_ARG(name));
}

static void put_number(void *base, const struct row *row, uint32_t value)
{
    char *to = (char *)base + row->offset;
    if (row->size == sizeof(bool))
        *(bool *)(void *)to = value != 0;
    else if (row->size == sizeof(uint16_t))
        *(uint16_t *)(void *)to = (uint16_t)value;
    else
        *(uint32_t *)(void *)to = value; /* enumerations too: the compiler gives them 32 bits */
}
_Static_assert(sizeof(enum log_level) == sizeof(uint32_t), "put_number writes enumerations");

static bool put_word(const struct row *row, void *base, str text)
{
    for (const struct word *w = row->words; w->text; w++)
        if (str_eq(text, str_from(w->text))) {
            put_number(base, row, w->value);
            return true;
        }
    return false;
}

/* A scalar, of the file or of the fallback, into its member. */
static bool put_scalar(struct reading *in, const struct row *row, void *base, str text)
{
    uint64_t number = 0;
    switch (row->key.type) {
    case CONFIG_TEXT:
        return (*(str *)(void *)((char *)base + row->offset) = arena_dup(in->arena, text)).ptr !=
               NULL;
    case CONFIG_NUMBER:
        if (!str_to_u64(text, row->max, &number))
            return false;
        put_number(base, row, (uint32_t)number);
        return true;
    case CONFIG_FLAG:
    case CONFIG_WORD:
        return put_word(row, base, text);
    case CONFIG_LIST:
    case CONFIG_MAP:
    default:
        return true;
    }
}

/* Those of one map of a list, or, with an empty @prefix, those of none. */
static bool is_below(str path, str prefix)
{
    return prefix.len ? str_starts(path, prefix) : !str_has(path, STR("[]."));
}

static bool put_fallbacks(struct reading *in, void *base, str prefix)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (is_below(str_from(rows[i].key.path), prefix) && rows[i].key.fallback &&
            !put_scalar(in, &rows[i], base, str_from(rows[i].key.fallback)))
            return err_memory(in->err);
    return true;
}

static const struct row *row_find(str path)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i].key.path), path))
            return &rows[i];
    return NULL;
}

/* True when some key lies below @path: "listen" of "listen.port". */
static bool is_section(str path)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str key = str_from(rows[i].key.path);
        if (str_starts(key, path) && str_starts(str_skip(key, path.len), STR(".")))
            return true;
    }
    return false;
}

static const char *type_words(const struct row *row)
{
    static const char *const words[] = {
        [CONFIG_TEXT] = "text",          [CONFIG_NUMBER] = "a number",
        [CONFIG_FLAG] = "true or false", [CONFIG_WORD] = "one of its words",
        [CONFIG_LIST] = "a list",        [CONFIG_MAP] = "a map"};
    return words[row->key.type];
}

static bool wrong_type(struct reading *in, const struct row *row, const struct yaml *at)
{
    bool has_words = row->key.type == CONFIG_WORD;
    str max = row->key.type == CONFIG_NUMBER
                  ? arena_printf(in->arena, " of at most %llu", (unsigned long long)row->max)
                  : STR("");
    return err_set(in->err, ERR_USAGE, STR_FMT ":%zu:%zu: %s wants %s" STR_FMT, STR_ARG(in->file),
                   at->line, at->column, row->key.path, has_words ? row->key.help : type_words(row),
                   STR_ARG(max));
}

static bool read_map(struct reading *in, const struct yaml *map, str prefix, void *base);

static bool read_scalar(struct reading *in, const struct row *row, const struct yaml *value,
                        void *base)
{
    if (value->kind == YAML_NULL && row->key.type == CONFIG_TEXT)
        return true;
    if (value->kind != YAML_SCALAR || (row->key.type != CONFIG_TEXT && !value->is_plain) ||
        !put_scalar(in, row, base, value->text))
        return wrong_type(in, row, value);
    return true;
}

/* --- the keys that are more than a scalar
 * ------------------------------------------------------------------- */
static bool read_feeds(struct reading *in, const struct yaml *list)
{
    for (size_t i = 0; i < list->items.len; i++) {
        const struct yaml *item = list->items.ptr[i];
        if (item->kind != YAML_SCALAR)
            return complain(in, item, "feeds: wants NAME or NAME=URL-or-FOLDER", STR(""));
        struct feed_choice *feed = vec_push(in->arena, &in->out->feeds);
        str text = arena_dup(in->arena, item->text);
        if (!feed || !text.ptr)
            return err_memory(in->err);
        str_cut_byte(text, '=', &feed->name, &feed->place);
        if (!advisory_feed_find(feed->name))
            return complain(in, item, "feeds: no feed is called ", feed->name);
    }
    return true;
}

static bool read_repositories(struct reading *in, const struct yaml *list, strs *out)
{
    for (size_t i = 0; i < list->items.len; i++) {
        const struct yaml *item = list->items.ptr[i];
        struct reference ref;
        struct err why = {0};
        str *slot = vec_push(in->arena, out);
        str text =
            item->kind == YAML_SCALAR
                ? arena_printf(in->arena, "docker://registry.example/" STR_FMT, STR_ARG(item->text))
                : STR_NONE;
        if (!slot)
            return err_memory(in->err);
        if (!text.len || !reference_parse(in->arena, text, &ref, &why) ||
            !str_eq(ref.repository, item->text))
            return complain(in, item,
                            "registries[].repositories: no name of a repository: ", item->text);
        *slot = ref.repository;
    }
    return true;
}

static bool only_chars(str text, const char *others, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && !str_has(str_from(others), str_of(&c, 1)))
            return false;
    }
    return text.len > 0 && text.len <= max;
}

/* One way to log in, said completely. */
static bool check_login(struct reading *in, const struct yaml *at, const struct config_registry *r)
{
    bool has_secret = r->client_secret.len || r->client_secret_file.len;
    bool has_identity = r->identity_token.len || r->identity_token_file.len;
    if (r->identity_token.len && r->identity_token_file.len)
        return complain(in, at,
                        "registries[].identity-token and identity-token-file exclude each other",
                        STR(""));
    if (r->client_secret.len && r->client_secret_file.len)
        return complain(in, at,
                        "registries[].client-secret and client-secret-file exclude each other",
                        STR(""));
    if ((r->tenant.len > 0) != (r->client_id.len > 0) || (r->client_id.len > 0) != has_secret)
        return complain(in, at, "registries[].tenant, client-id and client-secret go together",
                        STR(""));
    if ((r->username.len > 0) + has_identity + has_secret > 1)
        return complain(in, at,
                        "registries[]: username, identity-token and client-id exclude each other",
                        STR(""));
    if ((r->client_cert_file.len > 0) != (r->client_key_file.len > 0))
        return complain(in, at,
                        "registries[].client-certificate-file and client-key-file go together",
                        STR(""));
    if (!r->timeout_s || !r->concurrency)
        return complain(in, at, "registries[].timeout and concurrency are at least 1", STR(""));
    return true;
}

static bool check_registry(struct reading *in, const struct yaml *at,
                           const struct config_registry *r)
{
    if (!r->name.len || !r->host.len)
        return complain(in, at, "a registry needs ", r->name.len ? STR("host") : STR("name"));
    if (!only_chars(r->name, "-", 50))
        return complain(in, at,
                        "registries[].name wants letters, digits and -, at most 50: ", r->name);
    if (!only_chars(r->subscription, "-", 36) || r->subscription.len != 36)
        return complain(in, at, "registries[].subscription wants a UUID: ", r->subscription);
    if (!only_chars(r->resource_group, "-_.()", 90))
        return complain(in, at, "registries[].resource-group wants letters, digits and -_.(): ",
                        r->resource_group);
    if (!only_chars(r->host, "-.:[]", 255))
        return complain(in, at,
                        "registries[].host wants HOST or HOST:PORT, without scheme: ", r->host);
    if (r->password.len && r->password_file.len)
        return complain(in, at, "registries[].password and password-file exclude each other",
                        STR(""));
    return check_login(in, at, r);
}

static bool read_registries(struct reading *in, const struct yaml *list)
{
    for (size_t i = 0; i < list->items.len; i++) {
        const struct yaml *item = list->items.ptr[i];
        struct config_registry one = {0}, *kept;
        if (item->kind != YAML_MAP)
            return complain(in, item, "registries: each is a map with name and host", STR(""));
        if (!put_fallbacks(in, &one, STR(REGISTRY)) || !read_map(in, item, STR(REGISTRY), &one) ||
            !check_registry(in, item, &one))
            return false;
        if (config_registry_find(in->out, one.name))
            return complain(in, item, "two registries are called ", one.name);
        if (!(kept = vec_push(in->arena, &in->out->registries)))
            return err_memory(in->err);
        *kept = one;
    }
    return true;
}

/* --- channels
 * ------------------------------------------------------------------------------------------ */
static const char *const told_names[] = {
    [TOLD_NEW_FINDINGS] = "new-findings", [TOLD_IMAGE_HEALTHY] = "image-healthy",
    [TOLD_SCAN_FAILED] = "scan-failed",   [TOLD_PULLED_VULNERABLE] = "pulled-vulnerable",
    [TOLD_SOURCE_HELD] = "source-held",   [TOLD_TEST] = "test"};

const char *told_name(enum told told) { return told_names[told < TOLD_COUNT ? told : TOLD_TEST]; }

static bool read_texts(struct reading *in, const struct row *row, const struct yaml *list,
                       strs *out)
{
    for (size_t i = 0; i < list->items.len; i++) {
        const struct yaml *item = list->items.ptr[i];
        if (item->kind != YAML_SCALAR || !item->text.len)
            return complain(in, item, row->key.path, STR(" wants a list of texts"));
        str *slot = vec_push(in->arena, out);
        if (!slot || !(*slot = arena_dup(in->arena, item->text)).ptr)
            return err_memory(in->err);
    }
    return true;
}

static bool read_events(struct reading *in, const struct yaml *list, unsigned *out)
{
    for (size_t i = 0; i < list->items.len; i++) {
        const struct yaml *item = list->items.ptr[i];
        unsigned bit = 0;
        for (unsigned t = 0; t < TOLD_TEST && item->kind == YAML_SCALAR; t++)
            bit |= str_eq(item->text, str_from(told_names[t])) ? 1U << t : 0;
        if (!bit)
            return complain(in, item, "notify[].events: nothing is called ", item->text);
        *out |= bit;
    }
    return true;
}

static bool read_headers(struct reading *in, const struct yaml *map, struct config_channel *out)
{
    for (size_t i = 0; i < map->pairs.len; i++) {
        const struct yaml *key = map->pairs.ptr[i].key, *value = map->pairs.ptr[i].value;
        struct config_header *header = vec_push(in->arena, &out->headers);
        if (!header)
            return err_memory(in->err);
        if (value->kind != YAML_SCALAR || !http_header_may_be(key->text, value->text))
            return complain(in, value, "notify[].headers: no header of a request: ", key->text);
        header->name = arena_dup(in->arena, key->text);
        header->value = arena_dup(in->arena, value->text);
        if (!header->name.ptr || !header->value.ptr)
            return err_memory(in->err);
    }
    return true;
}

static bool check_addresses(struct reading *in, const struct yaml *at,
                            const struct config_channel *c)
{
    if (!c->from.len || !c->to.len)
        return complain(in, at, "notify[]: smtp needs from and to", STR(""));
    if (!http_mail_address(c->from))
        return complain(in, at, "notify[].from wants an address such as a@b: ", c->from);
    for (size_t i = 0; i < c->to.len; i++)
        if (!http_mail_address(c->to.ptr[i]))
            return complain(in, at, "notify[].to wants addresses such as a@b: ", c->to.ptr[i]);
    return true;
}

static bool check_channel(struct reading *in, const struct yaml *at, const struct config_channel *c)
{
    str scheme, host, rest;
    bool is_mail = c->kind == CHANNEL_SMTP;
    if (!c->name.len || !c->url.len)
        return complain(in, at, "a channel of notify needs ",
                        c->name.len ? STR("url") : STR("name"));
    if (!only_chars(c->name, "-_.", 50))
        return complain(in, at,
                        "notify[].name wants letters, digits and -_., at most 50: ", c->name);
    if (!http_url_split(c->url, &scheme, &host, &rest) || !host.len ||
        !(is_mail ? str_eq(scheme, STR("smtp")) || str_eq(scheme, STR("smtps"))
                  : str_eq(scheme, STR("https")) || str_eq(scheme, STR("http"))))
        return complain(in, at,
                        is_mail ? "notify[].url wants smtp://… or smtps://…"
                                : "notify[].url wants https://… or http://…",
                        STR(""));
    if ((c->secret.len && c->secret_file.len) || (c->password.len && c->password_file.len))
        return complain(in, at, "notify[]: a secret and its file exclude each other", STR(""));
    if (!c->timeout_s || !c->max_attempts)
        return complain(in, at, "notify[]: timeout and attempts are at least 1", STR(""));
    return !is_mail || check_addresses(in, at, c);
}

const struct config_channel *config_channel_find(const struct config *config, str name)
{
    for (size_t i = 0; i < config->channels.len; i++)
        if (str_eq(config->channels.ptr[i].name, name))
            return &config->channels.ptr[i];
    return NULL;
}

static bool read_channels(struct reading *in, const struct yaml *list)
{
    for (size_t i = 0; i < list->items.len; i++) {
        const struct yaml *item = list->items.ptr[i];
        struct config_channel one = {0}, *kept;
        if (item->kind != YAML_MAP)
            return complain(in, item, "notify: each is a map with name and url", STR(""));
        if (!put_fallbacks(in, &one, STR(CHANNEL)) || !read_map(in, item, STR(CHANNEL), &one) ||
            !check_channel(in, item, &one))
            return false;
        if (config_channel_find(in->out, one.name))
            return complain(in, item, "two channels are called ", one.name);
        if (!one.events)
            one.events = (1U << TOLD_TEST) - 1;
        if (!(kept = vec_push(in->arena, &in->out->channels)))
            return err_memory(in->err);
        *kept = one;
    }
    return true;
}

static bool read_channel_row(struct reading *in, const struct row *row, const struct yaml *value,
                             struct config_channel *out)
{
    str name = str_skip(str_from(row->key.path), sizeof(CHANNEL) - 1);
    if (str_eq(name, STR("events")))
        return read_events(in, value, &out->events);
    if (str_eq(name, STR("headers")))
        return read_headers(in, value, out);
    if (str_eq(name, STR("registries")))
        return read_texts(in, row, value, &out->registries);
    return read_texts(in, row, value, str_eq(name, STR("to")) ? &out->to : &out->repositories);
}

static bool read_limit(struct reading *in, const struct yaml *key, const struct yaml *value)
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        if (!str_eq(key->text, str_from(limit_row((enum limit_id)i)->key)))
            continue;
        uint64_t number = 0;
        if (value->kind != YAML_SCALAR || !str_to_u64(value->text, INT64_MAX, &number) || !number)
            return complain(in, value, "a limit wants a number above zero: ", key->text);
        in->out->limits.of[i] = number;
        return true;
    }
    return complain(in, key, "no limit is called ", key->text);
}

static bool read_limits(struct reading *in, const struct yaml *map)
{
    for (size_t i = 0; i < map->pairs.len; i++)
        if (!read_limit(in, map->pairs.ptr[i].key, map->pairs.ptr[i].value))
            return false;
    return true;
}

static bool read_row(struct reading *in, const struct row *row, const struct yaml *value,
                     void *base)
{
    if (row->key.type != CONFIG_LIST && row->key.type != CONFIG_MAP)
        return read_scalar(in, row, value, base);
    if (value->kind == YAML_NULL)
        return true;
    if (value->kind != (row->key.type == CONFIG_LIST ? YAML_LIST : YAML_MAP))
        return wrong_type(in, row, value);
    if (str_starts(str_from(row->key.path), STR(CHANNEL)))
        return read_channel_row(in, row, value, base);
    if (str_eq(str_from(row->key.path), STR("notify")))
        return read_channels(in, value);
    if (row->key.type == CONFIG_MAP)
        return read_limits(in, value);
    if (str_eq(str_from(row->key.path), STR("feeds")))
        return read_feeds(in, value);
    if (str_eq(str_from(row->key.path), STR(REGISTRY "repositories")))
        return read_repositories(in, value, &((struct config_registry *)base)->repositories);
    return read_registries(in, value);
}

/* Nesting is that of the table: two levels. */
static bool read_map(struct reading *in, const struct yaml *map, str prefix, void *base)
{
    for (size_t i = 0; i < map->pairs.len; i++) {
        const struct yaml *key = map->pairs.ptr[i].key, *value = map->pairs.ptr[i].value;
        str path = arena_printf(in->arena, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(key->text));
        if (!path.ptr)
            return err_memory(in->err);
        const struct row *row = row_find(path);
        if (row ? !read_row(in, row, value, base) : false)
            return false;
        if (row)
            continue;
        if (prefix.len || !is_section(path))
            return complain(in, key, "unknown key ", path);
        if (value->kind != YAML_MAP)
            return complain(in, value, "a map is wanted for ", path);
        str below = arena_printf(in->arena, STR_FMT ".", STR_ARG(path));
        if (!below.ptr || !read_map(in, value, below, base))
            return below.ptr ? false : err_memory(in->err);
    }
    return true;
}

/* --- what one key cannot say
 * ---------------------------------------------------------------------------------- */
static bool conflict(struct reading *in, const char *what)
{
    return err_set(in->err, ERR_USAGE, STR_FMT ": %s", STR_ARG(in->file), what);
}

static bool check_whole(struct reading *in)
{
    const struct config *c = in->out;
    if ((c->tls_cert_file.len > 0) != (c->tls_key_file.len > 0))
        return conflict(in, "tls.certificate and tls.key are given together or not at all");
    if (c->notification_secret.len && c->notification_secret_file.len)
        return conflict(in, "notification.secret and notification.secret-file exclude each other");
    if (!c->http_workers || !c->max_attempts || c->lease_s < 3)
        return conflict(in, "http-workers and attempts are at least 1, lease at least 3");
    if (!c->data_dir.len)
        return conflict(in, "data-directory is empty");
    if (c->store.len && !store_name_check(c->store, in->err))
        return err_wrap(in->err, STR_FMT ": store", STR_ARG(in->file));
    return true;
}

static bool secret_from(struct reading *in, str file, str *secret)
{
    str bytes;
    if (!file.len)
        return true;
    const char *path = arena_cstr(in->arena, file);
    if (!path)
        return err_memory(in->err);
    if (!file_read(in->arena, path, LIMIT(RELEASE_FILE), &bytes, in->err)) {
        in->err->kind = ERR_USAGE;
        return err_wrap(in->err, STR_FMT, STR_ARG(in->file));
    }
    *secret = str_trim(bytes);
    return secret->len > 0 ? true : conflict(in, "a secret file is empty");
}

/* What the file does not name lies in the data directory. */
static bool in_data(struct reading *in, str *path, const char *prefix, const char *name)
{
    if (!path->len)
        *path =
            arena_printf(in->arena, "%s" STR_FMT "/%s", prefix, STR_ARG(in->out->data_dir), name);
    return path->ptr ? true : err_memory(in->err);
}

static bool finish(struct reading *in)
{
    struct config *c = in->out;
    if (!secret_from(in, c->notification_secret_file, &c->notification_secret))
        return false;
    for (size_t i = 0; i < c->registries.len; i++) {
        struct config_registry *r = &c->registries.ptr[i];
        if (!secret_from(in, r->password_file, &r->password) ||
            !secret_from(in, r->identity_token_file, &r->identity_token) ||
            !secret_from(in, r->client_secret_file, &r->client_secret))
            return false;
    }
    for (size_t i = 0; i < c->channels.len; i++)
        if (!secret_from(in, c->channels.ptr[i].secret_file, &c->channels.ptr[i].secret) ||
            !secret_from(in, c->channels.ptr[i].password_file, &c->channels.ptr[i].password))
            return false;
    return in_data(in, &c->database_dir, "", "advisories") &&
           in_data(in, &c->store, "sqlite:", "plimsoll.db") &&
           in_data(in, &c->secret_key_file, "", "secret.key");
}

/* libyaml's "line L column C: why" in our spelling. */
static bool complain_syntax(struct reading *in)
{
    char msg[sizeof(in->err->msg)];
    memcpy(msg, in->err->msg, sizeof(msg));
    str line, column, why = str_from(msg);
    if (str_starts(why, STR("line ")) && str_cut(str_skip(why, 5), STR(" column "), &line, &why) &&
        str_cut(why, STR(": "), &column, &why))
        return err_set(in->err, ERR_USAGE, STR_FMT ":" STR_FMT ":" STR_FMT ": " STR_FMT,
                       STR_ARG(in->file), STR_ARG(line), STR_ARG(column), STR_ARG(why));
    in->err->kind = ERR_USAGE;
    return err_wrap(in->err, STR_FMT, STR_ARG(in->file));
}

bool config_parse(struct arena *arena, str file, str text, struct config *out, struct err *err)
{
    struct reading in = {arena, file, out, err};
    struct yaml *root = NULL;
    *out = (struct config){.limits = limits_default()};
    if (!put_fallbacks(&in, out, STR("")))
        return false;
    if (str_trim(text).len && !yaml_read(arena, text, &root, err))
        return complain_syntax(&in);
    if (root && root->kind != YAML_NULL && root->kind != YAML_MAP)
        return complain(&in, root, "a map of keys is wanted", STR(""));
    return (!root || root->kind == YAML_NULL || read_map(&in, root, STR(""), out)) &&
           check_whole(&in) && finish(&in);
}

bool config_load(struct arena *arena, const char *path, struct config *out, struct err *err)
{
    str text;
    if (!file_read(arena, path, LIMIT(CONFIG_FILE), &text, err)) {
        err->kind = ERR_USAGE;
        return false;
    }
    return config_parse(arena, str_from(path), text, out, err);
}

/* --- reading again
 * ------------------------------------------------------------------------------------- */
/* What is decided at start: where we listen, where we keep things, how many threads there are. */
static const char *const fixed[] = {
    "listen.address",     "listen.port",    "data-directory", "store",        "secret-key-file",
    "database-directory", "assessment-key", "workers",        "http-workers", "sandbox"};

static bool member_eq(const struct row *row, const void *a, const void *b)
{
    const char *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
    if (row->key.type == CONFIG_TEXT)
        return str_eq(*(const str *)(const void *)x, *(const str *)(const void *)y);
    return memcmp(x, y, row->size) == 0;
}

static bool member_keep(struct arena *arena, const struct row *row, const void *from, void *to)
{
    const char *x = (const char *)from + row->offset;
    char *y = (char *)to + row->offset;
    if (row->key.type != CONFIG_TEXT) {
        memcpy(y, x, row->size);
        return true;
    }
    str kept = arena_dup(arena, *(const str *)(const void *)x);
    *(str *)(void *)y = kept;
    return kept.ptr != NULL;
}

bool config_keep(struct arena *arena, const struct config *old, struct config *fresh,
                 struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        const struct row *row = row_find(str_from(fixed[i]));
        if (!row || member_eq(row, old, fresh))
            continue;
        log_event(LOG_WARN, "reload: this key is read at start only; restart to change it",
                  LOG_STR("key", str_from(row->key.path)));
        if (!member_keep(arena, row, old, fresh))
            return err_memory(err);
    }
    return true;
}
