/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log: one line an event on standard error, with the priority prefix that the journal understands
 * (sd-daemon(3)) when standard error is the journal. Only server/, tasks and the main programs log; libraries
 * return errors. Control characters in what is logged are written as \xNN, so that nobody forges a line. */
#ifndef HOSTPCI_BASE_LOG_H
#define HOSTPCI_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
