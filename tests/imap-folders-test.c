/* SPDX-License-Identifier: Apache-2.0 */
/* imap-folders-test.c - promises of imap-pattern.h and imap-tree.h: which folders an archive takes;
 * and of imap-folder.h: how their names go over the wire. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-pattern.h"
#include "imap-pickup-fixture.h"
#include "imap-settings.h"
#include "imap-tree.h"
#include "text.h"

/* ---- Patterns -------------------------------------------------------------------------------- */

static bool matches(const char *pattern, const char *path)
{
    struct imap_patterns list;
    struct error err;
    ck_assert_msg(imap_patterns_read(pattern, &list, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(list.count, 1);
    bool does = imap_pattern_matches(&list.items[0], path);
    imap_patterns_done(&list);
    return does;
}

static const struct {
    const char *pattern, *path;
    bool does;
} patterns[] = {
    {"INBOX", "INBOX", true},        {"inbox", "INBOX", true},
    {"INBOX", "inbox", true},        {"inbox/Sub", "INBOX/Sub", true},
    {"INBOX/sub", "INBOX/Sub", false}, {"INBOX", "INBOXES", false},
    {"Work", "work", false},         {"Work", "Work", true},
    {"Work", "Work/2026", false},    {"*", "Work", true},
    {"*", "Work/2026/Q1", true},     {"%", "Work", true},
    {"%", "Work/2026", false},       {"Work/*", "Work/2026/Q1", true},
    {"Work/*", "Work", false},       {"Work/%", "Work/2026", true},
    {"Work/%", "Work/2026/Q1", false}, {"Work*", "Work", true},
    {"Work*", "Work/2026", true},    {"Work*", "Workshop", true},
    {"*/2026", "Work/2026", true},   {"*/2026", "Work/a/2026", true},
    {"%/2026", "Work/a/2026", false}, {"%/2026", "Work/2026", true},
    {"*a*b*", "xaxxbx", true},       {"*a*b*", "xbxxax", false},
    {"*a%b", "a/ab", true},          {"*a%b", "aa/b", false},
    {"%*%", "a/b/c", true},          {"Übung/*", "Übung/Größe", true},
    {"a%%b", "ab", true},            {"a%%b", "a/b", false},
};

START_TEST(a_pattern_means_what_it_means_in_list)
{
    ck_assert_msg(matches(patterns[_i].pattern, patterns[_i].path) == patterns[_i].does,
                  "'%s' on '%s'", patterns[_i].pattern, patterns[_i].path);
}
END_TEST

START_TEST(a_list_is_parted_by_commas_and_a_double_comma_is_one)
{
    struct imap_patterns list;
    struct error err;
    ck_assert_int_eq(imap_patterns_read("INBOX , Smith,, John,Projects/*,a,,", &list, &err), 0);
    ck_assert_uint_eq(list.count, 4);
    ck_assert_str_eq(list.items[0].text, "INBOX");
    ck_assert_str_eq(list.items[1].text, "Smith, John");
    ck_assert_str_eq(list.items[2].text, "Projects/*");
    ck_assert_str_eq(list.items[3].text, "a,");
    ck_assert(list.items[1].exact && !list.items[2].exact);
    imap_patterns_done(&list);
    ck_assert_int_eq(imap_patterns_read(NULL, &list, &err), 0);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(what_names_no_folder_is_refused)
{
    static const char *const broken[] = {"", ",", "a,", "a, ,b", "/a", "a/", "a//b"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct imap_patterns list;
        struct error err;
        ck_assert_msg(imap_patterns_read(broken[i], &list, &err) < 0, "'%s'", broken[i]);
        ck_assert_int_eq(err.class, ERROR_USAGE);
        imap_patterns_done(&list);
    }
}
END_TEST

START_TEST(names_and_lists_have_their_limits)
{
    char text[IMAP_PATTERN_MAX + 2];
    char many[2 * IMAP_PATTERNS_MAX + 2];
    struct imap_patterns list;
    struct error err;
    memset(text, 'a', sizeof text);
    text[IMAP_PATTERN_MAX] = '\0';
    ck_assert_int_eq(imap_patterns_read(text, &list, &err), 0);
    ck_assert(imap_pattern_matches(&list.items[0], text));
    imap_patterns_done(&list);
    text[IMAP_PATTERN_MAX] = 'a';
    text[IMAP_PATTERN_MAX + 1] = '\0';
    ck_assert_int_eq(imap_patterns_read(text, &list, &err), -1);
    imap_patterns_done(&list);
    for (size_t i = 0; i < IMAP_PATTERNS_MAX; i++)
        memcpy(many + 2 * i, "b,", 2);
    many[2 * IMAP_PATTERNS_MAX - 1] = '\0';
    ck_assert_int_eq(imap_patterns_read(many, &list, &err), 0);
    ck_assert_uint_eq(list.count, IMAP_PATTERNS_MAX);
    imap_patterns_done(&list);
    memcpy(many + 2 * IMAP_PATTERNS_MAX - 1, ",b", 3);
    ck_assert_int_eq(imap_patterns_read(many, &list, &err), -1);
    imap_patterns_done(&list);
}
END_TEST

START_TEST(special_uses_are_words_and_a_slip_is_told)
{
    uint32_t uses = 1;
    struct error err;
    ck_assert_int_eq(imap_special_read("junk, TRASH", &uses, &err), 0);
    ck_assert_uint_eq(uses, IMAP_LIST_JUNK | IMAP_LIST_TRASH);
    ck_assert_int_eq(imap_special_read("None", &uses, &err), 0);
    ck_assert_uint_eq(uses, 0);
    ck_assert_int_eq(imap_special_read("Junk,Trush", &uses, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "do you mean Trash"));
    ck_assert_int_eq(imap_special_read("Junk,None", &uses, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "None"));
}
END_TEST

/* ---- The choice ------------------------------------------------------------------------------ */

struct listed {
    const char *wire;
    uint32_t flags;
};

/* The paths that are taken, with '|' between; behind them "!" and a name that is not there. */
static const char *chosen(const struct listed *listed, size_t count, char delimiter,
                          const char *prefix, const char *keys)
{
    static char text[600];
    char connection[400];
    struct imap_settings *settings;
    struct imap_tree tree = {0};
    struct error err;
    (void)snprintf(connection, sizeof connection, "url=h;%s", keys);
    ck_assert_msg(imap_settings_read(connection, &settings, &err) == 0, "%s", err.text);
    ck_assert_int_eq(imap_patterns_read(settings->folders, &tree.folders, &err), 0);
    ck_assert_int_eq(imap_patterns_read(settings->skip_folders, &tree.skip, &err), 0);
    ck_assert_int_eq(imap_special_read(settings->skip_special, &tree.skip_uses, &err), 0);
    tree.levels.delimiter = delimiter;
    text_copy(tree.levels.prefix, sizeof tree.levels.prefix, prefix);
    tree.items = calloc(count, sizeof *tree.items);
    tree.count = tree.capacity = count;
    for (size_t i = 0; i < count; i++) /* analyse: no leak, the tree frees what it has */
        tree.items[i] =
            (struct imap_branch){.wire = strdup(listed[i].wire),
                                 .path = imap_folder_path(listed[i].wire, delimiter, false),
                                 .flags = listed[i].flags};
    ck_assert_int_eq(imap_tree_choose(&tree, &err), 0);
    text[0] = '\0';
    size_t taken = 0;
    for (size_t i = 0; i < tree.count; i++) {
        size_t used = strlen(text);
        if (tree.items[i].choice != IMAP_CHOICE_TAKEN)
            continue;
        taken++;
        (void)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? "|" : "",
                       tree.items[i].path);
    }
    ck_assert_uint_eq(tree.taken, taken);
    size_t at = 0, used = strlen(text);
    const char *missing = imap_tree_missing(&tree, &at);
    if (missing != NULL)
        (void)snprintf(text + used, sizeof text - used, "!%s", missing);
    imap_tree_done(&tree);
    imap_settings_free(settings);
    return text;
}
#define CHOSEN(listed, delimiter, prefix, keys)                                                    \
    chosen(listed, sizeof listed / sizeof listed[0], delimiter, prefix, keys)

static const struct listed marked[] = {{"INBOX", 0},
                                       {"Archive", IMAP_LIST_ARCHIVE},
                                       {"Entw&APw-rfe", IMAP_LIST_DRAFTS},
                                       {"Gone", IMAP_LIST_NOSELECT},
                                       {"Gone/Here", 0},
                                       {"M&APw-ll", IMAP_LIST_TRASH},
                                       {"M&APw-ll/old", 0},
                                       {"Sent", IMAP_LIST_SENT},
                                       {"Spam", 0},
                                       {"Werbung", IMAP_LIST_JUNK}};

START_TEST(all_folders_are_taken_but_those_that_nobody_wants_in_an_archive)
{
    /* Junk is marked, so that a folder called Spam is somebody's own */
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=*"), "Archive|Gone/Here|INBOX|Sent|Spam");
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=*;skipSpecial=Trash"),
                     "Archive|Entwürfe|Gone/Here|INBOX|Sent|Spam|Werbung");
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=*;skipSpecial=None"),
                     "Archive|Entwürfe|Gone/Here|INBOX|Müll|Müll/old|Sent|Spam|Werbung");
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=*;skipSpecial=Sent,Archive"),
                     "Entwürfe|Gone/Here|INBOX|Müll|Müll/old|Spam|Werbung");
}
END_TEST

