-- placement: distributed by restaurant_id
-- What a kitchen changes while it works, beside the menu. Versions of its own: taking stock does not change the menu.
CREATE TABLE kitchens (
    restaurant_id    uuid PRIMARY KEY,
    version          integer NOT NULL CHECK (version > 0),
    paused_until     timestamptz,
    pause_reason     text,
    busy_until       timestamptz,
    busy_minutes     integer NOT NULL DEFAULT 15 CHECK (busy_minutes BETWEEN 0 AND 240),
    parallel_orders  integer NOT NULL DEFAULT 4 CHECK (parallel_orders BETWEEN 1 AND 1000),
    accept_minutes   integer NOT NULL DEFAULT 10 CHECK (accept_minutes BETWEEN 1 AND 120),
    busy_from        integer CHECK (busy_from > 0),
    full_from        integer CHECK (full_from > 0),
    updated_at       timestamptz NOT NULL,
    -- The version that the directory has; behind "version" until upkeep has copied it.
    listed_version   integer NOT NULL DEFAULT 0
);

INSERT INTO kitchens (restaurant_id, version, listed_version, updated_at) SELECT restaurant_id, 1, 1, updated_at FROM menus;

-- What is tracked. The check is what no race gets past: a statement that would sell more than there is fails as a whole.
CREATE TABLE stock (
    restaurant_id  uuid NOT NULL,
    item_id        text NOT NULL,
    quantity       integer NOT NULL CONSTRAINT stock_is_not_oversold CHECK (quantity >= 0),
    low_mark       integer NOT NULL CHECK (low_mark >= 0),
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (restaurant_id, item_id)
);

-- Items and options that are off the menu for now ("86"): {"item": {"until": null}, "item/option": {"until": "2026-01-01T12:00:00Z"}}
ALTER TABLE menus ADD COLUMN unavailable jsonb NOT NULL DEFAULT '{}';

GRANT INSERT, UPDATE ON menus TO dinehub_api;
GRANT SELECT, INSERT, UPDATE ON kitchens TO dinehub_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON stock TO dinehub_api;
