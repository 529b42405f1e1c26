/*  http_tls -- the listener's certificate  */
#include "host/net/http_parts.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

static plv_err_t readable (const char *what, const char *path, plv_fail_t *ret_fail)
{
    if (access (path, R_OK) == 0)
        return ERR_OK;
    return plv_fail (ret_fail, plv_err_of_errno (errno), "cannot read the TLS %s %s: %s", what,
                     path, strerror (errno));
}

/*  Nobody is there to type it.  */
static int no_password (char *text, int size, int writes, void *arg)
{
    (void) writes, (void) arg;
    if (size > 0)
        text[0] = '\0';
    return 0;
}

static plv_err_t load (SSL_CTX *ctx, const char *certificate, const char *key, plv_fail_t *ret_fail)
{
    SSL_CTX_set_default_passwd_cb (ctx, no_password);
    if (SSL_CTX_use_certificate_chain_file (ctx, certificate) != 1)
        return plv_fail (ret_fail, ERR_SYNTAX, "%s holds no certificate in PEM form", certificate);
    if (SSL_CTX_use_PrivateKey_file (ctx, key, SSL_FILETYPE_PEM) == 1)
        return ERR_OK;
    unsigned long error = ERR_peek_last_error ();
    if (ERR_GET_LIB (error) == ERR_LIB_X509)
        return plv_fail (ret_fail, ERR_ARG,
                         "the key in %s does not belong to the certificate in %s", key,
                         certificate);
    return plv_fail (ret_fail, ERR_SYNTAX, "%s holds no key in PEM form, or one with a password",
                     key);
}

static int choose_protocol (SSL *tls, const unsigned char **ret_chosen, unsigned char *ret_size,
                            const unsigned char *offered, unsigned int size, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    (void) tls, (void) arg;
    if (SSL_select_next_proto (&chosen, ret_size, ours, sizeof ours - 1, offered, size)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *ret_chosen = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/*  A line that is silent keeps no buffers, and no old session.  */
static void set (SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version (ctx, TLS1_2_VERSION);
    SSL_CTX_set_options (ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode (ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                               | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode (ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb (ctx, choose_protocol, NULL);
}

plv_err_t http_tls_open (const char *certificate, const char *key, SSL_CTX **ret_ctx,
                         plv_fail_t *ret_fail)
{
    plv_err_t err = readable ("certificate", certificate, ret_fail);
    if (!err)
        err = readable ("key", key, ret_fail);
    if (err)
        return err;
    SSL_CTX *ctx = SSL_CTX_new (TLS_server_method ());
    err = ctx ? load (ctx, certificate, key, ret_fail)
              : plv_fail (ret_fail, ERR_IO, "OpenSSL does not start");
    ERR_clear_error ();
    if (err) {
        SSL_CTX_free (ctx);
        return err;
    }
    set (ctx);
    *ret_ctx = ctx;
    return ERR_OK;
}
