#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make valgrind: pick-ups by each loader, without an error or a definite leak in our memory."""
import os
import shlex
import subprocess

import mailgen
import system_support
from system_support import MAIL, OK, PROGRAM, Run, SECONDS, mail
import tap

VALGRIND = shlex.split(os.environ.get("VALGRIND") or "valgrind --quiet --error-exitcode=99 "
                       "--leak-check=full --errors-for-leak-kinds=definite")


class PickUps(system_support.Case):

    def command(self, *args, **options):
        return Run(subprocess.run([*VALGRIND, PROGRAM, *args], stdin=subprocess.DEVNULL,
                                  timeout=2 * SECONDS, capture_output=True, check=False, **options))

    def test_mail_from_an_imap_server_is_picked_up(self):
        self.server.append(self.user, "INBOX", MAIL, mail("a"), mail("b", b"x\r\n" * 30000))
        run = self.pickup()
        self.assertEqual((run.code, len(run.entries)), (OK, 3), run)
        self.check_folders(INBOX=0, DROPBOX=3)

    def test_mail_from_a_folder_is_picked_up(self):
        path = os.path.join(self.folder, "mails")
        os.mkdir(path)
        for number, one in enumerate(mailgen.generate(40)):
            with open(os.path.join(path, "%d.eml" % number), "wb") as out:
                out.write(one.raw)
        run = self.command("pickup", "path=" + path, "--loader", "Folder", "--queue", self.queue, "--json")
        self.assertEqual((run.code, len(run.entries)), (OK, 40), run)

    def test_a_server_that_refuses_the_password_leaves_nothing_behind(self):
        run = self.pickup(password_file=self.write("wrong", "wrong\n"))
        self.assertEqual(run.code, system_support.CREDENTIALS, run)

    def test_the_queue_is_listed(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.picked_up()
        self.assertEqual(len(self.queued()), 1)


if __name__ == "__main__":
    tap.main()
