/* agent/known_tokens.h and agent/token_files.h: what one agent has seen the next one knows,
 * whatever lies in the directory. */
#include "agent/known_tokens.h"

#include "agent/token_files.h"
#include "base/log.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/hex.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRIP   "33910FB5193FCEAF1552155F2D71D1C2EE59AB15"
#define SERIAL "D276000124010304000600000001"
#define TOKEN(aid)                                                                                 \
    "cardea-token 1\naid " aid "\nkey 2 122B060104019755010501 "                                   \
    "41608A2A389B7878D965A99FFEFAF0A97AFE7040 1577934245 off " GRIP " 7F49228620"                  \
    "89700C49E82E6411025B17D0A206814CB0B05AB56C7600DCE16D361CAC0BAD4B\nend\n"

static char folder[] = "/tmp/cardea-test-XXXXXX";
static char state_directory[64], tokens[80];

static int begin(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(state_directory, sizeof state_directory, "%s/state/cardea", folder);
    snprintf(tokens, sizeof tokens, "%s/tokens", state_directory);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int end(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void facts_of(unsigned number, struct card_facts *facts)
{
    static const char text[] = TOKEN(SERIAL "0000");
    struct known_token token;

    assert_int_equal(known_token_parse(view_of(text, sizeof text - 1), &token), 0);
    *facts = token.facts;
    facts->data.aid[12] = (uint8_t)(number >> 8);
    facts->data.aid[13] = (uint8_t)number;
}

static struct known_tokens *open_known(void)
{
    struct known_tokens *known = NULL;

    assert_int_equal(known_tokens_open(state_directory, &known), 0);
    return known;
}

/* holder: NULL for a card that was not asked. */
static void note(struct known_tokens *known, unsigned number, const char *holder)
{
    struct card_facts facts;

    facts_of(number, &facts);
    if (holder)
        snprintf(facts.holder, sizeof facts.holder, "%s", holder);
    facts.holder_told = holder != NULL;
    known_tokens_note(known, &facts);
}

static size_t count(struct known_tokens *known)
{
    struct known_token *list = NULL;
    size_t n = 0;

    assert_int_equal(known_tokens_list(known, &list, &n), 0);
    free(list);
    return n;
}

static size_t count_after_restart(void)
{
    struct known_tokens *known = open_known();
    size_t n = count(known);

    known_tokens_close(&known);
    return n;
}

static const char *path_of(const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s", tokens, name);
    return path;
}

static bool exists(const char *name)
{
    struct stat st;

    return lstat(path_of(name), &st) == 0;
}

static ino_t inode(const char *name)
{
    struct stat st;

    assert_int_equal(stat(path_of(name), &st), 0);
    return st.st_ino;
}

static void put(const char *name, const char *text)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void the_next_agent_knows(void **state)
{
    struct known_tokens *known = open_known();
    struct known_token *list;
    struct stat st;
    size_t n;

    (void)state;
    note(known, 1, "Alice Example");
    note(known, 2, "");
    known_tokens_close(&known);
    assert_null(known);
    assert_int_equal(stat(path_of(SERIAL "0000"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(tokens, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    known = open_known();
    assert_int_equal(known_tokens_list(known, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(list[list[0].facts.data.aid[13] == 1 ? 0 : 1].facts.holder,
                        "Alice Example");
    assert_true(known_tokens_hold(known, hex(GRIP).data));
    free(list);
    known_tokens_close(&known);
}

static void what_is_no_news_is_not_written(void **state)
{
    struct known_tokens *known = open_known();
    ino_t before;

    (void)state;
    note(known, 1, "Alice");
    before = inode(SERIAL "0000");
    note(known, 1, "Alice");
    note(known, 1, NULL);
    assert_int_equal(inode(SERIAL "0000"), before);
    note(known, 1, "Bob");
    assert_int_not_equal(inode(SERIAL "0000"), before);
    known_tokens_close(&known);
}

static void expect_recalled(struct known_tokens *known, const char *told, const char *expected)
{
    struct card_facts facts;

    facts_of(1, &facts);
    if (told)
        snprintf(facts.holder, sizeof facts.holder, "%s", told);
    facts.holder_told = told != NULL;
    known_tokens_recall(known, &facts);
    assert_string_equal(facts.holder, expected);
}

static void a_holder_is_recalled_until_the_card_tells_it(void **state)
{
    struct known_tokens *known = open_known();

    (void)state;
    note(known, 1, "Alice");
    note(known, 1, NULL);
    expect_recalled(known, NULL, "Alice");
    expect_recalled(known, "Bob", "Bob");
    expect_recalled(known, "", "");
    note(known, 1, "");
    expect_recalled(known, NULL, "");
    known_tokens_close(&known);
}

/* Of a card whose key has yet to be read. */
static bool recalls_key(struct known_tokens *known, unsigned number)
{
    struct card_facts facts;

    facts_of(number, &facts);
    facts.key[SLOT_DECRYPT] = (struct key_facts){ .state = SLOT_UNREAD };
    known_tokens_recall(known, &facts);
    return facts.key[SLOT_DECRYPT].state == SLOT_READ;
}

static void a_backup_has_the_key_that_is_known(void **state)
{
    struct known_tokens *known = open_known();
    struct card_facts facts;

    (void)state;
    assert_false(recalls_key(known, 2));
    note(known, 1, "Alice");
    assert_true(recalls_key(known, 1));
    assert_true(recalls_key(known, 2));
    facts_of(2, &facts);
    known_tokens_recall(known, &facts);
    assert_string_equal(facts.holder, "");
    known_tokens_close(&known);
}

/* Its fingerprint is another key's, which it was found not to hold. */
static void a_token_that_was_read_is_not_taken_for_a_backup(void **state)
{
    struct known_tokens *known = open_known();
    struct card_facts facts;

    (void)state;
    note(known, 1, "");
    facts_of(2, &facts);
    facts.key[SLOT_DECRYPT].key.q.bytes[0] ^= 1;
    known_tokens_note(known, &facts);
    assert_false(recalls_key(known, 2));
    assert_true(recalls_key(known, 3));
    known_tokens_close(&known);
}

/* As a decryption notes it, which reads one slot alone. */
static void a_key_that_was_not_read_this_time_stays_known(void **state)
{
    struct known_tokens *known = open_known();
    struct card_facts facts;

    (void)state;
    note(known, 1, "");
    facts_of(1, &facts);
    facts.key[SLOT_DECRYPT] = (struct key_facts){ .state = SLOT_UNREAD };
    known_tokens_note(known, &facts);
    assert_true(known_tokens_hold(known, hex(GRIP).data));
    facts.data.slot[SLOT_DECRYPT].created++;
    known_tokens_note(known, &facts);
    assert_false(known_tokens_hold(known, hex(GRIP).data));
    known_tokens_close(&known);
}

static void a_token_without_keys_is_forgotten(void **state)
{
    struct known_tokens *known = open_known();
    struct card_facts facts;

    (void)state;
    note(known, 1, "");
    facts_of(1, &facts);
    facts.data.slot[SLOT_DECRYPT].present = false;
    known_tokens_note(known, &facts);
    assert_int_equal(count(known), 0);
    assert_false(exists(SERIAL "0000"));
    known_tokens_close(&known);
}

static void agents_that_share_a_directory_keep_each_others_tokens(void **state)
{
    struct known_tokens *one = open_known(), *other = open_known();

    (void)state;
    note(one, 1, "");
    note(other, 2, "");
    note(one, 3, "");
    known_tokens_close(&one);
    known_tokens_close(&other);
    assert_int_equal(count_after_restart(), 3);
}

static void what_cannot_be_read_is_set_aside(void **state)
{
    static const char *const texts[] = {
        "",
        "garbage",
        "cardea-token 2\n",
        TOKEN("D2760001240103040006000000020000"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct known_tokens *known = open_known();

        note(known, 2, "");
        known_tokens_close(&known);
        put(SERIAL "0000", texts[i]);
        assert_int_equal(count_after_restart(), 1);
        assert_false(exists(SERIAL "0000"));
        assert_true(exists(SERIAL "0000.aside"));
    }
}

static void what_is_no_file_of_ours_is_set_aside(void **state)
{
    struct known_tokens *known = open_known();
    char large[KNOWN_TOKEN_TEXT_MAX + 2] = "";

    (void)state;
    note(known, 2, "");
    known_tokens_close(&known);
    assert_int_equal(symlink("/etc/passwd", path_of(SERIAL "0000")), 0);
    assert_int_equal(count_after_restart(), 1);
    assert_true(exists(SERIAL "0000.aside"));
    assert_int_equal(mkfifo(path_of(SERIAL "0000"), 0600), 0);
    assert_int_equal(count_after_restart(), 1);
    assert_false(exists(SERIAL "0000"));
    memset(large, 'x', sizeof large - 1);
    put(SERIAL "0000", large);
    assert_int_equal(count_after_restart(), 1);
    assert_false(exists(SERIAL "0000"));
    put("README", "hello");
    assert_int_equal(count_after_restart(), 1);
    assert_true(exists("README"));
}

static void what_another_user_left_is_set_aside(void **state)
{
    struct known_tokens *known = open_known();

    (void)state;
    note(known, 1, "");
    known_tokens_close(&known);
    if (chown(path_of(SERIAL "0000"), 1, (gid_t)-1) < 0)
        skip(); /* only root can show it */
    assert_int_equal(count_after_restart(), 0);
    assert_true(exists(SERIAL "0000.aside"));
}

/* A directory that others may write to is not read, and nothing is written there. */
static void a_shared_directory_is_not_trusted(void **state)
{
    struct known_tokens *known = open_known();

    (void)state;
    note(known, 1, "");
    known_tokens_close(&known);
    assert_int_equal(chmod(tokens, 0770), 0);
    known = open_known();
    assert_int_equal(count(known), 0);
    note(known, 2, "");
    assert_int_equal(count(known), 1);
    assert_false(exists("D2760001240103040006000000020000"));
    known_tokens_close(&known);
}

/* Root can write everywhere, so: a file where the directory should be. */
static void without_a_place_tokens_are_known_until_the_end(void **state)
{
    struct known_tokens *known;

    (void)state;
    snprintf(tokens, sizeof tokens, "%s", folder);
    put("state", "");
    known = open_known();
    note(known, 1, "");
    assert_true(known_tokens_hold(known, hex(GRIP).data));
    known_tokens_close(&known);
    assert_int_equal(known_tokens_open(NULL, &known), 0);
    note(known, 1, "");
    assert_int_equal(count(known), 1);
    known_tokens_close(&known);
}

static void their_number_is_bounded(void **state)
{
    struct known_tokens *known = open_known();

    (void)state;
    for (unsigned i = 1; i <= KNOWN_TOKENS_MAX; i++)
        note(known, i, "");
    note(known, 1, "seen again");
    note(known, KNOWN_TOKENS_MAX + 1, "");
    assert_int_equal(count(known), KNOWN_TOKENS_MAX);
    assert_true(exists(SERIAL "0000"));
    assert_false(exists("D2760001240103040006000000020000"));
    known_tokens_close(&known);
    assert_int_equal(count_after_restart(), KNOWN_TOKENS_MAX);
}

static void a_token_can_be_forgotten(void **state)
{
    struct known_tokens *known = open_known();

    (void)state;
    note(known, 1, "");
    assert_int_equal(known_tokens_forget(known, hex(SERIAL "0000").data), 0);
    assert_int_equal(gpg_err_code(known_tokens_forget(known, hex(SERIAL "0000").data)),
                     GPG_ERR_NOT_FOUND);
    assert_false(known_tokens_hold(known, hex(GRIP).data));
    known_tokens_close(&known);
    assert_int_equal(count_after_restart(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_agent_knows),
        TEST(what_is_no_news_is_not_written),
        TEST(a_holder_is_recalled_until_the_card_tells_it),
        TEST(a_backup_has_the_key_that_is_known),
        TEST(a_token_that_was_read_is_not_taken_for_a_backup),
        TEST(a_key_that_was_not_read_this_time_stays_known),
        TEST(a_token_without_keys_is_forgotten),
        TEST(agents_that_share_a_directory_keep_each_others_tokens),
        TEST(what_cannot_be_read_is_set_aside),
        TEST(what_is_no_file_of_ours_is_set_aside),
        TEST(what_another_user_left_is_set_aside),
        TEST(a_shared_directory_is_not_trusted),
        TEST(without_a_place_tokens_are_known_until_the_end),
        TEST(their_number_is_bounded),
        TEST(a_token_can_be_forgotten),
    };

    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
