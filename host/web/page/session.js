// SPDX-License-Identifier: Apache-2.0
// session.js - who is signed in, and what he may do.
import {get, post, setCsrf} from "./api.js";

const ROLES = ["viewer", "operator", "admin"];
let who = null;

function keep(session) {
    who = session;
    setCsrf(session?.csrf);
    return session;
}

// current - {name, role}; null: nobody.
export function current() {
    return who;
}

// may - whether who is signed in has this role, or more.
export function may(role) {
    return who !== null && ROLES.indexOf(who.role) >= ROLES.indexOf(role);
}

// resume - the session that the browser still has a cookie of; null: none.
export async function resume() {
    try {
        return keep(await get("/auth/me"));
    } catch (problem) {
        if (problem.status !== 401)
            throw problem;
        return keep(null);
    }
}

export async function signIn(name, password) {
    return keep(await post("/auth/login", {name, password}));
}

export async function setUp(token, name, password) {
    return keep(await post("/auth/setup", {token, name, password}));
}

export async function changePassword(old, fresh) {
    return keep(await post("/auth/password", {old, new: fresh}));
}

export async function signOut() {
    await post("/auth/logout");
    keep(null);
}

export function forget() {
    keep(null);
}
