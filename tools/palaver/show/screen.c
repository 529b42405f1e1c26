#include "palaver/show/screen.h"

#include "palaver/show/out.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*  The other screen, no cursor; and back.  */
static const char enter[] = "\033[?1049h\033[?25l", leave[] = "\033[?25h\033[?1049l";

static volatile sig_atomic_t resized, suspended;

static void note (int number)
{
    if (number == SIGTSTP)
        suspended = 1;
    else
        resized = 1;
}

static void put (const void *bytes, size_t size)
{
    while (size) {
        ssize_t did = write (STDOUT_FILENO, bytes, size);
        if (did <= 0)
            return;
        bytes = (const uint8_t *) bytes + did;
        size -= (size_t) did;
    }
}

static void measure (screen_t *self)
{
    struct winsize size = {0};
    ioctl (STDOUT_FILENO, TIOCGWINSZ, &size);
    self->columns = size.ws_col ? size.ws_col : 80;
    self->rows = size.ws_row ? size.ws_row : 24;
}

static void take (screen_t *self)
{
    struct termios raw = self->before;
    raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr (STDIN_FILENO, TCSANOW, &raw);
    measure (self);
    put (enter, sizeof enter - 1);
    self->begun = true;
}

bool screen_begin (screen_t *self)
{
    struct sigaction action = {.sa_handler = note}, on_suspend;
    if (!isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO) || out_is_dumb ()
        || tcgetattr (STDIN_FILENO, &self->before))
        return false;
    sigaction (SIGWINCH, &action, NULL);
    /* a shell that cannot suspend has it ignored */
    if (sigaction (SIGTSTP, NULL, &on_suspend) == 0 && on_suspend.sa_handler != SIG_IGN)
        sigaction (SIGTSTP, &action, NULL);
    take (self);
    return true;
}

void screen_end (screen_t *self)
{
    if (!self->begun)
        return;
    self->begun = false;
    put (leave, sizeof leave - 1);
    tcsetattr (STDIN_FILENO, TCSANOW, &self->before);
}

/*  Ctrl-Z: the shell gets its terminal as it was, and with it the time until it is given back.  */
static void suspend (screen_t *self)
{
    struct sigaction standard = {.sa_handler = SIG_DFL}, ours;
    suspended = 0;
    screen_end (self);
    sigaction (SIGTSTP, &standard, &ours);
    raise (SIGTSTP);
    sigaction (SIGTSTP, &ours, NULL);
    take (self);
}

static screen_key_t key_of (const char *bytes, size_t size)
{
    if (size && (bytes[0] == 'q' || bytes[0] == 'Q'))
        return KEY_QUIT;
    if (size && (bytes[0] == 'j' || bytes[0] == 'k'))
        return bytes[0] == 'j' ? KEY_DOWN : KEY_UP;
    if (size < 3 || bytes[0] != '\033' || (bytes[1] != '[' && bytes[1] != 'O'))
        return KEY_NONE;
    switch (bytes[2]) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case '5':
        return KEY_PAGE_UP;
    case '6':
        return KEY_PAGE_DOWN;
    default:
        return KEY_NONE;
    }
}

screen_key_t screen_wait (screen_t *self, int ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[16];
    int ready = poll (&input, 1, ms);
    if (suspended) {
        suspend (self);
        return KEY_RESIZED;
    }
    if (resized) {
        resized = 0;
        measure (self);
        return KEY_RESIZED;
    }
    if (ready <= 0)
        return KEY_NONE;
    ssize_t size = read (STDIN_FILENO, bytes, sizeof bytes);
    if (size <= 0) /* the terminal is gone */
        return KEY_QUIT;
    return key_of (bytes, (size_t) size);
}

void screen_show (screen_t *self, plv_view_t text)
{
    plv_buf_t picture = {0};
    size_t row = 0;
    plv_buf_add (&picture, "\033[H", 3);
    while (text.size && row < self->rows) {
        const uint8_t *end = memchr (text.data, '\n', text.size);
        size_t size = end ? (size_t) (end - text.data) : text.size;
        if (row++)
            plv_buf_add (&picture, "\r\n", 2);
        plv_buf_add (&picture, text.data, size);
        plv_buf_add (&picture, "\033[K", 3);
        size += end ? 1 : 0;
        text = plv_view (text.data + size, text.size - size);
    }
    plv_buf_add (&picture, "\033[J", 3);
    plv_buf_check (&picture);
    put (picture.data, picture.size);
    plv_buf_free (&picture);
}
