-- placement: reference
-- The terms that a restaurant sells on. Restaurants that were there before are open all week: they took orders at all times.
ALTER TABLE restaurants
    ADD COLUMN phone                text NOT NULL DEFAULT '',
    ADD COLUMN other_tax_rates      jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN opening_hours        jsonb NOT NULL DEFAULT '{"weekly": [
        {"day": "Monday", "opens": "00:00", "closes": "00:00"}, {"day": "Tuesday", "opens": "00:00", "closes": "00:00"},
        {"day": "Wednesday", "opens": "00:00", "closes": "00:00"}, {"day": "Thursday", "opens": "00:00", "closes": "00:00"},
        {"day": "Friday", "opens": "00:00", "closes": "00:00"}, {"day": "Saturday", "opens": "00:00", "closes": "00:00"},
        {"day": "Sunday", "opens": "00:00", "closes": "00:00"}], "exceptions": []}',
    ADD COLUMN minimum_order        bigint NOT NULL DEFAULT 0,
    ADD COLUMN preparation_minutes  integer NOT NULL DEFAULT 20,
    ADD COLUMN pickup               boolean NOT NULL DEFAULT true,
    ADD COLUMN table_service        boolean NOT NULL DEFAULT true,
    ADD COLUMN delivery_radius      integer,
    ADD COLUMN delivery_fee         bigint NOT NULL DEFAULT 0,
    ADD COLUMN closed_at            timestamptz,
    ADD COLUMN version              integer NOT NULL DEFAULT 1,
    -- Copied from "kitchens", which decides: a kitchen pauses also while a worker that holds other restaurants is down.
    ADD COLUMN paused_until         timestamptz,
    ADD COLUMN kitchen_version      integer NOT NULL DEFAULT 0;

-- By themselves and with names: Citus takes no column together with its constraint.
ALTER TABLE restaurants ADD CONSTRAINT restaurants_minimum_order CHECK (minimum_order >= 0);
ALTER TABLE restaurants ADD CONSTRAINT restaurants_preparation_minutes CHECK (preparation_minutes BETWEEN 1 AND 240);
ALTER TABLE restaurants ADD CONSTRAINT restaurants_delivery CHECK (delivery_radius > 0 AND delivery_fee >= 0);

GRANT INSERT, UPDATE ON restaurants TO dinehub_api;
