-- placement: distributed by restaurant_id
-- Who works where. It decides; an account's "memberships" only tell where to look.
CREATE TABLE staff (
    restaurant_id  uuid NOT NULL,
    account_id     uuid NOT NULL,
    role           text NOT NULL CHECK (role IN ('Kitchen', 'Manager', 'Owner')),
    email          text NOT NULL,
    name           text NOT NULL,
    added_at       timestamptz NOT NULL,
    PRIMARY KEY (restaurant_id, account_id)
);

CREATE TABLE invitations (
    restaurant_id  uuid NOT NULL,
    id             uuid NOT NULL,
    email          text NOT NULL,
    role           text NOT NULL CHECK (role IN ('Kitchen', 'Manager', 'Owner')),
    token_hash     bytea NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    accepted_at    timestamptz,
    PRIMARY KEY (restaurant_id, id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON staff TO dinehub_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO dinehub_api;
