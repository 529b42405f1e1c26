#include "advisor/understand/languages.h"

enum { WORDS_LEAST = 2 };

/*  A language has to have more words in a message than English.  */
static const char ENGLISH[] =
    "the i to a and of for in is are my me what how you not on with it that this do have be at if want should can "
    "or which no from get so was will would by as but risk years year low high medium";

static const struct {
    const char *words;
    const char *notice;
} ROWS[] = {
    [LANGUAGE_NONE] = {ENGLISH, ""},
#define LANGUAGE(id_, words_, notice_) [LANGUAGE_##id_] = {words_, notice_},
#include "advisor/understand/languages.def"
#undef LANGUAGE
};

/*  Ranges of Unicode that one of these languages is written in. Letters that a language alone has come before the
    script that it shares, and kana before the Chinese signs that Japanese has, too. The last are scripts of which
    nothing is known here.  */
static const struct {
    uint32_t first;
    uint32_t last;
    language_t language;
} SCRIPTS[] = {
    {0x3040, 0x30ff, LANGUAGE_JAPANESE},  {0x1ea0, 0x1ef9, LANGUAGE_VIETNAMESE},
    {0x0454, 0x0454, LANGUAGE_UKRAINIAN}, {0x0456, 0x0457, LANGUAGE_UKRAINIAN},
    {0x0490, 0x0491, LANGUAGE_UKRAINIAN}, {0x0452, 0x0452, LANGUAGE_SERBIAN},
    {0x0458, 0x045b, LANGUAGE_SERBIAN},   {0x045f, 0x045f, LANGUAGE_SERBIAN},
    {0x0400, 0x04ff, LANGUAGE_RUSSIAN},   {0x0370, 0x03ff, LANGUAGE_GREEK},
    {0x0590, 0x05ff, LANGUAGE_HEBREW},    {0x0679, 0x0679, LANGUAGE_URDU},
    {0x0688, 0x0688, LANGUAGE_URDU},      {0x0691, 0x0691, LANGUAGE_URDU},
    {0x06d2, 0x06d2, LANGUAGE_URDU},      {0x067e, 0x067e, LANGUAGE_PERSIAN},
    {0x0686, 0x0686, LANGUAGE_PERSIAN},   {0x0698, 0x0698, LANGUAGE_PERSIAN},
    {0x06a9, 0x06a9, LANGUAGE_PERSIAN},   {0x06af, 0x06af, LANGUAGE_PERSIAN},
    {0x06cc, 0x06cc, LANGUAGE_PERSIAN},   {0x0600, 0x06ff, LANGUAGE_ARABIC},
    {0x0900, 0x097f, LANGUAGE_HINDI},     {0x0980, 0x09ff, LANGUAGE_BENGALI},
    {0x0b80, 0x0bff, LANGUAGE_TAMIL},     {0x0e00, 0x0e7f, LANGUAGE_THAI},
    {0x0530, 0x058f, LANGUAGE_ARMENIAN},  {0x10a0, 0x10ff, LANGUAGE_GEORGIAN},
    {0xac00, 0xd7af, LANGUAGE_KOREAN},    {0x4e00, 0x9fff, LANGUAGE_CHINESE},
    {0x0700, 0x1cff, LANGUAGE_OTHER},     {0xa000, 0xabff, LANGUAGE_OTHER},
};

/*  The code point at `text`, of two or three bytes; 0 for others.  */
static uint32_t code_at (const uint8_t *text)
{
    if ((text[0] & 0xe0) == 0xc0 && (text[1] & 0xc0) == 0x80)
        return (uint32_t) (text[0] & 0x1f) << 6 | (text[1] & 0x3f);
    if ((text[0] & 0xf0) == 0xe0 && (text[1] & 0xc0) == 0x80 && (text[2] & 0xc0) == 0x80)
        return (uint32_t) (text[0] & 0x0f) << 12 | (uint32_t) (text[1] & 0x3f) << 6
               | (text[2] & 0x3f);
    return 0;
}

static bool has_script (const words_t *words, uint32_t first, uint32_t last)
{
    for (size_t i = 0; i < words->count; i++)
        for (const uint8_t *at = (const uint8_t *) words->items[i].text; *at; at++) {
            uint32_t code = code_at (at);
            if (code >= first && code <= last)
                return true;
        }
    return false;
}

static size_t count_of (const words_t *words, const char *list)
{
    size_t count = 0;
    for (size_t i = 0; i < words->count; i++)
        count += words_at_any (words, i, list);
    return count;
}

static language_t by_script (const words_t *words)
{
    for (size_t i = 0; i < sizeof SCRIPTS / sizeof *SCRIPTS; i++)
        if (has_script (words, SCRIPTS[i].first, SCRIPTS[i].last))
            return SCRIPTS[i].language;
    return LANGUAGE_NONE;
}

language_t languages_find (const words_t *words)
{
    language_t best = LANGUAGE_NONE;
    size_t english = count_of (words, ROWS[LANGUAGE_NONE].words);
    size_t most = english > WORDS_LEAST - 1 ? english : WORDS_LEAST - 1;
    for (int language = 1; language < LANGUAGE_COUNT_; language++) {
        size_t count = count_of (words, ROWS[language].words);
        if (count > most) {
            most = count;
            best = (language_t) language;
        }
    }
    /* a sentence in English may well have a letter beta */
    return best || english >= WORDS_LEAST ? best : by_script (words);
}

const char *language_notice (language_t language)
{
    return ROWS[language].notice;
}
