-- placement: distributed by restaurant_id
-- An order is one row and one statement: lines and history are documents in the row. Amounts are in minor currency units.
CREATE TABLE orders (
    restaurant_id    uuid NOT NULL,
    id               uuid NOT NULL,
    idempotency_key  text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    request_hash     bytea NOT NULL,
    tracking_token   text NOT NULL,
    status           text NOT NULL CHECK (status IN ('Placed', 'Accepted', 'Preparing', 'Ready', 'Completed', 'Rejected', 'Cancelled', 'Expired')),
    fulfilment       jsonb NOT NULL,
    customer         jsonb NOT NULL,
    currency         text NOT NULL,
    lines            jsonb NOT NULL,
    subtotal         bigint NOT NULL CHECK (subtotal >= 0),
    tax              bigint NOT NULL CHECK (tax >= 0),
    total            bigint NOT NULL CHECK (total >= 0),
    menu_version     integer NOT NULL,
    history          jsonb NOT NULL,
    version          integer NOT NULL CHECK (version > 0),
    placed_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    PRIMARY KEY (restaurant_id, id),
    UNIQUE (restaurant_id, idempotency_key)
);

CREATE INDEX orders_by_status ON orders (restaurant_id, status, placed_at);

GRANT SELECT, INSERT, UPDATE ON orders TO dinehub_api;
