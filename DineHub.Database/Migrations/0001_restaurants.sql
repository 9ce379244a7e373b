-- placement: reference
-- The directory: read on every node, written seldom. Nothing on the path of an order is written here,
-- because a write to a reference table needs every node (two-phase commit on Citus).
CREATE TABLE restaurants (
    id                     uuid PRIMARY KEY,
    slug                   text NOT NULL UNIQUE,
    name                   text NOT NULL,
    description            text NOT NULL,
    region                 text NOT NULL,
    city                   text NOT NULL,
    address                text NOT NULL,
    latitude               double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude              double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    cuisines               text[] NOT NULL,
    currency               text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    tax_rate_basis_points  integer NOT NULL CHECK (tax_rate_basis_points BETWEEN 0 AND 10000),
    tax_included           boolean NOT NULL,
    time_zone              text NOT NULL,
    created_at             timestamptz NOT NULL
);

CREATE INDEX restaurants_by_name ON restaurants (name, id);

GRANT SELECT ON restaurants TO dinehub_api;
