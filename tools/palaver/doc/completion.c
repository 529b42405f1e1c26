#include "palaver/command.h"
#include "palaver/doc/generate.h"
#include "palaver/show/text.h"

#include <string.h>

/*  First words: commands of one word, and groups once.  */
static bool is_first_of_group (size_t index)
{
    const char *words = command_at (index)->words;
    size_t size = strcspn (words, " ");
    for (size_t i = 0; i < index; i++)
        if (command_in_group (command_at (i), words, size))
            return false;
    return true;
}

static void put_first_words (plv_buf_t *out)
{
    const command_t *command;
    for (size_t i = 0; (command = command_at (i)); i++)
        if (!command->hidden && is_first_of_group (i))
            text_putf (out, "%s%.*s", i ? " " : "", (int) strcspn (command->words, " "),
                       command->words);
}

static void put_verbs (plv_buf_t *out, const char *group, size_t size)
{
    const command_t *command;
    bool first = true;
    for (size_t i = 0; (command = command_at (i)); i++) {
        if (command->hidden || !command_in_group (command, group, size))
            continue;
        text_putf (out, "%s%s", first ? "" : " ", command->words + size + 1);
        first = false;
    }
}

static void put_option_names (plv_buf_t *out, uint64_t set)
{
    bool first = true;
    for (int id = 0; id < OPTION_COUNT_; id++) {
        if (!(set >> id & 1))
            continue;
        text_putf (out, "%s--%s", first ? "" : " ", option_rows[id].name);
        first = false;
    }
}

/*  "--run|--keys" for all options of these kinds.  */
static void put_pattern (plv_buf_t *out, unsigned kinds)
{
    bool first = true;
    for (int id = 0; id < OPTION_COUNT_; id++) {
        if (!(kinds >> option_rows[id].kind & 1))
            continue;
        text_putf (out, "%s--%s", first ? "" : "|", option_rows[id].name);
        if (option_rows[id].letter)
            text_putf (out, "|-%c", option_rows[id].letter);
        first = false;
    }
}

/*  What stands behind a command: compgen's letter and zsh's word for it; NULL: something else than a path.  */
static const char *path_of (const command_t *command, const char *folder, const char *file)
{
    if (strcmp (command->operands, "DIR") == 0 || strcmp (command->operands, "BACKUP") == 0)
        return folder;
    return strncmp (command->operands, "FILE", 4) == 0 ? file : NULL;
}

/*  "status|top|..." for the commands of one word.  */
static void put_lone_words (plv_buf_t *out)
{
    const command_t *command;
    bool first = true;
    for (size_t i = 0; (command = command_at (i)); i++) {
        if (command->hidden || strchr (command->words, ' '))
            continue;
        text_putf (out, "%s%s", first ? "" : "|", command->words);
        first = false;
    }
}

static void put_bash_commands (plv_buf_t *out)
{
    const command_t *command;
    for (size_t i = 0; (command = command_at (i)); i++) {
        if (command->hidden)
            continue;
        text_putf (out, "    \"%s\") options=\"", command->words);
        put_option_names (out, command->options);
        const char *path = path_of (command, " paths=-d", " paths=-f");
        text_putf (out, "\"%s ;;\n", path ? path : "");
    }
}

static void put_bash_groups (plv_buf_t *out)
{
    const command_t *command;
    for (size_t i = 0; (command = command_at (i)); i++) {
        size_t size = strcspn (command->words, " ");
        if (command->hidden || !is_first_of_group (i) || !command->words[size])
            continue;
        text_putf (out, "    %.*s) verbs=\"", (int) size, command->words);
        put_verbs (out, command->words, size);
        text_put (out, "\" ;;\n");
    }
}

/*  What stands on the line, without options and what they take. bash makes --run=DIR three words.  */
static void put_bash_words (plv_buf_t *out)
{
    text_put (out, "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
                   "        case ${COMP_WORDS[at]} in\n        ");
    put_pattern (out, ~(1u << KIND_FLAG));
    text_put (out, ") [ \"${COMP_WORDS[at + 1]}\" = = ] && at=$((at + 1)); at=$((at + 1)) ;;\n"
                   "        -*) ;;\n"
                   "        *) words+=(\"${COMP_WORDS[at]}\") ;;\n"
                   "        esac\n    done\n");
}

/*  The word behind an option is what the option takes.  */
static void put_bash_values (plv_buf_t *out)
{
    text_put (out, "    if [ \"$word\" = = ]; then word=\"\"\n"
                   "    elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
                   "    case $before in\n    ");
    put_pattern (out, 1u << KIND_FOLDER);
    text_put (out, ") _palaver_paths -d \"$word\"; return ;;\n    ");
    put_pattern (out, 1u << KIND_FILE);
    text_put (out, ") _palaver_paths -f \"$word\"; return ;;\n    ");
    put_pattern (out, 1u << KIND_TEXT | 1u << KIND_NAME | 1u << KIND_NUMBER | 1u << KIND_SECONDS
                          | 1u << KIND_TIME);
    text_put (out, ") return ;;\n    esac\n");
}

