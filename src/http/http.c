/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include "http/internal.h"

str http_header_get(const http_headers *headers, str name)
{
    for (size_t i = 0; i < headers->len; i++)
        if (str_eq_nocase(headers->ptr[i].name, name))
            return headers->ptr[i].value;
    return STR_NONE;
}

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           str_find_byte(STR("!#$%&'*+-.^_`|~"), c) < 15;
}

bool http_is_token(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_byte(name.ptr[i]))
            return false;
    return name.len > 0;
}

bool http_is_field_value(str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http_header_may_be(str name, str value)
{
    return http_is_token(name) && http_is_field_value(value);
}
