/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reason phrases of replies that are not ours. */
#include <criterion/criterion.h>
#include <microhttpd.h>
#include <string.h>

Test(server_response, phrases_of_others_are_the_usual_ones)
{
    cr_expect_str_eq(MHD_get_reason_phrase_for(400), "Bad Request");
    cr_expect_eq(MHD_get_reason_phrase_len_for(400), strlen("Bad Request"));
}
