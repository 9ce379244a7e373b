-- placement: distributed by account_id
-- An account's id is a keyed hash of its email address: the address is unique without an index over all shards, and signing in
-- touches one.
CREATE TABLE accounts (
    account_id     uuid PRIMARY KEY,
    email          text NOT NULL,
    name           text NOT NULL,
    phone          text NOT NULL,
    password_hash  text NOT NULL,
    -- Grows when all sessions end; a refresh token of an earlier one is refused.
    session_epoch  integer NOT NULL,
    is_operator    boolean NOT NULL,
    created_at     timestamptz NOT NULL
);

-- For addresses without an account too: an answer must not tell whether there is one.
CREATE TABLE sign_in_attempts (
    account_id    uuid PRIMARY KEY,
    failures      integer NOT NULL,
    locked_until  timestamptz,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE memberships (
    account_id     uuid NOT NULL,
    restaurant_id  uuid NOT NULL,
    PRIMARY KEY (account_id, restaurant_id)
);

CREATE TABLE account_orders (
    account_id       uuid NOT NULL,
    restaurant_id    uuid NOT NULL,
    order_id         uuid NOT NULL,
    restaurant_name  text NOT NULL,
    currency         text NOT NULL,
    total            bigint NOT NULL,
    placed_at        timestamptz NOT NULL,
    PRIMARY KEY (account_id, restaurant_id, order_id)
);

CREATE INDEX account_orders_by_time ON account_orders (account_id, placed_at, order_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts TO dinehub_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempts TO dinehub_api;
GRANT SELECT, INSERT, DELETE ON memberships TO dinehub_api;
GRANT SELECT, INSERT, DELETE ON account_orders TO dinehub_api;