START_TEST(a_folder_that_is_named_is_taken_whatever_it_is_for)
{
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=INBOX,Müll"), "INBOX|Müll");
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=INBOX,Mül%"), "INBOX");
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=Gone"), "!Gone"); /* but it must hold mail */
}
END_TEST

START_TEST(what_is_left_out_is_left_out_also_when_it_is_named)
{
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=*;skipFolders=Sent,Gone/*"),
                     "Archive|INBOX|Spam");
    ck_assert_str_eq(CHOSEN(marked, '/', "", "folders=INBOX,Sent;skipFolders=S*"), "INBOX");
}
END_TEST

START_TEST(where_no_folder_is_marked_the_usual_names_on_the_first_level_count)
{
    static const struct listed plain[] = {
        {"INBOX", 0},           {"INBOX.Drafts", 0},          {"INBOX.Junk E-mail", 0},
        {"INBOX.Projects", 0},  {"INBOX.Projects.Trash", 0},  {"INBOX.Gel&APY-schte Elemente", 0},
        {"INBOX.Sent", 0},      {"INBOX.Gel&APY-schte Elemente.x", 0}};
    ck_assert_str_eq(CHOSEN(plain, '.', "INBOX.", "folders=*"),
                     "INBOX|INBOX/Projects|INBOX/Projects/Trash|INBOX/Sent");
    ck_assert_str_eq(CHOSEN(plain, '.', "INBOX.", "folders=*;skipSpecial=Drafts"),
                     "INBOX|INBOX/Gelöschte Elemente|INBOX/Gelöschte Elemente/x|INBOX/Junk E-mail|"
                     "INBOX/Projects|INBOX/Projects/Trash|INBOX/Sent");
}
END_TEST

START_TEST(a_name_is_right_with_and_without_the_prefix_of_the_namespace_and_in_both_notations)
{
    static const struct listed plain[] = {
        {"INBOX", 0}, {"INBOX.Projects", 0}, {"INBOX.Projects.2026", 0}};
    static const char *const same[] = {"folders=Projects/2026", "folders=Projects.2026",
                                       "folders=INBOX.Projects.2026",
                                       "folders=inbox/Projects/2026", "folders=Projects/%"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        ck_assert_str_eq(CHOSEN(plain, '.', "INBOX.", same[i]), "INBOX/Projects/2026");
}
END_TEST

static const struct listed dotted[] = {
    {"INBOX", 0}, {"INBOX.Invoices", 0}, {"INBOX.Invoices.2026", 0}, {"Other", 0}};

START_TEST(inbox_as_first_level_is_the_same_in_any_case_also_before_the_servers_separator)
{
    static const char *const same[] = {"folders=INBOX.Invoices", "folders=Inbox.Invoices",
                                       "folders=inbox.Invoices", "folders=Inbox/Invoices",
                                       "folders=inbox.%"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        ck_assert_str_eq(CHOSEN(dotted, '.', "", same[i]), "INBOX/Invoices");
        ck_assert_str_eq(CHOSEN(dotted, '.', "INBOX.", same[i]), "INBOX/Invoices");
    }
    ck_assert_str_eq(CHOSEN(dotted, '.', "", "folders=Inbox.invoices"), "!INBOX/invoices");
}
END_TEST

START_TEST(what_is_left_out_below_inbox_is_left_out_in_any_case_and_both_notations)
{
    static const char *const same[] = {"INBOX.Invoices", "Inbox.Invoices", "inbox/Invoices"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char keys[100];
        (void)snprintf(keys, sizeof keys, "folders=*;skipFolders=%s", same[i]);
        ck_assert_str_eq(CHOSEN(dotted, '.', "", keys), "INBOX|INBOX/Invoices/2026|Other");
    }
    ck_assert_str_eq(CHOSEN(dotted, '.', "", "folders=*;skipFolders=Inbox.*"), "INBOX|Other");
}
END_TEST

START_TEST(a_dot_behind_inbox_is_of_its_name_where_levels_are_parted_by_something_else)
{
    static const struct listed plain[] = {{"INBOX", 0}, {"Inbox.Invoices", 0}};
    ck_assert_str_eq(CHOSEN(plain, '/', "", "folders=Inbox.Invoices"), "Inbox.Invoices");
    ck_assert_str_eq(CHOSEN(plain, '/', "", "folders=INBOX.Invoices"), "!INBOX.Invoices");
    ck_assert_str_eq(CHOSEN(plain, '\0', "", "folders=Inbox.Invoices"), "Inbox.Invoices");
}
END_TEST

static const struct listed gmail[] = {{"INBOX", 0},
                                      {"Receipts", 0},
                                      {"[Gmail]", IMAP_LIST_NOSELECT},
                                      {"[Gmail]/All Mail", IMAP_LIST_ALL},
                                      {"[Gmail]/Drafts", IMAP_LIST_DRAFTS},
                                      {"[Gmail]/Important", IMAP_LIST_IMPORTANT},
                                      {"[Gmail]/Sent Mail", IMAP_LIST_SENT},
                                      {"[Gmail]/Spam", IMAP_LIST_JUNK},
                                      {"[Gmail]/Starred", IMAP_LIST_FLAGGED},
                                      {"[Gmail]/Trash", IMAP_LIST_TRASH}};

START_TEST(of_gmail_all_mail_is_taken_alone_so_that_nothing_comes_once_per_label)
{
    ck_assert_str_eq(CHOSEN(gmail, '/', "", "folders=*"), "[Gmail]/All Mail");
    ck_assert_str_eq(CHOSEN(gmail, '/', "", "folders=*;skipSpecial=None"),
                     "[Gmail]/All Mail|[Gmail]/Spam|[Gmail]/Trash");
    ck_assert_str_eq(CHOSEN(gmail, '/', "", "folders=INBOX,Receipts"), "INBOX|Receipts");
    ck_assert_str_eq(CHOSEN(gmail, '/', "",
                            "folders=*;skipSpecial=All,Junk,Trash,Drafts,Flagged,Important"),
                     "INBOX|Receipts|[Gmail]/Sent Mail");
}
END_TEST

START_TEST(two_folders_with_one_path_are_one_too_many)
{
    static const struct listed twins[] = {{"a/b", 0}, {"INBOX", 0}, {"a.b", 0}};
    ck_assert_str_eq(CHOSEN(twins, '.', "", "folders=*"), "INBOX|a/b");
}
END_TEST

START_TEST(a_folder_that_is_told_twice_is_one)
{
    static const struct listed twice[] = {{"B", IMAP_LIST_NOSELECT},
                                          {"INBOX", 0},
                                          {"A.b", 0},
                                          {"INBOX", 0},
                                          {"B", 0},
                                          {"A.b", IMAP_LIST_JUNK},
                                          {"A.b", 0},
                                          {"C", IMAP_LIST_NOSELECT},
                                          {"C", IMAP_LIST_NOSELECT}};
    ck_assert_str_eq(CHOSEN(twice, '.', "", "folders=*;skipSpecial=None"), "A/b|B|INBOX");
    ck_assert_str_eq(CHOSEN(twice, '.', "", "folders=*"), "B|INBOX");
}
END_TEST

/* ---- Keys ------------------------------------------------------------------------------------ */

START_TEST(folders_mean_that_mail_is_left_and_what_says_otherwise_is_refused)
{
    static const struct {
        const char *keys, *error;
    } refused[] = {
        {"folders=*;after=Move", "key 'folders' at position 7: mail of folders stays"},
        {"folders=*;after=Delete", "after can only be Leave"},
        {"folders=*;mailbox=INBOX", "take the key mailbox out"},
        {"folders=*;dropbox=Done", "take dropbox out"},
        {"folders=*;badmail=Bad", "take badmail out"},
        {"folders=a, ,b", "a name between two commas is missing"},
        {"skipFolders=Junk", "key 'skipFolders' at position 7: folders are left out of those"},
        {"skipSpecial=Junk", "write folders=* too"},
        {"folders=*;skipSpecial=Jink",
         "key 'skipSpecial' at position 17: 'Jink' is no special use; "
         "do you mean Junk?"},
        {"folder=*", "did you mean 'folders'"},
    };
    struct imap_settings *settings;
    struct error err;
    char connection[200];
    ck_assert_int_eq(imap_settings_read("url=h;folders=*", &settings, &err), 0);
    ck_assert_uint_eq(settings->after, IMAP_AFTER_LEAVE);
    imap_settings_free(settings);
    ck_assert_int_eq(imap_settings_read("url=h;folders=*;after=Leave", &settings, &err), 0);
    imap_settings_free(settings);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        (void)snprintf(connection, sizeof connection, "url=h;%s", refused[i].keys);
        ck_assert_msg(imap_settings_read(connection, &settings, &err) < 0, "%s", refused[i].keys);
        ck_assert_int_eq(err.class, ERROR_USAGE);
        ck_assert_msg(strstr(err.text, refused[i].error) != NULL, "%s: %s", refused[i].keys,
                      err.text);
    }
}
END_TEST

