/* SPDX-License-Identifier: Apache-2.0 */
/* vault.c - seal secrets that have to be kept. See vault.h. */
#include <config.h>
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define VAULT_KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define VAULT_NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define VAULT_TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define VAULT_PRINT_SIZE 8u
#define VAULT_VERSION 1u
#define VAULT_NOTE_SIZE 64u /* bytes of the note, NUL included */
#define VAULT_HEAD (1 + VAULT_PRINT_SIZE)
#define VAULT_OVERHEAD (VAULT_HEAD + VAULT_NONCE_SIZE + VAULT_TAG_SIZE)
_Static_assert(VAULT_OVERHEAD + SECRET_MAX == VAULT_SEALED_MAX, "as vault.h says");

struct vault_key {
    uint8_t *bytes; /* of sodium_malloc: guarded, locked, wiped when freed; NULL: there is none */
    uint8_t print[VAULT_PRINT_SIZE];
};

struct vault {
    struct vault_key key;   /* seals, and opens */
    struct vault_key older; /* opens what was sealed by the file, where key is the credential */
};

void vault_close(struct vault *vault)
{
    if (vault == NULL)
        return;
    sodium_free(vault->key.bytes);
    sodium_free(vault->older.bytes);
    free(vault);
}

/* ---- The key --------------------------------------------------------------------------------- */

static int vault_bad_key(const char *path, struct error *err)
{
    return error_set(err, ERROR_CONFIG, "'%.300s' is no key: it should hold 32 bytes, or 64 "
                     "hexadecimal digits; put back the right file", path);
}

/* 32 bytes, or 64 digits and perhaps a line end. */
static int vault_take_key(struct vault_key *key, const uint8_t *bytes, size_t count,
                          const char *path, struct error *err)
{
    size_t digits = count > 0 && bytes[count - 1] == '\n' ? count - 1 : count;
    size_t size = 0;
    if (count == VAULT_KEY_SIZE) {
        memcpy(key->bytes, bytes, VAULT_KEY_SIZE);
        return 0;
    }
    if (digits != 2 * VAULT_KEY_SIZE ||
        sodium_hex2bin(key->bytes, VAULT_KEY_SIZE, (const char *)bytes, digits, NULL, &size,
                       NULL) != 0 ||
        size != VAULT_KEY_SIZE)
        return vault_bad_key(path, err);
    return 0;
}

static int vault_read_key(struct vault_key *key, int fd, const char *path, struct error *err)
{
    uint8_t bytes[2 * VAULT_KEY_SIZE + 2];
    ssize_t count = read(fd, bytes, sizeof bytes);
    int bad = count < 0 ? error_set(err, ERROR_CONFIG, "the key '%.300s' cannot be read: %s; check "
                                    "its rights", path, strerror(errno))
                        : vault_take_key(key, bytes, (size_t)count, path, err);
    sodium_memzero(bytes, sizeof bytes);
    return bad;
}

/* systemd keeps it for us. 1: it is there. */
static int vault_key_of_credential(struct vault_key *key, struct error *err)
{
    const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];
    if (folder == NULL || folder[0] != '/' ||
        snprintf(path, sizeof path, "%s/" VAULT_CREDENTIAL, folder) >= (int)sizeof path)
        return 0;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return 0;
    return vault_read_key(key, fd, path, err) < 0 ? -1 : 1;
}

/* Root, most often, where the daemon has a user of its own. */
static int vault_not_ours(const char *path, uid_t owner, struct error *err)
{
    char name[64], memory[1024];
    struct passwd entry, *found = NULL;
    (void)snprintf(name, sizeof name, "#%lu", (unsigned long)owner); /* as sudo takes it */
    if (getpwuid_r(owner, &entry, memory, sizeof memory, &found) == 0 && found != NULL)
        text_printable(name, sizeof name, found->pw_name, strlen(found->pw_name));
    return error_set(err, ERROR_CONFIG, "the key '%.300s' belongs to user '%s', and so does the "
                     "queue; run it as that user: sudo -u '%s' mailchute ...", path, name, name);
}

