/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: a line for each event on standard error, with a priority prefix for the journal (sd-daemon(3)) if
 * that is where standard error goes. Only server/, the broker's daemon and tasks log; everything else returns
 * errors. Bytes of control characters (ASCII or not) and of invalid UTF-8 are written as \xNN, so
 * that nobody can forge a line or control the terminal that shows it. */
#ifndef HOSTPCI_BASE_LOG_H
#define HOSTPCI_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
