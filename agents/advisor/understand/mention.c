#include "advisor/understand/mention.h"

#include "advisor/understand/understand.h"

#include <strings.h>

/*  Words of everyday English that are also symbols of products somewhere, or that the index finds in too
    many names.  */
static const char COMMON[] =
    "a about after all also always am an and any anything are as ask at bad be because been before big bit "
    "body boss box boy bring but buy by call can car cash change child come core corn could cow cure "
    "current currently day did do does doing done dog down each early earn easy eat else end enough even "
    "ever every everything fan far fast feel few find fine first fit fly for free friend from full fun "
    "future get getting girl give global go gold good got great had hard has have he health her high him "
    "his home hope how i idea if im in into income is it its ive jets job just keep kid kids know large "
    "last late later learn left less let life like line little live long look looking lot love low made "
    "main make man many may maybe me mid mine mint month moon more most move much my name near need never "
    "new next nice no not now of off often old on once one only open or other our out over own part past "
    "pay people per plan play please point power put quick rather ready real really rich right risk run "
    "safe same say school second see select sell set share she short show shy since small so some someone "
    "something soon sort spend start state still street such sure take talk target tax tell than that the "
    "their them then there they thing think this those three through tidy time tip to today together told "
    "too total try two under until up us use used very vote want was way we week well went were what when "
    "where which while who whole why wife will wish with women wood word work world would year yes yet you "
    "young your husband product products daughter son mother father parents family company companies age "
    "mortgage mortgages debt debts loan loans bank banks house rent salary "
    "germany german france french english american usa uk thanks thank hello hi ok okay";

const mark_t *mention_mark (const marks_t *marks, size_t at)
{
    for (size_t i = 0; i < marks->count; i++)
        if (at >= marks->items[i].first && at < marks->items[i].first + marks->items[i].count)
            return &marks->items[i];
    return NULL;
}

static bool asks (const marks_t *marks, size_t at)
{
    const mark_t *mark = mention_mark (marks, at);
    return mark
           && (mark->kind == MARK_COMPARE || mark->kind == MARK_EXPLAIN || mark->kind == MARK_ASK
               || mark->kind == MARK_HAVE || mark->kind == MARK_TRADE);
}

static bool beside_asking (const words_t *words, const marks_t *marks, size_t at)
{
    return (at > 0 && asks (marks, at - 1)) || asks (marks, at + 1)
           || (words->count <= 2 && !words->shout);
}

/*  "Buy TQQQ", "everything in NVDA".  */
static bool is_traded (const words_t *words, size_t at)
{
    static const char VERBS[] = "buy buying bought sell selling sold hold holding";
    static const char WHAT[] = "everything all it money savings invest invested investing";
    bool inside = at > 1 && words_at_any (words, at - 1, "in into");
    return (at > 0 && words_at_any (words, at - 1, VERBS))
           || (inside && words_at_any (words, at - 2, WHAT));
}

static bool looks_like_symbol (const words_t *words, size_t at, size_t least)
{
    const word_t *word = &words->items[at];
    for (size_t i = 0; i < word->size; i++)
        if (word->text[i] < 'a' || word->text[i] > 'z')
            return false;
    return word->size >= least && word->size <= 6;
}

/*  An amount's currency, which is also a symbol somewhere.  */
static bool is_currency (const words_t *words, size_t at)
{
    static const char *const CODES[] = {
#define CURRENCY(id, ucits) #id,
#include "advisor/understand/currencies.def"
#undef CURRENCY
    };
    const word_t *items = words->items;
    bool amount =
        (at > 0 && items[at - 1].number) || (at + 1 < words->count && items[at + 1].number);
    for (size_t i = 0; amount && i < sizeof CODES / sizeof *CODES; i++)
        if (strcasecmp (items[at].text, CODES[i]) == 0)
            return true;
    return false;
}

int mention_symbol (catalogue_t *catalogue, const words_t *words, const marks_t *marks, size_t at)
{
    const word_t *word = &words->items[at];
    bool dollar = at > 0 && word->joined && words_at (words, at - 1, "$");
    if (!looks_like_symbol (words, at, dollar ? 1 : 2) || is_currency (words, at))
        return -1;
    if (!dollar && !(word->upper && !words->shout)
        && (mention_mark (marks, at) || words_at_any (words, at, COMMON)
            || !beside_asking (words, marks, at)))
        return -1;
    return catalogue_find (catalogue, plv_view (word->text, word->size));
}

bool mention_unlisted (const words_t *words, const marks_t *marks, size_t at)
{
    const word_t *word = &words->items[at];
    bool dollar = at > 0 && word->joined && words_at (words, at - 1, "$");
    if (!looks_like_symbol (words, at, 2) || words->shout || !(word->upper || dollar))
        return false;
    if (dollar)
        return true;
    return !mention_mark (marks, at) && !words_at_any (words, at, COMMON)
           && !glossary_has (words, at)
           && (beside_asking (words, marks, at) || is_traded (words, at));
}

static size_t add_hits (int *hits, size_t count, size_t room, const int *more, size_t more_count)
{
    for (size_t i = 0; i < more_count && count < room; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known |= hits[j] == more[i];
        if (!known)
            hits[count++] = more[i];
    }
    return count;
}

size_t mention_search (catalogue_t *catalogue, const words_t *words, const marks_t *marks,
                       int *ret_hits, size_t room)
{
    size_t count = 0, most = catalogue_size (catalogue) / 4;
    int found[64];
    for (size_t at = 0; at < words->count && count < room; at++) {
        const word_t *word = &words->items[at];
        if (word->number || word->size < 4 || mention_mark (marks, at)
            || words_at_any (words, at, COMMON))
            continue;
        size_t hits = catalogue_search (catalogue, plv_view (word->text, word->size), found,
                                        sizeof found / sizeof *found);
        if (hits <= most)
            count = add_hits (ret_hits, count, room, found,
                              hits < sizeof found / sizeof *found ? hits
                                                                  : sizeof found / sizeof *found);
    }
    return count;
}
