// SPDX-License-Identifier: Apache-2.0
// seldom.js - what many events ask for, done once: at the first of them, and as long as more come once
// in a while, never twice at the same time.

// seldom - {call, end}: call() has @act done soon, but not before @ms have passed since the last time;
// end() when nobody needs it any more. @act may be asynchronous.
export function seldom(ms, act) {
    let resting = false; // it is being done, or was a moment ago
    let asked = false;
    let ended = false;

    async function now() {
        resting = true;
        asked = false;
        try {
            await act();
        } finally {
            setTimeout(rested, ms);
        }
    }
    function rested() {
        resting = false;
        if (asked && !ended)
            now();
    }
    return {
        call() {
            asked = true;
            if (!resting && !ended)
                now();
        },
        end() {
            ended = true;
        },
    };
}
