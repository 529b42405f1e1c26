#include "shell/options.h"

#include "base/build.h"

#include <getopt.h>
#include <stdio.h>

enum { OPT_CHECK = 256, OPT_PRINT, OPT_DATA, OPT_RUN, OPT_PLUGINS, OPT_INSPECT };

static const struct option long_options[] = {
    {"conf", required_argument, NULL, 'c'},
    {"data", required_argument, NULL, OPT_DATA},
    {"run", required_argument, NULL, OPT_RUN},
    {"plugins", required_argument, NULL, OPT_PLUGINS},
    {"inspect", required_argument, NULL, OPT_INSPECT},
    {"check-conf", no_argument, NULL, OPT_CHECK},
    {"print-conf", no_argument, NULL, OPT_PRINT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

void options_help (void)
{
    printf (
        "usage: palaverd [--conf FILE] [--data DIR] [--run DIR] [--plugins DIR] [--inspect DIR]\n"
        "\n"
        "The broker: takes events from platform adapters, keeps them, gives them to agents, and sends\n"
        "their answers back.\n"
        "\n"
        "  -c, --conf FILE    the configuration (default: %s if it exists)\n"
        "      --data DIR     where accepted events are kept; wins over data.dir\n"
        "      --run DIR      where the local sockets are; wins over run.dir\n"
        "      --plugins DIR  where platform adapters are watched for; wins over plugins.dir\n"
        "      --inspect DIR  look at the data of a stopped broker, or at a backup: answer what palaver asks,\n"
        "                     change nothing; palaver --data DIR starts and stops this\n"
        "      --check-conf   read the configuration, say whether it is valid, exit\n"
        "      --print-conf   print every key with its meaning and value, exit\n"
        "  -h, --help         this text\n"
        "  -V, --version      the version\n"
        "\n"
        "Signals: TERM and INT drain and stop; HUP reads the configuration again, all or nothing.\n"
        "Exit codes: 0 stopped in order, 1 could not start or go on, 2 wrong command line.\n",
        plv_build_conf_path);
}

bool options_parse (int argc, char **argv, options_t *ret_options)
{
    options_t options = {0};
    int option;
    while ((option = getopt_long (argc, argv, "c:hV", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            options.conf = optarg;
            break;
        case OPT_DATA:
            options.data = optarg;
            break;
        case OPT_RUN:
            options.run = optarg;
            break;
        case OPT_PLUGINS:
            options.plugins = optarg;
            break;
        case OPT_INSPECT:
            options.inspect = optarg;
            break;
        case OPT_CHECK:
            options.check_conf = true;
            break;
        case OPT_PRINT:
            options.print_conf = true;
            break;
        case 'h':
            options.help = true;
            break;
        case 'V':
            options.version = true;
            break;
        default:
            fprintf (stderr, "palaverd --help lists the options\n");
            return false;
        }
    }
    if (optind < argc) {
        fprintf (stderr, "palaverd: %s: what is that? palaverd --help lists the options\n",
                 argv[optind]);
        return false;
    }
    if (options.inspect && (options.data || options.plugins)) {
        fprintf (stderr, "palaverd: --inspect takes neither --data nor --plugins\n");
        return false;
    }
    *ret_options = options;
    return true;
}
