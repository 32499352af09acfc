-- What the hub knows of content: tags and their configuration, packages, builds, rpms, repos, buildroots.
--
-- A versioned table keeps its past: a row is true from create_event until revoke_event, and `active` is 1 while
-- it is true now, NULL once it was revoked, so that a UNIQUE over (…, active) holds for the present only.

CREATE TABLE IF NOT EXISTS tag (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS tag_config (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    arches TEXT,
    perm_id INTEGER REFERENCES permissions (id),
    locked BOOLEAN NOT NULL DEFAULT 0,
    maven_support BOOLEAN NOT NULL DEFAULT 0,
    maven_include_all BOOLEAN NOT NULL DEFAULT 0,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (tag_id, active)
);

-- A NULL value blocks what the tag would inherit under that key.
CREATE TABLE IF NOT EXISTS tag_extra (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    key TEXT NOT NULL,
    value TEXT,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (tag_id, key, active)
);

CREATE TABLE IF NOT EXISTS tag_inheritance (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    parent_id INTEGER NOT NULL REFERENCES tag (id),
    priority INTEGER NOT NULL,
    maxdepth INTEGER,
    intransitive BOOLEAN NOT NULL DEFAULT 0,
    noconfig BOOLEAN NOT NULL DEFAULT 0,
    pkg_filter TEXT NOT NULL DEFAULT '',
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (tag_id, priority, active)
);

CREATE TABLE IF NOT EXISTS build_target (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS build_target_config (
    build_target_id INTEGER NOT NULL REFERENCES build_target (id),
    build_tag INTEGER NOT NULL REFERENCES tag (id),
    dest_tag INTEGER NOT NULL REFERENCES tag (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (build_target_id, active)
);

CREATE TABLE IF NOT EXISTS package (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS tag_packages (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    package_id INTEGER NOT NULL REFERENCES package (id),
    blocked BOOLEAN NOT NULL DEFAULT 0,
    extra_arches TEXT,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (package_id, tag_id, active)
);

CREATE TABLE IF NOT EXISTS tag_package_owners (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    package_id INTEGER NOT NULL REFERENCES package (id),
    owner INTEGER NOT NULL REFERENCES users (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (package_id, tag_id, active)
);

CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS group_config (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    blocked BOOLEAN NOT NULL DEFAULT 0,
    exported BOOLEAN NOT NULL DEFAULT 1,
    display_name TEXT NOT NULL,
    is_default BOOLEAN,
    uservisible BOOLEAN,
    description TEXT,
    langonly TEXT,
    biarchonly BOOLEAN,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (group_id, tag_id, active)
);

CREATE TABLE IF NOT EXISTS group_package_listing (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    package TEXT NOT NULL,
    blocked BOOLEAN NOT NULL DEFAULT 0,
    type TEXT NOT NULL,
    basearchonly BOOLEAN,
    requires TEXT,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (group_id, tag_id, package, active)
);

CREATE TABLE IF NOT EXISTS group_req_listing (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    req_id INTEGER NOT NULL REFERENCES groups (id),
    blocked BOOLEAN NOT NULL DEFAULT 0,
    type TEXT,
    is_metapkg BOOLEAN NOT NULL DEFAULT 0,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (group_id, tag_id, req_id, active)
);

-- Row 0 stands for the hub's own builds.
CREATE TABLE IF NOT EXISTS external_repo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);
INSERT OR IGNORE INTO external_repo (id, name) VALUES (0, 'INTERNAL');

CREATE TABLE IF NOT EXISTS external_repo_config (
    external_repo_id INTEGER NOT NULL REFERENCES external_repo (id),
    url TEXT NOT NULL,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (external_repo_id, active)
);

CREATE TABLE IF NOT EXISTS tag_external_repos (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    external_repo_id INTEGER NOT NULL REFERENCES external_repo (id),
    priority INTEGER NOT NULL,
    merge_mode TEXT NOT NULL DEFAULT 'koji',
    arches TEXT,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (tag_id, priority, active),
    UNIQUE (tag_id, external_repo_id, active)
);

CREATE TABLE IF NOT EXISTS volume (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);
INSERT OR IGNORE INTO volume (id, name) VALUES (0, 'DEFAULT');

CREATE TABLE IF NOT EXISTS build (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pkg_id INTEGER NOT NULL REFERENCES package (id),
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    epoch INTEGER,
    draft BOOLEAN NOT NULL DEFAULT 0,
    state INTEGER NOT NULL,
    volume_id INTEGER NOT NULL DEFAULT 0 REFERENCES volume (id),
    task_id INTEGER REFERENCES task (id),
    owner INTEGER NOT NULL REFERENCES users (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    start_ts REAL,
    completion_ts REAL,
    source TEXT,
    extra JSON,
    UNIQUE (pkg_id, version, release)
);
CREATE INDEX IF NOT EXISTS build_by_task ON build (task_id);

CREATE TABLE IF NOT EXISTS tag_listing (
    build_id INTEGER NOT NULL REFERENCES build (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (build_id, tag_id, active)
);
CREATE INDEX IF NOT EXISTS tag_listing_by_tag ON tag_listing (tag_id);

CREATE TABLE IF NOT EXISTS repo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    begin_event INTEGER REFERENCES events (id),
    end_event INTEGER REFERENCES events (id),
    creation_ts REAL NOT NULL,
    state INTEGER NOT NULL,
    state_ts REAL NOT NULL,
    dist BOOLEAN NOT NULL DEFAULT 0,
    task_id INTEGER REFERENCES task (id),
    opts JSON NOT NULL DEFAULT '{}',
    custom_opts JSON NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS repo_by_tag ON repo (tag_id, state);

CREATE TABLE IF NOT EXISTS repo_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    create_ts REAL NOT NULL,
    owner INTEGER REFERENCES users (id),
    priority INTEGER NOT NULL,
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    at_event INTEGER REFERENCES events (id),
    min_event INTEGER REFERENCES events (id),
    opts JSON NOT NULL DEFAULT '{}',
    update_ts REAL NOT NULL,
    active BOOLEAN NOT NULL DEFAULT 1,
    task_id INTEGER REFERENCES task (id),
    tries INTEGER NOT NULL DEFAULT 0,
    repo_id INTEGER REFERENCES repo (id)
);

CREATE TABLE IF NOT EXISTS buildroot (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    br_type INTEGER NOT NULL DEFAULT 0,
    container_arch TEXT,
    container_type TEXT,
    host_id INTEGER NOT NULL REFERENCES host (id),
    repo_id INTEGER NOT NULL REFERENCES repo (id),
    task_id INTEGER NOT NULL REFERENCES task (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    retire_event INTEGER REFERENCES events (id),
    state INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS buildroot_by_task ON buildroot (task_id);

CREATE TABLE IF NOT EXISTS rpminfo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    build_id INTEGER REFERENCES build (id),
    buildroot_id INTEGER REFERENCES buildroot (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    epoch INTEGER,
    arch TEXT NOT NULL,
    draft BOOLEAN,
    external_repo_id INTEGER NOT NULL DEFAULT 0 REFERENCES external_repo (id),
    payloadhash TEXT NOT NULL,
    size INTEGER NOT NULL,
    buildtime INTEGER NOT NULL,
    metadata_only BOOLEAN NOT NULL DEFAULT 0,
    extra JSON
);
-- Of drafts there may be as many of one name as there are builds.
CREATE UNIQUE INDEX IF NOT EXISTS rpminfo_by_name
    ON rpminfo (name, version, release, arch, external_repo_id) WHERE draft IS NOT 1;
CREATE INDEX IF NOT EXISTS rpminfo_by_build ON rpminfo (build_id);

CREATE TABLE IF NOT EXISTS buildroot_listing (
    buildroot_id INTEGER NOT NULL REFERENCES buildroot (id),
    rpm_id INTEGER NOT NULL REFERENCES rpminfo (id),
    is_update BOOLEAN NOT NULL DEFAULT 0,
    UNIQUE (buildroot_id, rpm_id)
);
CREATE INDEX IF NOT EXISTS buildroot_listing_by_rpm ON buildroot_listing (rpm_id);

-- The key '' stands for no signature: every rpm of ours has such a row, or one with a key.
CREATE TABLE IF NOT EXISTS rpmsigs (
    rpm_id INTEGER NOT NULL REFERENCES rpminfo (id),
    sigkey TEXT NOT NULL,
    sighash TEXT NOT NULL,
    UNIQUE (rpm_id, sigkey)
);

-- Who wants mails, about which package (NULL: any) and tag (NULL: any).
CREATE TABLE IF NOT EXISTS build_notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    package_id INTEGER REFERENCES package (id),
    tag_id INTEGER REFERENCES tag (id),
    success_only BOOLEAN NOT NULL DEFAULT 0,
    email TEXT NOT NULL
);

-- Who wants none, not even as owner.
CREATE TABLE IF NOT EXISTS build_notifications_block (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    package_id INTEGER REFERENCES package (id),
    tag_id INTEGER REFERENCES tag (id)
);