static int vault_check_file(int fd, const char *path, struct error *err)
{
    struct stat info;
    bool known = fstat(fd, &info) == 0;
    if (known && info.st_uid != geteuid() && info.st_uid != 0)
        return vault_not_ours(path, info.st_uid, err);
    if (!known || !S_ISREG(info.st_mode) || (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_CONFIG, "the key '%.300s' may be read by others; run chmod 400 "
                         "on it, and change the passwords it protects", path);
    return 0;
}

static int vault_write_key(int fd, const uint8_t key[VAULT_KEY_SIZE])
{
    return write(fd, key, VAULT_KEY_SIZE) == (ssize_t)VAULT_KEY_SIZE && fsync(fd) == 0 ? 0 : -1;
}

/* Written whole and durable under another name first; of two that make one at once the first
 * wins. */
static int vault_make_file(struct vault_key *key, int folder, const char *path, struct error *err)
{
    static const char fresh[] = VAULT_FILE ".new";
    randombytes_buf(key->bytes, VAULT_KEY_SIZE);
    char name[sizeof fresh + 16];
    (void)snprintf(name, sizeof name, "%s%08" PRIx32, fresh, randombytes_random());
    AUTO_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    bool made = fd >= 0 && vault_write_key(fd, key->bytes) == 0 &&
                (linkat(folder, name, folder, VAULT_FILE, 0) == 0 || errno == EEXIST) &&
                fsync(folder) == 0;
    int why = errno;
    if (fd >= 0)
        (void)unlinkat(folder, name, 0);
    return made ? 0
                : error_set(err, ERROR_CREATE, "the key '%.300s' cannot be made: %s; check the "
                            "folder's rights and its disk", path, strerror(why));
}

/* 1: it is there. 0: it is not, and @make is not set. */
static int vault_key_of_file(struct vault_key *key, int folder, const char *folder_path, bool make,
                             struct error *err)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" VAULT_FILE, folder_path);
    AUTO_FD fd = openat(folder, VAULT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        if (!make)
            return 0;
        if (vault_make_file(key, folder, path, err) < 0)
            return -1;
        fd = openat(folder, VAULT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    }
    if (fd < 0)
        return error_set(err, ERROR_CONFIG, "the key '%.300s' cannot be opened: %s; check its "
                         "rights", path, strerror(errno));
    return vault_check_file(fd, path, err) < 0 || vault_read_key(key, fd, path, err) < 0 ? -1 : 1;
}

/* ---- Whose key it is ------------------------------------------------------------------------- */

static const char note_word[] = "credential ";

static int vault_read_note(int folder, char out_note[VAULT_NOTE_SIZE])
{
    AUTO_FD fd = openat(folder, VAULT_NOTE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read(fd, out_note, VAULT_NOTE_SIZE - 1);
    out_note[n < 0 ? 0 : n] = '\0';
    return n < 0 ? -1 : 0;
}

/* Written under another name first; of two that write at once either is right. */
static int vault_write_note(int folder, const char *folder_path, const struct vault_key *key,
                            struct error *err)
{
    char print[2 * VAULT_PRINT_SIZE + 1], note[VAULT_NOTE_SIZE], now[VAULT_NOTE_SIZE], name[64];
    (void)sodium_bin2hex(print, sizeof print, key->print, VAULT_PRINT_SIZE);
    int size = snprintf(note, sizeof note, "%s%s\n", note_word, print);
    if (vault_read_note(folder, now) == 0 && text_equal(note, now))
        return 0;
    (void)snprintf(name, sizeof name, VAULT_NOTE ".new%08" PRIx32, randombytes_random());
    AUTO_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool made = fd >= 0 && write(fd, note, (size_t)size) == size && fsync(fd) == 0 &&
                renameat(folder, name, folder, VAULT_NOTE) == 0 && fsync(folder) == 0;
    int why = errno;
    if (!made && fd >= 0)
        (void)unlinkat(folder, name, 0);
    return made ? 0
                : error_set(err, ERROR_CREATE,
                            "'%.300s/" VAULT_NOTE "' cannot be written: %s; check "
                            "the folder's rights and its disk",
                            folder_path, strerror(why));
}

/* There is no credential here: is there to be one? */
static int vault_check_note(int folder, const char *folder_path, struct error *err)
{
    char note[VAULT_NOTE_SIZE];
    if (vault_read_note(folder, note) < 0 || !text_starts_nocase(note, note_word))
        return 0;
    return error_set(err, ERROR_CONFIG,
                     "passwords are sealed by the credential " VAULT_CREDENTIAL
                     ", which is not here; run it as the "
                     "service does: systemd-run --pty --wait -p User=mailchute -p "
                     "LoadCredentialEncrypted=" VAULT_CREDENTIAL ":/etc/" VAULT_CREDENTIAL
                     ".cred mailchute ...; if that key is lost, remove "
                     "'%.100s/" VAULT_NOTE "' and set all passwords again",
                     folder_path);
}

static void vault_print(struct vault_key *key)
{
    uint8_t print[crypto_generichash_BYTES_MIN];
    crypto_generichash(print, sizeof print, key->bytes, VAULT_KEY_SIZE, NULL, 0);
    memcpy(key->print, print, sizeof key->print);
    (void)sodium_mprotect_readonly(key->bytes);
}

static int vault_find_in_folder(struct vault *vault, const char *path, bool credential,
                                struct error *err)
{
    AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(err, ERROR_CREATE,
                         "folder '%.300s' cannot be opened: %s; check its rights", path,
                         strerror(errno));
    if (!credential)
        return vault_check_note(folder, path, err) < 0
                   ? -1
                   : vault_key_of_file(&vault->key, folder, path, true, err);
    int found = vault_key_of_file(&vault->older, folder, path, false, err);
    if (found == 0)
        sodium_free(TAKE(vault->older.bytes));
    return found < 0 ? -1 : vault_write_note(folder, path, &vault->key, err);
}

static int vault_find_keys(struct vault *vault, const char *folder, struct error *err)
{
    int found = vault_key_of_credential(&vault->key, err);
    if (found < 0)
        return -1;
    if (found > 0)
        vault_print(&vault->key);
    if (folder == NULL) {
        sodium_free(TAKE(vault->older.bytes));
        if (found == 0)
            randombytes_buf(vault->key.bytes, VAULT_KEY_SIZE);
    } else if (vault_find_in_folder(vault, folder, found > 0, err) < 0) {
        return -1;
    }
    if (found == 0) { /* the one key there is */
        sodium_free(TAKE(vault->older.bytes));
        vault_print(&vault->key);
    }
    if (vault->older.bytes != NULL)
        vault_print(&vault->older);
    return 0;
}

int vault_open(const char *folder, struct vault **out_vault, struct error *err)
{
    if (sodium_init() < 0)
        return error_set(err, ERROR_BUG, "libsodium does not start: no random numbers");
    AUTO(vault) vault = calloc(1, sizeof *vault);
    if (vault == NULL || (vault->key.bytes = sodium_malloc(VAULT_KEY_SIZE)) == NULL ||
        (vault->older.bytes = sodium_malloc(VAULT_KEY_SIZE)) == NULL)
        return error_oom(err, "making room for the key");
    secret_guard_process();
    if (vault_find_keys(vault, folder, err) < 0)
        return -1;
    *out_vault = TAKE(vault);
    return 0;
}

/* ---- Sealing --------------------------------------------------------------------------------- */

int vault_seal(const struct vault *vault, const char *id, const struct secret *secret,
               uint8_t **out_sealed, size_t *out_size, struct error *err)
{
    const char *text = secret_text(secret);
    size_t size = strlen(text);
    uint8_t *sealed = malloc(size + VAULT_OVERHEAD);
    if (sealed == NULL)
        return error_oom(err, "sealing a password");
    uint8_t *nonce = sealed + VAULT_HEAD;
    sealed[0] = VAULT_VERSION;
    memcpy(sealed + 1, vault->key.print, VAULT_PRINT_SIZE);
    randombytes_buf(nonce, VAULT_NONCE_SIZE);
    unsigned long long written = 0;
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        nonce + VAULT_NONCE_SIZE, &written, (const uint8_t *)text, size, (const uint8_t *)id,
        strlen(id), NULL, nonce, vault->key.bytes); /* always 0 */
    *out_sealed = sealed;
    *out_size = VAULT_HEAD + VAULT_NONCE_SIZE + (size_t)written;
    return 0;
}

static int vault_decrypt(const struct vault_key *key, const char *id, const uint8_t *sealed,
                         size_t size, struct secret **out_secret, struct error *err)
{
    uint8_t clear[SECRET_MAX];
    unsigned long long count = 0;
    const uint8_t *nonce = sealed + VAULT_HEAD, *text = nonce + VAULT_NONCE_SIZE;
    int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(
        clear, &count, NULL, text, size - VAULT_HEAD - VAULT_NONCE_SIZE, (const uint8_t *)id,
        strlen(id), nonce, key->bytes);
    bad = bad != 0 ? error_set(err, ERROR_CONFIG, "a stored password was changed, or is another "
                               "source's; set it again by mailchute source edit --password-file")
                   : secret_from_bytes(clear, (size_t)count, "the queue", out_secret, err);
    sodium_memzero(clear, sizeof clear);
    return bad;
}

int vault_unseal(const struct vault *vault, const char *id, const uint8_t *sealed, size_t size,
                 struct secret **out_secret, struct error *err)
{
    if (size < VAULT_OVERHEAD || size > VAULT_SEALED_MAX || sealed[0] != VAULT_VERSION)
        return error_set(err, ERROR_CONFIG,
                         "a stored password is of no known form; set it again by "
                         "mailchute source edit --password-file");
    if (sodium_memcmp(sealed + 1, vault->key.print, VAULT_PRINT_SIZE) == 0)
        return vault_decrypt(&vault->key, id, sealed, size, out_secret, err);
    if (vault->older.bytes != NULL &&
        sodium_memcmp(sealed + 1, vault->older.print, VAULT_PRINT_SIZE) == 0)
        return vault_decrypt(&vault->older, id, sealed, size, out_secret, err);
    return error_set(err, ERROR_CONFIG, "a stored password was sealed by another key; put back "
                     "the key (" VAULT_FILE ", or the credential " VAULT_CREDENTIAL
                     "), or set the password again");
}
