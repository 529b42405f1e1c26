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

plv_err_t http_tls_check (const char *certificate, const char *key, plv_fail_t *ret_fail)
{
    plv_err_t err = readable ("certificate", certificate, ret_fail);
    if (!err)
        err = readable ("key", key, ret_fail);
    if (err)
        return err;
    SSL_CTX *ctx = SSL_CTX_new (TLS_server_method ());
    err = ctx ? load (ctx, certificate, key, ret_fail)
              : plv_fail (ret_fail, ERR_IO, "OpenSSL does not start");
    SSL_CTX_free (ctx);
    ERR_clear_error ();
    return err;
}

/*  A line that is silent keeps no buffers, and no old session.  */
void http_tls_set (void *ctx)
{
    SSL_CTX_set_min_proto_version (ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode (ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode (ctx, SSL_SESS_CACHE_OFF);
}
