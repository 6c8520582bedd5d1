// SPDX-License-Identifier: Apache-2.0
// form.js - fields with their labels, hints and switches; a form that is sent once at a time.
import {freshId, h} from "./dom.js";

function labelled(control, {label, hint}, id) {
    const note = hint && h("p", {class: "hint", id: `${id}-hint`}, hint);
    if (note)
        control.setAttribute("aria-describedby", note.id);
    return h("div", {class: "field"}, h("label", {for: id}, label), control, note);
}

// field - {element, input, value}: a line of text. What is not label, hint or value is an attribute.
export function field({label, hint, value, ...attributes}) {
    const id = freshId("field");
    const input = h("input", {id, type: "text", ...attributes});
    input.value = value ?? "";
    return wrapped(labelled(input, {label, hint}, id), input);
}

// area - the same of several lines.
export function area({label, hint, value, ...attributes}) {
    const id = freshId("field");
    const input = h("textarea", {id, rows: 3, spellcheck: "false", ...attributes});
    input.value = value ?? "";
    return wrapped(labelled(input, {label, hint}, id), input);
}

// choice - one of @options, [[value, text]].
export function choice({label, hint, value, options, ...attributes}) {
    const id = freshId("field");
    const input = h("select", {id, ...attributes},
                    options.map(([name, text]) => h("option", {value: name}, text)));
    input.value = value ?? options[0]?.[0];
    return wrapped(labelled(input, {label, hint}, id), input);
}

function wrapped(element, input) {
    return {
        element,
        input,
        get value() {
            return input.value;
        },
        set value(text) {
            input.value = text;
        },
    };
}

// toggle - {element, input, value}: on or off, at once visible.
export function toggle({label, hint, value, ...attributes}) {
    const id = freshId("field");
    const input = h("input", {id, type: "checkbox", role: "switch", class: "switch", ...attributes});
    input.checked = value ?? false;
    const note = hint && h("p", {class: "hint", id: `${id}-hint`}, hint);
    if (note)
        input.setAttribute("aria-describedby", note.id);
    const element = h("div", {class: "field field-toggle"},
                      h("div", {class: "toggle-line"}, input, h("label", {for: id}, label)), note);
    return {
        element,
        input,
        get value() {
            return input.checked;
        },
        set value(on) {
            input.checked = on;
        },
    };
}

// busyWhile - the button says that it is at work and cannot be pressed again.
export async function busyWhile(button, act) {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    try {
        return await act();
    } finally {
        button.disabled = false;
        button.removeAttribute("aria-busy");
    }
}

// submitting - @act when the form is sent; what goes wrong is shown in @box.
export function submitting(form, button, box, act) {
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        box.clear();
        try {
            await busyWhile(button, act);
        } catch (problem) {
            box.show(problem);
        }
    });
}
