-- What the hub knows of content: tags and their configuration, packages, builds, rpms, repos, buildroots.
--
-- A versioned table keeps its past: a row is true from create_event until revoke_event, and `active` is 1 while
-- it is true now, NULL once it was revoked, so that a UNIQUE over (…, active) holds for the present only.

CREATE TABLE tag (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE tag_config (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    arches TEXT,
    perm_id INTEGER REFERENCES permissions (id),
    locked INTEGER NOT NULL DEFAULT 0,
    maven_support INTEGER NOT NULL DEFAULT 0,
    maven_include_all INTEGER NOT NULL DEFAULT 0,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (tag_id, active)
);

-- A NULL value blocks what the tag would inherit under that key.
CREATE TABLE tag_extra (
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

CREATE TABLE tag_inheritance (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    parent_id INTEGER NOT NULL REFERENCES tag (id),
    priority INTEGER NOT NULL,
    maxdepth INTEGER,
    intransitive INTEGER NOT NULL DEFAULT 0,
    noconfig INTEGER NOT NULL DEFAULT 0,
    pkg_filter TEXT NOT NULL DEFAULT '',
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (tag_id, priority, active)
);

CREATE TABLE build_target (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE build_target_config (
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

CREATE TABLE package (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE tag_packages (
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    package_id INTEGER NOT NULL REFERENCES package (id),
    blocked INTEGER NOT NULL DEFAULT 0,
    extra_arches TEXT,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (package_id, tag_id, active)
);

CREATE TABLE tag_package_owners (
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

CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE group_config (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    blocked INTEGER NOT NULL DEFAULT 0,
    exported INTEGER NOT NULL DEFAULT 1,
    display_name TEXT NOT NULL,
    is_default INTEGER,
    uservisible INTEGER,
    description TEXT,
    langonly TEXT,
    biarchonly INTEGER,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (group_id, tag_id, active)
);

CREATE TABLE group_package_listing (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    package TEXT NOT NULL,
    blocked INTEGER NOT NULL DEFAULT 0,
    type TEXT NOT NULL,
    basearchonly INTEGER,
    requires TEXT,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (group_id, tag_id, package, active)
);

CREATE TABLE group_req_listing (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    req_id INTEGER NOT NULL REFERENCES groups (id),
    blocked INTEGER NOT NULL DEFAULT 0,
    type TEXT,
    is_metapkg INTEGER NOT NULL DEFAULT 0,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (group_id, tag_id, req_id, active)
);

-- Row 0 stands for the hub's own builds.
CREATE TABLE external_repo (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO external_repo (id, name) VALUES (0, 'INTERNAL');

CREATE TABLE external_repo_config (
    external_repo_id INTEGER NOT NULL REFERENCES external_repo (id),
    url TEXT NOT NULL,
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (external_repo_id, active)
);

CREATE TABLE tag_external_repos (
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

CREATE TABLE volume (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO volume (id, name) VALUES (0, 'DEFAULT');

CREATE TABLE build (
    id INTEGER PRIMARY KEY,
    pkg_id INTEGER NOT NULL REFERENCES package (id),
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    epoch INTEGER,
    draft INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL,
    volume_id INTEGER NOT NULL DEFAULT 0 REFERENCES volume (id),
    task_id INTEGER REFERENCES task (id),
    owner INTEGER NOT NULL REFERENCES users (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    start_time REAL,
    completion_time REAL,
    source TEXT,
    extra TEXT,
    UNIQUE (pkg_id, version, release)
);
CREATE INDEX build_by_task ON build (task_id);

CREATE TABLE tag_listing (
    build_id INTEGER NOT NULL REFERENCES build (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    revoke_event INTEGER REFERENCES events (id),
    creator_id INTEGER NOT NULL REFERENCES users (id),
    revoker_id INTEGER REFERENCES users (id),
    active INTEGER DEFAULT 1 CHECK (active = 1),
    UNIQUE (build_id, tag_id, active)
);
CREATE INDEX tag_listing_by_tag ON tag_listing (tag_id);

CREATE TABLE repo (
    id INTEGER PRIMARY KEY,
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    begin_event INTEGER REFERENCES events (id),
    end_event INTEGER REFERENCES events (id),
    creation_time REAL NOT NULL,
    state INTEGER NOT NULL,
    state_time REAL NOT NULL,
    dist INTEGER NOT NULL DEFAULT 0,
    task_id INTEGER REFERENCES task (id),
    opts TEXT NOT NULL DEFAULT '{}',
    custom_opts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX repo_by_tag ON repo (tag_id, state);

CREATE TABLE repo_queue (
    id INTEGER PRIMARY KEY,
    create_time REAL NOT NULL,
    owner INTEGER REFERENCES users (id),
    priority INTEGER NOT NULL,
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    at_event INTEGER REFERENCES events (id),
    min_event INTEGER REFERENCES events (id),
    opts TEXT NOT NULL DEFAULT '{}',
    update_time REAL NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    task_id INTEGER REFERENCES task (id),
    tries INTEGER NOT NULL DEFAULT 0,
    repo_id INTEGER REFERENCES repo (id)
);

CREATE TABLE buildroot (
    id INTEGER PRIMARY KEY,
    br_type INTEGER NOT NULL DEFAULT 0,
    container_arch TEXT,
    container_type TEXT,
    host_id INTEGER NOT NULL REFERENCES host (id),
    repo_id INTEGER NOT NULL REFERENCES repo (id),
    task_id INTEGER REFERENCES task (id),
    create_event INTEGER NOT NULL REFERENCES events (id),
    retire_event INTEGER REFERENCES events (id),
    state INTEGER NOT NULL
);
CREATE INDEX buildroot_by_task ON buildroot (task_id);

CREATE TABLE rpminfo (
    id INTEGER PRIMARY KEY,
    build_id INTEGER REFERENCES build (id),
    buildroot_id INTEGER REFERENCES buildroot (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    epoch INTEGER,
    arch TEXT NOT NULL,
    draft INTEGER NOT NULL DEFAULT 0,
    external_repo_id INTEGER NOT NULL DEFAULT 0 REFERENCES external_repo (id),
    payloadhash TEXT NOT NULL,
    size INTEGER NOT NULL,
    buildtime INTEGER NOT NULL,
    metadata_only INTEGER NOT NULL DEFAULT 0,
    extra TEXT,
    UNIQUE (name, version, release, arch, external_repo_id)
);
CREATE INDEX rpminfo_by_build ON rpminfo (build_id);

CREATE TABLE buildroot_listing (
    buildroot_id INTEGER NOT NULL REFERENCES buildroot (id),
    rpm_id INTEGER NOT NULL REFERENCES rpminfo (id),
    is_update INTEGER NOT NULL DEFAULT 0,
    UNIQUE (buildroot_id, rpm_id)
);
CREATE INDEX buildroot_listing_by_rpm ON buildroot_listing (rpm_id);
