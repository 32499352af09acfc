-- Users, sessions, hosts, channels, tasks and the scheduler's records.
-- Moments are epoch seconds. BOOLEAN and JSON columns are converted on reading (database.py).
-- Versioned tables carry create_event, revoke_event, creator_id, revoker_id and active (1 or NULL).

CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    password TEXT,
    status INTEGER NOT NULL DEFAULT 0,
    usertype INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS user_krb_principals (
    user_id INTEGER NOT NULL REFERENCES users (id),
    krb_principal TEXT NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS permissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT
);

CREATE TABLE IF NOT EXISTS user_perms (
    user_id INTEGER NOT NULL REFERENCES users (id),
    perm_id INTEGER NOT NULL REFERENCES permissions (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active BOOLEAN,
    UNIQUE (user_id, perm_id, active)
);

CREATE TABLE IF NOT EXISTS user_groups (
    user_id INTEGER NOT NULL REFERENCES users (id),
    group_id INTEGER NOT NULL REFERENCES users (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active BOOLEAN,
    UNIQUE (user_id, group_id, active)
);

CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    master INTEGER REFERENCES sessions (id),
    key TEXT NOT NULL,
    authtype INTEGER NOT NULL,
    hostip TEXT NOT NULL,
    callnum INTEGER,
    start_ts REAL NOT NULL,
    update_ts REAL NOT NULL,
    renew_ts REAL,
    expired BOOLEAN NOT NULL DEFAULT 0,
    closed BOOLEAN NOT NULL DEFAULT 0,
    exclusive BOOLEAN,
    UNIQUE (user_id, exclusive)
);

CREATE TABLE IF NOT EXISTS channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    enabled BOOLEAN NOT NULL DEFAULT 1,
    comment TEXT
);

CREATE TABLE IF NOT EXISTS host (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL UNIQUE,
    update_ts REAL,
    task_load REAL NOT NULL DEFAULT 0,
    ready BOOLEAN NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS host_config (
    host_id INTEGER NOT NULL REFERENCES host (id),
    arches TEXT,
    capacity REAL NOT NULL DEFAULT 2.0,
    description TEXT,
    comment TEXT,
    enabled BOOLEAN NOT NULL DEFAULT 1,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active BOOLEAN,
    UNIQUE (host_id, active)
);

CREATE TABLE IF NOT EXISTS host_channels (
    host_id INTEGER NOT NULL REFERENCES host (id),
    channel_id INTEGER NOT NULL REFERENCES channels (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active BOOLEAN,
    UNIQUE (host_id, channel_id, active)
);

CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state INTEGER NOT NULL DEFAULT 0,
    create_ts REAL NOT NULL,
    start_ts REAL,
    completion_ts REAL,
    channel_id INTEGER NOT NULL REFERENCES channels (id),
    host_id INTEGER REFERENCES host (id),
    parent INTEGER REFERENCES task (id),
    label TEXT,
    waiting BOOLEAN,
    awaited BOOLEAN,
    owner INTEGER NOT NULL REFERENCES users (id),
    method TEXT NOT NULL,
    request TEXT NOT NULL,
    result TEXT,
    arch TEXT NOT NULL,
    priority INTEGER NOT NULL,
    weight REAL NOT NULL DEFAULT 1.0,
    UNIQUE (parent, label)
);
CREATE INDEX IF NOT EXISTS task_by_state ON task (state);
CREATE INDEX IF NOT EXISTS task_by_host ON task (host_id, state);

CREATE TABLE IF NOT EXISTS scheduler_task_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES task (id),
    host_id INTEGER NOT NULL REFERENCES host (id),
    create_ts REAL NOT NULL,
    active BOOLEAN NOT NULL DEFAULT 1
);

CREATE TABLE IF NOT EXISTS scheduler_task_refusals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES task (id),
    host_id INTEGER NOT NULL REFERENCES host (id),
    by_host BOOLEAN NOT NULL,
    soft BOOLEAN NOT NULL,
    msg TEXT,
    ts REAL NOT NULL,
    UNIQUE (task_id, host_id)
);

CREATE TABLE IF NOT EXISTS scheduler_host_data (
    host_id INTEGER PRIMARY KEY REFERENCES host (id),
    data JSON
);

CREATE TABLE IF NOT EXISTS scheduler_sys_data (
    name TEXT PRIMARY KEY,
    data JSON
);

CREATE TABLE IF NOT EXISTS scheduler_log_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER REFERENCES task (id),
    host_id INTEGER REFERENCES host (id),
    msg_ts REAL NOT NULL,
    msg TEXT NOT NULL
);

INSERT OR IGNORE INTO channels (id, name) VALUES
    (1, 'default'), (2, 'createrepo'), (3, 'maven'), (4, 'livecd'),
    (5, 'appliance'), (6, 'vm'), (7, 'image'), (8, 'livemedia');

INSERT OR IGNORE INTO permissions (id, name, description) VALUES
    (1, 'admin', 'Everything.'),
    (2, 'appliance', 'Appliance builds (no longer used).'),
    (3, 'dist-repo', 'Distribution repos.'),
    (4, 'host', 'Hosts and channels.'),
    (5, 'image', 'Image tasks.'),
    (6, 'image-import', 'Import of image archives.'),
    (7, 'livecd', 'Live image tasks.'),
    (8, 'maven-import', 'Import of maven archives.'),
    (9, 'repo', 'Repos: new, expired, deleted, problem.'),
    (10, 'sign', 'RPM signatures and signed copies.'),
    (11, 'tag', 'Packages in tags.'),
    (12, 'target', 'Build targets.'),
    (13, 'win-admin', 'Windows builds.'),
    (14, 'win-import', 'Import of win archives.'),
    (15, 'draft-promoter', 'Promotion of draft builds.');
