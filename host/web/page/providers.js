// SPDX-License-Identifier: Apache-2.0
// providers.js - what is known of providers: their server, and what they want of a program that signs
// in. The advice is a text: advice.<name>.

export const PROVIDERS = [
    {name: "generic", host: "", ssl: true},
    {name: "gmail", host: "imap.gmail.com", ssl: true, advice: true,
     domains: ["gmail.com", "googlemail.com"]},
    {name: "outlook", host: "outlook.office365.com", ssl: true, advice: true, auth: "XOAuth2",
     domains: ["outlook.com", "office365.com"]},
    {name: "yahoo", host: "imap.mail.yahoo.com", ssl: true, advice: true, domains: ["yahoo.com"]},
    {name: "icloud", host: "imap.mail.me.com", ssl: true, advice: true,
     domains: ["me.com", "icloud.com"]},
    {name: "fastmail", host: "imap.fastmail.com", ssl: true, advice: true,
     domains: ["fastmail.com"]},
    {name: "gmx", host: "imap.gmx.net", ssl: true, advice: true, domains: ["gmx.net", "gmx.com"]},
    {name: "dovecot", host: "", ssl: true, advice: true},
];

export function provider(name) {
    return PROVIDERS.find((one) => one.name === name);
}

// providerOf - whose server this is; the generic one where nobody knows.
export function providerOf(host) {
    const at = host.toLowerCase();
    return PROVIDERS.find(({domains = []}) =>
        domains.some((domain) => at === domain || at.endsWith(`.${domain}`))) ?? PROVIDERS[0];
}
