-- placement: reference
-- Which worker stands where: what the API chooses a new restaurant's id by. "db migrate" keeps it as the topology is.
CREATE TABLE workers (
    name      text PRIMARY KEY,
    region    text NOT NULL,
    -- The index in the topology; on stock PostgreSQL also the remainder of the worker's partitions.
    position  integer NOT NULL UNIQUE CHECK (position >= 0),
    -- Of pg_dist_node; null on stock PostgreSQL.
    node_id   integer
);

GRANT SELECT ON workers TO dinehub_api;