/* ---- Names on the wire ----------------------------------------------------------------------- */

#define PREFIX                                                                                     \
    "B\xC3\xBC"                                                                                    \
    "cher."

START_TEST(names_are_utf8_on_the_wire_where_the_server_speaks_imap4rev2_alone)
{
    static const struct script_rule rules[] = {
        {"LIST \"\" \"\"", "* LIST (\\Noselect) \".\" \"\"\r\n" OK},
        {"NAMESPACE", "* NAMESPACE ((\"" PREFIX "\" \".\")) NIL NIL\r\n" OK},
        {"LIST \"\" \"INBOX\"", "* LIST () \".\" INBOX\r\n" OK},
        {"LIST \"\" \"" PREFIX "R&D\"", "* LIST () \".\" \"" PREFIX "R&D\"\r\n" OK},
        {"*LIST", OK},
        FOUND_ONE,
        LIST_ONE,
        BODY_ONE,
        MOVE_ONE};
    struct host *h = RUN(rules, "IMAP4rev2", "dropbox=M\xC3\xA4rz/2026;badmail=R&D", "5 ");
    TRACE(h, "LIST \"\" \"M\xC3\xA4rz/2026\"", "CREATE \"" PREFIX "M\xC3\xA4rz.2026\"",
          "STATUS \"" PREFIX "R&D\"", "UID MOVE 5 \"" PREFIX "M\xC3\xA4rz.2026\"",
          "note 5 MOVED target 105 in B\xC3\xBC"
          "cher/M\xC3\xA4rz/2026");
    TRACE(h, "-CREATE \"" PREFIX "R", "-&A", "-&-");
    host_stop(h);
}
END_TEST

