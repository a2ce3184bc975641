/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <expat.h>

#include "base/limits.h"
#include "base/num.h"

enum { STEP = 1 << 20 }; /* expat counts in int */

struct reader {
    XML_Parser parser;
    const struct xml_handler *handler;
    struct err *err;
    size_t depth;
    bool has_failed; /* *err says why */
};

static void stop(struct reader *reader)
{
    reader->has_failed = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void bad_here(struct reader *reader, enum err_kind kind, const char *why)
{
    if (reader->has_failed)
        return;
    err_set(reader->err, kind, "line %lu column %lu: %s", XML_GetCurrentLineNumber(reader->parser),
            XML_GetCurrentColumnNumber(reader->parser) + 1, why);
    stop(reader);
}

static void XMLCALL on_open(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = ctx;
    if (reader->has_failed)
        return;
    if (++reader->depth > LIMIT(XML_DEPTH)) {
        bad_here(reader, ERR_LIMIT, "nested deeper than the limit xml-depth");
        return;
    }
    const struct xml_handler *handler = reader->handler;
    if (handler->open && !handler->open(handler->ctx, str_from(name), attributes, reader->err))
        stop(reader);
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
    struct reader *reader = ctx;
    const struct xml_handler *handler = reader->handler;
    if (reader->has_failed || !handler->text || len <= 0)
        return;
    if (!handler->text(handler->ctx, (str){text, (size_t)len}, reader->err))
        stop(reader);
}

static void XMLCALL on_close(void *ctx, const XML_Char *name)
{
    struct reader *reader = ctx;
    if (reader->has_failed)
        return;
    reader->depth--;
    const struct xml_handler *handler = reader->handler;
    if (handler->close && !handler->close(handler->ctx, str_from(name), reader->err))
        stop(reader);
}

static void XMLCALL on_entity(void *ctx, const XML_Char *name, int is_parameter,
                              const XML_Char *value, int len, const XML_Char *base,
                              const XML_Char *system, const XML_Char *public,
                              const XML_Char *notation)
{
    (void)name, (void)is_parameter, (void)value, (void)len, (void)base, (void)system, (void)public,
        (void)notation;
    bad_here(ctx, ERR_FORMAT, "a DTD with entities is refused");
}

/* An entity of a DTD that nobody reads: the text would silently be without it. */
static void XMLCALL on_skipped(void *ctx, const XML_Char *name, int is_parameter)
{
    (void)name, (void)is_parameter;
    bad_here(ctx, ERR_FORMAT, "an unknown entity");
}

static bool parse_all(struct reader *reader, str text)
{
    enum XML_Status status;
    do {
        str step = str_slice(text, 0, STEP);
        text = str_skip(text, step.len);
        status = XML_Parse(reader->parser, step.ptr ? step.ptr : "", (int)step.len, text.len == 0);
    } while (status == XML_STATUS_OK && text.len);
    if (status == XML_STATUS_OK && !reader->has_failed)
        return true;
    if (XML_GetErrorCode(reader->parser) == XML_ERROR_NO_MEMORY)
        return err_memory(reader->err);
    bad_here(reader, ERR_FORMAT, XML_ErrorString(XML_GetErrorCode(reader->parser)));
    return false;
}

bool xml_read(str text, const struct xml_handler *handler, struct err *err)
{
    struct reader reader = {.handler = handler, .err = err, .parser = XML_ParserCreate(NULL)};
    if (!reader.parser)
        return err_memory(err);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_open, on_close);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetEntityDeclHandler(reader.parser, on_entity);
    XML_SetSkippedEntityHandler(reader.parser, on_skipped);
    bool is_read = parse_all(&reader, text);
    XML_ParserFree(reader.parser);
    return is_read;
}
