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

/*  Ranges of Unicode that one of these languages is written in. Kana come first: Japanese has Chinese signs too.  */
static const struct {
    uint32_t first;
    uint32_t last;
    language_t language;
} SCRIPTS[] = {
    {0x3040, 0x30ff, LANGUAGE_JAPANESE}, {0x0400, 0x04ff, LANGUAGE_RUSSIAN},
    {0x0370, 0x03ff, LANGUAGE_GREEK},    {0x0590, 0x05ff, LANGUAGE_HEBREW},
    {0x0600, 0x06ff, LANGUAGE_ARABIC},   {0x0900, 0x097f, LANGUAGE_HINDI},
    {0xac00, 0xd7af, LANGUAGE_KOREAN},   {0x4e00, 0x9fff, LANGUAGE_CHINESE},
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

static bool listed (const char *list, const word_t *word)
{
    for (const char *at = list; *at;) {
        size_t size = strcspn (at, " ");
        if (size == word->size && memcmp (at, word->text, size) == 0)
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

static size_t count_of (const words_t *words, const char *list)
{
    size_t count = 0;
    for (size_t i = 0; i < words->count; i++)
        count += listed (list, &words->items[i]);
    return count;
}

language_t languages_find (const words_t *words)
{
    language_t best = LANGUAGE_NONE;
    size_t most = count_of (words, ROWS[LANGUAGE_NONE].words);
    most = most > WORDS_LEAST - 1 ? most : WORDS_LEAST - 1;
    for (size_t i = 0; i < sizeof SCRIPTS / sizeof *SCRIPTS; i++)
        if (has_script (words, SCRIPTS[i].first, SCRIPTS[i].last))
            return SCRIPTS[i].language;
    for (int language = 1; language < LANGUAGE_COUNT_; language++) {
        size_t count = count_of (words, ROWS[language].words);
        if (count > most) {
            most = count;
            best = (language_t) language;
        }
    }
    return best;
}

const char *language_notice (language_t language)
{
    return ROWS[language].notice;
}