START_TEST(a_server_that_speaks_both_is_asked_for_nothing_and_gets_modified_utf7)
{
    static const struct script_rule rules[] = {FOUND_ONE, LIST_ONE, BODY_ONE, MOVE_ONE};
    struct host *h =
        RUN(rules, "IMAP4rev1 IMAP4rev2 MOVE UIDPLUS", "dropbox=M\xC3\xA4rz;badmail=R&D", "5 ");
    TRACE(h, "LIST \"\" \"M&AOQ-rz\"", "LIST \"\" \"R&-D\"", "UID MOVE 5 \"M&AOQ-rz\"", "-ENABLE",
          "-M\xC3\xA4rz\"");
    host_stop(h);
}
END_TEST

START_TEST(a_name_is_told_as_it_was_meant_and_one_that_is_not_written_as_it_should_be_printable)
{
    static const struct {
        const char *wire;
        bool utf8;
        const char *path;
    } rows[] = {
        {"R&-D.x", false, "R&D/x"},
        {"R&-D.x", true, "R&-D/x"},
        {"M\xC3\xA4rz", true, "M\xC3\xA4rz"},
        {"M\xE4rz", true, "M\\xE4rz"},
        {"a\tb", true, "a\\x09b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = imap_folder_path(rows[i].wire, '.', rows[i].utf8);
        ck_assert_str_eq(path, rows[i].path);
        free(path);
    }
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        a_list_is_parted_by_commas_and_a_double_comma_is_one,
        what_names_no_folder_is_refused,
        names_and_lists_have_their_limits,
        special_uses_are_words_and_a_slip_is_told,
        all_folders_are_taken_but_those_that_nobody_wants_in_an_archive,
        a_folder_that_is_named_is_taken_whatever_it_is_for,
        what_is_left_out_is_left_out_also_when_it_is_named,
        where_no_folder_is_marked_the_usual_names_on_the_first_level_count,
        a_name_is_right_with_and_without_the_prefix_of_the_namespace_and_in_both_notations,
        inbox_as_first_level_is_the_same_in_any_case_also_before_the_servers_separator,
        what_is_left_out_below_inbox_is_left_out_in_any_case_and_both_notations,
        a_dot_behind_inbox_is_of_its_name_where_levels_are_parted_by_something_else,
        of_gmail_all_mail_is_taken_alone_so_that_nothing_comes_once_per_label,
        two_folders_with_one_path_are_one_too_many,
        a_folder_that_is_told_twice_is_one,
        folders_mean_that_mail_is_left_and_what_says_otherwise_is_refused,
        names_are_utf8_on_the_wire_where_the_server_speaks_imap4rev2_alone,
        a_server_that_speaks_both_is_asked_for_nothing_and_gets_modified_utf7,
        a_name_is_told_as_it_was_meant_and_one_that_is_not_written_as_it_should_be_printable,
    };
    Suite *s = suite_create("imap-folders");
    TCase *rows = tcase_create("rows"), *all = tcase_create("all");
    tcase_add_loop_test(rows, a_pattern_means_what_it_means_in_list, 0,
                        (int)(sizeof patterns / sizeof patterns[0]));
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(s, rows);
    suite_add_tcase(s, all);
    return s;
}
CHECK_MAIN(suite)
