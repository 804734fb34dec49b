/* Log lines on standard error: "cardea-agent: warning: text".
 *
 * ccid/, apdu/ and message/ log at debug only; agent/ alone tells the human. Text from cards,
 * readers and clients goes through text_escape (base/text.h) first. Secrets have a type that no
 * function here takes. */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Program name (borrowed, not copied) and the most talkative level shown. Default: none, warning.
 */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);

/* Reads "error", "warning", "info" or "debug"; -1 for anything else. */
int log_level_from_name(const char *name);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