void generate_bash (plv_buf_t *out)
{
    text_put (
        out,
        "# bash completion for palaver. Made from the tables in tools/palaver: do not edit.\n\n"
        "_palaver_paths ()\n{\n"
        "    compopt -o filenames\n"
        "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$2\")\n}\n\n"
        "_palaver ()\n{\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    local verbs=\"\" paths=\"\" words=() at command options=\"");
    put_option_names (out, CONNECTS | ALWAYS);
    text_put (out, "\"\n    COMPREPLY=()\n");
    put_bash_values (out);
    put_bash_words (out);
    text_put (out, "    command=\"${words[*]:0:2}\"\n    case ${words[0]} in ");
    put_lone_words (out);
    text_put (out, ") command=${words[0]} ;; esac\n    case $command in\n    \"\") verbs=\"");
    put_first_words (out);
    text_put (out, "\" ;;\n");
    put_bash_groups (out);
    put_bash_commands (out);
    text_put (out,
              "    esac\n"
              "    case $word in\n"
              "    -*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\") ;;\n"
              "    *) if [ -n \"$paths\" ]; then _palaver_paths $paths \"$word\"\n"
              "       else mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$word\"); fi ;;\n"
              "    esac\n}\n\ncomplete -F _palaver palaver\n");
}

/*  What zsh's _arguments takes as words: quotes and brackets are escaped.  */
static void put_zsh_words (plv_buf_t *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            text_put (out, "'\\''");
        else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            text_putf (out, "\\%c", *text);
        else
            plv_buf_add_u8 (out, (uint8_t) *text);
    }
}

/*  '--run=[...]:DIR:_files -/', and for one with a letter '(-s --session)'{-s+,--session=}'[...]...'.  */
static void put_zsh_option (plv_buf_t *out, option_id_t id)
{
    const option_t *option = &option_rows[id];
    bool takes = option->kind != KIND_FLAG;
    if (option->letter)
        text_putf (out, "            '(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name,
                   option->letter, takes ? "+" : "", option->name, takes ? "=" : "");
    else
        text_putf (out, "            '--%s%s[", option->name, takes ? "=" : "");
    put_zsh_words (out, option->meaning);
    text_put (out, "]");
    if (takes)
        text_putf (out, ":%s:%s", option->argument,
                   option->kind == KIND_FOLDER ? "_files -/"
                   : option->kind == KIND_FILE ? "_files"
                                               : " ");
    text_put (out, "' \\\n");
}

static void put_zsh_options (plv_buf_t *out, uint64_t set)
{
    text_put (out, "        _arguments \\\n");
    for (int id = 0; id < OPTION_COUNT_; id++)
        if (set >> id & 1)
            put_zsh_option (out, (option_id_t) id);
}

/*  A word that zsh only tells the name of would keep it from completing options: _guard leaves them alone.  */
static void put_zsh_operands (plv_buf_t *out, const command_t *command)
{
    const char *path = path_of (command, "_files -/", "_files");
    text_putf (out, "            '1: :'%s ", strchr (command->words, ' ') ? " '2: :'" : "");
    if (path)
        text_putf (out, "'*:%s:%s' ;;\n", command->operands, path);
    else if (command->operands[0])
        text_putf (out, "'*:%s:_guard \"^-*\" \"%s\"' ;;\n", command->operands, command->operands);
    else
        text_put (out, "'*: :()' ;;\n");
}

static void put_zsh_command (plv_buf_t *out, const command_t *command)
{
    text_putf (out, "    '%s')\n", command->words);
    put_zsh_options (out, command->options);
    put_zsh_operands (out, command);
}

static void put_zsh_groups (plv_buf_t *out)
{
    const command_t *command;
    for (size_t i = 0; (command = command_at (i)); i++) {
        size_t size = strcspn (command->words, " ");
        if (command->hidden || !is_first_of_group (i) || !command->words[size])
            continue;
        text_putf (out, "        %.*s) compadd -- ", (int) size, command->words);
        put_verbs (out, command->words, size);
        text_put (out, "; return ;;\n");
    }
}

/*  What stands on the line, without options and what they take; `at` is behind CURRENT when that is such a word.  */
static void put_zsh_named (plv_buf_t *out)
{
    text_put (out, "    local -a named\n    local at\n"
                   "    for ((at = 2; at < CURRENT; at++)); do\n"
                   "        case $words[at] in\n        ");
    put_pattern (out, ~(1u << KIND_FLAG));
    text_put (out, ") ((at++)) ;;\n"
                   "        -*) ;;\n"
                   "        *) named+=(\"$words[at]\") ;;\n"
                   "        esac\n    done\n");
}

