import { migration } from '#libs/database';

export const departureNews = migration(
  '0031-departure-news',
  // What has to be said of departures, once for each round. A row stays, so that it is not said for another reason again.
  `create table departure_news (
    departure_id uuid not null references departure,
    type text not null,
    round int not null,
    id uuid not null unique,
    at timestamptz not null,
    told boolean not null default false,
    look_after timestamptz not null default '-infinity',
    primary key (departure_id, type, round)
  )`,
  'create index departure_news_to_tell on departure_news (look_after) where not told',
);
