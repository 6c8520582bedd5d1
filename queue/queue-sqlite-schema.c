/* SPDX-License-Identifier: Apache-2.0 */
/* queue-sqlite-schema.c - tables and statements of the SQLite back end. See queue-sqlite-schema.h.
 *
 * The cost of a message must not grow with their number, so what is written for one lies next to
 * what was written for the last: rowids, (scope, uidvalidity, uid) and (queue, state, rowid) all
 * ascend. Ids are spread at random, and an index over all of them would dirty a page of its own per
 * message (at 1,000,000 entries three times the time of the rest); so they are sorted within runs
 * of 8,192 entries only, and who looks for one looks into each run. That no id comes twice follows
 * from the ledger: an id is made of an origin, and an origin has one row. What messages are like
 * (their size, Message-ID and digest) lies as ids do until their run is complete, and then goes
 * into a table over a quarter of a million of them.
 *
 * Content and raw bytes lie apart from the entries, so that lists do not read through them. */
#include <config.h>
#include "queue-sqlite-schema.h"

#include <stdio.h>

#include "fault.h"

static const char schema_1[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('mended', 0);"
    /* Names that come again and again: classes, sources, folders; and those of work queues. */
    "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE work_queue (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE scope (id INTEGER PRIMARY KEY, loader TEXT NOT NULL COLLATE NOCASE,"
    "  account TEXT NOT NULL, mailbox TEXT NOT NULL, UNIQUE (mailbox, account, loader)) STRICT;"

    /* n ascends in the order of creation. state: enum queue_state. raw_place: enum
     * queue_sqlite_place. Times are seconds since 1970 UTC. */
    "CREATE TABLE entry ("
    "  n INTEGER PRIMARY KEY,"
    "  id BLOB NOT NULL CHECK (length(id) = 16),"
    "  class INTEGER NOT NULL REFERENCES word,"
    "  queue INTEGER NOT NULL REFERENCES work_queue,"
    "  source INTEGER NOT NULL REFERENCES word,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  fence INTEGER NOT NULL DEFAULT 0,"
    "  created_s INTEGER NOT NULL,"
    "  due_s INTEGER NOT NULL DEFAULT 0,"
    "  lease_until_s INTEGER NOT NULL DEFAULT 0,"
    "  scope INTEGER NOT NULL REFERENCES scope,"
    "  uidvalidity INTEGER NOT NULL,"
    "  uid INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  error TEXT, sender TEXT, subject TEXT, date_received TEXT,"
    "  raw_place INTEGER NOT NULL CHECK (raw_place BETWEEN 0 AND 2),"
    "  raw_size INTEGER NOT NULL,"
    "  raw_sha256 BLOB NOT NULL CHECK (length(raw_sha256) = 32)) STRICT;"
    "CREATE UNIQUE INDEX entry_id ON entry (n >> 13, id);"
    "CREATE INDEX entry_queue ON entry (queue, state);"
    "CREATE INDEX entry_source ON entry (source, state);"
    "CREATE INDEX entry_lease ON entry (queue, lease_until_s) WHERE state = 1;"
    "CREATE TABLE body (n INTEGER PRIMARY KEY REFERENCES entry, content TEXT NOT NULL,"
    "  raw BLOB) STRICT;"

    /* How far each message has come. step: enum queue_step. entry: its n, also when that entry is
     * no longer there; NULL: it never had one. target: the folder it moves to. */
    "CREATE TABLE ledger ("
    "  scope INTEGER NOT NULL REFERENCES scope,"
    "  uidvalidity INTEGER NOT NULL,"
    "  uid INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  step INTEGER NOT NULL CHECK (step BETWEEN 1 AND 6),"
    "  attempts INTEGER NOT NULL,"
    "  fate INTEGER NOT NULL,"
    "  target_uidvalidity INTEGER NOT NULL DEFAULT 0,"
    "  target_uid INTEGER NOT NULL DEFAULT 0,"
    "  target INTEGER REFERENCES word,"
    "  entry INTEGER,"
    "  PRIMARY KEY (scope, uidvalidity, uid, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX ledger_unsettled ON ledger (scope, uidvalidity, uid, key)"
    "  WHERE step BETWEEN 2 AND 5;"

    /* Sums that would take a walk over all entries. */
    "CREATE TABLE tally (queue INTEGER NOT NULL REFERENCES work_queue, state INTEGER NOT NULL,"
    "  entries INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, PRIMARY KEY (queue, state))"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN"
    "  INSERT INTO tally VALUES (new.queue, new.state, 1, iif(new.raw_place = 0, 0, new.raw_size))"
    "  ON CONFLICT DO UPDATE SET entries = entries + 1, raw_bytes = raw_bytes + excluded.raw_bytes;"
    "END;"
    "CREATE TRIGGER entry_moved AFTER UPDATE OF state ON entry WHEN old.state <> new.state BEGIN"
    "  UPDATE tally SET entries = entries - 1,"
    "    raw_bytes = raw_bytes - iif(old.raw_place = 0, 0, old.raw_size)"
    "  WHERE queue = old.queue AND state = old.state;"
    "  INSERT INTO tally VALUES (new.queue, new.state, 1, iif(new.raw_place = 0, 0, new.raw_size))"
    "  ON CONFLICT DO UPDATE SET entries = entries + 1, raw_bytes = raw_bytes + excluded.raw_bytes;"
    "END;";

/* Sources: what people set, what whoever runs them tells, and what came from each. A source's tally
 * goes by the number of its name, as its entries do, and outlives it. */
static const char schema_2[] =
    "CREATE TABLE source ("
    "  id BLOB PRIMARY KEY CHECK (length(id) = 16),"
    "  version INTEGER NOT NULL,"
    "  name TEXT NOT NULL UNIQUE,"
    "  loader TEXT NOT NULL,"
    "  connection TEXT NOT NULL,"
    "  user TEXT,"
    "  queue TEXT NOT NULL,"
    "  secret_kind TEXT NOT NULL,"
    "  secret BLOB,"
    "  interval_s INTEGER NOT NULL,"
    "  paused INTEGER NOT NULL CHECK (paused IN (0, 1)),"
    "  syncs INTEGER NOT NULL,"
    "  created_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE source_report ("
    "  source BLOB PRIMARY KEY REFERENCES source ON DELETE CASCADE,"
    "  status TEXT NOT NULL, detail TEXT, status_message TEXT, last_message TEXT, cursor TEXT,"
    "  status_since_s INTEGER NOT NULL, last_contact_s INTEGER NOT NULL,"
    "  last_success_s INTEGER NOT NULL, next_try_s INTEGER NOT NULL,"
    "  import_started_s INTEGER NOT NULL, import_ended_s INTEGER NOT NULL,"
    "  left_over INTEGER NOT NULL, failures INTEGER NOT NULL, rate_milli INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE source_tally (source INTEGER PRIMARY KEY REFERENCES word,"
    "  queued INTEGER NOT NULL, bad INTEGER NOT NULL) STRICT;"
    "INSERT INTO source_tally"
    "  SELECT source, sum(state <> 4), sum(state = 4) FROM entry GROUP BY source;"
    "CREATE TRIGGER entry_from_source AFTER INSERT ON entry BEGIN"
    "  INSERT INTO source_tally VALUES (new.source, new.state <> 4, new.state = 4)"
    "  ON CONFLICT DO UPDATE SET queued = queued + excluded.queued, bad = bad + excluded.bad;"
    "END;"
    "INSERT INTO meta VALUES ('source_epoch', 0);"
    "CREATE TRIGGER source_added AFTER INSERT ON source BEGIN"
    "  UPDATE meta SET value = value + 1 WHERE key = 'source_epoch'; END;"
    "CREATE TRIGGER source_changed AFTER UPDATE ON source BEGIN"
    "  UPDATE meta SET value = value + 1 WHERE key = 'source_epoch'; END;"
    "CREATE TRIGGER source_removed AFTER DELETE ON source BEGIN"
    "  UPDATE meta SET value = value + 1 WHERE key = 'source_epoch'; END;";

/* Messages that come under another name. What they are known by stands in their entry: size,
 * digest, and message_id, a fingerprint. Sizes are sorted within runs, as ids are. */
static const char schema_3[] =
    "ALTER TABLE entry ADD COLUMN message_id INTEGER;"
    "CREATE INDEX entry_size ON entry (n >> 13, scope, raw_size);"
    /* named_*: what the entry's id was made of, 0: this row's own name. renamed: the message has
     * another name now, and a row of its own under that; this one only keeps its old name used. */
    "ALTER TABLE ledger ADD COLUMN named_uidvalidity INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ledger ADD COLUMN named_uid INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ledger ADD COLUMN renamed INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE mailbox (scope INTEGER PRIMARY KEY REFERENCES scope,"
    "  uidvalidity INTEGER NOT NULL DEFAULT 0,"
    "  changed_1_s INTEGER NOT NULL DEFAULT 0, changed_2_s INTEGER NOT NULL DEFAULT 0,"
    "  changed_3_s INTEGER NOT NULL DEFAULT 0,"
    "  held INTEGER NOT NULL DEFAULT 0, held_s INTEGER NOT NULL DEFAULT 0, why TEXT,"
    "  adopted INTEGER NOT NULL DEFAULT 0) STRICT;"
    /* Where a mailbox was numbered anew before, the youngest entry tells which numbers count. */
    "INSERT INTO mailbox (scope, uidvalidity) SELECT scope, uidvalidity FROM"
    "  (SELECT scope, uidvalidity, max(coalesce(entry, 0)) FROM ledger WHERE uidvalidity <> 0"
    "   GROUP BY scope);";

/* Policies of work queues (struct queue_policy), and what was taken of each lately. An entry may go
 * to another queue now, and is counted there. */
static const char schema_4[] =
    "CREATE TABLE policy (queue INTEGER PRIMARY KEY REFERENCES work_queue,"
    "  retry INTEGER NOT NULL CHECK (retry BETWEEN 0 AND 2),"
    "  retries INTEGER NOT NULL, retry_s INTEGER NOT NULL, base_milli INTEGER NOT NULL,"
    "  error_queue INTEGER REFERENCES work_queue,"
    "  throttle_items INTEGER NOT NULL, throttle_s INTEGER NOT NULL,"
    "  start_s INTEGER NOT NULL DEFAULT 0, open_s INTEGER NOT NULL DEFAULT 0,"
    "  taken INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX policy_error_queue ON policy (error_queue) WHERE error_queue IS NOT NULL;"
    "DROP TRIGGER entry_moved;"
    "CREATE TRIGGER entry_moved AFTER UPDATE OF state, queue ON entry"
    "  WHEN old.state <> new.state OR old.queue <> new.queue BEGIN"
    "  UPDATE tally SET entries = entries - 1,"
    "    raw_bytes = raw_bytes - iif(old.raw_place = 0, 0, old.raw_size)"
    "  WHERE queue = old.queue AND state = old.state;"
    "  INSERT INTO tally VALUES (new.queue, new.state, 1, iif(new.raw_place = 0, 0, new.raw_size))"
    "  ON CONFLICT DO UPDATE SET entries = entries + 1, raw_bytes = raw_bytes + excluded.raw_bytes;"
    "END;";

/* Conditions of work queues, and hooks: who is to be told of what comes into them. A delivery is
 * one telling; failed ones wait for a person. What comes into a queue without work to do on it
 * (done, as the condition says) is counted, and nobody is told. */
static const char schema_5[] =
    "ALTER TABLE policy ADD COLUMN condition TEXT;"
    "ALTER TABLE policy ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE hook (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  queue INTEGER NOT NULL REFERENCES work_queue,"
    "  kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),"
    "  target TEXT NOT NULL, secret BLOB,"
    "  pending INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
    "  delivered INTEGER NOT NULL DEFAULT 0,"
    "  error TEXT, error_s INTEGER NOT NULL DEFAULT 0, UNIQUE (queue, kind)) STRICT;"
    "CREATE TABLE delivery (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  hook INTEGER NOT NULL REFERENCES hook ON DELETE CASCADE,"
    "  entry INTEGER NOT NULL,"
    "  moved INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due_s INTEGER NOT NULL,"
    "  failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1))) STRICT;"
    "CREATE INDEX delivery_due ON delivery (hook, failed, due_s, id);"
    "CREATE TRIGGER entry_hooked AFTER INSERT ON entry WHEN new.state <> 2 BEGIN"
    "  INSERT INTO delivery (hook, entry, moved, due_s)"
    "  SELECT id, new.n, 0, new.created_s FROM hook WHERE queue = new.queue ORDER BY kind;"
    "END;"
    "CREATE TRIGGER entry_hooked_again AFTER UPDATE OF queue ON entry"
    "  WHEN old.queue <> new.queue BEGIN"
    "  INSERT INTO delivery (hook, entry, moved, due_s)"
    "  SELECT id, new.n, 1, 0 FROM hook WHERE queue = new.queue ORDER BY kind;"
    "END;"
    "CREATE TRIGGER entry_skipped AFTER INSERT ON entry WHEN new.state = 2 BEGIN"
    "  UPDATE policy SET skipped = skipped + 1 WHERE queue = new.queue; END;"
    "CREATE TRIGGER delivery_added AFTER INSERT ON delivery BEGIN"
    "  UPDATE hook SET pending = pending + 1 WHERE id = new.hook; END;"
    "CREATE TRIGGER delivery_removed AFTER DELETE ON delivery BEGIN"
    "  UPDATE hook SET pending = pending - 1 + old.failed, failed = failed - old.failed"
    "  WHERE id = old.hook; END;"
    "CREATE TRIGGER delivery_turned AFTER UPDATE OF failed ON delivery"
    "  WHEN old.failed <> new.failed BEGIN"
    "  UPDATE hook SET pending = pending + old.failed - new.failed,"
    "    failed = failed + new.failed - old.failed WHERE id = new.hook; END;";

/* What was delivered into folders of which account (queue-append.h). step: enum queue_append_step.
 */
static const char schema_6[] =
    "CREATE TABLE append ("
    "  target INTEGER NOT NULL REFERENCES word,"
    "  entry INTEGER NOT NULL,"
    "  step INTEGER NOT NULL CHECK (step BETWEEN 1 AND 3),"
    "  attempts INTEGER NOT NULL,"
    "  PRIMARY KEY (target, entry)) STRICT, WITHOUT ROWID;";

/* Who may look into the queue over the network (queue-access.h); sources that one of them wrote
 * (guarded); and what came from each source on each day, which would take a walk over its entries.
 */
static const char schema_7[] =
    "CREATE TABLE user (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    "  password TEXT NOT NULL, role INTEGER NOT NULL, created_s INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE token (id TEXT PRIMARY KEY, kind INTEGER NOT NULL, role INTEGER NOT NULL,"
    "  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),"
    "  user TEXT REFERENCES user ON DELETE CASCADE, name TEXT NOT NULL,"
    "  created_s INTEGER NOT NULL, ends_s INTEGER NOT NULL, used_s INTEGER NOT NULL DEFAULT 0)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE INDEX token_user ON token (user, kind);"
    "CREATE INDEX token_kind ON token (kind, created_s, id);"
    "CREATE INDEX token_end ON token (ends_s);"
    "CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, time_s INTEGER NOT NULL,"
    "  who TEXT NOT NULL, origin TEXT NOT NULL, what TEXT NOT NULL, object TEXT NOT NULL,"
    "  result INTEGER NOT NULL) STRICT;"
    "ALTER TABLE source ADD COLUMN guarded INTEGER NOT NULL DEFAULT 0 CHECK (guarded IN (0, 1));"
    "CREATE TABLE source_day (source INTEGER NOT NULL REFERENCES word, day INTEGER NOT NULL,"
    "  entries INTEGER NOT NULL, bad INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,"
    "  PRIMARY KEY (source, day)) STRICT, WITHOUT ROWID;"
    "INSERT INTO source_day SELECT source, created_s / 86400, count(*), sum(state = 4),"
    "  sum(iif(raw_place = 0, 0, raw_size)) FROM entry GROUP BY source, created_s / 86400;"
    "CREATE TRIGGER entry_of_day AFTER INSERT ON entry BEGIN"
    "  INSERT INTO source_day VALUES (new.source, new.created_s / 86400, 1, new.state = 4,"
    "    iif(new.raw_place = 0, 0, new.raw_size))"
    "  ON CONFLICT DO UPDATE SET entries = entries + 1, bad = bad + excluded.bad,"
    "    raw_bytes = raw_bytes + excluded.raw_bytes;"
    "END;";

/* Entries are counted, and their hooks told of, when a batch of them is committed, not one by one:
 * with triggers on it an INSERT kept copies of the ten pages that it changes. 'counted' is the n up
 * to which that was done, so that what another version added without counting is counted later. */
static const char schema_8[] =
    "INSERT INTO meta SELECT 'counted', coalesce(max(n), 0) FROM entry;"
    "DROP TRIGGER entry_added;"
    "DROP TRIGGER entry_from_source;"
    "DROP TRIGGER entry_of_day;"
    "DROP TRIGGER entry_hooked;"
    "DROP TRIGGER entry_skipped;"
    "DROP TRIGGER entry_moved;"
    "CREATE TRIGGER entry_moved AFTER UPDATE OF state, queue ON entry"
    "  WHEN (old.state <> new.state OR old.queue <> new.queue)"
    "   AND new.n <= (SELECT value FROM meta WHERE key = 'counted') BEGIN"
    "  UPDATE tally SET entries = entries - 1,"
    "    raw_bytes = raw_bytes - iif(old.raw_place = 0, 0, old.raw_size)"
    "  WHERE queue = old.queue AND state = old.state;"
    "  INSERT INTO tally VALUES (new.queue, new.state, 1, iif(new.raw_place = 0, 0, new.raw_size))"
    "  ON CONFLICT DO UPDATE SET entries = entries + 1, raw_bytes = raw_bytes + excluded.raw_bytes;"
    "END;"
    "DROP TRIGGER entry_hooked_again;"
    "CREATE TRIGGER entry_hooked_again AFTER UPDATE OF queue ON entry"
    "  WHEN old.queue <> new.queue AND new.n <= (SELECT value FROM meta WHERE key = 'counted') "
    "BEGIN"
    "  INSERT INTO delivery (hook, entry, moved, due_s)"
    "  SELECT id, new.n, 1, 0 FROM hook WHERE queue = new.queue ORDER BY kind;"
    "END;";

/* What is asked for at the same cost at any number of entries. 'known_size' is an index in all but
 * name: of messages by their sizes, over all runs, where entry_size has those of one. Sizes come in
 * no order, and each entry sorted in by itself would change a page of its own; so a run is sorted
 * in once it is complete, in one go. 'sorted' is the n up to which that was done, the end of a run
 * (-1: none); what lies behind it is found by entry_size. due_s is 0 in most entries. */
static const char schema_9[] =
    "CREATE TABLE known_size (scope INTEGER NOT NULL, raw_size INTEGER NOT NULL,"
    "  created_s INTEGER NOT NULL, n INTEGER NOT NULL,"
    "  PRIMARY KEY (scope, raw_size, created_s, n)) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta SELECT 'sorted', (coalesce(max(n), 0) >> 13 << 13) - 1 FROM entry;"
    "INSERT INTO known_size SELECT scope, raw_size, created_s, n FROM entry"
    "  WHERE n <= (SELECT value FROM meta WHERE key = 'sorted') AND raw_place <> 0 AND uid <> 0"
    "  ORDER BY scope, raw_size, created_s, n;"
    "CREATE INDEX entry_due ON entry (queue, due_s) WHERE state = 0;";

/* Whatever is asked of lookalikes takes one look for each 262,144 entries: the table tells
 * messages of one size apart, and so does the index over what is not sorted in yet. It has parts,
 * for what is sorted in changes nearly all pages of a part. digest: the first bytes of it. */
static const char schema_10[] =
    "CREATE TABLE known_like (part INTEGER NOT NULL, scope INTEGER NOT NULL,"
    "  raw_size INTEGER NOT NULL, message_id INTEGER NOT NULL, digest BLOB NOT NULL,"
    "  created_s INTEGER NOT NULL, n INTEGER NOT NULL,"
    "  PRIMARY KEY (part, scope, raw_size, message_id, digest, created_s, n))"
    "  STRICT, WITHOUT ROWID;"
    "INSERT INTO known_like SELECT n >> 18, scope, raw_size, coalesce(message_id, 0),"
    "   substr(raw_sha256, 1, 8), created_s, n"
    "  FROM entry WHERE n <= (SELECT value FROM meta WHERE key = 'sorted')"
    "   AND raw_place <> 0 AND uid <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7;"
    "DROP TABLE known_size;"
    "DROP INDEX entry_size;"
    "CREATE INDEX entry_like ON entry"
    "  (n >> 13, scope, raw_size, message_id, substr(raw_sha256, 1, 8));";

/* Content that is too large for one row (queue-sqlite-content.c): bytes from at on; body.content is
 * their number then. With rowids: without them each step of a search reads a whole piece. */
static const char schema_11[] =
    "CREATE TABLE piece (n INTEGER NOT NULL REFERENCES entry, at INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL, PRIMARY KEY (n, at)) STRICT;";

/* schema_steps[v] leads from version v to v + 1. Never changed once released: add another. */
static const char *const schema_steps[QUEUE_SQLITE_SCHEMA] = {
    schema_1, schema_2, schema_3, schema_4,  schema_5, schema_6,
    schema_7, schema_8, schema_9, schema_10, schema_11};

/* All there is of a source, as queue-sqlite-source.c reads it. */
#define SCHEMA_SOURCE                                                                              \
    "SELECT s.id, s.version, s.name, s.loader, s.connection, s.user, s.queue, s.secret_kind,"      \
    "  s.secret, s.interval_s, s.paused, s.syncs, r.status, r.detail, r.status_message,"           \
    "  r.last_message, r.cursor, r.status_since_s, r.last_contact_s, r.last_success_s,"            \
    "  r.next_try_s, r.import_started_s, r.import_ended_s, r.left_over, r.failures,"               \
    "  r.rate_milli, s.created_s, t.queued, t.bad, s.guarded"                                      \
    " FROM source s LEFT JOIN source_report r ON r.source = s.id"                                  \
    "  LEFT JOIN word w ON w.text = s.name LEFT JOIN source_tally t ON t.source = w.id"

/* Entries that came since they were counted last. */
#define SCHEMA_NEW_ENTRY                                                                           \
    "entry NOT INDEXED WHERE n > (SELECT value FROM meta WHERE key = 'counted')"

/* Rows of the ledger from uid ?3 to uid ?4; of more than one ?5 is ''. */
#define SCHEMA_LEDGER_RUN                                                                          \
    "scope = ?1 AND uidvalidity = ?2 AND uid BETWEEN ?3 AND ?4 AND key = ?5"

/* Messages that were settled, as evidence_read() reads them. */
#define SCHEMA_LIKE                                                                                \
    "SELECT l.step, e.raw_place, e.raw_size, e.raw_sha256, e.message_id, e.uidvalidity, e.uid"
#define SCHEMA_LIKE_LEDGER                                                                         \
    "l.scope = e.scope AND l.uidvalidity = e.uidvalidity AND l.uid = e.uid AND l.key = e.key"

/* Lookalikes, in run ?6, or in part ?6 of what is sorted in: does this one count? ?3: since when;
 * ?4, ?5: not those of this uidvalidity above this UID; ?7: their message_id; ?8: their digest; ?9:
 * how many are looked at. */
#define SCHEMA_COUNTS                                                                              \
    "SELECT l.step = 6 AND e.created_s >= ?3 AND (e.uidvalidity <> ?4 OR e.uid <= ?5)"
#define SCHEMA_LIKE_RUN                                                                            \
    SCHEMA_COUNTS " FROM entry e INDEXED BY entry_like CROSS JOIN ledger l ON " SCHEMA_LIKE_LEDGER \
                  " WHERE e.n >> 13 = ?6 AND e.scope = ?1 AND e.raw_size = ?2"                     \
                  "  AND e.raw_place <> 0 AND e.uid <> 0"
#define SCHEMA_LIKE_SORTED                                                                         \
    SCHEMA_COUNTS " FROM known_like k CROSS JOIN entry e ON e.n = k.n"                             \
                  "  CROSS JOIN ledger l ON " SCHEMA_LIKE_LEDGER                                   \
                  " WHERE k.part = ?6 AND k.scope = ?1 AND k.raw_size = ?2"

#define SCHEMA_USER "SELECT id, name, password, role, created_s FROM user"
#define SCHEMA_TOKEN                                                                               \
    "SELECT id, kind, role, digest, user, name, created_s, ends_s, used_s FROM token"

static const char *const schema_sql[SQL_COUNT] = {
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_WORD_GET] = "SELECT id FROM word WHERE text = ?1",
    [SQL_WORD_ADD] = "INSERT INTO word (text) VALUES (?1)",
    [SQL_QUEUE_GET] = "SELECT id FROM work_queue WHERE name = ?1",
    [SQL_QUEUE_ADD] = "INSERT INTO work_queue (name) VALUES (?1)",
    [SQL_QUEUE_EACH] = "SELECT id FROM work_queue WHERE id > ?1 ORDER BY id LIMIT 1",
    /* Whether queue ?1 is one of which may be taken at ?2; the next such one that is no error
       queue. */
    [SQL_QUEUE_OPEN] =
        "SELECT q.id FROM work_queue q WHERE q.id = ?1 AND NOT EXISTS (SELECT 1 FROM policy p"
        "  WHERE p.queue = q.id AND p.open_s > ?2 AND p.start_s <= ?2)",
    [SQL_QUEUE_NEXT_OPEN] =
        "SELECT q.id FROM work_queue q WHERE q.id > ?1 AND NOT EXISTS (SELECT 1 FROM policy p"
        "  WHERE p.queue = q.id AND p.open_s > ?2 AND p.start_s <= ?2)"
        " AND NOT EXISTS (SELECT 1 FROM policy e WHERE e.error_queue = q.id)"
        " ORDER BY q.id LIMIT 1",
    [SQL_SCOPE_GET] = "SELECT id FROM scope WHERE mailbox = ?3 AND account = ?2 AND loader = ?1",
    [SQL_SCOPE_NEXT] =
        "SELECT id, mailbox FROM scope WHERE id > ?1 AND account = ?2 AND loader = ?3"
        " ORDER BY id LIMIT 1",
    [SQL_SCOPE_ADD] = "INSERT INTO scope (loader, account, mailbox) VALUES (?1, ?2, ?3)",
    [SQL_LEDGER_PUT] =
        "INSERT INTO ledger (scope, uidvalidity, uid, key, step, attempts, fate, entry)"
        " VALUES (?1, ?2, ?3, ?4, 2, 0, ?5, ?6) ON CONFLICT DO NOTHING",
    [SQL_LEDGER_RUN] =
        "SELECT l.step, l.attempts, l.fate, l.target_uidvalidity, l.target_uid, w.text, l.uid"
        " FROM ledger l LEFT JOIN word w ON w.id = l.target WHERE l." SCHEMA_LEDGER_RUN,
    /* Where it has no entry yet. */
    [SQL_LEDGER_STORED] = "UPDATE ledger SET step = 2, fate = ?5, entry = ?6"
                          " WHERE scope = ?1 AND uidvalidity = ?2 AND uid = ?3 AND key = ?4"
                          "  AND entry IS NULL",
    [SQL_LEDGER_TRIED] = "UPDATE ledger SET attempts = max(0, min(attempts + ?6, 4294967295))"
                         " WHERE " SCHEMA_LEDGER_RUN,
    /* ?8: by how much target_uid ascends with uid. Where the target stays nothing has to be looked
     * at but the rows themselves. */
    [SQL_LEDGER_STEP] =
        "UPDATE ledger SET step = ?6, target_uidvalidity = ?9,"
        "  target_uid = ?7 + (uid - ?3) * ?8 WHERE " SCHEMA_LEDGER_RUN "  AND target IS ?10",
    [SQL_LEDGER_TARGET] =
        "UPDATE ledger SET step = ?6, target_uidvalidity = ?9,"
        "  target_uid = ?7 + (uid - ?3) * ?8, target = ?10 WHERE " SCHEMA_LEDGER_RUN,
    [SQL_LEDGER_ADD] = "INSERT INTO ledger (scope, uidvalidity, uid, key, step, attempts, fate,"
                       "  target_uidvalidity, target_uid, target)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    [SQL_LEDGER_PAGE] =
        "SELECT l.step, l.attempts, l.fate, l.target_uidvalidity, l.target_uid, w.text, l.uid, "
        "l.key, l.uidvalidity, l.named_uidvalidity, l.named_uid"
        " FROM ledger l LEFT JOIN word w ON w.id = l.target"
        " WHERE l.scope = ?1 AND (l.uidvalidity, l.uid, l.key) > (?2, ?3, ?4) AND l.renamed = 0"
        " ORDER BY l.uidvalidity, l.uid, l.key LIMIT ?5",
    [SQL_UNSETTLED] =
        "SELECT l.step, l.attempts, l.fate, l.target_uidvalidity, l.target_uid, w.text, l.uid, "
        "l.key, l.uidvalidity, 0, 0"
        " FROM ledger l INDEXED BY ledger_unsettled LEFT JOIN word w ON w.id = l.target"
        " WHERE l.scope = ?1 AND (l.uidvalidity, l.uid, l.key) > (?2, ?3, ?4)"
        " AND l.step BETWEEN 2 AND 5 ORDER BY l.uidvalidity, l.uid, l.key LIMIT ?5",
    [SQL_SETTLED] =
        "SELECT l.step, l.attempts, l.fate, l.target_uidvalidity, l.target_uid, w.text, l.uid, "
        "l.key, l.uidvalidity, 0, 0"
        " FROM ledger l LEFT JOIN word w ON w.id = l.target"
        " WHERE l.scope = ?1 AND (l.uidvalidity, l.uid, l.key) > (?2, ?3, ?4) AND l.renamed = 0"
        " AND l.step = 6 ORDER BY l.uidvalidity, l.uid, l.key LIMIT ?5",
    [SQL_UNSETTLED_COUNT] =
        "SELECT count(*) FROM ledger INDEXED BY ledger_unsettled WHERE step BETWEEN 2 AND 5",
    [SQL_EVIDENCE_GET] = "SELECT l.step, e.raw_place, e.raw_size, e.raw_sha256, e.message_id"
                         " FROM ledger l JOIN entry e ON e.n = l.entry"
                         " WHERE l.scope = ?1 AND l.uidvalidity = ?2 AND l.uid = ?3 AND l.key = ?4",
    /* Within run ?5, which is not sorted in; and in part ?5 of what is. One that has another name
     * is done with under its old one (step 6). */
    [SQL_EVIDENCE_RUN] =
        SCHEMA_LIKE " FROM entry e INDEXED BY entry_like JOIN ledger l ON " SCHEMA_LIKE_LEDGER
                    " WHERE e.n >> 13 = ?5 AND e.scope = ?1 AND e.raw_size = ?2"
                    "  AND e.raw_place <> 0 AND e.uid <> 0 AND e.created_s >= ?3 AND l.step = 6"
                    " ORDER BY e.n DESC LIMIT ?4",
    [SQL_EVIDENCE_SORTED] = SCHEMA_LIKE " FROM known_like k CROSS JOIN entry e ON e.n = k.n"
                                        "  CROSS JOIN ledger l ON " SCHEMA_LIKE_LEDGER
                                        " WHERE k.part = ?5 AND k.scope = ?1 AND k.raw_size = ?2"
                                        "  AND k.created_s >= ?3 AND l.step = 6"
                                        " ORDER BY k.created_s DESC, k.n DESC LIMIT ?4",
    [SQL_SORTED] = "SELECT value FROM meta WHERE key = 'sorted'",
    [SQL_LIKE_RUN_SIZE] = SCHEMA_LIKE_RUN " LIMIT ?9",
    [SQL_LIKE_RUN_MESSAGE_ID] = SCHEMA_LIKE_RUN " AND e.message_id IS nullif(?7, 0) LIMIT ?9",
    [SQL_LIKE_RUN_SHA256] = SCHEMA_LIKE_RUN
    " AND e.message_id IS nullif(?7, 0) AND substr(e.raw_sha256, 1, 8) = substr(?8, 1, 8)"
    " AND e.created_s >= ?3 AND e.raw_sha256 = ?8 ORDER BY e.n LIMIT ?9",
    [SQL_LIKE_SORTED_SIZE] = SCHEMA_LIKE_SORTED " LIMIT ?9",
    [SQL_LIKE_SORTED_MESSAGE_ID] = SCHEMA_LIKE_SORTED " AND k.message_id = ?7 LIMIT ?9",
    [SQL_LIKE_SORTED_SHA256] =
        SCHEMA_LIKE_SORTED " AND k.message_id = ?7 AND k.digest = substr(?8, 1, 8)"
                           " AND k.created_s >= ?3 AND e.raw_sha256 = ?8"
                           " ORDER BY k.created_s, k.n LIMIT ?9",
    /* Sort in what lies before ?1, the first of a run. It changes many pages, of which OR IGNORE
     * keeps no copies: what is there already is left as it is, another failure ends the batch. */
    [SQL_SORT_LIKES] =
        "INSERT OR IGNORE INTO known_like SELECT n >> 18, scope, raw_size,"
        "  coalesce(message_id, 0), substr(raw_sha256, 1, 8), created_s, n FROM entry NOT INDEXED"
        " WHERE n > (SELECT value FROM meta WHERE key = 'sorted') AND n < ?1"
        "  AND raw_place <> 0 AND uid <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7",
    [SQL_SORT_DONE] = "UPDATE meta SET value = ?1 - 1 WHERE key = 'sorted'",
    [SQL_MAILBOX_GET] =
        "SELECT m.uidvalidity, (SELECT max(uid) FROM ledger l WHERE l.scope = m.scope"
        "  AND l.uidvalidity = m.uidvalidity), m.held, m.held_s, m.changed_1_s, m.changed_2_s,"
        "  m.changed_3_s, m.adopted, m.why FROM mailbox m WHERE m.scope = ?1",
    [SQL_MAILBOX_PUT] =
        "INSERT INTO mailbox (scope, uidvalidity, held, held_s, changed_1_s, changed_2_s,"
        "  changed_3_s, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET"
        "  uidvalidity = ?2, held = ?3, held_s = ?4, changed_1_s = ?5, changed_2_s = ?6,"
        "  changed_3_s = ?7, why = ?8",
    [SQL_MAILBOX_ADOPTED] = "INSERT INTO mailbox (scope, adopted) VALUES (?1, ?2)"
                            " ON CONFLICT DO UPDATE SET adopted = adopted + ?2",
    /* The row goes on under the name ?4, ?5, unless another entry has that now. */
    [SQL_ADOPT_ROW] =
        "INSERT INTO ledger (scope, uidvalidity, uid, key, step, attempts, fate,"
        "  target_uidvalidity, target_uid, target, entry, named_uidvalidity, named_uid)"
        " SELECT scope, ?4, ?5, key, step, 0, fate, target_uidvalidity, target_uid, target, entry,"
        "  iif(named_uid <> 0, named_uidvalidity, uidvalidity), iif(named_uid <> 0, named_uid, uid)"
        " FROM ledger WHERE scope = ?1 AND uidvalidity = ?2 AND uid = ?3 AND key = ''"
        "  AND renamed = 0 AND step BETWEEN 2 AND 6"
        " ON CONFLICT DO UPDATE SET step = excluded.step, attempts = 0, fate = excluded.fate,"
        "  target_uidvalidity = excluded.target_uidvalidity, target_uid = excluded.target_uid,"
        "  target = excluded.target, entry = excluded.entry,"
        "  named_uidvalidity = excluded.named_uidvalidity, named_uid = excluded.named_uid,"
        "  renamed = 0 WHERE ledger.entry IS NULL OR ledger.entry = excluded.entry"
        "  OR ledger.renamed = 1",
    [SQL_ADOPT_NAME] = "UPDATE ledger SET renamed = 1, step = 6"
                       " WHERE scope = ?1 AND uidvalidity = ?2 AND uid = ?3 AND key = ''",
    [SQL_ADOPT_DONE] = "SELECT renamed FROM ledger"
                       " WHERE scope = ?1 AND uidvalidity = ?2 AND uid = ?3 AND key = ''",
    [SQL_ENTRY_ADD] =
        "INSERT INTO entry (id, class, queue, source, state, created_s, scope, uidvalidity, uid,"
        "  key, error, sender, subject, date_received, raw_place, raw_size, raw_sha256, message_id,"
        "  n) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
        "  nullif(?18, 0), ?19)",
    [SQL_BODY_ADD] = "INSERT INTO body VALUES (?1, ?2, ?3)",
    [SQL_PIECE_ADD] = "INSERT INTO piece VALUES (?1, ?2, ?3)",
    [SQL_ENTRY_LAST] = "SELECT max(n) FROM entry",
    [SQL_ENTRY_BY_ID] = "SELECT n FROM entry WHERE n >> 13 = ?1 AND id BETWEEN ?2 AND ?3 LIMIT 2",
    [SQL_ENTRY_GET] =
        "SELECT e.id, c.text, q.name, s.text, e.state, e.attempts, e.fence, e.created_s, e.due_s,"
        "  e.lease_until_s, o.loader, o.account, o.mailbox, e.uidvalidity, e.uid, e.key, e.error,"
        "  e.sender, e.subject, e.date_received, e.raw_place, e.raw_size, e.raw_sha256"
        " FROM entry e JOIN word c ON c.id = e.class JOIN work_queue q ON q.id = e.queue"
        "  JOIN word s ON s.id = e.source JOIN scope o ON o.id = e.scope WHERE e.n = ?1",
    [SQL_CONTENT_GET] = "SELECT content FROM body WHERE n = ?1",
    [SQL_PIECE_EACH] = "SELECT at, bytes FROM piece WHERE n = ?1 ORDER BY at",
    [SQL_RAW_GET] = "SELECT e.raw_place, e.raw_size, b.raw FROM entry e JOIN body b ON b.n = e.n"
                    " WHERE e.n = ?1",
    [SQL_ENTRY_CHANGE] =
        "UPDATE entry SET state = ?2, fence = ?3, attempts = ?4, lease_until_s = ?5, error = ?6,"
        "  due_s = ?9, queue = iif(?10 = 0, queue, ?10)"
        " WHERE n = ?1 AND state = ?7 AND fence = ?8",
    /* Those that were never put off, and those that were. */
    [SQL_DUE_NEW] = "SELECT n FROM entry INDEXED BY entry_due WHERE queue = ?1 AND state = 0"
                    " AND due_s = 0 ORDER BY n LIMIT 1",
    [SQL_DUE_LATER] = "SELECT n FROM entry INDEXED BY entry_due WHERE queue = ?1 AND state = 0"
                      " AND due_s > 0 AND due_s <= ?2 ORDER BY due_s, n LIMIT 1",
    [SQL_DUE_TAKEN] = "SELECT n FROM entry WHERE queue = ?1 AND state = 1 AND lease_until_s <= ?2"
                      " ORDER BY lease_until_s, n LIMIT 1",
    [SQL_NEXT_ANY_UP] = "SELECT n FROM entry WHERE n > ?1 ORDER BY n LIMIT 1",
    [SQL_NEXT_ANY_DOWN] = "SELECT n FROM entry WHERE n < ?1 ORDER BY n DESC LIMIT 1",
    [SQL_NEXT_QUEUE_UP] = "SELECT n FROM entry WHERE n > ?1 AND queue = ?2 AND state = ?3"
                          " ORDER BY n LIMIT 1",
    [SQL_NEXT_QUEUE_DOWN] = "SELECT n FROM entry WHERE n < ?1 AND queue = ?2 AND state = ?3"
                            " ORDER BY n DESC LIMIT 1",
    [SQL_NEXT_SOURCE_UP] = "SELECT n FROM entry WHERE n > ?1 AND source = ?2 AND state = ?3"
                           " ORDER BY n LIMIT 1",
    [SQL_NEXT_SOURCE_DOWN] = "SELECT n FROM entry WHERE n < ?1 AND source = ?2 AND state = ?3"
                             " ORDER BY n DESC LIMIT 1",
    [SQL_COUNT_TALLY] =
        "INSERT INTO tally SELECT queue, state, count(*), sum(iif(raw_place = 0, 0, raw_size))"
        " FROM " SCHEMA_NEW_ENTRY " GROUP BY queue, state ON CONFLICT DO UPDATE SET"
        "  entries = entries + excluded.entries, raw_bytes = raw_bytes + excluded.raw_bytes",
    [SQL_COUNT_SOURCE] = "INSERT INTO source_tally SELECT source, sum(state <> 4), sum(state = 4)"
                         " FROM " SCHEMA_NEW_ENTRY " GROUP BY source ON CONFLICT DO UPDATE SET"
                         "  queued = queued + excluded.queued, bad = bad + excluded.bad",
    [SQL_COUNT_DAY] =
        "INSERT INTO source_day SELECT source, created_s / 86400, count(*), sum(state = 4),"
        "  sum(iif(raw_place = 0, 0, raw_size))"
        " FROM " SCHEMA_NEW_ENTRY " GROUP BY source, created_s / 86400 ON CONFLICT DO UPDATE SET"
        "  entries = entries + excluded.entries, bad = bad + excluded.bad,"
        "  raw_bytes = raw_bytes + excluded.raw_bytes",
    [SQL_COUNT_SKIPPED] =
        "UPDATE policy SET skipped = skipped + (SELECT count(*) FROM " SCHEMA_NEW_ENTRY
        "   AND state = 2 AND entry.queue = policy.queue)"
        " WHERE queue IN (SELECT queue FROM " SCHEMA_NEW_ENTRY " AND state = 2)",
    /* What was put as done is told to nobody. */
    [SQL_COUNT_HOOKED] =
        "INSERT INTO delivery (hook, entry, moved, due_s) SELECT h.id, e.n, 0, e.created_s"
        " FROM (SELECT n, queue, created_s FROM " SCHEMA_NEW_ENTRY " AND state <> 2) e"
        "  CROSS JOIN hook h ON h.queue = e.queue ORDER BY e.n, h.kind",
    [SQL_COUNTED] = "UPDATE meta SET value = (SELECT max(n) FROM entry) WHERE key = 'counted'",
    [SQL_TALLY] = "SELECT state, entries, raw_bytes FROM tally WHERE queue = ?1",
    [SQL_MEND] = "UPDATE meta SET value = value + 1 WHERE key = 'mended'",
    [SQL_SOURCE_EACH] = SCHEMA_SOURCE " WHERE s.name > ?1 ORDER BY s.name",
    [SQL_SOURCE_BY_ID] = SCHEMA_SOURCE " WHERE s.id = ?1",
    [SQL_SOURCE_BY_NAME] = SCHEMA_SOURCE " WHERE s.name = ?1",
    [SQL_SOURCE_DAYS] = "SELECT d.day, d.entries, d.bad, d.raw_bytes FROM word w"
                        " JOIN source_day d ON d.source = w.id"
                        " WHERE w.text = ?1 AND d.day >= ?2 ORDER BY d.day",
    [SQL_SOURCE_EPOCH] = "SELECT value FROM meta WHERE key = 'source_epoch'",
    [SQL_SOURCE_ADD] = "INSERT INTO source VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                       " ?12, ?14, ?13) ON CONFLICT DO NOTHING",
    [SQL_SOURCE_CHANGE] =
        "UPDATE source SET version = ?2 + 1, loader = ?4, connection = ?5, user = ?6, queue = ?7,"
        "  secret_kind = ?8, secret = ?9, interval_s = ?10, paused = ?11, syncs = ?12,"
        "  guarded = ?13 WHERE id = ?1 AND version = ?2 AND name = ?3",
    [SQL_SOURCE_REMOVE] = "DELETE FROM source WHERE id = ?1",
    [SQL_SOURCE_TELL] =
        "INSERT INTO source_report SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
        "  ?14, ?15 FROM source WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET status = ?2, detail = ?3, status_message = ?4,"
        "  last_message = ?5, cursor = ?6, status_since_s = ?7, last_contact_s = ?8,"
        "  last_success_s = ?9, next_try_s = ?10, import_started_s = ?11, import_ended_s = ?12,"
        "  left_over = ?13, failures = ?14, rate_milli = ?15",
    [SQL_NAMED_GET] =
        "SELECT q.name, p.retry, p.retries, p.retry_s, p.base_milli, x.name, p.throttle_items, "
        "p.throttle_s,"
        "  p.start_s, p.open_s, p.taken,"
        "  EXISTS (SELECT 1 FROM policy e WHERE e.error_queue = q.id), p.condition, p.skipped"
        " FROM work_queue q LEFT JOIN policy p ON p.queue = q.id"
        "  LEFT JOIN work_queue x ON x.id = p.error_queue"
        " WHERE q.name = ?1",
    [SQL_NAMED_EACH] =
        "SELECT q.name, p.retry, p.retries, p.retry_s, p.base_milli, x.name, p.throttle_items, "
        "p.throttle_s,"
        "  p.start_s, p.open_s, p.taken,"
        "  EXISTS (SELECT 1 FROM policy e WHERE e.error_queue = q.id), p.condition, p.skipped"
        " FROM work_queue q LEFT JOIN policy p ON p.queue = q.id"
        "  LEFT JOIN work_queue x ON x.id = p.error_queue"
        " WHERE q.name > ?1 ORDER BY q.name",
    [SQL_NAMED_SET] =
        "INSERT INTO policy (queue, retry, retries, retry_s, base_milli, error_queue,"
        "  throttle_items, throttle_s, condition)"
        " VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, 0), ?7, ?8, nullif(?9, ''))"
        " ON CONFLICT DO UPDATE SET retry = ?2, retries = ?3, retry_s = ?4, base_milli = ?5,"
        "  error_queue = nullif(?6, 0), throttle_items = ?7, throttle_s = ?8,"
        "  condition = nullif(?9, ''),"
        "  start_s = 0, open_s = 0, taken = 0",
    /* The window of the queue that entry ?1 is in, if it is still as it was. */
    [SQL_NAMED_COUNT] = "UPDATE policy SET start_s = ?2, open_s = ?3, taken = ?4"
                        " WHERE queue = (SELECT queue FROM entry WHERE n = ?1)"
                        "  AND start_s = ?5 AND open_s = ?6 AND taken = ?7",
    [SQL_HOOK_EACH] =
        "SELECT h.id, q.name, h.kind, h.target, h.secret, h.pending, h.failed, h.delivered,"
        "  (SELECT due_s FROM delivery d WHERE d.hook = h.id AND d.failed = 0"
        "   ORDER BY d.due_s LIMIT 1), h.error, h.error_s"
        " FROM hook h JOIN work_queue q ON q.id = h.queue WHERE h.id > ?1 ORDER BY h.id",
    [SQL_HOOK_SET] = "INSERT INTO hook (queue, kind, target, secret) VALUES (?1, ?2, ?3, ?4)"
                     " ON CONFLICT (queue, kind) DO UPDATE SET target = ?3, secret = ?4",
    [SQL_HOOK_REMOVE] = "DELETE FROM hook WHERE queue = ?1 AND kind = ?2",
    [SQL_HOOK_ARRIVED] = "UPDATE hook SET delivered = delivered + 1, error = NULL WHERE id = ?1",
    [SQL_HOOK_FAILED] = "UPDATE hook SET error = ?2, error_s = ?3 WHERE id = ?1",
    /* Behind place ?2, ?3 of those that are due at ?4. */
    [SQL_DELIVERY_NEXT] =
        "SELECT id, entry, moved, tries, due_s FROM delivery WHERE hook = ?1 AND failed = 0"
        "  AND (due_s, id) > (?2, ?3) AND due_s <= ?4 ORDER BY due_s, id LIMIT 1",
    [SQL_DELIVERY_REMOVE] = "DELETE FROM delivery WHERE id = ?1",
    [SQL_DELIVERY_LATER] =
        "UPDATE delivery SET tries = tries + 1, due_s = ?2, failed = ?3 WHERE id = ?1",
    [SQL_DELIVERY_AGAIN] =
        "UPDATE delivery SET failed = 0, tries = 0, due_s = 0 WHERE failed = 1 AND hook ="
        "  (SELECT h.id FROM hook h JOIN work_queue q ON q.id = h.queue"
        "   WHERE q.name = ?1 AND h.kind = ?2)",
    [SQL_APPEND_OPEN] =
        "SELECT e.n, e.id, coalesce(a.step, 0), coalesce(a.attempts, 0) FROM entry e"
        " LEFT JOIN append a ON a.target = ?1 AND a.entry = e.n"
        " WHERE e.n > ?2 AND coalesce(a.step, 0) < 3 ORDER BY e.n LIMIT ?3",
    /* Step 2 is QUEUE_APPEND_REFUSED: it counts. Step 3, DONE, stays. */
    [SQL_APPEND_NOTE] =
        "INSERT INTO append (target, entry, step, attempts) VALUES (?1, ?2, ?3, ?3 = 2)"
        " ON CONFLICT DO UPDATE SET step = iif(step = 3, 3, ?3),"
        "  attempts = min(attempts + (?3 = 2), 4294967295)",
    [SQL_APPEND_HAS] = "SELECT 1 FROM append WHERE target = ?1 LIMIT 1",
    [SQL_APPEND_ADOPT] = "INSERT INTO append (target, entry, step, attempts)"
                         " SELECT ?2, entry, step, attempts FROM append WHERE target = ?1"
                         " ON CONFLICT DO UPDATE SET step = max(step, excluded.step),"
                         "  attempts = max(attempts, excluded.attempts)",
    [SQL_APPEND_FORGET] = "DELETE FROM append WHERE target = ?1",
    [SQL_USER_ADD] = "INSERT INTO user VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    [SQL_USER_CHANGE] = "UPDATE user SET password = ?2, role = ?3 WHERE id = ?1",
    [SQL_USER_REMOVE] = "DELETE FROM user WHERE id = ?1",
    [SQL_USER_BY_ID] = SCHEMA_USER " WHERE id = ?1",
    [SQL_USER_BY_NAME] = SCHEMA_USER " WHERE name = ?1",
    [SQL_USER_EACH] = SCHEMA_USER " WHERE name > ?1 ORDER BY name",
    /* Nobody's, or of a user who is there and has less than ?9 of the kind. */
    [SQL_TOKEN_ADD] = "INSERT INTO token (id, kind, role, digest, user, name, created_s, ends_s)"
                      " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?5 IS NULL OR"
                      "  (EXISTS (SELECT 1 FROM user WHERE id = ?5) AND"
                      "   (SELECT count(*) FROM token WHERE user = ?5 AND kind = ?2) < ?9)",
    [SQL_TOKEN_SWEEP] = "DELETE FROM token WHERE ends_s <= ?1",
    [SQL_TOKEN_END] = "DELETE FROM token WHERE user = ?1 AND kind <> ?2",
    [SQL_TOKEN_GET] = SCHEMA_TOKEN " WHERE digest = ?1 AND ends_s > ?2",
    [SQL_TOKEN_USED] = "UPDATE token SET used_s = max(used_s, ?2) WHERE id = ?1",
    [SQL_TOKEN_REMOVE] = "DELETE FROM token WHERE id = ?1",
    [SQL_TOKEN_OF_USER] = SCHEMA_TOKEN " INDEXED BY token_kind WHERE kind = ?1 AND ends_s > ?2"
                                       " AND user = ?3 ORDER BY created_s, id",
    [SQL_TOKEN_OF_KIND] = SCHEMA_TOKEN " INDEXED BY token_kind WHERE kind = ?1 AND ends_s > ?2"
                                       " ORDER BY created_s, id",
    [SQL_AUDIT_ADD] = "INSERT INTO audit (time_s, who, origin, what, object, result)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_AUDIT_DROP] = "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?1",
    [SQL_AUDIT_PAGE] = "SELECT number, time_s, who, origin, what, object, result FROM audit"
                       " WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
};

