-- placement: distributed by restaurant_id
-- One row a restaurant: the whole current menu as a document, so that reading it costs one row of one shard.
-- "version" grows with every change; an order is stored only at the version that it was priced at.
CREATE TABLE menus (
    restaurant_id  uuid PRIMARY KEY,
    version        integer NOT NULL CHECK (version > 0),
    document       jsonb NOT NULL,
    updated_at     timestamptz NOT NULL
);

GRANT SELECT ON menus TO dinehub_api;
