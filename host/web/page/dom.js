// SPDX-License-Identifier: Apache-2.0
// dom.js - elements without markup. Whatever is text stays text: children that are strings become text
// nodes, and there is no way here to hand in HTML.
//
//     h("button", {class: "primary", onclick: save, disabled: busy}, t("form.save"))
//
// A property with "on" in front is a listener; true is an attribute without a value; false, null and
// undefined are left out. Children may be nodes, texts, numbers, nested lists; null and false are
// left out.

const SVG = "http://www.w3.org/2000/svg";

function setAll(element, properties) {
    for (const [name, value] of Object.entries(properties ?? {})) {
        if (value === undefined || value === null || value === false)
            continue;
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else
            element.setAttribute(name, value === true ? "" : String(value));
    }
    return element;
}

export function append(element, ...children) {
    for (const child of children.flat(Infinity)) {
        if (child !== undefined && child !== null && child !== false)
            element.append(child instanceof Node ? child : String(child));
    }
    return element;
}

export function h(tag, properties, ...children) {
    return append(setAll(document.createElement(tag), properties), ...children);
}

export function svg(tag, properties, ...children) {
    return append(setAll(document.createElementNS(SVG, tag), properties), ...children);
}

// fill - these instead of what is in it.
export function fill(element, ...children) {
    element.replaceChildren();
    return append(element, ...children);
}

// keepFocus - @act takes away or makes anew what is in @element. Focus that was in there and is lost
// goes to the heading above: from there keys and screen readers go on, not from the page's start.
export function keepFocus(element, act) {
    const had = element.contains(document.activeElement);
    act();
    if (!had || document.activeElement !== document.body)
        return;
    const heading = element.closest("section")?.querySelector("h2") ?? document.querySelector("h1");
    if (heading === null)
        return;
    heading.tabIndex = -1;
    heading.focus();
}

let number = 0;

// freshId - for a label and what it names.
export function freshId(word) {
    number += 1;
    return `${word}-${number}`;
}
