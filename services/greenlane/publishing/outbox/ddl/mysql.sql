-- Greenlane's outbox for MySQL 8.0.16 and MariaDB 10.6, and newer. Insert into it in the transaction that changes your
-- own tables. What you write: id, type, aggregateid, time, payload. Leave the other columns to their defaults.
CREATE TABLE greenlane_outbox (
    position      bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,              -- the order in which rows were written
    id            varchar(255) NOT NULL,                                  -- the event's id: yours, and it never changes
    type          varchar(255) NOT NULL,                                  -- for example greenlane.parcel.packed.v1
    aggregatetype varchar(255) NOT NULL DEFAULT '{marketplace}',  -- the marketplace
    aggregateid   varchar(255) NOT NULL,                                  -- the seller; the key of the record
    time          varchar(255) NOT NULL,                                  -- when it happened: RFC 3339 with an offset
    payload       mediumtext NOT NULL,                                    -- the event's data, a JSON object
    written_at    timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    -- what the relay says of the row
    state         varchar(8) NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'refused')),
    ended_at      timestamp(6) NULL DEFAULT NULL,                         -- when it was sent or refused
    refusal       text,                                                   -- column, problem and remedy
    INDEX greenlane_outbox_pending (state, position),
    INDEX greenlane_outbox_ended (state, ended_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- All that the relay's user needs:
--   GRANT SELECT, DELETE, UPDATE (state, ended_at, refusal) ON greenlane_outbox TO the_relays_user;
