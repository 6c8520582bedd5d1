/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the mailchute command: its commands in a table. mailchute(1) is the manual. */
#include <config.h>

#include "command.h"

int main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"pickup", "pick mail up into the work queue", command_pickup},
        {"check", "try a connection string and change nothing", command_check},
        {"audit", "hold mailbox, archive and queue against each other", command_audit},
        {"parse", "show the entry that each file would become", command_parse},
        {"queue", "list, show, save and work off entries", command_queue},
        {"source", "set up the mailboxes of the daemon", command_source},
        {"serve", "keep the sources at work: the daemon", command_serve},
        {"deliver", "put entries into folders of a mail account", command_deliver},
        {"mailchain", "the Mailchain connector for IMAP", command_mailchain},
        {"user", "set up who may use the REST interface", command_user},
        {"loaders", "list the plug-ins and their options", command_loaders},
        {NULL, NULL, NULL},
    };
    return command_run(commands, argc, argv);
}
