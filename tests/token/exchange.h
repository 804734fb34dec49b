/* Talking to a card in tests: commands and answers as hex, blanks ignored. */
#pragma once

#include "tests/token/token.h"
#include "tests/unit/cmocka_all.h"

#define SELECT_OPENPGP "00 A4 04 00 06 D27600012401"
#define VERIFY_SIGN    "00 20 00 81 06 313233343536"
#define VERIFY_OTHER   "00 20 00 82 06 313233343536"
#define VERIFY_ADMIN   "00 20 00 83 08 3132333435363738"

/* A card as it leaves the factory, application selected. */
struct token *exchange_new(void);
struct token *exchange_new_with(const struct token_options *options);

/* Sends a command; *answer keeps data and status word. */
void exchange_send(struct token *token, const char *command, struct buffer *answer);

/* Sends a command whose answer must be this one. */
#define expect(token, command, answer) exchange_expect(token, command, answer, __FILE__, __LINE__)
void exchange_expect(struct token *token, const char *command, const char *answer, const char *file,
                     int line);

/* Hex digits to octets, appended. */
void exchange_append_hex(struct buffer *b, const char *hex);
