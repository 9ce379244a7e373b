-- placement: reference
-- Data-protection keys, each encrypted with a key that is in no database. Two replicas that make one at the same moment want the same
-- ordinal: one of them gets it.
CREATE TABLE data_protection_keys (
    ordinal     integer PRIMARY KEY,
    name        text NOT NULL,
    xml         text NOT NULL,
    created_at  timestamptz NOT NULL
);

-- What is random once for a deployment, and the same for all replicas.
CREATE TABLE deployment (
    name   text PRIMARY KEY,
    value  text NOT NULL
);

INSERT INTO deployment (name, value) VALUES ('account-salt', gen_random_uuid()::text || gen_random_uuid()::text);

GRANT SELECT, INSERT ON data_protection_keys TO dinehub_api;
GRANT SELECT ON deployment TO dinehub_api;
