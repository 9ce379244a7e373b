-- placement: distributed by restaurant_id
-- Each column has a default, so that the version before this one goes on placing orders.
ALTER TABLE orders
    ADD COLUMN note           text,
    ADD COLUMN account_id     uuid,
    ADD COLUMN payment        text NOT NULL DEFAULT 'AtCounter',
    ADD COLUMN delivery_fee   bigint NOT NULL DEFAULT 0,
    ADD COLUMN tip            bigint NOT NULL DEFAULT 0,
    ADD COLUMN scheduled_for  timestamptz,
    ADD COLUMN ready_by       timestamptz,
    ADD COLUMN expires_at     timestamptz,
    -- What was taken from stock, [{"itemId": "…", "quantity": 1}], so that it can be put back.
    ADD COLUMN stock_taken    jsonb,
    -- Whether the customer's account lists it: that is a row on another shard.
    ADD COLUMN listed         boolean NOT NULL DEFAULT false,
    ADD COLUMN erased_at      timestamptz;

ALTER TABLE orders ADD CONSTRAINT orders_payment CHECK (payment IN ('AtCounter', 'OnDelivery'));
ALTER TABLE orders ADD CONSTRAINT orders_extras CHECK (delivery_fee >= 0 AND tip >= 0);

CREATE INDEX orders_by_change ON orders (restaurant_id, updated_at);
CREATE INDEX orders_unlisted ON orders (restaurant_id, placed_at) WHERE account_id IS NOT NULL AND NOT listed;
CREATE INDEX orders_by_time ON orders (restaurant_id, placed_at, id);
