import { migration } from '#libs/database';

/** Rules that a service declared once and does not declare any more, until an operator has confirmed that they end. */
export const droppedRules = migration(
  '0080-dropped-rules',
  `alter table service_rules add column dropped jsonb not null default '[]', add column dropped_at timestamptz`,
);
