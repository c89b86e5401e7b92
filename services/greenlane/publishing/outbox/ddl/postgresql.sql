-- Greenlane's outbox for PostgreSQL 12 and newer. Insert into it in the transaction that changes your own tables.
-- What you write: id, type, aggregateid, time, payload. Leave the other columns to their defaults.
CREATE TABLE greenlane_outbox (
    position      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,         -- the order in which rows were written
    id            varchar(255) NOT NULL,                                  -- the event's id: yours, and it never changes
    type          varchar(255) NOT NULL,                                  -- for example greenlane.parcel.packed.v1
    aggregatetype varchar(255) NOT NULL DEFAULT '{marketplace}',  -- the marketplace
    aggregateid   varchar(255) NOT NULL,                                  -- the seller; the key of the record
    time          varchar(255) NOT NULL,                                  -- when it happened: RFC 3339 with an offset
    payload       text NOT NULL,                                          -- the event's data, a JSON object
    written_at    timestamptz NOT NULL DEFAULT now(),
    -- what the relay says of the row
    state         varchar(8) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'refused')),
    ended_at      timestamptz,                                            -- when it was sent or refused
    refusal       text                                                    -- column, problem and remedy
);
CREATE INDEX greenlane_outbox_pending ON greenlane_outbox (position) WHERE state = 'pending';
CREATE INDEX greenlane_outbox_ended ON greenlane_outbox (state, ended_at) WHERE state <> 'pending';

-- Wakes the relay at once; without it, the relay looks once a second. Leave it out where over a thousand transactions
-- a second commit: PostgreSQL lets those that notify commit one after the other.
CREATE FUNCTION greenlane_outbox_wake() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('greenlane_outbox', ''); RETURN NULL; END $$;
CREATE TRIGGER greenlane_outbox_wake AFTER INSERT ON greenlane_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION greenlane_outbox_wake();

-- All that the relay's user needs:
--   GRANT SELECT, DELETE, UPDATE (state, ended_at, refusal) ON greenlane_outbox TO the_relays_user;
