#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures of each view in light, dark and on a phone, for docs/web.md: make screenshots.

They are written as WebP below the folder that $MAILCHUTE_SCREENSHOTS names. Not part of make check."""
import base64
import os

from page_support import CANARY, Populated, SAMPLES
import tap

OUT = os.environ.get("MAILCHUTE_SCREENSHOTS", "screenshots")
LOOKS = {
    "light": {"colorScheme": "light", "viewport": {"width": 1280, "height": 820}},
    "dark": {"colorScheme": "dark", "viewport": {"width": 1280, "height": 820}},
    "phone": {"colorScheme": "light", "viewport": {"width": 390, "height": 844}, "hasTouch": True,
              "isMobile": True, "deviceScaleFactor": 1.5},
}
TO_WEBP = """
    const png = await page.screenshot({animations: "disabled"});
    const made = await (await world.browser.newContext()).newPage();
    const webp = await made.evaluate(async (bytes) => {
        const picture = await createImageBitmap(await (await fetch(bytes)).blob());
        const canvas = new OffscreenCanvas(picture.width, picture.height);
        canvas.getContext("2d").drawImage(picture, 0, 0);
        const blob = await canvas.convertToBlob({type: "image/webp", quality: 0.82});
        const reader = new FileReader();
        await new Promise((done) => {
            reader.onload = done;
            reader.readAsDataURL(blob);
        });
        return reader.result.split(",")[1];
    }, "data:image/png;base64," + png.toString("base64"));
    await made.context().close();
    return [webp, png.toString("base64")];
"""


class Pictures(Populated):

    def picture(self, view, look):
        webp, png = self.page.run(TO_WEBP)
        for kind, data in ("webp", webp), ("png", png):
            folder = OUT if kind == "webp" else os.environ.get("MAILCHUTE_SCREENSHOTS_PNG")
            if folder:
                os.makedirs(folder, exist_ok=True)
                with open(os.path.join(folder, "%s-%s.%s" % (view, look, kind)), "wb") as file:
                    file.write(base64.b64decode(data))

    def new_source(self):
        page = self.page
        page.goto(self.url + "#/sources/new")
        page.fill("Name", "sales")
        page.fill("Host", self.server.host)
        page.run("await page.getByLabel('Port').fill(args.port);"
                 "await page.getByLabel('Allow insecure certificate').check();",
                 port=str(self.server.tls_port))
        page.fill("User name", "sales")
        page.fill("Password", CANARY)
        page.click("button", "Test connection")
        page.sees("Everything works")

    def views(self):
        page = self.page
        yield "sources", lambda: page.goto(self.url + "#/sources")
        yield "source-new", self.new_source
        yield "queue", lambda: page.goto(self.url + "#/queue")
        yield "entry", lambda: page.goto(self.url + "#/queue/" + self.order)
        yield "statistics", lambda: page.goto(self.url + "#/statistics/" + self.shown()["id"])
        yield "account", lambda: page.goto(self.url + "#/account")

    def test_each_view_in_light_and_dark_and_on_a_phone(self):
        self.populate(3000)
        self.order = next(entry["id"] for entry in self.queued()
                          if (entry["subject"] or "").startswith("Invoice 2026-0042"))
        made = False
        for look, options in LOOKS.items():
            if not made:
                self.user_added("admin")
                made = True
            self.page.fresh(**options)
            self.page.goto(self.url)
            self.page.sees("Mailboxes into work queues")
            self.picture("sign-in", look)
            self.sign_in("admin")
            for view, show in self.views():
                show()
                self.page.run("await page.waitForTimeout(700)")
                self.picture(view, look)


if __name__ == "__main__":
    tap.main()
