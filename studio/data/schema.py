"""The database's tables, as numbered migrations: backed up before each, one transaction each, never edited once released."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from studio.core.errors import ProjectError

# as which class an item is counted: 0 without one, -1 with a set of them
_COUNTED = "CASE WHEN (SELECT parts FROM classes WHERE id = {0}) IS NULL THEN coalesce({0}, 0) ELSE -1 END"

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE classes (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, phrase TEXT NOT NULL, position INTEGER NOT NULL
    );

    CREATE TABLE items (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        content TEXT NOT NULL,
        split TEXT NOT NULL CHECK (split IN ('train', 'val', 'test')),
        name TEXT NOT NULL,
        mix INTEGER NOT NULL,
        class INTEGER REFERENCES classes(id),
        skipped INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX items_class ON items(class);
    CREATE INDEX items_split ON items(split);
    CREATE INDEX items_mix ON items(mix);

    CREATE TABLE label_events (
        id INTEGER PRIMARY KEY,
        item INTEGER NOT NULL REFERENCES items(id),
        kind TEXT NOT NULL CHECK (kind IN ('import', 'label', 'skip', 'caption', 'undo')),
        author TEXT NOT NULL,
        at REAL NOT NULL,
        undoes INTEGER UNIQUE REFERENCES label_events(id),
        class_before INTEGER, class_after INTEGER,
        skipped_before INTEGER NOT NULL, skipped_after INTEGER NOT NULL,
        text_before TEXT, text_after TEXT
    );
    CREATE INDEX label_events_item ON label_events(item);
    CREATE INDEX label_events_author ON label_events(author);
    CREATE TRIGGER label_events_keep BEFORE UPDATE ON label_events
        BEGIN SELECT RAISE(ABORT, 'label events are never changed'); END;
    CREATE TRIGGER label_events_stay BEFORE DELETE ON label_events
        BEGIN SELECT RAISE(ABORT, 'label events are never deleted'); END;

    CREATE TABLE counters (
        split TEXT NOT NULL, class INTEGER NOT NULL, skipped INTEGER NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (split, class, skipped)
    ) WITHOUT ROWID;
    CREATE TRIGGER items_counted AFTER INSERT ON items BEGIN
        INSERT INTO counters VALUES (new.split, coalesce(new.class, 0), new.skipped, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER items_recounted AFTER UPDATE OF split, class, skipped ON items BEGIN
        UPDATE counters SET n = n - 1 WHERE split = old.split AND class = coalesce(old.class, 0) AND skipped = old.skipped;
        INSERT INTO counters VALUES (new.split, coalesce(new.class, 0), new.skipped, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER items_uncounted AFTER DELETE ON items BEGIN
        UPDATE counters SET n = n - 1 WHERE split = old.split AND class = coalesce(old.class, 0) AND skipped = old.skipped;
    END;
    """,
    # `items` is what people see: an import writes into `item_rows`, and is seen and counted once it is finished
    """
    CREATE TABLE imports (id INTEGER PRIMARY KEY, first_item INTEGER NOT NULL, finished REAL);
    CREATE INDEX imports_unfinished ON imports(first_item) WHERE finished IS NULL;
    CREATE TABLE waiting_labels (item INTEGER PRIMARY KEY, class INTEGER NOT NULL);
    ALTER TABLE classes ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;

    DROP TRIGGER items_counted;
    DROP TRIGGER items_uncounted;
    ALTER TABLE items RENAME TO item_rows;
    CREATE VIEW items AS SELECT id, key, content, split, name, mix, class, skipped FROM item_rows
        WHERE id < (SELECT coalesce(min(first_item), 9223372036854775807) FROM imports WHERE finished IS NULL);

    DROP TRIGGER label_events_stay;
    CREATE TRIGGER label_events_stay BEFORE DELETE ON label_events WHEN EXISTS (SELECT 1 FROM items WHERE id = old.item)
        BEGIN SELECT RAISE(ABORT, 'label events are never deleted'); END;
    """,
    # an act may be of many items, and what was taken back may be done again
    """
    ALTER TABLE label_events ADD COLUMN act INTEGER;
    ALTER TABLE label_events ADD COLUMN redo INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX label_events_act ON label_events(act) WHERE act IS NOT NULL;
    """,
    # several people: what each of them said, also where it is not what the item has; notes, guidelines, "none of these"
    """
    ALTER TABLE classes ADD COLUMN guideline TEXT NOT NULL DEFAULT '';
    ALTER TABLE item_rows ADD COLUMN note TEXT NOT NULL DEFAULT '';
    DROP TRIGGER label_events_keep;
    DROP TRIGGER label_events_stay;
    DROP VIEW items;
    CREATE VIEW items AS SELECT id, key, content, split, name, mix, class, skipped, note FROM item_rows
        WHERE id < (SELECT coalesce(min(first_item), 9223372036854775807) FROM imports WHERE finished IS NULL);

    -- each holds a part of a list in the order in which pages ask for it (`query.parts`): a page reads what it shows and no more
    DROP INDEX items_class;
    DROP INDEX items_split;
    DROP INDEX items_mix;
    CREATE INDEX items_class ON item_rows(class, split) WHERE class IS NOT NULL;
    CREATE INDEX items_labelled ON item_rows(split) WHERE class IS NOT NULL;
    CREATE INDEX items_labelled_mixed ON item_rows(split, mix) WHERE class IS NOT NULL;
    CREATE INDEX items_left ON item_rows(skipped, split) WHERE class IS NULL;
    CREATE INDEX items_left_mixed ON item_rows(skipped, split, mix) WHERE class IS NULL;
    CREATE INDEX items_noted ON item_rows(id) WHERE note <> '';

    CREATE TABLE label_events_now (
        id INTEGER PRIMARY KEY,
        item INTEGER NOT NULL REFERENCES item_rows(id),
        kind TEXT NOT NULL CHECK (kind IN ('import', 'label', 'none', 'skip', 'caption', 'note', 'undo')),
        aspect TEXT NOT NULL DEFAULT 'label' CHECK (aspect IN ('label', 'caption', 'note')),
        author TEXT NOT NULL,
        at REAL NOT NULL,
        undoes INTEGER UNIQUE REFERENCES label_events_now(id),
        class_before INTEGER, class_after INTEGER,
        skipped_before INTEGER NOT NULL, skipped_after INTEGER NOT NULL,
        text_before TEXT, text_after TEXT,
        act INTEGER, redo INTEGER NOT NULL DEFAULT 0,
        said INTEGER,
        stance TEXT NOT NULL DEFAULT 'stands' CHECK (stance IN ('stands', 'aside', 'over'))
    );
    INSERT INTO label_events_now (id, item, kind, aspect, author, at, undoes, class_before, class_after, skipped_before,
        skipped_after, text_before, text_after, act, redo, said)
        SELECT id, item, kind, CASE WHEN text_after IS NULL THEN 'label' ELSE 'caption' END, author, at, undoes, class_before,
            class_after, skipped_before, skipped_after, text_before, text_after, act, redo,
            CASE WHEN text_after IS NULL AND (kind = 'label' OR redo) THEN class_after END
        FROM label_events ORDER BY id;
    DROP TABLE label_events;
    ALTER TABLE label_events_now RENAME TO label_events;
    CREATE INDEX label_events_item ON label_events(item);
    CREATE INDEX label_events_done ON label_events(author) WHERE kind <> 'undo';
    CREATE INDEX label_events_undone ON label_events(author, redo) WHERE kind = 'undo';
    CREATE INDEX label_events_act ON label_events(act) WHERE act IS NOT NULL;
    CREATE TRIGGER label_events_keep BEFORE UPDATE ON label_events
        BEGIN SELECT RAISE(ABORT, 'label events are never changed'); END;
    CREATE TRIGGER label_events_stay BEFORE DELETE ON label_events WHEN EXISTS (SELECT 1 FROM items WHERE id = old.item)
        BEGIN SELECT RAISE(ABORT, 'label events are never deleted'); END;

    CREATE TABLE opinions (
        item INTEGER NOT NULL REFERENCES item_rows(id),
        author TEXT NOT NULL,
        class INTEGER,
        event INTEGER NOT NULL,
        independent INTEGER NOT NULL,
        alone INTEGER,
        PRIMARY KEY (item, author)
    ) WITHOUT ROWID;
    -- only who came first to an item had surely not seen what another had said of it
    INSERT INTO opinions
        SELECT e.item, e.author, e.said, e.id, n.first, CASE WHEN n.first THEN e.said END FROM label_events e JOIN (
            SELECT item, author, max(id) AS newest, min(id) = min(min(id)) OVER (PARTITION BY item) AS first FROM label_events s
            WHERE aspect = 'label' AND author NOT IN ('import', 'sample')
                AND (kind = 'label' OR redo OR kind = 'skip' AND class_before IS NOT NULL AND class_after IS NULL)
                AND NOT EXISTS (SELECT 1 FROM label_events u WHERE u.undoes = s.id)
            GROUP BY item, author
        ) n ON e.id = n.newest WHERE e.said IS NOT NULL;
    CREATE TABLE people (author TEXT PRIMARY KEY, opinions INTEGER NOT NULL, latest REAL NOT NULL) WITHOUT ROWID;
    INSERT INTO people SELECT o.author, count(*), max(e.at) FROM opinions o JOIN label_events e ON e.id = o.event GROUP BY 1;
    CREATE TABLE disputes (item INTEGER PRIMARY KEY REFERENCES item_rows(id));
    """,
    # an item may be of several classes: the set of them is a row of `classes` too, so that its label stays one number
    f"""
    -- of a set: its classes' ids in order, as in '3,17'; of a class NULL
    ALTER TABLE classes ADD COLUMN parts TEXT;
    CREATE UNIQUE INDEX classes_sets ON classes(parts) WHERE parts IS NOT NULL;
    CREATE INDEX classes_listed ON classes(position, id) WHERE parts IS NULL;
    CREATE TABLE sets (
        id INTEGER NOT NULL REFERENCES classes(id), class INTEGER NOT NULL REFERENCES classes(id), PRIMARY KEY (id, class)
    ) WITHOUT ROWID;
    CREATE INDEX sets_class ON sets(class);

    -- of a data set with many classes nearly every item has a set of its own: `counters` has all sets in one, as class -1
    CREATE TABLE set_counters (
        split TEXT NOT NULL, class INTEGER NOT NULL, skipped INTEGER NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (split, class, skipped)
    ) WITHOUT ROWID;
    CREATE TABLE set_items (
        class INTEGER NOT NULL, split TEXT NOT NULL, item INTEGER NOT NULL, PRIMARY KEY (class, split, item)
    ) WITHOUT ROWID;
    DROP TRIGGER items_recounted;
    CREATE TRIGGER items_recounted AFTER UPDATE OF split, class, skipped ON item_rows BEGIN
        UPDATE counters SET n = n - 1
            WHERE split = old.split AND class = {_COUNTED.format("old.class")} AND skipped = old.skipped;
        INSERT INTO counters VALUES (new.split, {_COUNTED.format("new.class")}, new.skipped, 1)
            ON CONFLICT DO UPDATE SET n = n + 1;
        UPDATE set_counters SET n = n - 1
            WHERE split = old.split AND skipped = old.skipped AND class IN (SELECT class FROM sets WHERE id = old.class);
        INSERT INTO set_counters SELECT new.split, class, new.skipped, 1 FROM sets WHERE id = new.class
            ON CONFLICT DO UPDATE SET n = n + 1;
        DELETE FROM set_items
            WHERE item = old.id AND split = old.split AND class IN (SELECT class FROM sets WHERE id = old.class);
        INSERT INTO set_items SELECT class, new.split, new.id FROM sets WHERE id = new.class;
    END;
    CREATE TRIGGER items_listed AFTER INSERT ON item_rows WHEN new.class IS NOT NULL BEGIN
        INSERT INTO set_items SELECT class, new.split, new.id FROM sets WHERE id = new.class;
    END;
    CREATE TRIGGER items_unlisted AFTER DELETE ON item_rows WHEN old.class IS NOT NULL BEGIN
        DELETE FROM set_items
            WHERE item = old.id AND split = old.split AND class IN (SELECT class FROM sets WHERE id = old.class);
    END;
    """,
    # acts by the numbers that pages give them: one that is sent again, because its answer was lost in a kill, is done once
    """
    CREATE TABLE acts (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, last INTEGER NOT NULL
    );
    """,
    # second opinions: who has spoken of each item that nobody has settled, so that no one's own million labels are walked for the
    # few that are not theirs; `draw` is what a share is compared with, in thousandths
    """
    CREATE TABLE wanting (
        item INTEGER PRIMARY KEY REFERENCES item_rows(id), people INTEGER NOT NULL, authors TEXT NOT NULL, draw INTEGER NOT NULL
    );
    INSERT INTO wanting
        SELECT o.item, count(*), json_group_array(o.author), (SELECT abs(mix) % 1000 FROM item_rows WHERE id = o.item)
        FROM opinions o GROUP BY o.item HAVING min(o.independent);
    CREATE INDEX wanting_authors ON wanting(people, authors, item, draw);
    """,
)

NEWEST = len(MIGRATIONS)


def newer(path: Path) -> str | None:
    """Why the database at `path` is only read: a newer Studio wrote it. None for a known schema, or no database."""
    if not path.is_file():
        return None
    # a connection that may write works the log into the database when it closes
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None, timeout=30)
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()
    return f"a newer Studio wrote it (schema {version}, this one knows {NEWEST})" if version > NEWEST else None


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the database at `path`, which is of a schema that this Studio knows, to the newest one. Raises ProjectError."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for number in range(version + 1, NEWEST + 1):
        if version:  # a new database has nothing to lose
            _back_up(connection, path.with_name(f"{path.name}.schema-{number - 1}.bak"))
        try:
            # executescript knows no parameters, and its own COMMIT comes first: the transaction is in the script
            connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number - 1]} PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise ProjectError(f"The project's database cannot be brought to schema {number} ({error}).") from error


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    with sqlite3.connect(target) as copy:
        connection.backup(copy)
    copy.close()