void generate_zsh (plv_buf_t *out)
{
    const command_t *command;
    text_put (out, "#compdef palaver\n# Made from the tables in tools/palaver: do not edit.\n\n"
                   "_palaver ()\n{\n");
    put_zsh_named (out);
    text_put (out, "    if ((at == CURRENT)) && [[ $words[CURRENT] != -* ]]; then\n"
                   "        if (( ${#named} == 0 )); then\n            compadd -- ");
    put_first_words (out);
    text_put (out, "\n            return\n        fi\n"
                   "        (( ${#named} == 1 )) && case $named[1] in\n");
    put_zsh_groups (out);
    text_put (out, "        esac\n    fi\n"
                   "    local command=\"$named[1] $named[2]\"\n"
                   "    case $named[1] in\n    ");
    put_lone_words (out);
    text_put (out, ") command=$named[1] ;;\n    esac\n    case $command in\n");
    for (size_t i = 0; (command = command_at (i)); i++)
        if (!command->hidden)
            put_zsh_command (out, command);
    text_put (out, "    *)\n");
    put_zsh_options (out, CONNECTS | ALWAYS);
    text_put (out, "            '*: :()' ;;\n    esac\n}\n\n_palaver \"$@\"\n");
}

/*  In single quotes.  */
static void put_fish_words (plv_buf_t *out, const char *text)
{
    plv_buf_add_u8 (out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            plv_buf_add_u8 (out, '\\');
        plv_buf_add_u8 (out, (uint8_t) *text);
    }
    plv_buf_add_u8 (out, '\'');
}

static void put_fish_command (plv_buf_t *out, size_t index)
{
    const command_t *command = command_at (index);
    size_t size = strcspn (command->words, " ");
    const char *path = path_of (command, "-a '(__fish_complete_directories)'", "-F");
    if (command->words[size]) {
        if (is_first_of_group (index))
            text_putf (out, "complete -c palaver -n __palaver_at -a %.*s\n", (int) size,
                       command->words);
        text_putf (out, "complete -c palaver -n '__palaver_at %.*s' -a %s -d ", (int) size,
                   command->words, command->words + size + 1);
    } else {
        text_putf (out, "complete -c palaver -n __palaver_at -a %s -d ", command->words);
    }
    put_fish_words (out, command->summary);
    text_put (out, "\n");
    if (path)
        text_putf (out, "complete -c palaver -n '__palaver_in \"%s\"' %s\n", command->words, path);
}

/*  The commands that take the option; of one that all of a group take, the group.  */
static void put_fish_takers (plv_buf_t *out, option_id_t id)
{
    const command_t *command;
    bool common = (CONNECTS | ALWAYS) >> id & 1;
    if (common)
        text_put (out, " \"\"");
    for (size_t i = 0; (command = command_at (i)); i++) {
        if (command->hidden || !(command->options >> id & 1))
            continue;
        if (!common)
            text_putf (out, " \"%s\"", command->words);
        else if (is_first_of_group (i))
            text_putf (out, " \"%.*s\"", (int) strcspn (command->words, " "), command->words);
    }
}

static void put_fish_option (plv_buf_t *out, option_id_t id)
{
    const option_t *option = &option_rows[id];
    text_put (out, "complete -c palaver -n '__palaver_in");
    put_fish_takers (out, id);
    text_putf (out, "' -l %s", option->name);
    if (option->letter)
        text_putf (out, " -s %c", option->letter);
    if (option->kind == KIND_FOLDER)
        text_put (out, " -x -a '(__fish_complete_directories)'");
    else if (option->kind != KIND_FLAG)
        text_put (out, option->kind == KIND_FILE ? " -r -F" : " -x");
    text_put (out, " -d ");
    put_fish_words (out, option->meaning);
    text_put (out, "\n");
}

void generate_fish (plv_buf_t *out)
{
    const command_t *command;
    text_put (
        out,
        "# fish completion for palaver. Made from the tables in tools/palaver: do not edit.\n\n"
        "# What stands on the line, without options and what they take.\n"
        "function __palaver_words\n"
        "    set -l tokens (commandline -opc)\n"
        "    set -l taken no\n"
        "    for token in $tokens[2..-1]\n"
        "        if test $taken = yes\n"
        "            set taken no\n"
        "            continue\n"
        "        end\n"
        "        switch $token\n"
        "            case");
    for (int id = 0; id < OPTION_COUNT_; id++) {
        if (option_rows[id].kind == KIND_FLAG)
            continue;
        text_putf (out, " --%s", option_rows[id].name);
        if (option_rows[id].letter)
            text_putf (out, " -%c", option_rows[id].letter);
    }
    text_put (out, "\n                set taken yes\n"
                   "            case '-*'\n"
                   "            case '*'\n"
                   "                echo $token\n"
                   "        end\n    end\nend\n\n"
                   "# They are these.\n"
                   "function __palaver_at\n"
                   "    set -l words (__palaver_words)\n"
                   "    test \"$words\" = \"$argv\"\n"
                   "end\n\n"
                   "# They begin with one of these.\n"
                   "function __palaver_in\n"
                   "    set -l words (__palaver_words)\n"
                   "    for command in $argv\n"
                   "        string match -q -- \"$command *\" \"$words \"; and return\n"
                   "    end\n"
                   "    return 1\n"
                   "end\n\n"
                   "complete -c palaver -f\n");
    for (size_t i = 0; (command = command_at (i)); i++)
        if (!command->hidden)
            put_fish_command (out, i);
    for (int id = 0; id < OPTION_COUNT_; id++)
        put_fish_option (out, (option_id_t) id);
}