const char *queue_sqlite_sql_text(enum queue_sqlite_sql which)
{
    return schema_sql[which];
}

static int schema_number(struct queue_sqlite_db *db, const char *sql, int64_t *out_number,
                         struct error *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return queue_sqlite_db_fail(db, "reading its schema", err);
    int got = queue_sqlite_number(db, statement, "reading its schema", out_number, err);
    (void)sqlite3_finalize(statement);
    return got < 0 ? -1 : 0;
}

int queue_sqlite_schema_check(struct queue_sqlite_db *db, int64_t *out_version, struct error *err)
{
    int64_t application = 0, tables = 0, version = 0;
    if (schema_number(db, "PRAGMA application_id", &application, err) < 0 ||
        schema_number(db, "PRAGMA user_version", &version, err) < 0 ||
        schema_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
        return -1;
    if (application != QUEUE_SQLITE_APPLICATION && (tables != 0 || version != 0))
        return error_set(
            err, ERROR_CONFIG,
            "'%s' is a database of another program; give the queue a folder of its own", db->path);
    if (version > QUEUE_SQLITE_SCHEMA || version < 0)
        return error_set(
            err, ERROR_CONFIG,
            "queue '%s' has schema %lld, this mailchute knows schemas up to %d; use the "
            "newer mailchute that made it",
            db->path, (long long)version, QUEUE_SQLITE_SCHEMA);
    *out_version = version;
    return 0;
}

static int schema_run(struct queue_sqlite_db *db, const char *sql, struct error *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : queue_sqlite_db_fail(db, "bringing its schema up to date", err);
}

static int schema_climb(struct queue_sqlite_db *db, struct error *err)
{
    int64_t version;
    if (queue_sqlite_schema_check(db, &version, err) < 0)
        return -1;
    for (; version < QUEUE_SQLITE_SCHEMA; version++)
        if (schema_run(db, schema_steps[version], err) < 0)
            return -1;
    char sql[96];
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   QUEUE_SQLITE_APPLICATION, QUEUE_SQLITE_SCHEMA);
    return schema_run(db, sql, err);
}

int queue_sqlite_migrate(struct queue_sqlite_db *db, struct error *err)
{
    int64_t version;
    if (queue_sqlite_schema_check(db, &version, err) < 0)
        return -1;
    if (version == QUEUE_SQLITE_SCHEMA)
        return 0;
    /* Looked at again inside: another process may have been faster. */
    fault_point("schema");
    if (schema_run(db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    int climbed = schema_climb(db, err);
    fault_point("schema before commit");
    if (climbed == 0 && schema_run(db, "COMMIT", err) == 0)
        return 0;
    (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}
