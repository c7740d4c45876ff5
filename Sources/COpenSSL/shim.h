// OpenSSL 3 as Swift sees it: the library's headers, and one `static inline` function for each macro, variadic
// function or 64-bit flag that Swift cannot import. No logic lives here.
#ifndef QWEN_GATEWAY_COPENSSL_SHIM_H
#define QWEN_GATEWAY_COPENSSL_SHIM_H

#define OPENSSL_NO_DEPRECATED

// malloc_usable_size, for OpenSSL's allocator; Swift's Glibc has it not.
#include <malloc.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/prctl.h>

// SSL_CTX

static inline int gw_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int gw_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline void gw_SSL_CTX_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void gw_SSL_CTX_clear_mode(SSL_CTX *context, long mode) { SSL_CTX_clear_mode(context, mode); }

static inline void gw_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int gw_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(context, groups);
}

static inline int gw_SSL_CTX_add1_chain_cert(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline void gw_SSL_CTX_forbid_renegotiation_and_compression(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static inline int gw_SSL_CTX_set_app_data(SSL_CTX *context, void *data) {
    return SSL_CTX_set_ex_data(context, 0, data);
}

static inline void *gw_SSL_CTX_get_app_data(const SSL_CTX *context) { return SSL_CTX_get_ex_data(context, 0); }

static inline void gw_SSL_CTX_set_max_cert_list(SSL_CTX *context, long size) {
    SSL_CTX_set_max_cert_list(context, size);
}

static inline void gw_SSL_CTX_set_tlsext_servername_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *)) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
}

static inline void gw_SSL_CTX_set_tlsext_servername_arg(SSL_CTX *context, void *argument) {
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline void gw_SSL_CTX_set_tlsext_status_cb(SSL_CTX *context, int (*callback)(SSL *, void *)) {
    SSL_CTX_set_tlsext_status_cb(context, callback);
}

static inline int gw_SSL_CTX_add1_to_client_CA_list(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add_client_CA(context, certificate);
}

// SSL

static inline void gw_SSL_set_tlsext_status_ocsp_resp(SSL *ssl, unsigned char *response, long size) {
    SSL_set_tlsext_status_ocsp_resp(ssl, response, size);
}

static inline void gw_SSL_request_ocsp(SSL *ssl) { SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp); }

static inline long gw_SSL_get_tlsext_status_ocsp_resp(SSL *ssl, const unsigned char **response) {
    return SSL_get_tlsext_status_ocsp_resp(ssl, response);
}

/// The name of the key exchange's group; NULL before the handshake, and on TLS 1.2 without one.
static inline const char *gw_SSL_get_negotiated_group_name(SSL *ssl) {
    int identifier = (int)SSL_get_negotiated_group(ssl);
    return identifier == 0 ? NULL : SSL_group_to_name(ssl, identifier);
}

static inline int gw_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline int gw_SSL_set_app_data(SSL *ssl, void *data) { return SSL_set_ex_data(ssl, 0, data); }

static inline void *gw_SSL_get_app_data(const SSL *ssl) { return SSL_get_ex_data(ssl, 0); }

static inline int gw_SSL_set_version(SSL *ssl, int version) {
    return SSL_set_min_proto_version(ssl, version) && SSL_set_max_proto_version(ssl, version);
}

// X509

static inline int gw_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

static inline const GENERAL_NAME *gw_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}

// BIO

static inline void gw_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void gw_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline long gw_BIO_get_mem_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }

static inline void gw_BIO_set_mem_eof_return(BIO *bio, int value) { BIO_set_mem_eof_return(bio, value); }

// ERR

/// ERR_clear_error wipes all sixteen slots of the queue; an empty queue, which is the rule, needs none of that.
static inline void gw_ERR_clear_error(void) {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

static inline int gw_ERR_get_lib(unsigned long code) { return ERR_GET_LIB(code); }

static inline int gw_ERR_get_reason(unsigned long code) { return ERR_GET_REASON(code); }

// EVP

/// Starts HMAC-SHA-256. (Swift cannot build an OSSL_PARAM array without unsafe pointers into strings.)
static inline int gw_EVP_MAC_init_sha256(EVP_MAC_CTX *context, const unsigned char *key, size_t size) {
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", sizeof("SHA256") - 1),
        OSSL_PARAM_END,
    };
    return EVP_MAC_init(context, key, size, parameters);
}

/// Derives a key with scrypt (RFC 7914). (Swift cannot build an OSSL_PARAM array without unsafe pointers into strings.)
static inline int gw_EVP_KDF_derive_scrypt(EVP_KDF_CTX *context, unsigned char *key, size_t key_size,
                                           const void *password, size_t password_size, const void *salt,
                                           size_t salt_size, uint64_t n, uint32_t r, uint32_t p, uint64_t max_memory) {
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)password, password_size),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_size),
        OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max_memory),
        OSSL_PARAM_END,
    };
    return EVP_KDF_derive(context, key, key_size, parameters);
}

// Making keys and certificates

static inline EVP_PKEY *gw_EVP_EC_gen(const char *curve) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
}

static inline EVP_PKEY *gw_EVP_RSA_gen(unsigned int bits) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
}

static inline void gw_X509V3_set_ctx_nodb(X509V3_CTX *context) { X509V3_set_ctx_nodb(context); }

// The process. prctl is no part of OpenSSL, but variadic, and the memory that it protects is what OpenSSL wipes.

static inline int gw_prctl_set_dumpable(int value) { return prctl(PR_SET_DUMPABLE, value, 0, 0, 0); }

static inline int gw_prctl_get_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }

#endif
